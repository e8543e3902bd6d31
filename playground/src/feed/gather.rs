//! Looks at the stand-ins, and tells the feed what changed.

use std::collections::HashMap;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use standins::discord::{Discord, Event, EventKind, Message};
use standins::github::Github;

use super::{Feed, set, wire};

/// The pause between two looks. An edit is on the page within it.
pub(crate) const LOOK: Duration = Duration::from_millis(30);
/// How many runs are shown.
const RUNS: usize = 8;

/// What was told already.
pub(crate) struct Gatherer {
    discord: Discord,
    github: Github,
    feed: Feed,
    events: usize,
    of_discord: usize,
    of_github: usize,
    /// The first delivery that may still change.
    deliveries: usize,
    /// Deliveries that were told, by their ids.
    told: HashMap<String, Value>,
    runs: HashMap<String, Value>,
    pictures: Vec<String>,
}

impl Gatherer {
    pub(crate) fn new(discord: Discord, github: Github, feed: Feed) -> Self {
        Self {
            discord,
            github,
            feed,
            events: 0,
            of_discord: 0,
            of_github: 0,
            deliveries: 0,
            told: HashMap::new(),
            runs: HashMap::new(),
            pictures: Vec::new(),
        }
    }

    /// Looks for ever.
    pub(crate) async fn run(mut self) {
        loop {
            self.look();
            tokio::time::sleep(LOOK).await;
        }
    }

    fn look(&mut self) {
        // Requests first: what they brought about follows them.
        for request in self.github.requests_since(self.of_github) {
            self.feed.push(wire::request("GitHub", self.of_github, &request));
            self.of_github += 1;
        }
        for request in self.discord.requests_since(self.of_discord) {
            self.feed.push(wire::request("Discord", self.of_discord, &request));
            self.of_discord += 1;
        }
        self.deliveries();
        for event in self.discord.conversation_since(self.events) {
            self.events += 1;
            self.event(&event);
        }
        for run in self.github.board(RUNS) {
            let id = run.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
            if self.runs.get(&id) != Some(&run) {
                self.feed.push(json!({"t": "run", "run": run}));
                self.runs.insert(id, run);
            }
        }
    }

    fn deliveries(&mut self) {
        let mut settled = true;
        for delivery in self.github.deliveries_since(self.deliveries) {
            settled &= !delivery.under_way;
            let line = wire::delivery(&delivery);
            if self.told.get(&delivery.id) != Some(&line) {
                self.feed.push(line.clone());
                self.told.insert(delivery.id, line);
            }
            if settled {
                self.deliveries += 1;
            }
        }
    }

    fn event(&mut self, event: &Event) {
        let id = &event.interaction_id;
        match &event.kind {
            // Told when they are sent.
            EventKind::UserTyped { .. }
            | EventKind::UserPressed { .. }
            | EventKind::UserSubmitted { .. }
            // Answered to who types.
            | EventKind::Choices { .. } => {}
            EventKind::Thinking { .. } => {
                let all = self.discord.peek(id);
                let Some(original) = all.iter().find(|message| !message.follow_up) else { return };
                // As it was then: it may have changed meanwhile.
                let mut then = original.clone();
                then.loading = true;
                then.edits = 0;
                then.content.clear();
                then.components.clear();
                then.attachments.clear();
                self.message(&then);
            }
            EventKind::Posted { message, .. } | EventKind::Edited { message, .. } => {
                self.message(message);
            }
            EventKind::Deleted { message_id } => {
                self.feed.push(json!({"t": "gone", "id": message_id}));
            }
            EventKind::Modal { modal } => {
                self.feed.push(json!({"t": "modal", "id": id, "modal": modal}));
            }
            EventKind::NoResponse { why } => {
                self.feed.push(json!({"t": "dead", "id": id, "why": why}));
            }
            EventKind::Refused { status, code, why } => {
                let why = format!("{status}, code {code}: {why}");
                self.feed.push(json!({"t": "refused", "id": id, "why": why}));
            }
        }
    }

    fn message(&mut self, message: &Message) {
        for file in &message.attachments {
            if !self.pictures.contains(&file.id) {
                self.pictures.push(file.id.clone());
                self.feed.push(json!({
                    "t": "file",
                    "id": file.id,
                    "type": file.content_type,
                    "data": STANDARD.encode(&file.bytes),
                }));
            }
        }
        let mut shown = json!(message);
        set(&mut shown, "channel", json!(message.channel_id));
        self.feed.push(json!({"t": "message", "message": shown}));
    }
}
