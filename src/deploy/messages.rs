//! All Discord messages of a deploy, as pure functions of its record and the time.

use chrono::{DateTime, TimeDelta, Utc};

use super::about::{about, identity, inputs, rolls_back, run_or_runs, title, what};
use super::card::Says;
use super::click::Action;
use super::outcome::{NotFound, Outcome};
use super::past;
use super::place::Place;
use super::record::{Deploy, Ending, Phase, Search};
use super::role;
use super::why;
use crate::discord::Message;
use crate::github::Run;
use crate::github::words::{conclusion, running, took};
use crate::text::duration;

const FOLLOWS: &str = "This message will show how it ends.";
const FINDS: &str = "GitHub did not say which run it is. Deckhand looks for it; this message will show how it ends.";

/// A trouble of some seconds is not shown.
const SHOWN_AFTER: TimeDelta = TimeDelta::seconds(15);

/// After this long it is said that no run was found yet, if GitHub may not have taken the dispatch.
const DOUBTED_AFTER: TimeDelta = TimeDelta::seconds(30);

/// A deploy's message as it must be now.
pub(crate) fn message(deploy: &Deploy, now: DateTime<Utc>) -> Message {
    let title = title(deploy);
    let mut hint = deploy.place.as_ref().and_then(forewarning).filter(|_| deploy.waits);
    let dispatched = || format!("🚀 {title} dispatched");
    let state = match &deploy.phase {
        Phase::Ending(ending) | Phase::Ended(ending) => {
            hint = None;
            outcome(deploy, ending)
        }
        Phase::Requested | Phase::Dispatching { .. } => {
            format!("🔵 {title}: is being dispatched")
        }
        Phase::Searching(search) => searching(deploy, search, now).unwrap_or_else(|| {
            hint = Some(FINDS);
            dispatched()
        }),
        Phase::Running => going_on(deploy, now).unwrap_or_else(|| {
            hint = Some(FOLLOWS);
            dispatched()
        }),
    };
    let mut about = about(deploy, now);
    about.extend(extra(deploy));
    let mut small = vec![identity(deploy)];
    small.extend(hint.map(str::to_owned));
    Says { state, about, small }.message(deploy, now)
}

/// Identifies what [`message`] shows.
pub(super) fn fingerprint(deploy: &Deploy, now: DateTime<Utc>) -> String {
    message(deploy, now).fingerprint()
}

/// The message that tells how it ended. `None`: it goes on.
pub(crate) fn told(deploy: &Deploy) -> Option<Message> {
    let outcome = outcome(deploy, deploy.ending()?);
    if deploy.watched.is_some() {
        return role::told(deploy, &outcome, &what(deploy));
    }
    let pinged = deploy.pinged();
    let mentioned = pinged.unwrap_or(deploy.order.requester.user_id);
    let run = run_or_runs(deploy);
    let id = deploy.order.correlation_id;
    let inputs = inputs(deploy).map(|line| format!("\n{line}")).unwrap_or_default();
    let back = rolls_back(deploy).map(|line| format!("\n{line}")).unwrap_or_default();
    let extra = extra(deploy).map(|extra| format!("\n{extra}")).unwrap_or_default();
    let text =
        format!("<@{mentioned}> {outcome}{back}\n{run} · Correlation id `{id}`{inputs}{extra}");
    let message = Message::public(&text);
    Some(match pinged {
        Some(user_id) => message.pinging(user_id),
        None => message,
    })
}

/// The message that asks for the approval of a run that waits for one. `None`: it waits for none.
pub(super) fn asks_for_approval(deploy: &Deploy) -> Option<Message> {
    let run = deploy.target.as_ref()?.run.as_deref()?;
    let (lamp, waits) = running(Some(run));
    let pinged = deploy.pinged().filter(|_| deploy.is_waited_for());
    let by = match deploy.rerun_by() {
        Some(click) => format!("Run again by <@{}>", click.user_id),
        None => format!("Requested by <@{}>", deploy.order.requester.user_id),
    };
    let text = format!(
        "{lamp} {} is {waits}. Who may review can do it on the run's page: {}\n{by} · Correlation id `{}`",
        title(deploy),
        run_or_runs(deploy),
        deploy.order.correlation_id,
    );
    let message = Message::public(&text);
    Some(match pinged {
        Some(user_id) => message.pinging(user_id),
        None => message,
    })
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
    let attempt = deploy.attempt();
    let is_cancelled = deploy.clicked(Action::Cancel, attempt).is_some();
    if deploy.is_past_its_wait(now) && !is_cancelled {
        let waited = waited(deploy);
        let is_at_work = run
            .is_none_or(|run| run.is_completed() || run.status.as_deref() == Some("in_progress"));
        let status = if is_at_work {
            format!("still running after {waited} ({status})")
        } else {
            format!("after {waited} still {status}")
        };
        return Some(format!("⏱️ {title}: {status}. It goes on; the end will be told here."));
    }
    if run.is_none() && !deploy.waits {
        return None;
    }
    let again = if attempt > 1 { format!(" (attempt {attempt})") } else { String::new() };
    let status = if is_cancelled { format!("cancelling… ({status})") } else { status };
    Some(format!("{icon} {title}{again}: {status}"))
}

fn trouble(deploy: &Deploy, now: DateTime<Utc>) -> Option<&str> {
    let trouble = deploy.trouble.as_ref().filter(|trouble| now - trouble.since >= SHOWN_AFTER)?;
    trouble.said.as_deref()
}

fn waited(deploy: &Deploy) -> String {
    duration::compact(TimeDelta::seconds(deploy.wait_seconds))
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
            let words = if deploy.is_rejected() { "was not approved".to_owned() } else { words };
            let after = run
                .and_then(took)
                .map_or_else(|| ", duration not known".to_owned(), |took| format!(" after {took}"));
            let attempt = deploy.attempt();
            let again = if attempt > 1 { format!(" (attempt {attempt})") } else { String::new() };
            let failed = why::words(deploy, run);
            let by = cancelled_by(deploy, run);
            let means = meaning(deploy, run).map(|means| format!(" · {means}"));
            format!(
                "{icon} {title}{again} {words}{by}{after}{}{}",
                means.unwrap_or_default(),
                failed.unwrap_or_default()
            )
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

/// Who has cancelled it here.
fn cancelled_by(deploy: &Deploy, run: Option<&Run>) -> String {
    let was_cancelled = run.is_some_and(|run| run.conclusion.as_deref() == Some("cancelled"));
    let attempt = deploy.attempt();
    let clicked = |action| deploy.clicked(action, attempt);
    let by = clicked(Action::ForceCancel).or_else(|| clicked(Action::Cancel));
    let by = by.filter(|_| was_cancelled).map(|click| format!(" by <@{}>", click.user_id));
    by.unwrap_or_default()
}

/// What an outcome means in the series of deploys before it.
fn meaning(deploy: &Deploy, run: Option<&Run>) -> Option<String> {
    let succeeded = past::succeeded(run?)?;
    let past = deploy.past.as_ref().filter(|_| !deploy.is_rejected())?;
    past::meaning(past, succeeded)
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

/// What the outcome shows besides.
fn extra(deploy: &Deploy) -> Option<String> {
    deploy.details.as_ref()?.extra.clone().filter(|_| deploy.ending().is_some())
}
