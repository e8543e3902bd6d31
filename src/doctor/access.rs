//! The doctor's findings on who may command the bot: in which servers, and which agent.

use super::finding::{Finding, commands, listed};
use crate::agents::{Registry, Rule};
use crate::bot::Command;
use crate::bot::authorize::{Access, Guilds};
use crate::bot::command::served;
use crate::discord::application::Application;

/// Who may command the bot.
#[derive(Debug, Clone, Default)]
pub struct AccessFacts {
    /// Where commands are accepted. `None`: the setting is missing or not valid.
    pub guilds: Option<Guilds>,
    /// The admins.
    pub admins: Rule,
    /// The agents, in the order of the file.
    pub agents: Vec<AgentUsers>,
}

/// Who may use an agent.
#[derive(Debug, Clone)]
pub struct AgentUsers {
    /// The agent's name.
    pub name: String,
    /// Its commands, without the slash.
    pub commands: Vec<String>,
    /// Who may use it, besides the admins.
    pub rule: Rule,
}

impl AccessFacts {
    /// What the settings and the registry say.
    pub(super) fn of(access: &Access, registry: Option<&Registry>, table: &[Command]) -> Self {
        let agents = registry.into_iter().flat_map(|registry| {
            registry.agents().iter().map(|agent| {
                let own = served(table, registry)
                    .filter(|served| served.agent.is_some_and(|one| one.id == agent.id));
                AgentUsers {
                    name: agent.name.clone(),
                    commands: own.map(|served| served.name.to_owned()).collect(),
                    rule: agent.rule.clone(),
                }
            })
        });
        Self {
            guilds: Some(access.guilds.clone()),
            admins: Rule { users: access.admin_users.clone(), roles: access.admin_roles.clone() },
            agents: agents.collect(),
        }
    }
}

/// Where commands are accepted, and who the admins are.
/// `admins_known`: whether the settings that name them are valid.
pub(super) fn settings(about: &str, facts: &AccessFacts, admins_known: bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    match &facts.guilds {
        Some(Guilds::Every) => findings.push(Finding::doubtful(
            about,
            "ALLOWED_GUILD_IDS is *: every server that adds the bot may command it.",
            "Set it to the ids of your servers, separated by commas.",
        )),
        Some(Guilds::These(guilds)) => {
            let servers = numbered("server", "servers", guilds);
            findings
                .push(Finding::good(about, format!("Commands are accepted only in {servers}.")));
        }
        None => {}
    }
    if facts.admins == Rule::default() && !admins_known {
        return findings;
    }
    if facts.admins == Rule::default() {
        findings.push(Finding::doubtful(
            about,
            "Nobody is an admin, so nobody can use the commands for admins.",
            "Set ADMIN_USER_IDS or ADMIN_ROLE_IDS if you want to use them.",
        ));
    } else {
        let admins = named(&facts.admins);
        findings.push(Finding::good(about, format!("Admins, who may use everything: {admins}.")));
    }
    findings
}

/// Who may use each agent.
pub(super) fn agents(about: &str, facts: &AccessFacts) -> Vec<Finding> {
    let everyone = match &facts.guilds {
        Some(Guilds::Every) => "everyone in every server that adds the bot",
        Some(Guilds::These(guilds)) if guilds.len() == 1 => "everyone in the server",
        Some(Guilds::These(_)) => "everyone in the servers",
        None => "everyone in the servers of ALLOWED_GUILD_IDS",
    };
    let finding = |AgentUsers { name, commands: own, rule }: &AgentUsers| {
        let who = match (rule == &Rule::default(), facts.admins == Rule::default()) {
            (true, _) => everyone.to_owned(),
            (false, true) => named(rule),
            (false, false) => format!("{}; admins", named(rule)),
        };
        Finding::good(about, format!("{name} ({}) is for {who}.", commands(own)))
    };
    facts.agents.iter().map(finding).collect()
}

/// Whether strangers can command the bot. `None` if the setting names servers: then they cannot.
pub(super) fn public(
    about: &str,
    guilds: Option<&Guilds>,
    application: &Application,
) -> Option<Finding> {
    const FIX: &str = "Set ALLOWED_GUILD_IDS to the ids of your servers, or switch off Public Bot on the page Bot \
                       of Discord's developer portal.";
    match (guilds?, application.bot_public) {
        (Guilds::These(_), _) => None,
        (Guilds::Every, Some(true)) => Some(Finding::bad(
            about,
            "The bot is public and every server may command it: anyone can add it to a server of theirs and \
             dispatch your workflows from there.",
            FIX,
        )),
        (Guilds::Every, Some(false)) => Some(Finding::good(
            about,
            "The bot is not public: only its owner can add it to a server.",
        )),
        (Guilds::Every, None) => Some(Finding::doubtful(
            about,
            "Discord does not say whether the bot is public. If it is, anyone can command it from a server of \
             theirs.",
            FIX,
        )),
    }
}

