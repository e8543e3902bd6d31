//! All Discord messages of a deploy, as pure functions of its record and the time.

use chrono::{DateTime, TimeDelta, Utc};

use super::about::{about, rolls_back, small, title, where_from};
use super::card::Says;
use super::click::Action;
use super::headline::{NO_RUN, NOT_REACHED, headline};
use super::outcome::{NotFound, Outcome};
use super::place::Place;
use super::record::{Deploy, Ending, Phase, Search, Trouble};
use super::role;
use super::what_now::what_now;
use super::why;
use crate::discord::Message;
use crate::github::explain::ADMINS_MEND_IT;
use crate::github::words::running;
use crate::text::duration;

const FOLLOWS: &str = "This message will show how it ends.";
const FINDS: &str = "GitHub did not say which run it is: Deckhand looks for it. This message will show how it ends.";

/// A trouble of some seconds is not shown.
const SHOWN_AFTER: TimeDelta = TimeDelta::seconds(15);

/// After this long it is said that no run was found yet, if GitHub may not have taken the dispatch.
const DOUBTED_AFTER: TimeDelta = TimeDelta::seconds(30);

/// A deploy's message as it must be now.
pub(crate) fn message(deploy: &Deploy, now: DateTime<Utc>) -> Message {
    let title = title(deploy);
    let mut hint = deploy.place.as_ref().and_then(forewarning).filter(|_| deploy.waits);
    let started = || format!("🚀 {title} started");
    let state = match &deploy.phase {
        Phase::Ending(ending) | Phase::Ended(ending) => {
            hint = None;
            ended(deploy, ending)
        }
        Phase::Requested | Phase::Dispatching { .. } => format!("🔵 {title}: starting…"),
        Phase::Searching(search) => searching(deploy, search, now).unwrap_or_else(|| {
            hint = Some(FINDS);
            started()
        }),
        Phase::Running => going_on(deploy, now).unwrap_or_else(|| {
            hint = Some(FOLLOWS);
            started()
        }),
    };
    let mut about = about(deploy);
    about.extend(extra(deploy).map(str::to_owned));
    let mut small = small(deploy, now);
    small.extend(for_admins(deploy, now).map(|detail| format!("For admins: {detail}")));
    small.extend(hint.map(str::to_owned));
    Says { state, about, small }.message(deploy, now)
}

/// Identifies what [`message`] shows.
pub(super) fn fingerprint(deploy: &Deploy, now: DateTime<Utc>) -> String {
    message(deploy, now).fingerprint()
}

/// How it ended, why, and what to do: the first lines of its message.
fn ended(deploy: &Deploy, ending: &Ending) -> String {
    let run = deploy.target.as_ref().and_then(|target| target.run.as_deref());
    let why = match ending.outcome {
        Outcome::Concluded => why::words(deploy, run).unwrap_or_default(),
        _ => String::new(),
    };
    let now = what_now(deploy, ending).map(|now| format!("\n{now}")).unwrap_or_default();
    format!("{}{why}{now}", headline(deploy, ending))
}

/// The message that tells how it ended: what fits on a phone. All else is on the deploy's own. `None`: it goes on.
pub(crate) fn told(deploy: &Deploy) -> Option<Message> {
    let ending = deploy.ending()?;
    let mut lines = vec![headline(deploy, ending)];
    lines.extend(rolls_back(deploy));
    if ending.outcome == Outcome::Concluded {
        lines.extend(why::brief(deploy));
    }
    lines.extend(extra(deploy).into_iter().flat_map(bad_news));
    lines.extend(what_now(deploy, ending));
    if deploy.watched.is_some() {
        lines.extend(where_from(deploy));
        return role::told(deploy, &lines.join("\n"));
    }
    let pinged = deploy.pinged();
    let mentioned = pinged.unwrap_or(deploy.order.requester.user_id);
    let message = Message::public(&format!("<@{mentioned}> {}", lines.join("\n")));
    Some(match pinged {
        Some(user_id) => message.pinging(user_id),
        None => message,
    })
}

