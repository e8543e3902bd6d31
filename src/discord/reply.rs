//! The HTTP answer to an interaction.
//!
//! <https://docs.discord.com/developers/interactions/receiving-and-responding#interaction-response-object>

use serde_json::{Value, json};

use crate::discord::Message;
use crate::discord::message::deferred_data;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// The answer to a ping (type 1).
    Pong,
    /// A message (type 4).
    Message(Message),
    /// "Thinking…" (type 5). The message is sent later with the interaction token.
    Deferred {
        /// Whether only the caller sees it. This also holds for the later message.
        ephemeral: bool,
    },
    /// The answer to a click that changes nothing for now (type 6). The message with the button can be edited
    /// with the interaction token later.
    Unchanged,
    /// The answer to a click that edits the message with the button (type 7).
    Update(Message),
    /// Autocomplete suggestions (type 8). Discord takes 25 of up to 100 characters.
    Choices(Vec<Suggestion>),
}

/// An autocomplete suggestion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    /// The text that is shown. No Markdown; truncated if it is too long.
    pub name: String,
    /// The value that is sent when the user chooses it.
    pub value: String,
}

impl From<String> for Suggestion {
    /// A suggestion with the same text and value.
    fn from(value: String) -> Self {
        Self { name: value.clone(), value }
    }
}

impl Reply {
    pub fn to_json(&self) -> Value {
        match self {
            Self::Pong => json!({"type": 1}),
            Self::Message(message) => json!({"type": 4, "data": message.to_create()}),
            Self::Deferred { ephemeral } => json!({"type": 5, "data": deferred_data(*ephemeral)}),
            Self::Unchanged => json!({"type": 6}),
            Self::Update(message) => json!({"type": 7, "data": message.to_edit()}),
            Self::Choices(choices) => {
                // A truncated value would mean something else, so a suggestion with a long value is left out.
                let fits = |choice: &&Suggestion| {
                    let length = |text: &str| text.encode_utf16().count();
                    length(&choice.name) > 0 && (1..=100).contains(&length(&choice.value))
                };
                let choice =
                    |choice: &Suggestion| json!({"name": cut(&choice.name), "value": choice.value});
                let choices: Vec<_> = choices.iter().filter(fits).take(25).map(choice).collect();
                json!({"type": 8, "data": {"choices": choices}})
            }
        }
    }

    /// Its name in the log.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Pong => "pong",
            Self::Message(_) => "message",
            Self::Deferred { .. } => "deferred",
            Self::Unchanged => "unchanged",
            Self::Update(_) => "update",
            Self::Choices(_) => "choices",
        }
    }
}

/// Truncated to 100 UTF-16 units.
fn cut(name: &str) -> String {
    let mut room = 100_usize;
    let fits = |c: &char| match room.checked_sub(c.len_utf16()) {
        Some(left) => {
            room = left;
            true
        }
        None => false,
    };
    name.chars().take_while(fits).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(Reply::Pong, json!({"type": 1}))]
    #[case(Reply::Deferred { ephemeral: false }, json!({"type": 5, "data": {}}))]
    #[case(Reply::Deferred { ephemeral: true }, json!({"type": 5, "data": {"flags": 64}}))]
    #[case(Reply::Unchanged, json!({"type": 6}))]
    #[case(
        Reply::Update(Message::public("done")),
        json!({"type": 7, "data": {
            "content": "done", "components": [], "allowed_mentions": {"parse": [], "users": []},
        }})
    )]
    #[case(Reply::Choices(vec![]), json!({"type": 8, "data": {"choices": []}}))]
    #[case(
        Reply::Choices(vec!["a".to_owned().into(), "x".repeat(101).into(), String::new().into()]),
        json!({"type": 8, "data": {"choices": [{"name": "a", "value": "a"}]}})
    )]
    #[case(
        Reply::Choices(vec![Suggestion { name: "🟢 #41".to_owned(), value: "15".to_owned() }]),
        json!({"type": 8, "data": {"choices": [{"name": "🟢 #41", "value": "15"}]}})
    )]
    #[case(
        Reply::Choices(vec![Suggestion { name: "é".repeat(101), value: "15".to_owned() }]),
        json!({"type": 8, "data": {"choices": [{"name": "é".repeat(100), "value": "15"}]}})
    )]
    fn has_discords_shape(#[case] reply: Reply, #[case] expected: Value) {
        assert_eq!(reply.to_json(), expected);
    }
}
