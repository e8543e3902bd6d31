//! The doctor's findings on ids: whether the servers, users and roles that are named are those of Discord. A few
//! requests, with a limit; what could not be read is said as that.

use futures_util::future::join_all;

use super::access::AccessFacts;
use super::finding::{Finding, listed};
use crate::agents::Rule;
use crate::bot::authorize::Guilds;
use crate::discord::guild::Guild;
use crate::discord::{Discord, DiscordError};

const ABOUT: &str = "Ids";

/// The most servers, users, and other servers that are asked for.
const ASKED: usize = 10;
/// Discord's ids hold a time since 2015: what is smaller is none of a server, user or role.
const SMALLEST: u64 = 1 << 22;

/// What Discord knows of the ids.
#[derive(Debug, Clone, Default)]
pub struct IdFacts {
    /// The application's own id.
    pub application_id: u64,
    /// The servers of `ALLOWED_GUILD_IDS`. `None`: every server is allowed.
    pub guilds: Option<Vec<Server>>,
    /// `DISCORD_GUILD_ID`.
    pub registered_in: Option<u64>,
    /// The users, each with who names it.
    pub users: Vec<(Named, Result<bool, DiscordError>)>,
    /// The roles.
    pub roles: Vec<Named>,
    /// Other servers that the bot is in, with their roles; asked if a role is not known.
    pub elsewhere: Vec<(u64, Guild)>,
    /// How many ids were not looked up.
    pub left_out: usize,
}

/// A server, as Discord knows it.
#[derive(Debug, Clone)]
pub struct Server {
    pub id: u64,
    pub found: Result<Guild, DiscordError>,
    /// What the id is instead, if it is no server of the bot's.
    pub instead: Option<String>,
}

/// An id, and what names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    pub id: u64,
    pub by: String,
}

/// Asks Discord about the ids.
pub(crate) async fn ask(discord: &Discord, access: &AccessFacts) -> IdFacts {
    let settings = discord.settings();
    let mut facts = IdFacts {
        application_id: settings.application_id,
        registered_in: settings.guild_id,
        roles: named(access, "ADMIN_ROLE_IDS", "allowed_roles", |rule| &rule.roles),
        ..IdFacts::default()
    };
    let mut users = named(access, "ADMIN_USER_IDS", "allowed_users", |rule| &rule.users);
    facts.left_out = users.len().saturating_sub(ASKED);
    users.truncate(ASKED);
    let users = join_all(users.into_iter().map(|user| async move {
        let is_bot = match user.id {
            id if id == settings.application_id => Ok(true),
            id => discord.is_bot(id).await,
        };
        (user, is_bot)
    }));
    let guilds = async {
        let Some(Guilds::These(ids)) = &access.guilds else { return None };
        let asked = ids.iter().take(ASKED).map(|id| async move {
            let found = discord.guild(*id).await;
            let unknown = found.as_ref().is_err_and(is_unknown);
            let instead = if unknown { instead_of_a_server(discord, *id).await } else { None };
            Server { id: *id, found, instead }
        });
        Some(join_all(asked).await)
    };
    (facts.users, facts.guilds) = tokio::join!(users, guilds);
    if facts.roles.iter().any(|role| !facts.has_role(role.id)) {
        let known = facts.guilds.iter().flatten().map(|server| server.id).collect::<Vec<_>>();
        let others = discord.guilds().await.unwrap_or_default();
        let others = others.into_iter().filter_map(|guild| guild.id.parse().ok());
        let others = others.filter(|id| !known.contains(id)).take(ASKED);
        let others = others.map(|id| async move { Some((id, discord.guild(id).await.ok()?)) });
        facts.elsewhere = join_all(others).await.into_iter().flatten().collect();
    }
    facts
}

