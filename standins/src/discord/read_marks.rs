//! What a test has read of what the bot sent.

use super::message::{Event, EventKind, Message};
use crate::request::Request;
use std::collections::HashMap;

/// How far a test has read.
#[derive(Debug, Default)]
pub(super) struct ReadMarks {
    /// By a message's id: how many edits it had when it was read.
    messages: HashMap<String, usize>,
    /// Refusals and deletions before this index in the events were read.
    events: usize,
    /// Requests before this index were read.
    requests: usize,
}

impl ReadMarks {
    /// Marks this version of a message as read; a later edit makes it unread again.
    pub fn message(&mut self, message: &Message) {
        self.messages.insert(message.id.clone(), message.edits);
    }

    pub fn events(&mut self, all: &[Event]) {
        self.events = all.len();
    }

    pub fn requests(&mut self, all: &[Request]) {
        self.requests = all.len();
    }

    /// What is unread, one line each.
    pub fn unread(
        &self,
        messages: &[Message],
        events: &[Event],
        requests: &[Request],
    ) -> Vec<String> {
        let of_the_bot = messages.iter().filter(|message| message.author.is_none());
        let messages = of_the_bot.filter(|message| !self.is_read(message)).map(line);
        let events = events.iter().skip(self.events).filter_map(|event| match &event.kind {
            EventKind::Deleted { message_id } => Some(format!("deleted message {message_id}")),
            EventKind::Refused { status, why, .. } => {
                Some(format!("a request that Discord refused with {status}: {why}"))
            }
            _ => None,
        });
        // Writes of messages show as messages or refusals.
        let requests = requests.iter().skip(self.requests).filter(|request| {
            request.is_write() && request.status < 400 && request.path.contains("/applications/")
        });
        messages.chain(events).chain(requests.map(Request::line)).collect()
    }

    fn is_read(&self, message: &Message) -> bool {
        self.messages.get(&message.id) == Some(&message.edits)
    }
}

fn line(message: &Message) -> String {
    let kind = match (message.interaction_id.is_empty(), message.follow_up) {
        (true, _) => "channel message",
        (false, true) => "follow-up",
        (false, false) => "original response",
    };
    let text = if message.loading { "(thinking)" } else { &message.content };
    format!("{kind} {}, edited {} times: {text}", message.id, message.edits)
}
