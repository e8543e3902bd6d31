//! A world in which deploys outlive the process: the sweep, GitHub's webhooks, the bot's own token.

use std::sync::Arc;
use std::time::Duration;

use deckhand::deploy::stored::{Entry, history};
use deckhand::store::Memory;
use standins::discord::Message;
use standins::github::{Hook, Scenario};

use super::{Lying, Plan, Remembers, World};

/// The token of the bot.
pub(crate) const BOT_TOKEN: &str = "standin.bot-token-of-the-stories";

/// What GitHub signs its deliveries with.
pub(crate) const WEBHOOK_SECRET: &str = "the secret of the stories' hook";

/// A plan with a store that outlives the process, and that store.
pub(crate) fn durable(scenario: Scenario) -> (Plan, Arc<Lying>) {
    let store = Lying::around(Arc::new(Memory::default()));
    let remembers = Remembers::In(store.clone());
    (Plan { scenario, remembers, ..Plan::default() }, store)
}

impl Plan {
    /// The bot has a token of its own.
    pub(crate) fn with_bot(mut self) -> Self {
        self.env.push(("DISCORD_BOT_TOKEN", BOT_TOKEN.to_owned()));
        self
    }

    /// Deliveries of GitHub's are accepted. That they come takes a hook; see [`World::hook`].
    pub(crate) fn with_webhooks(mut self) -> Self {
        self.env.push(("GITHUB_WEBHOOK_SECRET", WEBHOOK_SECRET.to_owned()));
        self
    }
}

impl World {
    /// A world of this plan, where Discord knows the bot's token.
    pub(crate) async fn durable(plan: Plan) -> Self {
        let world = Self::of(plan).await;
        world.discord.set_bot_token(BOT_TOKEN);
        world
    }

    /// The hook of the repository, which delivers to this world's bot.
    pub(crate) fn hook(&self) -> Hook {
        Hook::new(self.endpoint(), "octo-org/web-client", WEBHOOK_SECRET)
    }

    /// Adds a hook, and its ping arrives. Returns its id.
    pub(crate) async fn add_hook(&self, hook: Hook) -> u64 {
        let id = self.github.add_hook(hook);
        self.passes(Duration::from_secs(1)).await;
        id
    }

    /// A long time passes at once. Nothing may be under way.
    pub(crate) async fn leaps(&self, time: Duration) {
        tokio::time::advance(time).await;
    }

    /// What the bot posted by its own token.
    pub(crate) fn posts(&self) -> Vec<Message> {
        self.discord.channel_messages()
    }

    /// The one message that the bot posted by its own token.
    pub(crate) fn post_of_the_bot(&self) -> Message {
        let mut posts = self.posts();
        assert_eq!(posts.len(), 1, "exactly one message of the bot's: {posts:#?}");
        posts.remove(0)
    }
}

impl Lying {
    /// The deploys of `/deploy-client`, the latest first.
    pub(crate) async fn deploys(&self) -> Vec<Entry> {
        history(self, "deploy_client", 100).await.unwrap()
    }

    /// How the only one of them ended: GitHub's conclusion, or why there is none.
    pub(crate) async fn end(&self) -> String {
        let deploys = self.deploys().await;
        assert_eq!(deploys.len(), 1, "exactly one deploy: {deploys:#?}");
        match &deploys[0].state {
            deckhand::deploy::stored::State::Ended { word, .. } => word.clone(),
            state => panic!("it has not ended: {state:?}"),
        }
    }
}
