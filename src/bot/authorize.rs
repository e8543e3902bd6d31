//! Authorization: decides from the caller, the settings and the agent's rule who may use a command.
//! No I/O.

use crate::agents::Rule;
use crate::config::{self, Reader, Setting};
use crate::discord::interaction::Caller;
use crate::text::UserError;

/// The access settings, which hold for every command.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Access {
    /// Servers in which commands are accepted. Direct messages are refused always.
    pub guilds: Guilds,
    /// Users who are admins.
    pub admin_users: Vec<u64>,
    /// Roles whose members are admins.
    pub admin_roles: Vec<u64>,
}

/// Servers in which commands are accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Guilds {
    /// Every server that has added the bot.
    Every,
    /// These servers only.
    These(Vec<u64>),
}

impl Default for Guilds {
    fn default() -> Self {
        Self::These(Vec::new())
    }
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
    /// Not used in a server that has added the bot: a direct message, or an app that a user installed.
    NoServer,
    /// Commands are not accepted in this server.
    OtherServer(u64),
    /// Only these (and the admins) may use this agent.
    OnlyFor(Rule),
    /// Only admins may use it; the rule lists them.
    OnlyAdmins(Rule),
}

const USER_IDS: &str = "it must be ids of users separated by commas (Copy User ID, with Discord's developer mode on), not names";
const ROLE_IDS: &str = "it must be ids of roles separated by commas (Copy Role ID, with Discord's developer mode on), not names";

const GUILDS: Setting = Setting {
    name: "ALLOWED_GUILD_IDS",
    about: "ids of the servers in which Deckhand accepts commands, separated by commas; `*`: every server that adds the bot",
    default: "required",
    shape: "it must be ids of servers separated by commas (Copy Server ID, with Discord's developer mode on), or * for every server",
};

const HOW_TO_NAME_SERVERS: &str = "set it to the ids of your servers, separated by commas (Copy Server ID, with \
    Discord's developer mode on), or to * for every server that adds the bot";

const ADMIN_USERS: Setting = Setting {
    name: "ADMIN_USER_IDS",
    about: "users who may use every agent, and the commands for admins; separated by commas",
    default: "nobody",
    shape: USER_IDS,
};

const ADMIN_ROLES: Setting = Setting {
    name: "ADMIN_ROLE_IDS",
    about: "roles whose members have the same rights, separated by commas",
    default: "nobody",
    shape: ROLE_IDS,
};

/// The settings of this module.
pub const DECLARED: &[&Setting] = &[&GUILDS, &ADMIN_USERS, &ADMIN_ROLES];

impl Access {
    /// Reads these settings.
    pub fn read(reader: &mut Reader<'_>) -> Self {
        let guilds = |text: &str| match text {
            "*" => Some(Guilds::Every),
            _ => config::entries(text, config::id).map(Guilds::These),
        };
        Self {
            // Where it is missing, the problem keeps the bot from starting.
            guilds: reader.required(&GUILDS, HOW_TO_NAME_SERVERS, guilds).unwrap_or_default(),
            admin_users: reader.list(&ADMIN_USERS, config::id),
            admin_roles: reader.list(&ADMIN_ROLES, config::id),
        }
    }

    /// Whether `ADMIN_USER_IDS` or `ADMIN_ROLE_IDS` names the caller. Discord's own Administrator
    /// permission does not count.
    pub fn is_admin(&self, caller: &Caller) -> bool {
        named(&self.admin_users, &self.admin_roles, caller)
    }

    /// Whether commands are accepted where the caller is, whoever it is.
    pub fn decide_place(&self, caller: &Caller) -> Result<(), Refusal> {
        let guild = caller.guild_id.ok_or(Refusal::NoServer)?;
        match &self.guilds {
            Guilds::Every => Ok(()),
            Guilds::These(guilds) if guilds.contains(&guild) => Ok(()),
            Guilds::These(_) => Err(Refusal::OtherServer(guild)),
        }
    }

