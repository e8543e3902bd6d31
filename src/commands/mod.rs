//! The command table: one entry for each slash command or family of them.

pub(crate) mod agents;
pub(crate) mod deploy;
pub(crate) mod diagnose;
pub(crate) mod doctor;
pub(crate) mod history;
pub(crate) mod refs;
pub mod router;
pub(crate) mod set;
pub(crate) mod status;
pub(crate) mod status_digest;
pub(crate) mod steer;
pub(crate) mod verify;
pub(crate) mod workflow;

use crate::bot::Command;

/// All commands, in the order of lookup and registration.
pub const TABLE: &[Command] = &[
    agents::COMMAND,
    deploy::COMMAND,
    diagnose::COMMAND,
    status::COMMAND,
    status_digest::COMMAND,
    history::COMMAND,
    steer::CANCEL,
    steer::RERUN,
    steer::ROLLBACK,
    set::FRONTEND,
    set::API_BASE,
    verify::LATEST,
    verify::RUN,
    doctor::COMMAND,
];

#[cfg(test)]
mod tests {
    mod mistakes;

    use crate::bot::registration;

    use crate::agents::file;
    use crate::commands::TABLE;
    use crate::discord::registration::{Change, PERMISSIONS, Scope, changes, list, name_of};
    use serde_json::{Value, json};

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

    /// The declared commands in the form in which Discord returns them.
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
    fn the_form_that_discord_returns_is_no_change() {
        for scope in [Scope::Global, Scope::Guild] {
            let declared = declared(scope);
            assert_eq!(changes(&declared, &as_registered(&declared)), []);
        }
    }

    #[test]
    fn changes_are_named() {
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
    fn only_admin_commands_are_hidden_from_members() {
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
    fn an_admin_command_that_everyone_can_see_is_a_change() {
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
