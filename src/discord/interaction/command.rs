//! A slash command, or one that is being typed.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::caller::Caller;
use super::read::{self, Malformed, list, text, token};
use crate::discord::interaction_id::InteractionId;
use crate::discord::token::InteractionToken;
use crate::telemetry::{About, Event};

/// A slash command from a user.
#[derive(Debug, PartialEq)]
pub struct Invocation {
    pub id: InteractionId,
    /// The interaction token. It is a secret: it allows answers to this interaction for 15 minutes.
    pub token: InteractionToken,
    /// The command's name, without the slash.
    pub name: String,
    /// The given options, in Discord's order.
    pub options: Vec<GivenOption>,
    /// Who used the command, and where.
    pub caller: Caller,
    /// When AWS received the request, by its own clock.
    pub received_at: Option<DateTime<Utc>>,
}

impl Invocation {
    /// Reads a command.
    pub(super) fn of(value: &Value) -> Result<Self, Malformed> {
        let data = value.get("data").unwrap_or(&Value::Null);
        Ok(Self {
            id: read::id(value).ok_or(Malformed::Command("id"))?,
            token: token(value).ok_or(Malformed::Command("token"))?,
            name: text(data.get("name")).ok_or(Malformed::Command("name"))?,
            options: list(data.get("options")).filter_map(option).collect(),
            caller: Caller::of(value).ok_or(Malformed::Command("user"))?,
            received_at: None,
        })
    }

    /// Whether Discord had surely given it up before it reached us.
    pub fn is_dead(&self) -> bool {
        self.received_at.is_some_and(|at| self.id.is_dead(at))
    }

    /// What the summary line says about this interaction. `known`: whether the command exists.
    pub fn about(&self, event: Event, known: bool, now: DateTime<Utc>) -> About {
        let name = if known { &self.name } else { "unknown" };
        self.caller.about(event, self.id, name, now)
    }
}

/// An option as Discord sent it. Its type is checked later, against the command's declaration.
#[derive(Debug, Clone, PartialEq)]
pub struct GivenOption {
    pub name: String,
    pub value: Value,
    /// Whether the user is typing it right now (autocomplete).
    pub focused: bool,
}

fn option(value: &Value) -> Option<GivenOption> {
    Some(GivenOption {
        name: text(value.get("name"))?,
        value: value.get("value").cloned().unwrap_or(Value::Null),
        focused: value.get("focused").and_then(Value::as_bool).unwrap_or(false),
    })
}
