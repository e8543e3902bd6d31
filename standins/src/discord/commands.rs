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
        let all = [self.guild.as_slice(), self.global.as_slice()].concat();
        all.into_iter().filter(|command| type_of(command) != ENTRY_POINT).collect()
    }

    /// Adds the command that opens the app's Activity, as Discord does when Activities are switched on.
    pub fn add_entry_point(&mut self, mut new_id: impl FnMut() -> String) {
        self.global.push(json!({
            "id": new_id(),
            "application_id": people::APPLICATION_ID,
            "version": new_id(),
            "type": ENTRY_POINT,
            "name": "launch",
            "name_localizations": null,
            "description": "",
            "description_localizations": null,
            "default_member_permissions": null,
            "contexts": [0, 1, 2],
            "integration_types": [0, 1],
            "nsfw": false,
            "handler": 2,
        }));
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
        let entry_point =
            |commands: &[Value]| commands.iter().any(|command| type_of(command) == ENTRY_POINT);
        match scope {
            Scope::Global if entry_point(&self.global) && !entry_point(items) => {
                let why = "You cannot remove this app's Entry Point command in a bulk update operation. \
                           Please include the Entry Point command in your update request or delete it \
                           separately.";
                return Err(Refusal::new(400, 50240, why));
            }
            Scope::Guild if entry_point(items) => {
                let why = "Entry Point commands can only be global";
                return Err(Refusal::form("", "APPLICATION_COMMAND_INVALID_TYPE", why));
            }
            _ => {}
        }
        let kept = |command: &Value| {
            let old = self
                .of(scope)
                .iter()
                .find(|old| old["name"] == command["name"] && type_of(old) == type_of(command));
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
    let typed = commands.iter().filter(|command| type_of(command) == 1).count();
    if typed > 100 || commands.len() > 130 {
        return Err(Refusal::new(
            400,
            30032,
            "Maximum number of application commands reached (100)",
        ));
    }
    for (index, command) in commands.iter().enumerate() {
        let kind = type_of(command);
        let name = named(command, &index.to_string(), kind == 1)?;
        let same = |other: &Value| other["name"] == name && type_of(other) == kind;
        if commands[..index].iter().any(same) {
            let why = "Application command names must be unique";
            return Err(Refusal::form(
                &index.to_string(),
                "APPLICATION_COMMANDS_DUPLICATE_NAME",
                why,
            ));
        }
        check_options(command, &index.to_string())?;
        if size(command) > 8_000 {
            let why = "Command exceeds maximum size (8000)";
            return Err(Refusal::form(&index.to_string(), "APPLICATION_COMMAND_TOO_LARGE", why));
        }
    }
    Ok(())
}

/// The type of the command that opens an app's Activity.
const ENTRY_POINT: u64 = 4;

fn type_of(command: &Value) -> u64 {
    command["type"].as_u64().unwrap_or(1)
}

/// The characters of all names, descriptions and values.
fn size(part: &Value) -> usize {
    let texts = ["name", "description", "value"].iter().filter_map(|key| part[*key].as_str());
    let parts = ["options", "choices"].iter().filter_map(|key| part[*key].as_array()).flatten();
    texts.map(|text| text.chars().count()).sum::<usize>() + parts.map(size).sum::<usize>()
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

#[cfg(test)]
mod tests {
    use super::*;

    fn overwritten(commands: &mut Commands, scope: Scope, body: &Value) -> Result<(), u64> {
        let mut id = 0;
        let new_id = || {
            id += 1;
            id.to_string()
        };
        commands.overwrite(scope, body, new_id).map_err(|refusal| refusal.code)
    }

    fn ship() -> Value {
        json!({"type": 1, "name": "ship", "description": "Ships"})
    }

    #[test]
    fn an_entry_point_must_be_sent_back_and_cannot_be_typed() {
        let mut commands = Commands::default();
        commands.add_entry_point(|| "7".to_owned());
        assert_eq!(overwritten(&mut commands, Scope::Global, &json!([ship()])), Err(50240));
        assert_eq!(overwritten(&mut commands, Scope::Guild, &json!([ship()])), Ok(()));
        let launch = commands.of(Scope::Global)[0].clone();
        let both = json!([ship(), launch]);
        assert_eq!(overwritten(&mut commands, Scope::Global, &both), Ok(()));
        assert_eq!(commands.of(Scope::Global)[1]["id"], "7");
        assert_eq!(overwritten(&mut commands, Scope::Guild, &both), Err(50035));
        assert_eq!(commands.typable().len(), 2);
    }

    #[test]
    fn a_hundred_commands_of_eight_thousand_characters_are_taken() {
        let many = |count: usize| -> Value {
            let command = |number| json!({"name": format!("a{number}"), "description": "x"});
            (0..count).map(command).collect()
        };
        let mut commands = Commands::default();
        assert_eq!(overwritten(&mut commands, Scope::Global, &many(100)), Ok(()));
        assert_eq!(overwritten(&mut commands, Scope::Global, &many(101)), Err(30032));
        // 9 characters, and 3 * (1 + 1 + 13 * 200), and the rest in descriptions.
        let large = |characters: usize| {
            let choice =
                |name: usize| json!({"name": format!("{name:0>100}"), "value": "v".repeat(100)});
            let choices: Vec<Value> = (0..13).map(choice).collect();
            let option = |name: &str| json!({"type": 3, "name": name, "description": "x", "choices": choices});
            let mut command = ship();
            command["options"] = json!([option("a"), option("b"), option("c")]);
            let left = characters - size(&command);
            command["options"][0]["description"] = json!("x".repeat(1 + left.min(99)));
            command["options"][1]["description"] = json!("x".repeat(1 + left.saturating_sub(99)));
            json!([command])
        };
        assert_eq!(size(&large(8_000)[0]), 8_000);
        assert_eq!(overwritten(&mut commands, Scope::Global, &large(8_000)), Ok(()));
        assert_eq!(overwritten(&mut commands, Scope::Global, &large(8_001)), Err(50035));
    }
}
