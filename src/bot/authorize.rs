//! Authorization: decides from the caller, the settings and the agent's rule who may use a command.
//! No I/O.

use crate::agents::Rule;
use crate::config::{Reader, Setting};
use crate::discord::interaction::Caller;
use crate::text::UserError;

/// The access settings, which hold for every command.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Access {
    /// Servers in which commands are accepted. Empty: every server in which they are registered.
    pub guilds: Vec<u64>,
    /// Users who are admins.
    pub admin_users: Vec<u64>,
    /// Roles whose members are admins.
    pub admin_roles: Vec<u64>,
}

/// Who may use a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccessLevel {
    /// Everyone whom the agent's rule allows. Without an agent: everyone in an allowed server.
    Agent,
    /// Admins only.
    Admin,
}

/// Why a caller may not use a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// Commands are not accepted in this server, or not in direct messages.
    NotHere,
    /// Only these (and the admins) may use this agent.
    OnlyFor(Rule),
    /// Only admins may use it; the rule lists them.
    OnlyAdmins(Rule),
}

const IDS: &str = "it must be numbers separated by commas";

const GUILDS: Setting = Setting {
    name: "ALLOWED_GUILD_IDS",
    about: "servers in which Deckhand accepts commands, separated by commas",
    default: "every server it is registered in",
    shape: IDS,
};

const ADMIN_USERS: Setting = Setting {
    name: "ADMIN_USER_IDS",
    about: "users who may use every agent, and the commands for admins; separated by commas",
    default: "nobody",
    shape: IDS,
};

const ADMIN_ROLES: Setting = Setting {
    name: "ADMIN_ROLE_IDS",
    about: "roles whose members have the same rights, separated by commas",
    default: "nobody",
    shape: IDS,
};

/// The settings of this module.
pub const DECLARED: &[&Setting] = &[&GUILDS, &ADMIN_USERS, &ADMIN_ROLES];

impl Access {
    /// Reads these settings.
    pub fn read(reader: &mut Reader<'_>) -> Self {
        let id = |text: &str| text.parse().ok();
        Self {
            guilds: reader.list(&GUILDS, id),
            admin_users: reader.list(&ADMIN_USERS, id),
            admin_roles: reader.list(&ADMIN_ROLES, id),
        }
    }

    /// Whether `ADMIN_USER_IDS` or `ADMIN_ROLE_IDS` names the caller. Discord's own Administrator
    /// permission does not count.
    pub fn is_admin(&self, caller: &Caller) -> bool {
        named(&self.admin_users, &self.admin_roles, caller)
    }

    /// Whether the caller may use a command of this level here. `rule` is the rule of its agent.
    pub fn decide(&self, caller: &Caller, level: AccessLevel, rule: &Rule) -> Result<(), Refusal> {
        let listed = caller.guild_id.is_some_and(|guild| self.guilds.contains(&guild));
        if !self.guilds.is_empty() && !listed {
            return Err(Refusal::NotHere);
        }
        if self.is_admin(caller) {
            return Ok(());
        }
        if level == AccessLevel::Admin {
            let (users, roles) = (self.admin_users.clone(), self.admin_roles.clone());
            return Err(Refusal::OnlyAdmins(Rule { users, roles }));
        }
        let open = rule.users.is_empty() && rule.roles.is_empty();
        if open || named(&rule.users, &rule.roles, caller) {
            Ok(())
        } else {
            Err(Refusal::OnlyFor(rule.clone()))
        }
    }
}

impl From<Refusal> for UserError {
    fn from(why: Refusal) -> Self {
        match why {
            Refusal::NotHere => Self::new(
                "Deckhand does not take commands here. An administrator of the bot can allow this \
                 server with `ALLOWED_GUILD_IDS`.",
            ),
            Refusal::OnlyFor(rule) => {
                Self::new(format!("You may not use this command. Who can: {}.", mentions(&rule)))
            }
            Refusal::OnlyAdmins(admins) if admins == Rule::default() => Self::new(
                "You may not use this command. Only admins of the bot can, and nobody is one yet: set \
                 `ADMIN_USER_IDS` or `ADMIN_ROLE_IDS`.",
            ),
            Refusal::OnlyAdmins(admins) => Self::new(format!(
                "You may not use this command. Only admins of the bot can: {}.",
                mentions(&admins)
            )),
        }
    }
}

