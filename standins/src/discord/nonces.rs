//! Nonces: a message with a nonce that was used a moment ago is not posted twice.
//!
//! <https://docs.discord.com/developers/resources/message#create-message>

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

/// Discord's documentation says "the past few minutes".
const NONCE_LIVES: TimeDelta = TimeDelta::minutes(3);

/// The nonces of the bot's messages.
#[derive(Debug, Default)]
pub(super) struct Nonces(Vec<(Value, String, DateTime<Utc>)>);

impl Nonces {
    /// Remembers the message that was posted with a nonce.
    pub fn add(&mut self, now: DateTime<Utc>, nonce: Value, message_id: String) {
        self.0.push((nonce, message_id, now));
    }

    /// The id of the message that was posted with this nonce within the past few minutes.
    pub fn known(&self, now: DateTime<Utc>, nonce: &Value) -> Option<&str> {
        let mut lately = self.0.iter().filter(|(_, _, at)| now < *at + NONCE_LIVES);
        lately.find(|(known, ..)| known == nonce).map(|(_, id, _)| id.as_str())
    }
}
