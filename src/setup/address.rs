//! Step 4, first half: where the server is reached.

use std::collections::HashMap;

use bytes::Bytes;
use http::Request;

use super::flags::{Flags, Target};
use super::person::Question;
use super::service;
use super::stopped::Stopped;
use super::work::Work;
use crate::config::{Reader, Setting};
use crate::discord::interaction;
use crate::github::webhook;
use crate::net::transport::Transport;

/// Read by this module only.
const URL: Setting = Setting {
    name: "DECKHAND_URL",
    about: "where the server is reached",
    default: "none",
    shape: "it must be an https address without query, fragment or & (plain http only to this machine)",
};

/// Where the server is reached.
pub(super) struct Address {
    pub url: String,
    /// Where it was reached before, if that was kept and is another one.
    pub before: Option<String>,
}

impl Address {
    /// Where Discord sends interactions.
    pub(super) fn endpoint(&self) -> String {
        format!("{}{}", self.url, interaction::PATH)
    }

    /// Where Discord sent them before.
    pub(super) fn endpoint_before(&self) -> Option<String> {
        self.before.as_ref().map(|before| format!("{before}{}", interaction::PATH))
    }

    /// Where GitHub's webhooks lead.
    pub(super) fn hook(&self) -> String {
        format!("{}{}", self.url, webhook::PATH)
    }

    /// Where they led before.
    pub(super) fn hook_before(&self) -> Option<String> {
        self.before.as_ref().map(|before| format!("{before}{}", webhook::PATH))
    }
}

/// Asks where the server is reached, and keeps it. What is kept and does not answer may be mistyped, so it is asked for
/// again.
pub(super) async fn address(work: &mut Work<'_>) -> Result<Address, Stopped> {
    let given = work.flags.url.clone().or_else(|| work.given(URL.name));
    let kept = work.home.value(URL.name).and_then(|kept| read(&kept).ok());
    let url = match (given, &kept) {
        (Some(given), _) => {
            read(&given).map_err(|why| Stopped::mend(format!("The server's address: {why}.")))?
        }
        (None, Some(kept)) if work.flags.dry_run || is_up(work, &health(kept)).await => {
            kept.clone()
        }
        (None, kept) => match (asked(work, kept.clone()).await, kept) {
            (Err(Stopped::Unasked { .. }), Some(kept)) => kept.clone(),
            (asked, _) => asked?,
        },
    };
    let before = kept.filter(|before| *before != url);
    if let Some(before) = &before {
        work.note(&format!(
            "The address was {before}, and is {url} from now on. The endpoint and the webhooks move with it."
        ));
    }
    work.home.keep(URL.name, &url);
    work.save().await?;
    Ok(Address { url, before })
}

async fn asked(work: &Work<'_>, kept: Option<String>) -> Result<String, Stopped> {
    let example = match kept {
        Some(_) => "which does not answer yet",
        None => "like https://bot.example.com",
    };
    let question = Question {
        text: format!(
            "The server's public address, {example} (what ends TLS there must pass it on to {})",
            service::listen(work)
        ),
        default: kept,
        flag: "--url URL",
        is_secret: false,
    };
    work.ask_for(question, read).await
}

fn health(url: &str) -> String {
    format!("{url}/health")
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
    let health = health(url);
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

/// Refuses the addresses of the command line before anything is done.
pub(super) fn check(flags: &Flags) -> Result<(), Stopped> {
    if flags.listen.as_ref().is_some_and(|listen| listen.ends_with(":0")) {
        return Err(Stopped::mend("--listen: port 0 is another one each time; give one."));
    }
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