/// The users and roles of a rule as mentions. Messages ping nobody by default.
fn mentions(rule: &Rule) -> String {
    let users = rule.users.iter().map(|id| format!("<@{id}>"));
    let roles = rule.roles.iter().map(|id| format!("<@&{id}>"));
    roles.chain(users).collect::<Vec<_>>().join(", ")
}

fn named(users: &[u64], roles: &[u64], caller: &Caller) -> bool {
    users.contains(&caller.user_id) || caller.roles.iter().any(|role| roles.contains(role))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const GUILD: u64 = 41;

    fn caller(user_id: u64, roles: &[u64], guild_id: Option<u64>) -> Caller {
        Caller {
            user_id,
            username: "ada".to_owned(),
            roles: roles.to_vec(),
            guild_id,
            channel_id: None,
        }
    }

    fn access() -> Access {
        Access { guilds: vec![GUILD], admin_users: vec![1], admin_roles: vec![2] }
    }

    #[rstest]
    #[case::stranger(caller(9, &[], Some(GUILD)), false)]
    #[case::named_user(caller(3, &[], Some(GUILD)), true)]
    #[case::named_role(caller(9, &[8, 4], Some(GUILD)), true)]
    #[case::admin_user(caller(1, &[], Some(GUILD)), true)]
    #[case::admin_role(caller(9, &[2], Some(GUILD)), true)]
    #[case::role_with_a_users_id(caller(9, &[3], Some(GUILD)), false)]
    fn a_restricted_agent_is_for_those_in_its_rule_and_admins(
        #[case] caller: Caller,
        #[case] may: bool,
    ) {
        let rule = Rule { users: vec![3], roles: vec![4] };
        let refused = Err(Refusal::OnlyFor(rule.clone()));
        let decision = access().decide(&caller, AccessLevel::Agent, &rule);
        assert_eq!(decision, if may { Ok(()) } else { refused });
    }

    #[rstest]
    #[case::stranger(caller(9, &[], Some(GUILD)), false)]
    #[case::admin_user(caller(1, &[], Some(GUILD)), true)]
    #[case::admin_role(caller(9, &[8, 2], Some(GUILD)), true)]
    #[case::user_with_a_roles_id(caller(2, &[], Some(GUILD)), false)]
    #[case::role_with_a_users_id(caller(9, &[1], Some(GUILD)), false)]
    fn an_admin_command_ignores_the_agents_rule(
        #[case] caller: Caller,
        #[case] may: bool,
        #[values(&[], &[9])] users: &[u64],
    ) {
        let rule = Rule { users: users.to_vec(), roles: vec![8] };
        let refused = Err(Refusal::OnlyAdmins(Rule { users: vec![1], roles: vec![2] }));
        let decision = access().decide(&caller, AccessLevel::Admin, &rule);
        assert_eq!(decision, if may { Ok(()) } else { refused });
    }

    #[test]
    fn an_admin_is_refused_outside_the_allowed_servers() {
        for guild in [Some(GUILD + 1), None] {
            let admin = caller(1, &[2], guild);
            let decision = access().decide(&admin, AccessLevel::Admin, &Rule::default());
            assert_eq!(decision, Err(Refusal::NotHere));
        }
    }

    #[test]
    fn without_admins_an_admin_command_is_refused_to_everyone() {
        let decision = Access::default().decide(
            &caller(9, &[8], Some(GUILD)),
            AccessLevel::Admin,
            &Rule::default(),
        );
        assert_eq!(decision, Err(Refusal::OnlyAdmins(Rule::default())));
    }

    #[rstest]
    #[case::this_server(Some(GUILD), true)]
    #[case::another_server(Some(GUILD + 1), false)]
    #[case::direct_message(None, false)]
    fn an_open_agent_is_open_only_in_allowed_servers(
        #[case] guild: Option<u64>,
        #[case] may: bool,
    ) {
        let refused = Err(Refusal::NotHere);
        for user in [1, 9] {
            let caller = caller(user, &[], guild);
            let decision = access().decide(&caller, AccessLevel::Agent, &Rule::default());
            assert_eq!(decision, if may { Ok(()) } else { refused.clone() });
        }
    }

    #[test]
    fn without_a_list_of_servers_every_place_is_allowed() {
        for guild in [Some(5), None] {
            let caller = caller(9, &[], guild);
            let decision = Access::default().decide(&caller, AccessLevel::Agent, &Rule::default());
            assert_eq!(decision, Ok(()));
        }
    }
}
