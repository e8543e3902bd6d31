//! Parses interactions from Discord, leniently.
//!
//! Only the fields that Deckhand uses are read, by hand. A field that is missing, new or of another type is
//! not an error in itself, because Discord adds fields, option types and interaction types without notice.
//! <https://docs.discord.com/developers/interactions/receiving-and-responding#interaction-object>

mod caller;
mod click;
mod command;
mod read;
#[cfg(test)]
mod tests;

use serde_json::Value;

use super::signature::Verified;

pub(crate) use caller::Caller;
pub(crate) use click::Click;
pub(crate) use command::{GivenOption, Invocation};
pub(super) use read::snowflake;
pub(crate) use read::{Malformed, integer};

/// The route to which Discord sends interactions.
pub(crate) const PATH: &str = "/discord";

#[derive(Debug, PartialEq)]
pub enum Interaction {
    /// Discord checks that the endpoint works.
    Ping,
    /// A slash command.
    Command(Invocation),
    /// Discord asks for suggestions while the user is typing a command.
    Autocomplete(Invocation),
    /// A press of a button.
    Click(Click),
    /// Anything else: another component, a modal, a type that does not exist yet.
    Other,
}

/// Parses a verified body.
pub(crate) fn parse(body: &Verified) -> Result<Interaction, Malformed> {
    parse_bytes(body.bytes())
}

fn parse_bytes(body: &[u8]) -> Result<Interaction, Malformed> {
    let value: Value = serde_json::from_slice(body).map_err(|_| Malformed::NotAnInteraction)?;
    match value.get("type").and_then(integer).ok_or(Malformed::NotAnInteraction)? {
        1 => Ok(Interaction::Ping),
        2 => Invocation::of(&value).map(Interaction::Command),
        3 => Click::of(&value).map(|click| click.map_or(Interaction::Other, Interaction::Click)),
        4 => Invocation::of(&value).map(Interaction::Autocomplete),
        _ => Ok(Interaction::Other),
    }
}
