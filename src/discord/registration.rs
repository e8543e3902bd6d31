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

/// The type of the command that opens an app's Activity. Discord makes it by itself.
const ENTRY_POINT: u64 = 4;

/// The registered commands that are not ours: a bulk overwrite must send them back, or Discord refuses it.
///
/// <https://docs.discord.com/developers/interactions/application-commands#entry-point-commands>
pub fn kept(registered: &Value) -> Vec<Value> {
    /// Discord sets these itself.
    const OF_DISCORD: [&str; 3] = ["application_id", "guild_id", "version"];
    let sent_back = |command: &Value| {
        let mut command = command.clone();
        if let Some(fields) = command.as_object_mut() {
            fields.retain(|name, value| !value.is_null() && !OF_DISCORD.contains(&name.as_str()));
        }
        command
    };
    list(registered).filter(|command| is_entry_point(command)).map(sent_back).collect()
}

fn is_entry_point(command: &Value) -> bool {
    type_of(command) == ENTRY_POINT
}

/// The commands that are ours to declare: all but the entry point.
pub fn ours(commands: &Value) -> impl Iterator<Item = &Value> {
    list(commands).filter(|command| !is_entry_point(command))
}

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
/// of commands. Fields that only Discord sets (ids, versions, localisations) and the entry point are ignored.
pub fn changes(declared: &Value, registered: &Value) -> Vec<Change> {
    // Commands of different types may have the same name.
    let same = |a: &Value, b: &Value| name_of(a) == name_of(b) && type_of(a) == type_of(b);
    let mut changes: Vec<Change> = ours(declared)
        .filter_map(|command| {
            let name = name_of(command).to_owned();
            let Some(there) = ours(registered).find(|there| same(there, command)) else {
                return Some(Change::Add(name));
            };
            let (here, there) = (essence(command), essence(there));
            let differs = |field: &&str| here.get(*field) != there.get(*field);
            let fields: Vec<_> = COMMAND_FIELDS.iter().copied().filter(|f| differs(f)).collect();
            (!fields.is_empty()).then_some(Change::Alter(name, fields))
        })
        .collect();
    let gone = ours(registered).filter(|there| !ours(declared).any(|here| same(here, there)));
    changes.extend(gone.map(|there| Change::Remove(name_of(there).to_owned())));
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

/// A command's type; without one it is a slash command.
fn type_of(command: &Value) -> u64 {
    command.get("type").and_then(Value::as_u64).unwrap_or(1)
}

/// What Discord says is wrong with the commands that were sent, each with the command's name and the place in it.
pub fn reasons(sent: &Value, said: &Value) -> Vec<String> {
    fn collect(errors: &Value, at: &mut Vec<String>, found: &mut Vec<(Vec<String>, String)>) {
        for (key, inside) in errors.as_object().into_iter().flatten() {
            if key == "_errors" {
                let texts = list(inside).filter_map(|one| one.get("message")?.as_str());
                found.extend(texts.map(|text| (at.clone(), text.to_owned())));
            } else {
                at.push(key.clone());
                collect(inside, at, found);
                at.pop();
            }
        }
    }
    let mut found = Vec::new();
    collect(said.get("errors").unwrap_or(&Value::Null), &mut Vec::new(), &mut found);
    if found.is_empty() {
        let message = said.get("message").and_then(Value::as_str);
        return message.map(str::to_owned).into_iter().collect();
    }
    let told = |(at, text): (Vec<String>, String)| {
        let (index, rest) = at.split_first().map_or((None, &[][..]), |(i, rest)| (Some(i), rest));
        let named = index.and_then(|index| list(sent).nth(index.parse().ok()?)).map(name_of);
        match (named, rest.is_empty()) {
            (Some(name), true) => format!("/{name}: {text}"),
            (Some(name), false) => format!("/{name}, {}: {text}", rest.join(".")),
            (None, _) => text,
        }
    };
    found.into_iter().map(told).collect()
}

/// A command's name.
pub fn name_of(command: &Value) -> &str {
    command.get("name").and_then(Value::as_str).unwrap_or_default()
}