/// The ids of a kind, each once.
fn named(
    access: &AccessFacts,
    setting: &str,
    key: &str,
    ids: impl Fn(&Rule) -> &Vec<u64>,
) -> Vec<Named> {
    let admins = ids(&access.admins).iter().map(|id| Named { id: *id, by: setting.to_owned() });
    let of_agents = access.agents.iter().flat_map(|agent| {
        let by = format!("{key} of {}", agent.name);
        ids(&agent.rule).iter().map(move |id| Named { id: *id, by: by.clone() })
    });
    let mut all: Vec<Named> = Vec::new();
    for one in admins.chain(of_agents) {
        if !all.iter().any(|known| known.id == one.id) {
            all.push(one);
        }
    }
    all
}

/// What an id is that is no server of the bot's.
async fn instead_of_a_server(discord: &Discord, id: u64) -> Option<String> {
    if id == discord.settings().application_id {
        return Some("the application's own id".to_owned());
    }
    if id < SMALLEST {
        return Some("no id of Discord's, which have 17 to 20 digits".to_owned());
    }
    if let Ok(Some(guild)) = discord.guild_of(id).await {
        return Some(format!("a channel, in server {guild}"));
    }
    discord.is_bot(id).await.ok().map(|_| "a user".to_owned())
}

/// Whether Discord says that it knows no such thing, or that it is not the bot's.
fn is_unknown(error: &DiscordError) -> bool {
    const UNKNOWN_GUILD: u64 = 10004;
    const UNKNOWN_USER: u64 = 10013;
    const MISSING_ACCESS: u64 = 50001;
    match error {
        DiscordError::NotFound(code) => [UNKNOWN_GUILD, UNKNOWN_USER].contains(code),
        DiscordError::Refused { status, code } => *status == 403 && *code == MISSING_ACCESS,
        _ => false,
    }
}

impl IdFacts {
    fn has_role(&self, id: u64) -> bool {
        let found = self.guilds.iter().flatten().filter_map(|server| server.found.as_ref().ok());
        found.flat_map(|guild| &guild.roles).any(|(role, _)| *role == id)
    }

    fn is_server(&self, id: u64) -> bool {
        self.guilds.iter().flatten().any(|server| server.id == id)
            || self.elsewhere.iter().any(|(server, _)| *server == id)
    }
}

/// `commands_seen`: whether the commands of `DISCORD_GUILD_ID` can be read.
pub(super) fn findings(facts: Option<&IdFacts>, commands_seen: bool) -> Vec<Finding> {
    let Some(facts) = facts else { return Vec::new() };
    let mut findings: Vec<Finding> = facts.guilds.iter().flatten().filter_map(server).collect();
    findings.extend(registered(facts).filter(|_| commands_seen));
    findings.extend(facts.users.iter().filter_map(|(user, found)| judged(facts, user, found)));
    findings.extend(facts.roles.iter().filter_map(|role| of_role(facts, role)));
    if facts.left_out > 0 {
        let what = format!("{} more users were not looked up.", facts.left_out);
        findings.push(Finding::doubtful(ABOUT, what, "Give a role instead of so many users."));
    }
    let any = facts.guilds.is_some() || !facts.users.is_empty() || !facts.roles.is_empty();
    if findings.is_empty() && any {
        findings
            .push(Finding::good(ABOUT, "Discord knows each server, user and role that is named."));
    }
    findings
}

fn server(server: &Server) -> Option<Finding> {
    let id = server.id;
    let error = server.found.as_ref().err()?;
    let copy =
        "Copy Server ID is in the menu of the server's name, with Discord's developer mode on.";
    Some(match &server.instead {
        Some(instead) => Finding::bad(
            ABOUT,
            format!(
                "ALLOWED_GUILD_IDS has {id}, which is {instead}, not a server: nobody can use a command by it."
            ),
            copy,
        ),
        None if is_unknown(error) => Finding::doubtful(
            ABOUT,
            format!("ALLOWED_GUILD_IDS has {id}, but the bot is in no server of this id."),
            format!(
                "Invite the bot there with the scopes bot and applications.commands, or correct the id. {copy}"
            ),
        ),
        None => unread(&format!("ALLOWED_GUILD_IDS: whether {id} is a server of the bot's"), error),
    })
}

