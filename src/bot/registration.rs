//! The registration of the commands with Discord, and the check for duplicate names.
//!
//! <https://docs.discord.com/developers/interactions/application-commands>

use serde_json::{Value, json};

use super::authorize::AccessLevel;
use super::command::{Command, Served, served};
use crate::agents::options::OptionSpec;
use crate::agents::{Agent, Registry};
use crate::discord::registration::{PERMISSIONS, Scope};

/// The empty permission set: Discord shows the command only to a server's administrators, until they
/// show it to others. [`authorize`](super::authorize) still checks every call.
const ADMINISTRATORS: &str = "0";

/// The request body of Discord's bulk overwrite of commands.
pub fn registration(table: &[Command], registry: &Registry, scope: Scope) -> Value {
    served(table, registry).map(|served| declaration(&served, scope)).collect()
}

fn declaration(served: &Served<'_>, scope: Scope) -> Value {
    let mut options = served.options();
    // Discord requires the required options first.
    options.sort_by_key(|option| !option.required);
    let options: Vec<Value> = options.iter().map(OptionSpec::to_json).collect();
    let mut declared = json!({
        "type": 1,
        "name": served.name,
        "description": served.description,
        "options": options,
    });
    if let Some(declared) = declared.as_object_mut() {
        if scope == Scope::Global {
            // Servers only (context 0): nobody else sees a deploy in a direct message.
            declared.insert("contexts".to_owned(), json!([0]));
            declared.insert("integration_types".to_owned(), json!([0]));
        }
        if served.access() == AccessLevel::Admin {
            declared.insert(PERMISSIONS.to_owned(), json!(ADMINISTRATORS));
        }
    }
    declared
}

/// The first agent command with the name of a fixed command: its agent and that name.
pub fn clash<'a>(table: &'a [Command], registry: &'a Registry) -> Option<(&'a Agent, &'a str)> {
    let (own, of_agents): (Vec<_>, Vec<_>) =
        served(table, registry).partition(|served| served.agent.is_none());
    let taken = |served: &Served<'_>| own.iter().any(|own| own.name == served.name);
    of_agents.into_iter().filter(taken).find_map(|served| Some((served.agent?, served.name)))
}
