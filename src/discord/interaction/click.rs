//! A press of a button.
//!
//! <https://docs.discord.com/developers/components/reference#button>

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::caller::Caller;
use super::command::Invocation;
use super::read::{self, Malformed, integer, snowflake, text, token};
use crate::discord::interaction_id::InteractionId;
use crate::discord::token::InteractionToken;
use crate::telemetry::{About, Event};

/// A press of a button. Anybody who sees the message can press it, and nothing in here says that the message
/// still has that button.
#[derive(Debug, PartialEq)]
pub struct Click {
    pub id: InteractionId,
    /// The interaction token. It is a secret: it allows answers to this interaction for 15 minutes.
    pub token: InteractionToken,
    /// What we have named the button.
    pub custom_id: String,
    /// The message with the button, if Discord said which.
    pub message: Option<Clicked>,
    /// Who pressed it, and where.
    pub caller: Caller,
    /// When AWS received the request, by its own clock.
    pub received_at: Option<DateTime<Utc>>,
}

/// The message whose button was pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clicked {
    pub id: u64,
    pub channel_id: Option<u64>,
    pub author_id: Option<u64>,
    /// Whose interaction the message answers, if it answers one.
    pub asked_by: Option<u64>,
    /// Discord's bits of the message.
    pub flags: u64,
}

impl Click {
    /// Reads an interaction with a component. `None`: it is no button.
    pub(super) fn of(value: &Value) -> Result<Option<Self>, Malformed> {
        const BUTTON: i64 = 2;
        let data = value.get("data").unwrap_or(&Value::Null);
        if data.get("component_type").and_then(integer) != Some(BUTTON) {
            return Ok(None);
        }
        Ok(Some(Self {
            id: read::id(value).ok_or(Malformed::Click("id"))?,
            token: token(value).ok_or(Malformed::Click("token"))?,
            custom_id: text(data.get("custom_id")).ok_or(Malformed::Click("custom_id"))?,
            message: value.get("message").and_then(Clicked::of),
            caller: Caller::of(value).ok_or(Malformed::Click("user"))?,
            received_at: None,
        }))
    }

    /// Whether Discord had surely given it up before it reached us.
    pub fn is_dead(&self) -> bool {
        self.received_at.is_some_and(|at| self.id.is_dead(at))
    }

    /// It as the use of a command, which is answered in the same ways.
    pub fn invocation(&self, name: &str) -> Invocation {
        Invocation {
            id: self.id,
            token: self.token.clone(),
            name: name.to_owned(),
            options: Vec::new(),
            caller: self.caller.clone(),
            received_at: self.received_at,
        }
    }

    /// What the summary line says about this interaction. `command`: what the button is for.
    pub fn about(&self, event: Event, command: &str, now: DateTime<Utc>) -> About {
        self.caller.about(event, self.id, command, now)
    }
}

impl Clicked {
    fn of(message: &Value) -> Option<Self> {
        Some(Self {
            id: snowflake(message.get("id"))?,
            channel_id: snowflake(message.get("channel_id")),
            author_id: snowflake(message.pointer("/author/id")),
            asked_by: snowflake(message.pointer("/interaction_metadata/user/id")),
            flags: message.get("flags").and_then(Value::as_u64).unwrap_or_default(),
        })
    }

    /// Whether only one user sees it.
    pub fn is_ephemeral(&self) -> bool {
        const EPHEMERAL: u64 = 1 << 6;
        self.flags & EPHEMERAL != 0
    }
}
