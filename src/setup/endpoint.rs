//! Step 4: where the server is reached, and that Discord sends interactions there.

use std::collections::HashMap;

use bytes::Bytes;
use http::Request;
use serde_json::Value;

use super::discord::Signed;
use super::flags::{Flags, Target};
use super::person::Question;
use super::service;
use super::stopped::Stopped;
use super::unreached;
use super::work::Work;
use crate::agents::Registry;
use crate::bot::registration;
use crate::config::{Reader, Setting};
use crate::discord::registration::{Scope, name_of, ours};
use crate::discord::{DiscordError, NotOverwritten, interaction};
use crate::github::webhook;
use crate::net::transport::Transport;

/// Read by this module only.
const URL: Setting = Setting {
    name: "DECKHAND_URL",
    about: "where the server is reached",
    default: "none",
    shape: "it must be an https address without query, fragment or & (plain http only to this machine)",
};

/// The most servers whose commands are looked at.
const MOST_SERVERS: usize = 10;

/// Asks where the server is reached, and keeps it.
pub(super) async fn url(work: &mut Work<'_>) -> Result<String, Stopped> {
    let known = work.flags.url.clone().or_else(|| work.value(URL.name));
    let url = match known {
        Some(known) => {
            read(&known).map_err(|why| Stopped::mend(format!("The server's address: {why}.")))?
        }
        None => {
            let question = Question {
                text: format!(
                    "The server's public address, like https://bot.example.com (what ends TLS there must pass it on to {})",
                    service::listen(work)
                ),
                default: None,
                flag: "--url URL",
                is_secret: false,
            };
            work.ask_for(question, read).await?
        }
    };
    work.home.keep(URL.name, &url);
    work.save().await?;
    Ok(url)
}

/// The base URL, as people write it: also without https, or with one of the paths.
fn read(text: &str) -> Result<String, String> {
    let text = text.trim();
    let text = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
    let mut base = text.trim_end_matches('/');
    for path in [interaction::PATH, webhook::PATH, "/health"] {
        base = base.strip_suffix(path).unwrap_or(base);
    }
    let given = HashMap::from([(URL.name, base.to_owned())]);
    let env = |name: &str| given.get(name).cloned();
    let mut reader = Reader::new(&env);
    let url = reader.api_base(&URL, "", |_| None);
    let has_space = base.contains(char::is_whitespace);
    let is_valid = reader.problems().is_empty() && !url.is_empty() && !has_space;
    if is_valid { Ok(url) } else { Err(URL.shape.to_owned()) }
}

/// Waits until the bot answers there.
pub(super) async fn answers(work: &Work<'_>, url: &str, target: Target) -> Result<(), Stopped> {
    let health = format!("{url}/health");
    let [start, again] = service::start(work);
    let (wait, fix) = match target {
        Target::Server => (
            format!(
                "  … Start the server; this goes on when {health} answers:\n    {start}\n    If it runs already with \
                 older settings: {again}"
            ),
            format!(
                "Start the server: {start}\nAnd check that what ends TLS passes requests on to {}. If the address is \
                 another one, give it with --url URL.",
                service::listen(work)
            ),
        ),
        Target::Aws => (
            format!("  … This goes on when {health} answers."),
            "The function's log says why: sam logs.".to_owned(),
        ),
    };
    match work.patiently(&wait, || async { Ok(is_up(work, &health).await.then_some(())) }).await? {
        Some(()) => work.done(&format!("{url} answers.")),
        None if work.flags.dry_run => {}
        None => return Err(Stopped::mend(format!("{health} does not answer. {fix}"))),
    }
    let changed = match (work.home.changed, work.agents_changed) {
        (true, true) => "Settings and commands were changed",
        (true, false) => "Settings were changed",
        (false, true) => "Commands were changed",
        (false, false) => return Ok(()),
    };
    if target == Target::Server {
        work.note(&format!("{changed}. If the server was running before, restart it: {again}"));
    }
    Ok(())
}

async fn is_up(work: &Work<'_>, health: &str) -> bool {
    let Ok(request) = Request::get(health).body(Bytes::new()) else { return false };
    let answer = work.transport.send(request).await;
    answer.is_ok_and(|answer| answer.status().is_success())
}

