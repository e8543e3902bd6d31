//! The scope of registered commands, and the difference between declared and registered commands.
//!
//! <https://docs.discord.com/developers/interactions/application-commands>

use std::fmt;

use serde_json::{Map, Value};

/// Where commands are registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// In every server that installed the bot.
    Global,
    /// In one server.
    Guild,
}

/// The permissions a member needs for Discord to show them a command.
pub const PERMISSIONS: &str = "default_member_permissions";

/// A difference between a declared and a registered command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Declared, but not registered.
    Add(String),
    /// Registered, but these fields differ from the declaration.
    Alter(String, Vec<&'static str>),
    /// Registered, but not declared.
    Remove(String),
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Add(name) => write!(f, "+ /{name}"),
            Self::Alter(name, fields) => write!(f, "~ /{name} ({})", fields.join(", ")),
            Self::Remove(name) => write!(f, "- /{name}"),
        }
    }
}

/// What a bulk overwrite with `declared` would change, if `registered` is what Discord has. Both are arrays
/// of commands. Fields that only Discord sets (ids, versions, localisations) are ignored.
pub fn changes(declared: &Value, registered: &Value) -> Vec<Change> {
    let find = |all: &Value, name: &str| list(all).find(|c| name_of(c) == name).cloned();
    let mut changes: Vec<Change> = list(declared)
        .filter_map(|command| {
            let name = name_of(command).to_owned();
            let Some(there) = find(registered, &name) else {
                return Some(Change::Add(name));
            };
            let (here, there) = (essence(command), essence(&there));
            let differs = |field: &&str| here.get(*field) != there.get(*field);
            let fields: Vec<_> = COMMAND_FIELDS.iter().copied().filter(|f| differs(f)).collect();
            (!fields.is_empty()).then_some(Change::Alter(name, fields))
        })
        .collect();
    let gone = list(registered).map(name_of).filter(|name| find(declared, name).is_none());
    changes.extend(gone.map(|name| Change::Remove(name.to_owned())));
    changes
}

const COMMAND_FIELDS: &[&str] =
    &["type", "description", "options", "contexts", "integration_types", PERMISSIONS];

const OPTION_FIELDS: &[&str] = &[
    "type",
    "name",
    "description",
    "required",
    "choices",
    "autocomplete",
    "min_value",
    "max_value",
    "min_length",
    "max_length",
];

/// The fields of a command that we declare, without Discord's default values.
fn essence(command: &Value) -> Map<String, Value> {
    let mut essence = pick(command, COMMAND_FIELDS);
    if let Some(options) = essence.get_mut("options").and_then(Value::as_array_mut) {
        for option in options {
            let mut kept = pick(option, OPTION_FIELDS);
            if let Some(choices) = kept.get_mut("choices").and_then(Value::as_array_mut) {
                for choice in choices {
                    *choice = Value::Object(pick(choice, &["name", "value"]));
                }
            }
            *option = Value::Object(kept);
        }
    }
    essence
}

fn pick(value: &Value, fields: &[&str]) -> Map<String, Value> {
    let is_default = |value: &Value| match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(items) => items.is_empty(),
        _ => false,
    };
    let kept = fields.iter().filter_map(|field| {
        let value = value.get(field).filter(|value| !is_default(value))?;
        Some(((*field).to_owned(), value.clone()))
    });
    kept.collect()
}

/// The commands of an array.
pub fn list(commands: &Value) -> impl Iterator<Item = &Value> {
    commands.as_array().into_iter().flatten()
}

/// A command's name.
pub fn name_of(command: &Value) -> &str {
    command.get("name").and_then(Value::as_str).unwrap_or_default()
}
