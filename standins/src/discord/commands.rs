//! The commands registered, globally and for the guild.

use super::{limits::Refusal, people};
use serde_json::{Value, json};

/// Where commands are registered.
#[derive(Clone, Copy, Debug)]
pub(super) enum Scope {
    Global,
    Guild,
}

/// The registered commands.
#[derive(Debug, Default)]
pub(super) struct Commands {
    global: Vec<Value>,
    guild: Vec<Value>,
}

impl Commands {
    pub fn of(&self, scope: Scope) -> &[Value] {
        match scope {
            Scope::Global => &self.global,
            Scope::Guild => &self.guild,
        }
    }

    /// What a member of the guild can type; the guild's commands stand before global ones.
    pub fn typable(&self) -> Vec<Value> {
        [self.guild.as_slice(), self.global.as_slice()].concat()
    }

    /// Replaces all commands of a scope; a command keeps its id if its name was there.
    pub fn overwrite(
        &mut self,
        scope: Scope,
        body: &Value,
        mut new_id: impl FnMut() -> String,
    ) -> Result<(), Refusal> {
        let items = body.as_array().ok_or_else(|| {
            let why = "Only iterables may be used in a ListType.";
            Refusal::form("", "LIST_TYPE_CONVERT", why)
        })?;
        check(items)?;
        let kept = |command: &Value| {
            let old = self.of(scope).iter().find(|old| {
                old["name"] == command["name"]
                    && old["type"].as_u64() == command["type"].as_u64().or(Some(1))
            });
            old.map(|old| old["id"].clone())
        };
        let mut all = Vec::new();
        for item in items {
            let mut command = json!({
                "id": kept(item).unwrap_or_else(|| json!(new_id())),
                "application_id": people::APPLICATION_ID,
                "version": new_id(),
                "type": 1,
                "description": "",
                "default_member_permissions": null,
                "nsfw": false,
            });
            if matches!(scope, Scope::Guild) {
                command["guild_id"] = json!(people::GUILD_ID);
            }
            if let (Some(command), Some(item)) = (command.as_object_mut(), item.as_object()) {
                command.extend(item.clone());
            }
            all.push(command);
        }
        match scope {
            Scope::Global => self.global = all,
            Scope::Guild => self.guild = all,
        }
        Ok(())
    }
}

/// Checks the rules that typing a command depends on; the check against the API description does
/// the rest.
fn check(commands: &[Value]) -> Result<(), Refusal> {
    if commands.len() > 130 {
        return Err(Refusal::new(
            400,
            30032,
            "Maximum number of application commands reached (100)",
        ));
    }
    for (index, command) in commands.iter().enumerate() {
        let kind = command["type"].as_u64().unwrap_or(1);
        let name = named(command, &index.to_string(), kind == 1)?;
        let same =
            |other: &Value| other["name"] == name && other["type"].as_u64().unwrap_or(1) == kind;
        if commands[..index].iter().any(same) {
            let why = "Application command names must be unique";
            return Err(Refusal::form(
                &index.to_string(),
                "APPLICATION_COMMANDS_DUPLICATE_NAME",
                why,
            ));
        }
        check_options(command, &index.to_string())?;
    }
    Ok(())
}

fn check_options(holder: &Value, at: &str) -> Result<(), Refusal> {
    let mut optional_before = false;
    let options = holder["options"].as_array().map_or(&[][..], Vec::as_slice);
    if options.len() > 25 {
        let why = "Must be 25 or fewer in length.";
        return Err(Refusal::form(&format!("{at}.options"), "BASE_TYPE_MAX_LENGTH", why));
    }
    for (index, option) in options.iter().enumerate() {
        let at = format!("{at}.options.{index}");
        let name = named(option, &at, true)?;
        if options[..index].iter().any(|other| other["name"] == name) {
            let why = "Option name already used";
            return Err(Refusal::form(&at, "APPLICATION_COMMAND_OPTIONS_NAME_ALREADY_EXISTS", why));
        }
        let required = option["required"] == true;
        if required && optional_before {
            let why = "Required options must be placed before non-required options";
            return Err(Refusal::form(&at, "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", why));
        }
        optional_before |= !required;
        check_options(option, &at)?;
    }
    Ok(())
}

/// Checks a name and, for slash commands and options, the description.
fn named(item: &Value, at: &str, slash: bool) -> Result<String, Refusal> {
    let name = item["name"].as_str().unwrap_or_default();
    let long = name.chars().count();
    let letters = |c: char| c.is_alphanumeric() || "-_'".contains(c);
    let plain = name.chars().all(letters) && name.to_lowercase() == name;
    if !(1..=32).contains(&long) || (slash && !plain) {
        let why = "Command name is invalid";
        return Err(Refusal::form(&format!("{at}.name"), "APPLICATION_COMMAND_INVALID_NAME", why));
    }
    let description = item["description"].as_str().unwrap_or_default();
    if slash && !(1..=100).contains(&description.chars().count()) {
        let why = "Must be between 1 and 100 in length.";
        return Err(Refusal::form(&format!("{at}.description"), "BASE_TYPE_BAD_LENGTH", why));
    }
    Ok(name.to_owned())
}