    /// Whether the caller may use a command of this level here. `rule` is the rule of its agent.
    pub fn decide(&self, caller: &Caller, level: AccessLevel, rule: &Rule) -> Result<(), Refusal> {
        self.decide_place(caller)?;
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
            Refusal::NoServer => Self::new(
                "Deckhand does not take commands here, only in a server that has added it.",
            ),
            Refusal::OtherServer(guild) => Self::new(format!(
                "Deckhand does not take commands here. Whoever runs it can allow this server: add `{guild}` to \
                 `ALLOWED_GUILD_IDS`."
            )),
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
pub(crate) fn mentions(rule: &Rule) -> String {
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
            in_thread: false,
            app_permissions: None,
        }
    }

    fn access() -> Access {
        Access { guilds: Guilds::These(vec![GUILD]), admin_users: vec![1], admin_roles: vec![2] }
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

    #[rstest]
    #[case::another_server(Some(GUILD + 1), Refusal::OtherServer(GUILD + 1))]
    #[case::direct_message(None, Refusal::NoServer)]
    fn an_admin_is_refused_outside_the_allowed_servers(
        #[case] guild: Option<u64>,
        #[case] why: Refusal,
    ) {
        let admin = caller(1, &[2], guild);
        let decision = access().decide(&admin, AccessLevel::Admin, &Rule::default());
        assert_eq!(decision, Err(why));
    }

    #[test]
    fn without_admins_an_admin_command_is_refused_to_everyone() {
        let access = Access { guilds: Guilds::Every, ..Access::default() };
        let decision =
            access.decide(&caller(9, &[8], Some(GUILD)), AccessLevel::Admin, &Rule::default());
        assert_eq!(decision, Err(Refusal::OnlyAdmins(Rule::default())));
    }

    #[rstest]
    #[case::this_server(Some(GUILD), Ok(()))]
    #[case::another_server(Some(GUILD + 1), Err(Refusal::OtherServer(GUILD + 1)))]
    #[case::direct_message(None, Err(Refusal::NoServer))]
    fn an_open_agent_is_open_only_in_allowed_servers(
        #[case] guild: Option<u64>,
        #[case] expected: Result<(), Refusal>,
    ) {
        for user in [1, 9] {
            let caller = caller(user, &[], guild);
            let decision = access().decide(&caller, AccessLevel::Agent, &Rule::default());
            assert_eq!(decision, expected);
        }
    }

    #[rstest]
    #[case::any_server(Some(5), Ok(()))]
    #[case::direct_message(None, Err(Refusal::NoServer))]
    fn a_star_is_every_server_and_no_direct_message(
        #[case] guild: Option<u64>,
        #[case] expected: Result<(), Refusal>,
    ) {
        let access = Access { guilds: Guilds::Every, ..access() };
        for user in [1, 9] {
            let caller = caller(user, &[], guild);
            let decision = access.decide(&caller, AccessLevel::Agent, &Rule::default());
            assert_eq!(decision, expected);
        }
    }

    #[test]
    fn without_a_setting_nothing_is_accepted_anywhere() {
        let decision = Access::default().decide_place(&caller(1, &[], Some(GUILD)));
        assert_eq!(decision, Err(Refusal::OtherServer(GUILD)));
    }

    #[rstest]
    #[case("*", Ok(Guilds::Every))]
    #[case(" 41 , 42,", Ok(Guilds::These(vec![41, 42])))]
    #[case("", Err("is not set"))]
    #[case(" ", Err("is not set"))]
    #[case(",", Err("is not valid"))]
    #[case("*,41", Err("is not valid"))]
    #[case("41,*", Err("is not valid"))]
    #[case("all", Err("is not valid"))]
    #[case("0", Err("is not valid"))]
    #[case("+41", Err("is not valid"))]
    #[case("41 42", Err("is not valid"))]
    fn the_servers_are_ids_or_a_star(#[case] text: &str, #[case] expected: Result<Guilds, &str>) {
        let env = |name: &str| (name == "ALLOWED_GUILD_IDS").then(|| text.to_owned());
        let mut reader = Reader::new(&env);
        let read = Access::read(&mut reader).guilds;
        let problems: Vec<String> = reader.problems().iter().map(ToString::to_string).collect();
        match expected {
            Ok(guilds) => assert_eq!((read, problems.len()), (guilds, 0)),
            Err(why) => {
                let [problem] = problems.as_slice() else { panic!("{problems:?}") };
                assert!(problem.starts_with(&format!("ALLOWED_GUILD_IDS {why}")), "{problem}");
                assert_eq!(read, Guilds::default());
            }
        }
    }
}
