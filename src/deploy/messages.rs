//! All Discord messages of a deploy, as pure functions of its record and the time.

use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest, Sha256};

use super::failure::{FailedAt, has_failed_step};
use super::given;
use super::outcome::{NotFound, Outcome};
use super::record::{Deploy, Ending, Phase, Place, Search};
use super::target::Target;
use crate::discord::Message;
use crate::github::Run;
use crate::github::words::{conclusion, running, took};
use crate::text::{duration, escape};

const FOLLOWS: &str =
    "This message will show how it ends. With `wait:true` the requester is pinged then.";
const FINDS: &str = "GitHub did not say which run it is. Deckhand looks for it; this message will show how it ends.";

/// A trouble of some seconds is not shown.
const SHOWN_AFTER: TimeDelta = TimeDelta::seconds(15);

/// After this long it is said that no run was found yet, if GitHub may not have taken the dispatch.
const DOUBTED_AFTER: TimeDelta = TimeDelta::seconds(30);

/// A deploy's message as it must be now.
pub(crate) fn message(deploy: &Deploy, now: DateTime<Utc>) -> Message {
    let (title, place) = (title(deploy), details(deploy));
    let line = match &deploy.phase {
        Phase::Ending(ending) | Phase::Ended(ending) => {
            let extra = deploy.details.as_ref().and_then(|details| details.extra.as_ref());
            let extra = extra.map(|extra| format!("\n{extra}")).unwrap_or_default();
            let outcome = outcome(deploy, ending);
            return Message::public(&format!("{outcome}\n{place}{extra}"));
        }
        Phase::Requested | Phase::Dispatching { .. } => {
            format!("🔵 {title}: is being dispatched")
        }
        Phase::Searching(search) => match searching(deploy, search, now) {
            Some(words) => words,
            None => return dispatched(&title, &place, FINDS),
        },
        Phase::Running => match going_on(deploy, now) {
            Some(words) => words,
            None => return dispatched(&title, &place, FOLLOWS),
        },
    };
    let hint = deploy.place.as_ref().and_then(forewarning).filter(|_| deploy.waits);
    let hint = hint.map(|hint| format!("\n-# {hint}")).unwrap_or_default();
    Message::public(&format!("{line}\n{place}{hint}"))
}

/// Identifies the text of [`message`].
pub(super) fn fingerprint(deploy: &Deploy, now: DateTime<Utc>) -> String {
    fingerprint_of(&message(deploy, now))
}

/// Identifies a message's text.
pub(super) fn fingerprint_of(message: &Message) -> String {
    hex::encode(Sha256::digest(message.content()).iter().take(8).copied().collect::<Vec<_>>())
}

/// The message that tells the requester how it ended. `None`: it goes on.
pub(crate) fn told(deploy: &Deploy) -> Option<Message> {
    let outcome = outcome(deploy, deploy.ending()?);
    let user_id = deploy.order.requester.user_id;
    let run = run_or_runs(deploy);
    let id = deploy.order.correlation_id;
    let inputs = inputs(deploy);
    let extra = deploy.details.as_ref().and_then(|details| details.extra.as_ref());
    let extra = extra.map(|extra| format!("\n{extra}")).unwrap_or_default();
    let text = format!("<@{user_id}> {outcome}\n{run} · Correlation id `{id}`{inputs}{extra}");
    let message = Message::public(&text);
    Some(if deploy.pings { message.pinging(user_id) } else { message })
}

/// The answer of a command that does not wait, until its run is seen.
fn dispatched(title: &str, place: &str, hint: &str) -> Message {
    Message::public(&format!("🚀 {title} dispatched\n{place}\n-# {hint}"))
}

