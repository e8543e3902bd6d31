//! Watches: runs that nobody started in Discord get a card in a channel.

mod clicks;
mod ours;
mod pings;
mod refused;
mod runs;
mod set_up;

use std::sync::Arc;
use std::time::Duration;

use deckhand::agents::Watch;
use standins::discord::{CHANNEL_ID, Message};
use standins::github::{Hook, NewRun, Scenario, Timetable, Workflow};

use crate::world::{Lying, Plan, World, durable};

pub(crate) const MINUTE: Duration = Duration::from_secs(60);

/// The built-in agents, and these watches: the lines of each, with `CHANNEL` for the channel of the stories.
pub(crate) fn agents(watches: &[&str]) -> &'static str {
    let watches = watches
        .iter()
        .map(|lines| format!("\n[[watch]]\n{}\n", lines.replace("CHANNEL", CHANNEL_ID)));
    let text = format!("{}{}", include_str!("../../agents.toml"), watches.collect::<String>());
    Box::leak(text.into_boxed_str())
}

/// A world with these watches, a bot and a hook.
pub(crate) async fn watching(watches: &[&str]) -> (World, Arc<Lying>) {
    of(watches, |plan| plan, |hook| hook).await
}

/// The same with other settings, and another hook.
pub(crate) async fn of(
    watches: &[&str],
    plan: impl FnOnce(Plan) -> Plan,
    hook: impl FnOnce(Hook) -> Hook,
) -> (World, Arc<Lying>) {
    let mut scenario = Scenario::default();
    scenario.add_workflow(Workflow::new("ci.yml", "CI"));
    let (of_store, store) = durable(scenario);
    let agents = Some(agents(watches));
    let world = World::durable(plan(Plan { agents, ..of_store }).with_bot().with_webhooks()).await;
    world.add_hook(hook(world.hook())).await;
    (world, store)
}

pub(crate) const ALL: &str = "channel = \"CHANNEL\"";

/// A push to main that runs `ci.yml` for a minute and ends so.
pub(crate) fn push(conclusion: &str) -> NewRun {
    let timetable = Timetable {
        queued: Duration::from_secs(2),
        running: Duration::from_secs(58),
        ..Timetable::ending(conclusion)
    };
    NewRun {
        workflow: "ci.yml".to_owned(),
        event: "push".to_owned(),
        actor: "octocat".to_owned(),
        title: "Fix the login".to_owned(),
        timetable,
        ..NewRun::default()
    }
}

impl World {
    /// Such a run begins, and everything that comes of it within two minutes happens.
    pub(crate) async fn runs(&self, run: NewRun) -> u64 {
        let id = self.github.add_run(run);
        self.passes(2 * MINUTE).await;
        self.settle().await;
        id
    }

    /// The cards: the bot's messages that reply to none.
    pub(crate) fn cards(&self) -> Vec<Message> {
        let posts = self.posts().into_iter();
        posts
            .filter(|post| post.reply_to.is_none())
            .inspect(|post| self.discord.mark_read(post))
            .collect()
    }

    pub(crate) fn card(&self) -> Message {
        let mut cards = self.cards();
        assert_eq!(cards.len(), 1, "exactly one card: {cards:#?}");
        cards.remove(0)
    }

    /// What was posted besides: the replies.
    pub(crate) fn told_of_cards(&self) -> Vec<Message> {
        let posts = self.posts().into_iter();
        posts
            .filter(|post| post.reply_to.is_some())
            .inspect(|post| self.discord.mark_read(post))
            .collect()
    }
}

#[test]
fn a_story_s_watch_is_what_it_says() {
    let registry = deckhand::agents::file::parse("x.toml", agents(&[ALL])).unwrap();
    let [Watch { channel, .. }] = registry.watches() else { panic!("one watch") };
    assert_eq!(channel.to_string(), CHANNEL_ID);
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_shown_with_its_cause_and_what_changed() {
    let (world, _) = watching(&["channel = \"CHANNEL\"\nping = \"77\""]).await;
    world.runs(push("success")).await;
    let run = NewRun { workflow: "client-deploy.yml".to_owned(), ..push("success") };
    world.runs(run.clone()).await;
    world.runs(NewRun { timetable: push("failure").timetable, ..run }).await;
    let cards = world.cards();
    let told = world.told_of_cards();
    assert_eq!((cards.len(), told.len()), (3, 1), "{cards:#?}");
    let said = format!("{}\n\n{}", cards[2].content, told[0].content);
    insta::assert_snapshot!(said.replace(&world.github.url(), "GITHUB"));
}