/// Has Discord send interactions there.
pub(super) async fn set(
    work: &Work<'_>,
    signed: &Signed,
    registry: &Registry,
    url: &str,
) -> Result<(), Stopped> {
    let wanted = format!("{url}{}", interaction::PATH);
    let there =
        signed.application.interactions_endpoint_url.as_deref().filter(|there| !there.is_empty());
    if there == Some(wanted.as_str()) {
        work.done(&format!("Discord sends commands to {wanted}."));
        return Ok(());
    }
    let others = match there {
        Some(there) => {
            Some(format!("Discord sends its commands to {}", super::discord::shown(there)))
        }
        None => others(work, signed, registry).await?,
    };
    if let Some(others) = others {
        work.note(&format!("The application belongs to something else: {others}."));
        let text = format!("Send its commands to {wanted} instead?");
        let may =
            work.flags.replace_endpoint || work.confirm(&text, false, "--replace-endpoint").await?;
        if !may {
            return Err(Stopped::Declined(
                "Nothing was changed there. Use an application of its own, or --replace-endpoint."
                    .to_owned(),
            ));
        }
    }
    if !work.goes(&format!("have Discord send commands to {wanted}")) {
        return Ok(());
    }
    signed.client.set_endpoint(Some(&wanted)).await.map_err(|error| refused(&error, &wanted))?;
    work.done(&format!("Discord sends commands to {wanted}."));
    Ok(())
}

/// The commands of a bot that needs no endpoint: some are registered, and none of them is declared here. `None`: there
/// are none.
async fn others(
    work: &Work<'_>,
    signed: &Signed,
    registry: &Registry,
) -> Result<Option<String>, Stopped> {
    let declared = registration(work.table, registry, Scope::Global);
    let allowed = work.value("ALLOWED_GUILD_IDS").unwrap_or_default();
    let given = work.value("DISCORD_GUILD_ID").unwrap_or_default();
    let mut servers: Vec<u64> = allowed
        .split(',')
        .chain([given.as_str()])
        .filter_map(|id| id.trim().parse().ok())
        .collect();
    servers.sort_unstable();
    servers.dedup();
    for place in std::iter::once(None).chain(servers.into_iter().take(MOST_SERVERS).map(Some)) {
        let there = match (signed.client.commands(place).await, place) {
            (Ok(there), _) => there,
            (Err(error), None) => return Err(unreached::discord(&error)),
            // It may have no commands there.
            (Err(_), Some(_)) => continue,
        };
        let is_declared = |name: &str| ours(&declared).any(|command| name_of(command) == name);
        let names: Vec<&str> = ours(&there).map(name_of).collect();
        if !names.is_empty() && !names.iter().any(|name| is_declared(name)) {
            let names: Vec<String> = names.iter().map(|name| format!("/{name}")).collect();
            return Ok(Some(format!(
                "it has the commands {}, which this bot does not have",
                crate::text::escape::clipped(&names.join(", "), 200)
            )));
        }
    }
    Ok(None)
}

fn refused(NotOverwritten { error, said }: &NotOverwritten, url: &str) -> Stopped {
    let is_about_the_url = said.pointer("/errors/interactions_endpoint_url").is_some();
    match error {
        DiscordError::Refused { status: 400, .. } | DiscordError::RefusedComponents(_)
            if is_about_the_url =>
        {
            Stopped::mend(format!(
                "Discord does not take {url}: it asked, and was not answered as it must be ({}). Does the server run \
                 with this application's DISCORD_PUBLIC_KEY? If its settings changed, restart it. Is the address \
                 reached from the internet, by https?",
                reason(said)
            ))
        }
        error => unreached::discord(error),
    }
}

/// What Discord says of the URL.
fn reason(said: &Value) -> String {
    let path = "/errors/interactions_endpoint_url/_errors/0/message";
    let said = said.pointer(path).and_then(Value::as_str).unwrap_or("no reason given");
    crate::text::escape::clipped(said, 200)
}

/// Refuses an address of the command line before anything is done.
pub(super) fn check(flags: &Flags) -> Result<(), Stopped> {
    let checked = flags.url.as_deref().map(read).transpose();
    checked.map(drop).map_err(|why| Stopped::mend(format!("--url: {why}.")))
}

/// The address that is kept, without asking.
pub(super) fn kept(work: &Work<'_>) -> Option<String> {
    read(&work.flags.url.clone().or_else(|| work.value(URL.name))?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("bot.example.com", Some("https://bot.example.com"))]
    #[case(" https://bot.example.com/ ", Some("https://bot.example.com"))]
    #[case("https://bot.example.com/deck/discord", Some("https://bot.example.com/deck"))]
    #[case("http://127.0.0.1:3000", Some("http://127.0.0.1:3000"))]
    #[case("http://bot.example.com", None)]
    #[case("https://bot.example.com/?a=b", None)]
    #[case("https://ada:secret@bot.example.com", None)]
    #[case("bot example.com", None)]
    #[case("https://bot.example.com/a b", None)]
    #[case("", None)]
    fn an_address_is_read_as_people_write_it(#[case] text: &str, #[case] expected: Option<&str>) {
        assert_eq!(read(text).ok().as_deref(), expected);
    }
}
