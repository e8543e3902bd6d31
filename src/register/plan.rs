//! What is sent, and what is said of it. No I/O.

use std::fmt;

use serde_json::Value;

use crate::config;
use crate::discord::registration::{Change, Scope, kept, name_of, ours};

/// Where commands are registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In all servers that added the bot.
    Everywhere,
    /// In one server, by its id.
    Server(u64),
}

impl Place {
    /// One server, by its id as a person types it.
    pub fn server(text: &str) -> Result<Self, String> {
        config::id(text.trim()).map(Self::Server).ok_or_else(|| {
            "--guild needs the id of a server, which is a number: with Discord's developer mode on, right-click \
             the server and choose Copy Server ID"
                .to_owned()
        })
    }

    /// The server's id.
    pub(super) fn guild_id(self) -> Option<u64> {
        match self {
            Self::Everywhere => None,
            Self::Server(id) => Some(id),
        }
    }

    pub(super) fn scope(self) -> Scope {
        match self {
            Self::Everywhere => Scope::Global,
            Self::Server(_) => Scope::Guild,
        }
    }

    /// The option that names it.
    fn option(self) -> String {
        match self {
            Self::Everywhere => "--global".to_owned(),
            Self::Server(id) => format!("--guild {id}"),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everywhere => f.write_str("all servers"),
            Self::Server(id) => write!(f, "server {id}"),
        }
    }
}

/// The body of the bulk overwrite: these commands, and what is registered and not ours.
pub(super) fn body(declared: &Value, registered: &Value) -> Value {
    let mut body = declared.as_array().cloned().unwrap_or_default();
    body.extend(kept(registered));
    Value::Array(body)
}

/// Says what would change, or that nothing would.
pub(super) fn announced(place: Place, changes: &[Change]) -> String {
    if changes.is_empty() {
        return format!("Nothing differs for {place}.");
    }
    let lines: Vec<String> = changes.iter().map(ToString::to_string).collect();
    format!("Changes for {place} (+ new, ~ changed, - removed):\n{}", lines.join("\n"))
}

/// Warns of commands that people see twice, because another place has them too. `is_there`: they are registered
/// already, not only declared. `None`: there are none.
pub(super) fn twice(
    declared: &Value,
    place: Place,
    other: Place,
    registered: &Value,
    is_there: bool,
) -> Option<String> {
    let shown = |name: &str| ours(declared).any(|command| name_of(command) == name);
    let count = ours(registered).filter(|command| shown(name_of(command))).count();
    let these = match count {
        0 => return None,
        1 => "1 of these commands is".to_owned(),
        _ => format!("{count} of these commands are"),
    };
    let server = if place == Place::Everywhere { other } else { place };
    let see = if is_there { "see" } else { "would see" };
    Some(format!(
        "Warning: {these} registered for {other}, too: people in {server} {see} them twice.\n\
         To remove those for {other}: deckhand register {} --remove",
        other.option()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_entry_point_is_sent_back_as_it_is() {
        let declared = json!([{"type": 1, "name": "ship"}]);
        let registered = json!([
            {"type": 1, "name": "old", "id": "1"},
            {"id": "2", "application_id": "3", "version": "4", "type": 4, "name": "launch", "description": "",
             "handler": 2, "contexts": [0, 1], "integration_types": [0], "nsfw": false,
             "name_localizations": null, "default_member_permissions": null},
        ]);
        let launch = json!({"id": "2", "type": 4, "name": "launch", "description": "", "handler": 2,
            "contexts": [0, 1], "integration_types": [0], "nsfw": false});
        assert_eq!(body(&declared, &registered), json!([{"type": 1, "name": "ship"}, launch]));
        assert_eq!(body(&json!([]), &registered), json!([launch]));
    }

    #[test]
    fn who_sees_commands_twice_and_how_to_remove_them() {
        let declared = json!([{"type": 1, "name": "ship"}, {"type": 1, "name": "status"}]);
        let there = json!([
            {"type": 1, "name": "ship"}, {"type": 1, "name": "old"}, {"type": 4, "name": "status"},
        ]);
        let here = |other| twice(&declared, Place::Server(41), other, &there, true).unwrap();
        let text = here(Place::Everywhere);
        assert_eq!(
            text,
            "Warning: 1 of these commands is registered for all servers, too: people in server 41 see them \
             twice.\nTo remove those for all servers: deckhand register --global --remove"
        );
        let text =
            twice(&declared, Place::Everywhere, Place::Server(41), &declared, false).unwrap();
        assert!(
            text.starts_with("Warning: 2 of these commands are registered for server 41,"),
            "{text}"
        );
        assert!(text.contains("people in server 41 would see"), "{text}");
        assert!(text.ends_with("deckhand register --guild 41 --remove"), "{text}");
        let old = json!([{"type": 1, "name": "old"}]);
        assert_eq!(twice(&declared, Place::Server(41), Place::Everywhere, &old, true), None);
    }
}
