//! The doctor's findings on Discord: the application, its endpoint, its registered commands, the digest's
//! channel.

use url::Url;

use super::access;
use super::facts::{Asked, DiscordFacts, Facts, Registered};
use super::finding::{Finding, listed};
use super::rights::rights;
use crate::bot::authorize::Guilds;
use crate::config::is_loopback;
use crate::discord::DiscordError;
use crate::discord::application::Application;
use crate::discord::channel;
use crate::discord::interaction;

const ABOUT: &str = "Discord";
const RESET: &str = "On the page Bot of Discord's developer portal, Reset Token shows a new token, once. Set DISCORD_BOT_TOKEN (on \
                     AWS the parameter that DISCORD_BOT_TOKEN_PARAMETER names) to it.";
const PORTAL: &str = "the application's page in Discord's developer portal";

pub(super) fn findings(all: &Facts) -> Vec<Finding> {
    // What is wrong with its settings is said already, and that nothing was asked.
    let Some(facts) = &all.discord else { return Vec::new() };
    judged(facts, all.watches, all.access.guilds.as_ref())
}

fn judged(facts: &DiscordFacts, watches: usize, guilds: Option<&Guilds>) -> Vec<Finding> {
    let Some(asked) = &facts.asked else {
        if facts.has_digest || watches > 0 {
            let digest =
                facts.has_digest.then_some("the digest of DIGEST_CHANNEL_ID is not posted");
            let watches = (watches > 0).then_some("the watches of agents.toml show nothing");
            let without: Vec<String> =
                digest.into_iter().chain(watches).map(str::to_owned).collect();
            let what = format!(
                "DISCORD_BOT_TOKEN is not set: {}. Nor is Discord checked.",
                listed(&without)
            );
            return vec![Finding::bad(ABOUT, what, RESET)];
        }
        return vec![Finding::doubtful(
            ABOUT,
            "Not checked: the application, its endpoint and the registered commands.",
            "Set DISCORD_BOT_TOKEN for this check; the bot needs it to tell the end of a deploy after 15 \
             minutes, and for the digest on a schedule.",
        )];
    };
    let application = match &asked.application {
        Ok(application) => application,
        Err(error @ DiscordError::NoSignIn(_)) if facts.has_digest => return vec![channel(error)],
        Err(error) => return vec![trouble("The application", error)],
    };
    let mut findings = vec![identity(facts, application), endpoint(application)];
    findings.extend(access::public(ABOUT, guilds, application));
    if application.id == facts.application_id.to_string() {
        findings.extend(registered(asked));
    }
    findings.extend(asked.channel.as_ref().map(|seen| match seen {
        Ok(()) => rights("the channel of the digest", asked.rights.as_ref(), true, ABOUT),
        Err(error) => channel(error),
    }));
    findings
}

/// The finding for an error that stops the scheduled digest.
fn channel(error: &DiscordError) -> Finding {
    let (what, fix) = channel::trouble(error);
    match error {
        DiscordError::RateLimited(_) => Finding::doubtful(ABOUT, what, fix),
        _ => Finding::bad(ABOUT, what, fix),
    }
}

fn identity(facts: &DiscordFacts, application: &Application) -> Finding {
    if application.id != facts.application_id.to_string() {
        return Finding::bad(
            ABOUT,
            format!(
                "DISCORD_APPLICATION_ID is not the id of the application that DISCORD_BOT_TOKEN \
                 belongs to, {}: commands cannot be registered, and the bot does not know its own messages.",
                application.id
            ),
            format!("Copy both from {PORTAL}."),
        );
    }
    if !application.verify_key.eq_ignore_ascii_case(&facts.public_key) {
        return Finding::bad(
            ABOUT,
            "DISCORD_PUBLIC_KEY is not this application's key: every request of Discord's is refused.",
            format!("Copy the public key from {PORTAL}."),
        );
    }
    Finding::good(ABOUT, "The token, the application's id and its public key belong together.")
}

fn endpoint(application: &Application) -> Finding {
    let fix = format!(
        "Set Interactions Endpoint URL on {PORTAL} to https://<your host>/discord; Discord checks it at once."
    );
    let Some(text) = application.interactions_endpoint_url.as_deref().filter(|url| !url.is_empty())
    else {
        return Finding::bad(ABOUT, "No endpoint URL is set: no command reaches this bot.", fix);
    };
    match Url::parse(text) {
        Ok(url) if is_sealed(&url) && url.path().ends_with(interaction::PATH) => {
            Finding::good(ABOUT, format!("Commands are sent to {text}."))
        }
        _ => {
            let what = format!(
                "The endpoint URL is {text}, which is not https or does not end in /discord."
            );
            Finding::bad(ABOUT, what, fix)
        }
    }
}