/// `role 1, users 2 and 3`.
fn named(Rule { users, roles }: &Rule) -> String {
    let roles = (!roles.is_empty()).then(|| numbered("role", "roles", roles));
    let users = (!users.is_empty()).then(|| numbered("user", "users", users));
    roles.into_iter().chain(users).collect::<Vec<_>>().join(", ")
}

/// The most ids that are listed one by one.
const LISTED: usize = 5;

/// `role 1`, `roles 1, 2 and 3`.
fn numbered(one: &str, many: &str, ids: &[u64]) -> String {
    let mut shown: Vec<String> = ids.iter().take(LISTED).map(u64::to_string).collect();
    if ids.len() > LISTED {
        shown.push(format!("{} more", ids.len() - LISTED));
    }
    format!("{} {}", if ids.len() == 1 { one } else { many }, listed(&shown))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agents::file;
    use crate::commands::TABLE;
    use crate::doctor::Level;
    use rstest::rstest;

    fn rule(users: &[u64], roles: &[u64]) -> Rule {
        Rule { users: users.to_vec(), roles: roles.to_vec() }
    }

    fn facts(guilds: Guilds, admins: Rule, rule: Rule) -> AccessFacts {
        let agent =
            AgentUsers { name: "API".to_owned(), commands: vec!["deploy-api".to_owned()], rule };
        AccessFacts { guilds: Some(guilds), admins, agents: vec![agent] }
    }

    #[rstest]
    #[case::open(rule(&[], &[]), "everyone in the server")]
    #[case::roles(rule(&[], &[4, 5]), "roles 4 and 5; admins")]
    #[case::user(rule(&[3], &[]), "user 3; admins")]
    #[case::both(rule(&[3], &[4]), "role 4, user 3; admins")]
    #[case::many(rule(&[], &[1, 2, 3, 4, 5, 6, 7]), "roles 1, 2, 3, 4, 5 and 2 more; admins")]
    fn an_agents_users_are_listed(#[case] rule: Rule, #[case] who: &str) {
        let admins = Rule { users: vec![1], roles: vec![] };
        let found = agents("Agents", &facts(Guilds::These(vec![41]), admins, rule));
        let [Finding { level: Level::Good, what, .. }] = found.as_slice() else {
            panic!("{found:?}")
        };
        assert_eq!(what, &format!("API (/deploy-api) is for {who}."));
    }

    #[test]
    fn without_admins_none_are_named_and_a_star_is_every_server() {
        let found = agents("Agents", &facts(Guilds::Every, Rule::default(), rule(&[], &[4])));
        assert_eq!(found[0].what, "API (/deploy-api) is for role 4.");
        let found = agents("Agents", &facts(Guilds::Every, Rule::default(), Rule::default()));
        assert!(found[0].what.ends_with("is for everyone in every server that adds the bot."));
    }

    #[test]
    fn every_command_of_an_agent_is_listed_with_it() {
        let registry = file::load(None).unwrap();
        let facts = AccessFacts::of(&Access::default(), Some(&registry), TABLE);
        let found: Vec<_> = agents("Agents", &facts).into_iter().map(|one| one.what).collect();
        assert_eq!(found.len(), registry.agents().len());
        assert!(found[0].starts_with("Deploy verifier (/verify-latest and /verify-run) is for "));
    }

    #[rstest]
    #[case::ours(Guilds::These(vec![41]), Some(true), None)]
    #[case::public(Guilds::Every, Some(true), Some(Level::Bad))]
    #[case::private(Guilds::Every, Some(false), Some(Level::Good))]
    #[case::not_said(Guilds::Every, None, Some(Level::Doubtful))]
    fn a_public_bot_that_every_server_may_command_is_bad(
        #[case] guilds: Guilds,
        #[case] bot_public: Option<bool>,
        #[case] level: Option<Level>,
    ) {
        let application = Application { bot_public, ..Application::default() };
        let found = public("Discord", Some(&guilds), &application);
        assert_eq!(found.map(|finding| finding.level), level);
    }
}