fn registered(facts: &IdFacts) -> Option<Finding> {
    let id = facts.registered_in?;
    let allowed = facts.guilds.as_ref()?.iter().any(|server| server.id == id);
    (!allowed).then(|| {
        Finding::doubtful(
            ABOUT,
            format!("DISCORD_GUILD_ID is {id}, which ALLOWED_GUILD_IDS does not have: its commands are refused."),
            "Add it to ALLOWED_GUILD_IDS, or take DISCORD_GUILD_ID out.",
        )
    })
}

fn judged(
    facts: &IdFacts,
    Named { id, by }: &Named,
    found: &Result<bool, DiscordError>,
) -> Option<Finding> {
    let copy = "Copy User ID is in the menu of the user's name, with Discord's developer mode on.";
    let what = match found {
        _ if *id == facts.application_id => {
            format!("{by} has {id}, the application's own id: no person is named by it.")
        }
        Ok(false) => return None,
        Ok(true) => format!("{by} has {id}, which is a bot: bots use no commands."),
        Err(_) if facts.is_server(*id) => format!("{by} has {id}, which is a server, not a user."),
        Err(_) if facts.has_role(*id) => format!("{by} has {id}, which is a role, not a user."),
        Err(error) if is_unknown(error) => {
            format!("{by} has {id}, but Discord knows no user of this id.")
        }
        Err(error) => return Some(unread(&format!("{by}: whether {id} is a user"), error)),
    };
    Some(Finding::bad(ABOUT, what, copy))
}

fn of_role(facts: &IdFacts, Named { id, by }: &Named) -> Option<Finding> {
    let copy = "Copy Role ID is in the menu of the role, in the server's settings, with Discord's developer mode on.";
    if facts.is_server(*id) {
        let what = format!(
            "{by} has {id}, the server's own id: it stands for @everyone, a role that Discord does not send."
        );
        let fix = "Name another role, or leave the rule out: then everyone in the servers may.";
        return Some(Finding::bad(ABOUT, what, fix));
    }
    if facts.has_role(*id) {
        return None;
    }
    let elsewhere =
        facts.elsewhere.iter().find(|(_, guild)| guild.roles.iter().any(|(role, _)| role == id));
    if let Some((server, _)) = elsewhere {
        // Where every server is allowed, any of them may have it.
        facts.guilds.as_ref()?;
        let what = format!(
            "{by} has {id}, a role of server {server}, which ALLOWED_GUILD_IDS does not have."
        );
        return Some(Finding::bad(
            ABOUT,
            what,
            format!("Name a role of an allowed server. {copy}"),
        ));
    }
    let user = facts.users.iter().any(|(user, found)| user.id == *id && found.is_ok());
    let unread: Vec<String> = facts
        .guilds
        .iter()
        .flatten()
        .filter(|server| server.found.is_err())
        .map(|server| server.id.to_string())
        .collect();
    Some(if user {
        Finding::bad(ABOUT, format!("{by} has {id}, which is a user, not a role."), copy)
    } else if unread.is_empty() && facts.guilds.is_some() {
        Finding::bad(ABOUT, format!("{by} has {id}, but no allowed server has such a role."), copy)
    } else {
        let what = format!("{by}: whether {id} is a role could not be checked.");
        let fix = if unread.is_empty() {
            copy.to_owned()
        } else {
            format!("The bot does not see server {}.", listed(&unread))
        };
        Finding::doubtful(ABOUT, what, fix)
    })
}

