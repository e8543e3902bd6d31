//! What goes back to Discord in the HTTP answer.
//!
//! <https://docs.discord.com/developers/interactions/receiving-and-responding#interaction-response-object>

use serde_json::{Value, json};

use crate::discord::Message;
use crate::discord::message::deferred_data;

/// The answer to an interaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// To a ping (type 1).
    Pong,
    /// The message itself (type 4).
    Message(Message),
    /// "Thinking…" (type 5): the message follows by the interaction's token.
    Deferred {
        /// Whether only the caller sees it; what follows cannot change that.
        ephemeral: bool,
    },
    /// Suggestions (type 8); Discord takes 25 of up to 100 characters.
    Choices(Vec<String>),
}

impl Reply {
    /// The interaction response as JSON.
    pub fn to_json(&self) -> Value {
        match self {
            Self::Pong => json!({"type": 1}),
            Self::Message(message) => json!({"type": 4, "data": message.to_create()}),
            Self::Deferred { ephemeral } => json!({"type": 5, "data": deferred_data(*ephemeral)}),
            Self::Choices(choices) => {
                let fits = |choice: &&String| (1..=100).contains(&choice.encode_utf16().count());
                let choice = |choice: &String| json!({"name": choice, "value": choice});
                let choices: Vec<_> = choices.iter().filter(fits).take(25).map(choice).collect();
                json!({"type": 8, "data": {"choices": choices}})
            }
        }
    }

    /// The word for the log.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Pong => "pong",
            Self::Message(_) => "message",
            Self::Deferred { .. } => "deferred",
            Self::Choices(_) => "choices",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(Reply::Pong, json!({"type": 1}))]
    #[case(Reply::Deferred { ephemeral: false }, json!({"type": 5, "data": {}}))]
    #[case(Reply::Deferred { ephemeral: true }, json!({"type": 5, "data": {"flags": 64}}))]
    #[case(Reply::Choices(vec![]), json!({"type": 8, "data": {"choices": []}}))]
    #[case(
        Reply::Choices(vec!["a".to_owned(), "x".repeat(101), String::new()]),
        json!({"type": 8, "data": {"choices": [{"name": "a", "value": "a"}]}})
    )]
    fn has_discords_shape(#[case] reply: Reply, #[case] expected: Value) {
        assert_eq!(reply.to_json(), expected);
    }
}