/// `None`: it was dispatched, and nobody waits for its run.
fn searching(deploy: &Deploy, search: &Search, now: DateTime<Utc>) -> Option<String> {
    let title = title(deploy);
    if let Some(said) = trouble(deploy, now) {
        let dispatched = if search.lost {
            "it is unknown whether GitHub took the dispatch, and its run"
        } else {
            "dispatched, but its run"
        };
        return Some(format!(
            "⏱️ {title}: {dispatched} cannot be looked for now. {said} Deckhand goes on trying."
        ));
    }
    let is_late = now - search.sent_at >= DOUBTED_AFTER;
    Some(match search.lost {
        true if is_late && search.listed => format!(
            "⚠️ {title}: GitHub's answer to the dispatch was lost and no run with this correlation id showed \
             up so far, so it is unknown whether it was taken. It is not sent again. Deckhand goes on \
             looking; look at the workflow's runs before you try again.",
        ),
        true if is_late => format!(
            "⚠️ {title}: GitHub's answer to the dispatch was lost, and GitHub cannot be reached since, so it \
             is unknown whether it was taken. It is not sent again. Deckhand goes on looking; look at the \
             workflow's runs before you try again. githubstatus.com tells about outages.",
        ),
        true => {
            format!("🔵 {title}: GitHub's answer to the dispatch was lost, looking for its run")
        }
        false if deploy.is_past_its_wait(now) => format!(
            "⏱️ {title}: its run has not shown up after {}. Deckhand goes on looking; what comes of it will \
             be told here.",
            waited(deploy)
        ),
        false if deploy.waits => format!("🔵 {title}: dispatched, looking for its run"),
        false => return None,
    })
}

/// `None`: it was dispatched, its run was not seen yet, and nobody waits for it.
fn going_on(deploy: &Deploy, now: DateTime<Utc>) -> Option<String> {
    let title = title(deploy);
    let run = deploy.target.as_ref().and_then(|target| target.run.as_deref());
    if let Some(said) = trouble(deploy, now) {
        return Some(format!(
            "⏱️ {title}: the run cannot be followed now. {said} Deckhand goes on trying; the end will be told \
             here."
        ));
    }
    let (icon, status) = match run {
        // It is completed, but not concluded.
        Some(run) if run.is_completed() => ("🔵", "in progress".to_owned()),
        run => running(run),
    };
    if deploy.is_past_its_wait(now) {
        let waited = waited(deploy);
        let status = if status.starts_with("waiting") {
            format!("still {status} after {waited}")
        } else {
            format!("still running after {waited} ({status})")
        };
        return Some(format!("⏱️ {title}: {status}. It goes on; the end will be told here."));
    }
    if run.is_none() && !deploy.waits {
        return None;
    }
    let attempt = deploy.target.as_ref().map_or(1, Target::attempt);
    let again = if attempt > 1 { format!(" (attempt {attempt})") } else { String::new() };
    Some(format!("{icon} {title}{again}: {status}"))
}

fn trouble(deploy: &Deploy, now: DateTime<Utc>) -> Option<&str> {
    let trouble = deploy.trouble.as_ref().filter(|trouble| now - trouble.since >= SHOWN_AFTER)?;
    trouble.said.as_deref()
}

fn waited(deploy: &Deploy) -> String {
    duration::compact(deploy.wait_until - deploy.began_at)
}

/// What the user must know beforehand: after 15 minutes only the bot's own token can write.
fn forewarning(place: &Place) -> Option<&'static str> {
    if !place.has_bot {
        return Some(
            "An end after more than 15 minutes cannot be told here: Deckhand has no bot token (`DISCORD_BOT_TOKEN`).",
        );
    }
    if place.bot_may_post() && place.permissions.is_some() && !place.bot_may_read() {
        return Some(
            "The bot may not read this channel's history (Read Message History). If Discord does not confirm the outcome's message, it is not sent again.",
        );
    }
    (!place.bot_may_post()).then_some(
        "An end after more than 15 minutes cannot be told here: the bot may not post to this channel (View Channel, Send Messages, Read Message History).",
    )
}

fn outcome(deploy: &Deploy, ending: &Ending) -> String {
    let title = title(deploy);
    let run = deploy.target.as_ref().and_then(|target| target.run.as_deref());
    match &ending.outcome {
        Outcome::Concluded => {
            let (icon, words) = conclusion(run.and_then(|run| run.conclusion.as_deref()));
            let after = run
                .and_then(took)
                .map_or_else(|| ", duration not known".to_owned(), |took| format!(" after {took}"));
            let attempt = deploy.target.as_ref().map_or(1, Target::attempt);
            let again = if attempt > 1 { format!(" (attempt {attempt})") } else { String::new() };
            let failed = failed(deploy, run);
            format!("{icon} {title}{again} {words}{after}{}", failed.unwrap_or_default())
        }
        Outcome::NothingDone { why } => {
            format!("⚠️ {title}: nothing was dispatched. {why} Type it again.")
        }
        Outcome::NotDispatched { why } => format!("🔴 {title}: nothing was dispatched. {why}"),
        Outcome::NotFound(why) => not_found(&title, why),
        Outcome::Deleted => format!(
            "⚠️ {title}: its run was deleted on GitHub before it was seen to end, so it is unknown how it ended."
        ),
        Outcome::GivenUp => {
            format!(
                "⚠️ {title}: its run has not ended for 35 days, so it is not followed any more."
            )
        }
    }
}

