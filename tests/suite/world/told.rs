//! What one interaction led to. Reading a message here marks it as read.

use serde_json::Value;
use standins::discord::{Answer, Discord, Message};

/// What one interaction led to.
pub(crate) struct Told {
    /// The answer, for its times and headers; see [`Told::body`].
    pub answer: Answer,
    pub(super) messages: Vec<Message>,
    pub(super) discord: Discord,
}

impl Told {
    /// The type of the answer: 4 message, 5 deferred.
    pub(crate) fn kind(&self) -> u64 {
        self.answer.body["type"].as_u64().unwrap()
    }

    /// The answer's body.
    pub(crate) fn body(&self) -> &Value {
        read_answer(&self.discord, &self.messages);
        &self.answer.body
    }

    /// All messages, oldest first.
    pub(crate) fn messages(&self) -> &[Message] {
        self.messages.iter().for_each(|message| self.discord.mark_read(message));
        &self.messages
    }

    /// The original response as it is at last.
    pub(crate) fn original(&self) -> &Message {
        let original = self.messages.iter().find(|message| !is_told(message));
        let original = original.expect("an original response");
        self.discord.mark_read(original);
        original
    }

    /// The one follow-up, or the bot's own reply in its place. What asks for an approval is another.
    pub(crate) fn follow_up(&self) -> &Message {
        let is_outcome = |message: &&Message| is_told(message) && !asks_for_approval(message);
        let follow_ups: Vec<_> = self.messages.iter().filter(is_outcome).collect();
        assert_eq!(follow_ups.len(), 1, "exactly one follow-up: {:#?}", self.messages);
        self.discord.mark_read(follow_ups[0]);
        follow_ups[0]
    }

    /// The message that asks for an approval.
    pub(crate) fn asks_for_approval(&self) -> &Message {
        let asks = self.approvals_asked();
        assert_eq!(asks.len(), 1, "exactly one message asks for an approval: {:#?}", self.messages);
        asks[0]
    }

    /// The messages that ask for an approval.
    pub(crate) fn approvals_asked(&self) -> Vec<&Message> {
        let asks: Vec<_> = self.messages.iter().filter(|m| asks_for_approval(m)).collect();
        asks.iter().for_each(|message| self.discord.mark_read(message));
        asks
    }

    /// Asserts that the original response and the one follow-up both say this.
    pub(crate) fn both_say(&self, expected: &str) {
        for message in [self.original(), self.follow_up()] {
            assert!(message.content.contains(expected), "{expected}: {}", self.transcript());
        }
    }

    /// Asserts that the original response says this. The outcome's own message is shorter.
    pub(crate) fn card_says(&self, expected: &str) {
        let _ = self.follow_up();
        let content = &self.original().content;
        assert!(content.contains(expected), "{expected}: {}", self.transcript());
    }

    /// Asserts that the original response begins so, that nobody was pinged, and that nothing else was posted.
    pub(crate) fn only_shows(&self, expected: &str) {
        let original = self.original();
        assert!(original.content.starts_with(expected), "{expected}: {}", self.transcript());
        assert_eq!((self.messages.len(), original.pings.len()), (1, 0), "{}", self.transcript());
    }

    /// Asserts that both say this, and that the requester was pinged once.
    pub(crate) fn tells_once(&self, expected: &str) {
        self.both_say(expected);
        assert_eq!(self.original().pings.len(), 0, "{}", self.transcript());
        assert_eq!(self.follow_up().pings.len(), 1, "{}", self.transcript());
    }

    /// Does not read it.
    pub(crate) fn has_follow_up(&self) -> bool {
        self.messages.iter().any(is_told)
    }

    /// Everything that was said, for looking at.
    pub(crate) fn transcript(&self) -> String {
        let said = self.messages().iter().map(|message| {
            let kind = match (message.follow_up, message.reply_to.is_some()) {
                (true, _) => "follow-up",
                (false, true) => "reply",
                (false, false) => "original",
            };
            let ephemeral = if message.ephemeral { ", only for the caller" } else { "" };
            let pings = if message.pings.is_empty() {
                String::new()
            } else {
                format!(", pings {}", message.pings.join(" "))
            };
            format!("[{kind}{ephemeral}{pings}]\n{}", message.content)
        });
        said.collect::<Vec<_>>().join("\n\n")
    }
}

/// Whether a message tells something beside the original response.
fn is_told(message: &Message) -> bool {
    message.follow_up || message.reply_to.is_some()
}

/// Whether a message of its own asks for an approval, or has asked and tells what came of it.
pub(crate) fn asks_for_approval(message: &Message) -> bool {
    let asks = message.content.contains("Who may review can do it on the run's page");
    is_told(message)
        && (asks || ["✅", "⛔", "🚫", "⏹️"].iter().any(|lamp| message.content.starts_with(lamp)))
}

/// Reads the original response as it was in the answer: an edit makes it unread again.
pub(super) fn read_answer(discord: &Discord, messages: &[Message]) {
    let original = messages.iter().find(|message| !message.follow_up && message.edits == 0);
    original.into_iter().for_each(|message| discord.mark_read(message));
}