/// Whether nobody on the way can read it. A stand-in of Discord on this machine takes plain http, too.
fn is_sealed(url: &Url) -> bool {
    url.scheme() == "https" || url.host().is_some_and(|host| is_loopback(&host))
}

fn registered(asked: &Asked) -> Vec<Finding> {
    let Some(global) = &asked.global else {
        let what = "Not checked: the registered commands.";
        return vec![Finding::doubtful(ABOUT, what, "Fix agents.toml first.")];
    };
    let of_servers: Vec<(u64, &Registered)> = (asked.guilds.iter())
        .filter_map(|(id, found)| Some((*id, found.as_ref().ok()?)))
        .filter(|(_, found)| !found.names.is_empty())
        .collect();
    let mut findings = Vec::new();
    match global {
        Err(error) => findings.push(trouble("The registered commands", error)),
        Ok(global) if global.names.is_empty() && !of_servers.is_empty() => {}
        Ok(global) if global.names.is_empty() => findings.push(nothing_registered(&asked.guilds)),
        Ok(global) => {
            findings.push(drift("for all servers", "Run: deckhand register --global", global));
        }
    }
    for (id, found) in &asked.guilds {
        if let Err(error) = found {
            findings.push(trouble(&format!("The commands of server {id}"), error));
        }
    }
    for (id, found) in of_servers {
        let fix = format!("Run: deckhand register --guild {id}");
        findings.push(drift(&format!("in server {id}"), &fix, found));
        findings.extend(global.as_ref().ok().and_then(|global| twice(id, found, global)));
    }
    findings
}

fn nothing_registered(guilds: &[(u64, Result<Registered, DiscordError>)]) -> Finding {
    let ids: Vec<String> = guilds.iter().map(|(id, _)| id.to_string()).collect();
    let nor =
        if ids.is_empty() { String::new() } else { format!(", nor in server {}", listed(&ids)) };
    Finding::bad(
        ABOUT,
        format!("No command is registered for all servers{nor}."),
        "Run: deckhand register. If they are registered in another server, set DISCORD_GUILD_ID to it instead: \
         commands that are registered in both ways are shown twice.",
    )
}

/// The finding for commands that a server has of its own although all servers have them.
fn twice(id: u64, of_server: &Registered, global: &Registered) -> Option<Finding> {
    let count = of_server.names.iter().filter(|name| global.names.contains(name)).count();
    (count > 0).then(|| {
        let what = format!(
            "Commands are registered both for all servers and in server {id}: people there see {count} of them \
             twice."
        );
        let fix = format!(
            "Keep one of the two. To remove those of the server: deckhand register --guild {id} --remove. To \
             remove those for all servers: deckhand register --global --remove"
        );
        Finding::doubtful(ABOUT, what, fix)
    })
}

/// The most differences that are named.
const NAMED: usize = 10;

fn drift(place: &str, fix: &str, registered: &Registered) -> Finding {
    let Registered { names, changes } = registered;
    let count = names.len();
    if changes.is_empty() {
        return Finding::good(
            ABOUT,
            format!("The {count} commands registered {place} are those declared."),
        );
    }
    let mut names: Vec<String> = changes.iter().take(NAMED).map(ToString::to_string).collect();
    if changes.len() > NAMED {
        names.push(format!("{} more", changes.len() - NAMED));
    }
    let what = format!(
        "The commands registered {place} are not those declared. Registering would change: {}.",
        names.join(", ")
    );
    Finding::doubtful(ABOUT, what, fix)
}