fn not_found(title: &str, why: &NotFound) -> String {
    match why {
        NotFound::Nowhere { lost: true, listed: false } => format!(
            "⚠️ {title}: GitHub's answer to the dispatch was lost, and GitHub cannot be reached since, \
             so it is unknown whether it was taken. It was not sent again. Look at the workflow's \
             runs before you try again; githubstatus.com tells about outages.",
        ),
        NotFound::Nowhere { lost: true, listed: true } => format!(
            "⚠️ {title}: GitHub's answer to the dispatch was lost and no run with this correlation \
             id showed up, so it is unknown whether it was taken. It was not sent again. Look at the \
             workflow's runs before you try again.",
        ),
        NotFound::Nowhere { lost: false, listed: false } => format!(
            "⚠️ {title}: GitHub took the dispatch, but cannot be reached since. Look at the workflow's \
             runs.",
        ),
        NotFound::Nowhere { lost: false, listed: true } => format!(
            "⚠️ {title}: GitHub took the dispatch, but its run did not show up in time. Look at the \
             workflow's runs. If it is there under another name, let the workflow's `run-name` \
             carry the `correlation_id` input.",
        ),
        NotFound::Ambiguous { runs } => format!(
            "⚠️ {title}: ambiguous, {runs} runs could be the one that was dispatched, so none is \
             reported. Look at the workflow's runs. When the workflow's `run-name` carries the \
             `correlation_id` input, its run can be told from others.",
        ),
        NotFound::AnotherDeploy => format!(
            "⚠️ {title}: ambiguous, another deploy of the same workflow and ref began at the same time, so \
             no run is reported. Look at the workflow's runs. When the workflow's `run-name` carries the \
             `correlation_id` input, its run can be told from others.",
        ),
        NotFound::NotTold { said, lost } => {
            let dispatched = if *lost {
                "it is unknown whether GitHub took the dispatch, and its run"
            } else {
                "dispatched, but its run"
            };
            format!(
                "⚠️ {title}: {dispatched} could not be looked for. {said} Look at the workflow's runs."
            )
        }
    }
}

/// Where it failed, on a line of its own, once that was asked.
fn failed(deploy: &Deploy, run: Option<&Run>) -> Option<String> {
    match &deploy.details.as_ref()?.failed_at {
        Some(FailedAt { job, step }) => {
            let step = step.as_ref().map(|step| format!(" › {}", escape::plain(step, 100)));
            let job = escape::plain(job, 100);
            Some(format!("\nFailed at **{job}**{}", step.unwrap_or_default()))
        }
        None => run
            .filter(|run| has_failed_step(run))
            .map(|_| "\nGitHub did not tell at which step; the run shows it.".to_owned()),
    }
}

pub(crate) fn title(deploy: &Deploy) -> String {
    format!("**{}**", escape::plain(&deploy.order.title, 50))
}

fn details(deploy: &Deploy) -> String {
    let order = &deploy.order;
    let matched = deploy.target.as_ref().map(|target| format!(" · {}", target.matched.words()));
    format!(
        "{run} on {git_ref} by <@{user}>{inputs}\nCorrelation id `{correlation_id}`{matched}",
        run = run_or_runs(deploy),
        inputs = inputs(deploy),
        git_ref = escape::code(&order.git_ref, 100),
        user = order.requester.user_id,
        correlation_id = order.correlation_id,
        matched = matched.unwrap_or_default(),
    )
}

/// The inputs on a line of their own, after a line feed; empty if there are none.
fn inputs(deploy: &Deploy) -> String {
    given::line(&deploy.order.given).map(|line| format!("\n{line}")).unwrap_or_default()
}

/// A link to the run, or to the workflow's runs.
pub(crate) fn run_or_runs(deploy: &Deploy) -> String {
    match &deploy.target {
        Some(target) => {
            let number = target.run.as_ref().and_then(|run| run.run_number);
            let label = match number {
                Some(number) => format!("Run #{number}"),
                None => format!("Run {}", target.run_id),
            };
            escape::link(&label, &target.url)
        }
        None => escape::link("Workflow runs", &deploy.order.workflow_page),
    }
}