/// The first of the checks that are not fine.
fn bad_news(extra: &str) -> impl Iterator<Item = String> {
    const SHOWN: usize = 2;
    let is_bad = |line: &&str| line.starts_with("❌") || line.starts_with("⚠️");
    extra.lines().filter(is_bad).take(SHOWN).map(str::to_owned)
}

/// `None`: it was started, and nobody waits for its run.
fn searching(deploy: &Deploy, search: &Search, now: DateTime<Utc>) -> Option<String> {
    const UNKNOWN: &str = "it is unknown whether it started";
    const TRIES: &str = "It is not sent again. Deckhand goes on looking; look at the workflow's runs before you try again.";
    let title = title(deploy);
    if let Some(trouble) = trouble(deploy, now) {
        let started = if search.lost { UNKNOWN } else { "started" };
        return Some(format!(
            "⏱️ {title}: {started}, but its run cannot be looked for now. {} Deckhand goes on trying.",
            said(trouble)
        ));
    }
    let is_late = now - search.sent_at >= DOUBTED_AFTER;
    Some(match search.lost {
        true if is_late => {
            let (since, outages) = if search.listed {
                (NO_RUN, "")
            } else {
                (NOT_REACHED, " githubstatus.com tells about outages.")
            };
            format!(
                "⚠️ {title}: {UNKNOWN}. GitHub's answer was lost, and {since}.\n{TRIES}{outages}"
            )
        }
        true => format!("🔵 {title}: GitHub's answer was lost, looking for its run"),
        false if deploy.is_past_its_wait(now) => format!(
            "⏱️ {title}: its run has not shown up after {}. Deckhand goes on looking; what comes of it will \
             be told here.",
            waited(deploy)
        ),
        false if deploy.waits => format!("🔵 {title}: started, looking for its run"),
        false => return None,
    })
}

/// `None`: it was started, its run was not seen yet, and nobody waits for it.
fn going_on(deploy: &Deploy, now: DateTime<Utc>) -> Option<String> {
    let title = title(deploy);
    let run = deploy.target.as_ref().and_then(|target| target.run.as_deref());
    if let Some(trouble) = trouble(deploy, now) {
        return Some(format!(
            "⏱️ {title}: the run cannot be followed now. {} Deckhand goes on trying; the end will be told \
             here.",
            said(trouble)
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
            format!("still running after {waited}")
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

/// What has kept GitHub from showing its run for some time.
fn trouble(deploy: &Deploy, now: DateTime<Utc>) -> Option<&Trouble> {
    let trouble = deploy.trouble.as_ref().filter(|trouble| now - trouble.since >= SHOWN_AFTER)?;
    trouble.said.is_some().then_some(trouble)
}

fn said(trouble: &Trouble) -> &str {
    let said = trouble.said.as_deref().unwrap_or_default();
    if trouble.for_admins { ADMINS_MEND_IT } else { said }
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

/// What only an admin of the bot can mend, if that is who has requested it.
fn for_admins(deploy: &Deploy, now: DateTime<Utc>) -> Option<&str> {
    let detail = match &deploy.phase {
        Phase::Ending(ending) | Phase::Ended(ending) => match &ending.outcome {
            Outcome::NotDispatched { why, for_admins: true } => why,
            Outcome::NotFound(NotFound::NotTold { said, for_admins: true, .. }) => said,
            _ => return None,
        },
        _ => trouble(deploy, now).filter(|trouble| trouble.for_admins)?.said.as_deref()?,
    };
    deploy.order.by_admin.then_some(detail)
}

/// What the outcome shows besides.
fn extra(deploy: &Deploy) -> Option<&str> {
    deploy.details.as_ref()?.extra.as_deref().filter(|_| deploy.ending().is_some())
}