fn trouble(subject: &str, error: &DiscordError) -> Finding {
    let (what, fix) = match error {
        DiscordError::NoSignIn(why) => {
            let what = format!("The bot's token cannot be used: {why}.");
            return Finding::bad(ABOUT, what, "Without it no end is told after 15 minutes, and no digest is posted.");
        }
        DiscordError::Refused { status: 401, .. } => (
            "Discord refuses DISCORD_BOT_TOKEN (401). It is wrong, was reset, or is the client secret.".to_owned(),
            RESET.to_owned(),
        ),
        DiscordError::Refused { status: 403, .. } | DiscordError::NotFound(_) => (
            format!("{subject} cannot be seen with this token."),
            "Check DISCORD_APPLICATION_ID and DISCORD_GUILD_ID, and that the bot is in that server."
                .to_owned(),
        ),
        DiscordError::Refused { status, .. } => (
            format!("{subject} could not be read: Discord refuses it ({status})."),
            "Check DISCORD_API_BASE.".to_owned(),
        ),
        DiscordError::RateLimited(wait) | DiscordError::EditLimit(wait) => {
            let what = format!("{subject} could not be checked: Discord's rate limit is used up.");
            let fix = format!("Try again in {} s.", wait.as_secs() + 1);
            return Finding::doubtful(ABOUT, what, fix);
        }
        DiscordError::NotSent(_)
        | DiscordError::Lost(_)
        | DiscordError::Fault(_)
        | DiscordError::NotShown
        | DiscordError::RefusedComponents(_)
        | DiscordError::Proxy(_) => (
            format!("{subject} could not be read: {error}."),
            "Check the network and DISCORD_API_BASE, and Discord's status page.".to_owned(),
        ),
    };
    Finding::bad(ABOUT, what, fix)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discord::registration::Change;
    use crate::doctor::Level;
    use rstest::rstest;

    #[rstest]
    #[case(Some("https://x.example.com/discord"), Level::Good)]
    #[case(Some("https://x.execute-api.eu-west-1.amazonaws.com/prod/discord"), Level::Good)]
    #[case(Some("http://x.example.com/discord"), Level::Bad)]
    #[case(Some("http://127.0.0.1:3000/discord"), Level::Good)]
    #[case(Some("https://x.example.com/"), Level::Bad)]
    #[case(Some("discord"), Level::Bad)]
    #[case(Some(""), Level::Bad)]
    #[case(None, Level::Bad)]
    fn an_endpoint(#[case] url: Option<&str>, #[case] level: Level) {
        let url = url.map(str::to_owned);
        let application = Application { interactions_endpoint_url: url, ..Application::default() };
        assert_eq!(endpoint(&application).level, level);
    }

    fn commands(count: usize, drifts: bool) -> Result<Registered, DiscordError> {
        let changes = if drifts { vec![Change::Add("x".to_owned())] } else { Vec::new() };
        Ok(Registered { names: (0..count).map(|number| format!("c{number}")).collect(), changes })
    }

    #[rstest]
    #[case::all(Some(commands(5, false)), None, &[Level::Good])]
    #[case::drift(Some(commands(5, true)), None, &[Level::Doubtful])]
    #[case::none(Some(commands(0, true)), None, &[Level::Bad])]
    #[case::none_anywhere(Some(commands(0, true)), Some(commands(0, true)), &[Level::Bad])]
    #[case::in_one_server(Some(commands(0, true)), Some(commands(5, false)), &[Level::Good])]
    #[case::in_all_servers(Some(commands(5, false)), Some(commands(0, true)), &[Level::Good])]
    #[case::twice(Some(commands(5, false)), Some(commands(5, false)), &[Level::Good, Level::Good, Level::Doubtful])]
    #[case::unread(Some(Err(DiscordError::Fault(500))), None, &[Level::Bad])]
    #[case::server_unread(Some(commands(5, false)), Some(Err(DiscordError::Fault(500))), &[Level::Good, Level::Bad])]
    #[case::undeclared(None, None, &[Level::Doubtful])]
    fn registered_commands(
        #[case] global: Option<Result<Registered, DiscordError>>,
        #[case] guild: Option<Result<Registered, DiscordError>>,
        #[case] levels: &[Level],
    ) {
        let application = Err(DiscordError::NotFound(0));
        let guilds = guild.map(|found| (41, found)).into_iter().collect();
        let findings =
            registered(&Asked { application, global, guilds, channel: None, rights: None });
        let found: Vec<_> = findings.iter().map(|finding| finding.level).collect();
        assert_eq!(found, levels);
    }

    #[test]
    fn each_server_that_sees_commands_twice_is_named_with_the_cure() {
        let guilds =
            vec![(41, commands(2, false)), (42, commands(0, true)), (43, commands(1, true))];
        let global = Some(commands(5, false));
        let application = Err(DiscordError::NotFound(0));
        let findings =
            registered(&Asked { application, global, guilds, channel: None, rights: None });
        let [_, _, first, drift, second] = findings.try_into().unwrap();
        assert!(
            first.what.contains("in server 41: people there see 2 of them twice"),
            "{}",
            first.what
        );
        assert!(first.fix.contains("deckhand register --guild 41 --remove"), "{}", first.fix);
        assert!(first.fix.contains("deckhand register --global --remove"), "{}", first.fix);
        assert!(second.what.contains("in server 43"), "{}", second.what);
        assert_eq!(drift.fix, "Run: deckhand register --guild 43");
    }
}