fn unread(what: &str, error: &DiscordError) -> Finding {
    let fix = if error.passes() { "Try again in a minute." } else { "Check DISCORD_API_BASE." };
    Finding::doubtful(ABOUT, format!("{what} could not be read: {error}."), fix)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::doctor::Level;

    const APP: u64 = 1_190_000_000_000_000_001;
    const HERE: u64 = 1_190_000_000_000_000_002;
    const THERE: u64 = 1_190_000_000_000_000_009;
    const NO_USER: DiscordError = DiscordError::NotFound(10013);

    fn facts(user: u64, found: Result<bool, DiscordError>, role: u64) -> IdFacts {
        let guild = Guild { roles: vec![(HERE, 0), (5, 0)] };
        let here = Server { id: HERE, found: Ok(guild), instead: None };
        let named = |id, by: &str| Named { id, by: by.to_owned() };
        IdFacts {
            application_id: APP,
            guilds: Some(vec![here]),
            registered_in: Some(HERE),
            users: vec![(named(user, "ADMIN_USER_IDS"), found)],
            roles: vec![named(role, "ADMIN_ROLE_IDS")],
            elsewhere: vec![(THERE, Guild { roles: vec![(THERE, 0), (6, 0)] })],
            left_out: 0,
        }
    }

    #[rstest]
    #[case::well(facts(7, Ok(false), 5), Level::Good, "knows each")]
    #[case::application(facts(APP, Ok(true), 5), Level::Bad, "the application's own id")]
    #[case::bot(facts(7, Ok(true), 5), Level::Bad, "is a bot")]
    #[case::nobody(facts(7, Err(NO_USER), 5), Level::Bad, "no user of this id")]
    #[case::a_role_as_user(facts(5, Err(NO_USER), 5), Level::Bad, "is a role, not a user")]
    #[case::a_server_as_user(facts(HERE, Err(NO_USER), 5), Level::Bad, "is a server, not a user")]
    #[case::not_read(
        facts(7, Err(DiscordError::Fault(503)), 5),
        Level::Doubtful,
        "could not be read"
    )]
    #[case::everyone(facts(7, Ok(false), HERE), Level::Bad, "stands for @everyone")]
    #[case::elsewhere(facts(7, Ok(false), 6), Level::Bad, "a role of server 1190000000000000009")]
    #[case::a_user_as_role(facts(7, Ok(false), 7), Level::Bad, "is a user, not a role")]
    #[case::no_role(facts(7, Ok(false), 8), Level::Bad, "no allowed server has such a role")]
    #[case::commands_elsewhere(IdFacts { registered_in: Some(3), ..facts(7, Ok(false), 5) }, Level::Doubtful, "DISCORD_GUILD_ID is 3")]
    fn an_id_is_judged(#[case] facts: IdFacts, #[case] level: Level, #[case] what: &str) {
        let found = findings(Some(&facts), true);
        let [finding] = found.as_slice() else { panic!("{found:#?}") };
        assert_eq!(finding.level, level, "{finding:?}");
        assert!(finding.what.contains(what), "{finding:?}");
    }

    #[rstest]
    #[case::small(
        DiscordError::NotFound(10004),
        Some("no id of Discord's"),
        Level::Bad,
        "not a server"
    )]
    #[case::not_there(DiscordError::Refused { status: 403, code: 50001 }, None, Level::Doubtful, "the bot is in no server")]
    #[case::down(DiscordError::Fault(503), None, Level::Doubtful, "could not be read")]
    fn a_server_is_judged(
        #[case] error: DiscordError,
        #[case] instead: Option<&str>,
        #[case] level: Level,
        #[case] what: &str,
    ) {
        let server = Server { id: 1, found: Err(error), instead: instead.map(str::to_owned) };
        let facts = IdFacts { guilds: Some(vec![server]), ..IdFacts::default() };
        let [finding] = &findings(Some(&facts), true)[..] else { panic!("one finding") };
        assert_eq!(finding.level, level);
        assert!(finding.what.contains(what), "{finding:?}");
    }
}
