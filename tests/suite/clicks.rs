//! Buttons of a deploy's message: what is seen, what GitHub is asked for, and what the record keeps of it.

/// The `agents.toml` of an agent that deploys the client, with these lines at its end.
macro_rules! client_deploy {
    ($($more:literal)?) => {
        concat!(
            r#"
[[agent]]
id = "deploy_client"
name = "Client deploy"
description = "Deploys the client"
command = "deploy-client"
kind = "deploy"
workflow = "client-deploy.yml"
ref = "main"
"#,
            $($more)?
        )
    };
}

mod approval;
mod cancel;
mod commands;
mod confirm;
mod fallback;
mod other_order;
mod pace;
mod refresh;
mod refused;
mod rerun;
mod roll_back;
mod slow;
mod taken_over;

use std::sync::Arc;
use std::time::Duration;

use deckhand::deploy::stored::Entry;
use serde_json::Value;
use standins::discord::{Answer, Interaction, Message, User};
use standins::github::{Scenario, Timetable};

use crate::world::{Lying, Plan, Told, World, durable};

const WAIT: &str = "/deploy-client wait:true";

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A run that is in progress from its third second on, and ends so after so many.
fn taking(conclusion: &str, running: u64) -> Timetable {
    Timetable { running: seconds(running), ..Timetable::ending(conclusion) }
}

/// Every run goes so.
fn runs(timetable: Timetable) -> Scenario {
    Scenario { timetable, ..Scenario::default() }
}

/// A deploy that ada has requested and waits for.
struct Story {
    world: World,
    store: Arc<Lying>,
    interaction: Interaction,
    answer: Answer,
}

impl Story {
    /// Its run began so many seconds ago.
    async fn after(scenario: Scenario, time: u64) -> Self {
        Self::of(scenario, time, |plan| plan).await
    }

    /// The same with a changed plan.
    async fn of(scenario: Scenario, time: u64, change: impl FnOnce(Plan) -> Plan) -> Self {
        let (plan, store) = durable(scenario);
        let world = World::durable(change(plan.with_bot())).await;
        Self::begins(world, store, time).await
    }

    async fn begins(world: World, store: Arc<Lying>, time: u64) -> Self {
        let interaction = world.interaction("ada", WAIT);
        let answer = world.deliver(&interaction).await;
        world.passes(seconds(time)).await;
        Self { world, store, interaction, answer }
    }

    /// Its run has ended so, and all of that was told.
    async fn ended(conclusion: &str) -> Self {
        let story = Self::after(runs(taking(conclusion, 20)), 0).await;
        story.world.settle().await;
        story
    }

    /// What the deploy led to. Its dispatch is no news.
    fn told(&self) -> Told {
        self.world.dispatches();
        self.world.told(&self.interaction, self.answer.clone())
    }

    /// The deploy's message as it is now.
    fn card(&self) -> Message {
        self.told().original().clone()
    }

    /// Asserts that the deploy's message says this.
    fn shows(&self, expected: &str) {
        let shown = self.card().content;
        assert!(shown.contains(expected), "{expected}: {shown}");
    }

    /// What is on the message's buttons.
    fn buttons(&self) -> Vec<String> {
        self.card().buttons().into_iter().map(|button| button.label).collect()
    }

    /// What the message's button of this name says when it is pressed.
    fn button(&self, label: &str) -> String {
        let buttons = self.card().buttons();
        let button = buttons.into_iter().find(|button| button.label == label);
        button.expect("a button of this name").custom_id.expect("it opens no page")
    }

    /// Somebody presses the button of this name, and reads what they are told at once.
    async fn presses(&self, who: &str, label: &str) -> String {
        self.is_sent(&self.world.click(who, label)).await
    }

    /// The same by a custom id that need not be on the message any more.
    async fn forges(&self, who: &str, custom_id: &str) -> String {
        self.is_sent(&self.forged(who, custom_id)).await
    }

    fn forged(&self, who: &str, custom_id: &str) -> Interaction {
        let message = self.card().id;
        self.world.discord.click_forged(&User::named(who), &message, custom_id).unwrap()
    }

    /// An interaction arrives. What its user reads, and only they.
    async fn is_sent(&self, interaction: &Interaction) -> String {
        let answer = self.world.deliver(interaction).await;
        private(&answer)
    }

    /// What GitHub was asked to do, without the dispatch of the deploy itself.
    fn asked(&self) -> Vec<(String, String)> {
        let requests = self.world.github.requests();
        let writes = requests.into_iter().filter(standins::Request::is_write).skip(1);
        let path = |path: &str| path.trim_start_matches("/repos/octo-org/web-client/").to_owned();
        writes.map(|write| (write.method.clone(), path(&write.path))).collect()
    }

    /// The path of the deploy's run, for [`Self::asked`].
    fn run(&self, what: &str) -> (String, String) {
        ("POST".to_owned(), format!("actions/runs/{}/{what}", self.run_id()))
    }

    fn run_id(&self) -> u64 {
        self.world.github.dispatches()[0].run_id
    }

    /// The deploy as it is in the record.
    async fn record(&self) -> Entry {
        let deploys = self.store.deploys().await;
        let is_it = |entry: &Entry| entry.key.interaction_id.to_string() == self.interaction.id;
        deploys.into_iter().find(is_it).expect("it is in the record")
    }

    /// What people did to it by the record: what, who, at which attempt.
    async fn clicks(&self) -> Vec<(&'static str, u64, u64)> {
        let clicks = self.record().await.clicks;
        clicks.iter().map(|click| (click.action.word(), click.user_id, click.attempt)).collect()
    }
}

/// The text of an answer that only its user sees.
fn private(answer: &Answer) -> String {
    assert!(answer.accepted(), "{answer:?}");
    assert_eq!(answer.body["type"], 4, "{answer:?}");
    assert_eq!(answer.body["data"]["flags"], 64, "{answer:?}");
    answer.body["data"]["content"].as_str().unwrap().to_owned()
}

fn id_of(who: &str) -> u64 {
    User::named(who).id.parse().unwrap()
}

/// The same interaction with a changed payload, signed by Discord.
fn altered(
    world: &World,
    interaction: &Interaction,
    change: impl FnOnce(&mut Value),
) -> Interaction {
    let mut payload = serde_json::from_slice(&interaction.body).unwrap();
    change(&mut payload);
    world.discord.signed(payload)
}
