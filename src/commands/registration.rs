//! What Discord must know of the commands: the registration, and how it differs from what Discord has.
//!
//! <https://docs.discord.com/developers/interactions/application-commands>

use std::fmt;

use serde_json::{Map, Value, json};

use super::{Command, Serves};
use crate::agents::options::OptionSpec;
use crate::agents::{Agent, Registry};
use crate::edge::authorize::AccessLevel;

/// Where commands are registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// In every server that installed the bot.
    Global,
    /// In one server.
    Guild,
}

const PERMISSIONS: &str = "default_member_permissions";

/// No permission at all: Discord shows the command to a server's administrators only, until one of them
/// lets others see it. Who may use it is decided here all the same.
const ADMINISTRATORS: &str = "0";

/// The body of Discord's bulk overwrite.
pub fn registration(table: &[Command], registry: &Registry, scope: Scope) -> Value {
    let commands = table.iter().flat_map(|command| match command.serves {
        Serves::Own { name, description, access, options } => {
            let mut declared = declaration(name, description, options(), scope);
            if let (AccessLevel::Admin, Some(declared)) = (access, declared.as_object_mut()) {
                declared.insert(PERMISSIONS.to_owned(), json!(ADMINISTRATORS));
            }
            vec![declared]
        }
        Serves::Agents { which, options } => {
            let served = registry.agents().iter().filter(|agent| which(agent));
            let declare = |agent: &Agent| {
                declaration(&agent.command, &agent.description, options(agent), scope)
            };
            served.map(declare).collect()
        }
        Serves::Second { name, description, options } => {
            let declare =
                |agent| Some(declaration(name(agent)?, description, options(agent), scope));
            registry.agents().iter().filter_map(declare).collect()
        }
    });
    Value::Array(commands.collect())
}

fn declaration(name: &str, description: &str, mut options: Vec<OptionSpec>, scope: Scope) -> Value {
    // Discord wants the required ones first.
    options.sort_by_key(|option| !option.required);
    let options: Vec<Value> = options.iter().map(OptionSpec::to_json).collect();
    let mut command =
        json!({"type": 1, "name": name, "description": description, "options": options});
    if let (Scope::Global, Some(command)) = (scope, command.as_object_mut()) {
        // Servers only: in a direct message there is nobody to see a deploy.
        command.insert("contexts".to_owned(), json!([0]));
        command.insert("integration_types".to_owned(), json!([0]));
    }
    command
}

/// How one command differs from what Discord has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Declared, but not registered.
    Add(String),
    /// Registered otherwise than declared, in these fields.
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

/// What a bulk overwrite with `declared` would change, if Discord has `registered`. Both are arrays of
/// commands; fields that only Discord sets (ids, versions, localisations) do not count.
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

/// A command's fields that we declare, without those that only repeat Discord's defaults.
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

fn list(commands: &Value) -> impl Iterator<Item = &Value> {
    commands.as_array().into_iter().flatten()
}

fn name_of(command: &Value) -> &str {
    command.get("name").and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agents::file;
    use crate::commands::TABLE;

    fn declared(scope: Scope) -> Value {
        registration(TABLE, &file::load(None).unwrap(), scope)
    }

    #[test]
    fn the_registration_of_the_built_in_agents() {
        insta::assert_snapshot!(format!("{:#}", declared(Scope::Global)));
    }

    #[test]
    fn a_servers_commands_carry_no_contexts() {
        for command in list(&declared(Scope::Guild)) {
            assert_eq!(command.get("contexts"), None);
            assert_eq!(command.get("integration_types"), None);
        }
    }

    /// What Discord gives back for what it was given.
    fn as_registered(commands: &Value) -> Value {
        let mut commands = commands.clone();
        for command in commands.as_array_mut().unwrap() {
            command["id"] = json!("1");
            command["version"] = json!("2");
            command["name_localizations"] = Value::Null;
            let shown_to = command.get(PERMISSIONS).cloned().unwrap_or_default();
            command[PERMISSIONS] = shown_to;
            for option in command["options"].as_array_mut().unwrap() {
                option["description_localizations"] = Value::Null;
                option.as_object_mut().unwrap().retain(|_, value| value != &json!(false));
            }
        }
        commands
    }

    #[test]
    fn what_discord_gives_back_is_no_change() {
        for scope in [Scope::Global, Scope::Guild] {
            let declared = declared(scope);
            assert_eq!(changes(&declared, &as_registered(&declared)), []);
        }
    }

    #[test]
    fn what_differs_is_named() {
        let declared = declared(Scope::Global);
        let mut registered = as_registered(&declared);
        let commands = registered.as_array_mut().unwrap();
        commands[0]["description"] = json!("Something else");
        commands[0]["contexts"] = json!([0, 1]);
        commands[1]["name"] = json!("deploy");
        let names: Vec<_> = list(&declared).map(|c| name_of(c).to_owned()).collect();
        let shown: Vec<_> = changes(&declared, &registered).iter().map(Change::to_string).collect();
        let expected = [
            format!("~ /{} (description, contexts)", names[0]),
            format!("+ /{}", names[1]),
            "- /deploy".to_owned(),
        ];
        assert_eq!(shown, expected);
    }

    #[test]
    fn only_what_is_for_admins_is_hidden_from_members() {
        for scope in [Scope::Global, Scope::Guild] {
            let declared = declared(scope);
            let hidden = list(&declared).filter(|c| c.get(PERMISSIONS) == Some(&json!("0")));
            assert_eq!(
                hidden.map(name_of).collect::<Vec<_>>(),
                ["set-frontend", "set-api-base", "doctor"]
            );
            assert_eq!(list(&declared).filter(|c| c.get(PERMISSIONS).is_some()).count(), 3);
        }
    }

    #[test]
    fn a_command_for_admins_that_everyone_is_shown_is_a_change() {
        let declared = declared(Scope::Global);
        let mut registered = as_registered(&declared);
        let commands = registered.as_array_mut().unwrap();
        let command = commands.iter_mut().find(|c| c["name"] == "set-frontend").unwrap();
        command[PERMISSIONS] = Value::Null;
        let expected = Change::Alter("set-frontend".to_owned(), vec![PERMISSIONS]);
        assert_eq!(changes(&declared, &registered), [expected]);
    }

    #[test]
    fn a_changed_option_is_a_change() {
        let declared = declared(Scope::Global);
        let mut registered = as_registered(&declared);
        let deploy =
            registered.as_array_mut().unwrap().iter_mut().find(|c| c["name"] == "deploy-client");
        deploy.unwrap()["options"][0]["required"] = json!(true);
        let expected = Change::Alter("deploy-client".to_owned(), vec!["options"]);
        assert_eq!(changes(&declared, &registered), [expected]);
    }
}
