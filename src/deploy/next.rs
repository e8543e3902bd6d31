//! What is to be done for a deploy. Pure: derived from the record alone, so whoever loads it next after a
//! crash derives the same.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::clicked::ASKED_WITHIN;
use super::messages;
use super::order::Extra;
use super::outcome::Outcome;
use super::place::Place;
use super::record::{Deploy, Ending, Phase, Sender, Telling};

/// A deploy that was not begun in this time never will be.
const BEGUN_WITHIN: TimeDelta = TimeDelta::seconds(60);

/// Discord limits edits of messages that are older than an hour: then only the last one is made.
/// <https://docs.discord.com/developers/topics/opcodes-and-status-codes> (30046)
const EDITED_FOR: TimeDelta = TimeDelta::hours(1);

/// For how long after somebody pressed a button an older message is edited all the same: they look at it, and until then a
/// cancel that does not come through may be forced.
const EDITED_FOR_SOMEBODY: TimeDelta = TimeDelta::minutes(10);

/// For how long somebody who has pressed a button looks at the message for what it does.
const WAITED_FOR_BY_SOMEBODY: TimeDelta = TimeDelta::seconds(10);

/// The least time between two edits.
pub(super) const EDITED_EVERY: TimeDelta = TimeDelta::seconds(2);

/// How long the first edit that shows the run waits for the first look at it.
const SEEN_WITHIN: TimeDelta = TimeDelta::seconds(5);

/// How long the outcome waits for the last edit: that shows whether Discord answers, and a message that is not on
/// screen yet would be replaced.
pub(super) const HEAD_START: TimeDelta = TimeDelta::seconds(3);

/// How long the outcome of a diagnosis waits for what was found.
const FOUND_WITHIN: TimeDelta = TimeDelta::seconds(10);

/// For how long somebody who has typed a command looks at its answer.
const AT_ONCE: TimeDelta = TimeDelta::seconds(30);

/// Something to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Show its message before anything is sent to GitHub.
    PutOnScreen,
    /// Take the dispatch upon oneself, then send it.
    Dispatch,
    /// See whether its user saw that it began; nothing will be sent.
    ReadAnswer,
    /// Look for its run.
    Search,
    /// Look at its run.
    Look,
    /// Read what earlier deploys tell.
    ReadPast,
    /// Ask for the approval that its run waits for, by a message of its own.
    AskForApproval,
    /// Make the message that asked for an approval tell what came of it.
    TellApproval,
    /// Make its message show how it stands.
    Show,
    /// See whether an edit without an answer has replaced what its message shows.
    CheckShown,
    /// Post the outcome.
    Tell(Sender),
    /// See whether Discord answers at all, before the only try to post the outcome.
    Probe,
    /// See whether the outcome was posted.
    FindTold,
    /// Read the details of the end.
    ReadDetails,
    /// Make the outcome's message show them.
    TellDetails,
}

/// What is to be done now, by the call `me` of `advance`. Several effects are done at the same time.
pub(crate) fn next(deploy: &Deploy, me: Uuid, now: DateTime<Utc>) -> Vec<Effect> {
    match &deploy.phase {
        Phase::Requested if now - deploy.began_at >= BEGUN_WITHIN => vec![Effect::ReadAnswer],
        Phase::Requested if needs_screen(deploy, now) => vec![Effect::PutOnScreen],
        Phase::Requested => vec![Effect::Dispatch],
        Phase::Dispatching { by, .. } if *by == me => vec![Effect::Dispatch],
        Phase::Dispatching { .. } => Vec::new(),
        Phase::Searching(_) => with_show(deploy, now, Effect::Search),
        Phase::Running => with_show(deploy, now, Effect::Look),
        Phase::Ending(ending) => to_end(deploy, ending, now),
        Phase::Ended(_) if needs_show(deploy, now) => vec![Effect::Show],
        Phase::Ended(_) if is_in_doubt(deploy, now) => vec![Effect::CheckShown],
        Phase::Ended(_) => Vec::new(),
    }
}

/// When an outsider must look at it, if nobody acts for it. `None`: never.
pub(crate) fn due(deploy: &Deploy) -> Option<DateTime<Utc>> {
    if let Some(lease) = deploy.lease {
        return Some(lease.until);
    }
    match &deploy.phase {
        Phase::Ended(ending) => {
            // Somebody's click is not shown yet, or nobody knows yet what came of it.
            let shown_at = needs_show(deploy, ending.at).then_some(deploy.look_at);
            let given_up_at = deploy.asks_since().map(|since| since + ASKED_WITHIN);
            let clicks = shown_at.into_iter().chain(given_up_at).min();
            // The interaction's token is dropped when it is dead.
            clicks.or(deploy.shown_in_doubt_until).or_else(|| token_dies_at(deploy))
        }
        Phase::Requested => Some(deploy.began_at + BEGUN_WITHIN),
        _ => Some(deploy.look_at),
    }
}

fn token_dies_at(deploy: &Deploy) -> Option<DateTime<Utc>> {
    deploy.place.as_ref()?.token.as_ref()?;
    Some(deploy.interaction().created_at() + TimeDelta::minutes(15))
}

/// Whether its message must be seen on screen before the dispatch: that proves that the interaction lives.
fn needs_screen(deploy: &Deploy, now: DateTime<Utc>) -> bool {
    let is_late = deploy.interaction().time_left(now).is_zero();
    deploy.place.as_ref().is_some_and(|place| !place.on_screen && (deploy.waits || is_late))
}

fn with_show(deploy: &Deploy, now: DateTime<Utc>, look: Effect) -> Vec<Effect> {
    let mut effects = Vec::new();
    // A run that is started again is shown as that, however old its message is.
    let is_edited = deploy.reopened
        || now - deploy.began_at < EDITED_FOR
        || is_looked_at_by_somebody(deploy, now);
    if is_edited && shows_at(deploy, now) <= now && needs_show(deploy, now) {
        effects.push(Effect::Show);
    }
    if now >= deploy.look_at {
        effects.push(look);
    }
    // Not before the run is seen: GitHub may ask for a pause.
    if deploy.past.is_none() && deploy.target.as_ref().is_some_and(|target| target.run.is_some()) {
        effects.push(Effect::ReadPast);
    }
    if deploy.answered_asking().is_some() {
        effects.push(Effect::TellApproval);
    } else if deploy.asks_for_approval().is_some() {
        effects.push(Effect::AskForApproval);
    }
    effects
}

/// Whether somebody has pressed a button lately.
fn is_looked_at_by_somebody(deploy: &Deploy, now: DateTime<Utc>) -> bool {
    pressed_at(deploy).is_some_and(|at| now - at < EDITED_FOR_SOMEBODY)
}

/// When somebody last pressed a button.
fn pressed_at(deploy: &Deploy) -> Option<DateTime<Utc>> {
    deploy.clicks.last().map(|click| click.at).max(deploy.refreshed_at)
}

/// When its message may be edited again. The edit that first shows the run does not wait, but for the first look
/// at the run, which is under way: else one edit would follow the other.
fn shows_at(deploy: &Deploy, now: DateTime<Utc>) -> DateTime<Utc> {
    let Some(last) = deploy.shown_at else { return DateTime::<Utc>::MIN_UTC };
    let is_seen = deploy.target.as_ref().map(|target| target.run.is_some());
    match is_seen {
        Some(true) if !deploy.shows_run => now,
        Some(false) if deploy.trouble.is_none() => last + SEEN_WITHIN,
        _ => last + EDITED_EVERY,
    }
}

/// Whether its message is to be edited, but not yet.
pub(super) fn shows_soon(deploy: &Deploy, now: DateTime<Utc>) -> bool {
    let goes_on = matches!(deploy.phase, Phase::Searching(_) | Phase::Running);
    goes_on && shows_at(deploy, now) > now && needs_show(deploy, now)
}

/// The same, and it is worth staying for, as nobody else may come for a minute: somebody has just pressed a button, or a run
/// has begun so fast that its message would say "queued" of it. To stay for each change would cost seconds of each deploy.
pub(super) fn shows_news_soon(deploy: &Deploy, now: DateTime<Utc>) -> bool {
    let is_seen = |at: DateTime<Utc>| now - at < WAITED_FOR_BY_SOMEBODY;
    let run = deploy.target.as_ref().and_then(|target| target.run.as_deref());
    let has_begun = run.is_some_and(|run| !run.is_queued());
    let is_first = deploy.shown_at.is_some_and(|at| at - deploy.began_at < EDITED_EVERY);
    (has_begun && is_first || pressed_at(deploy).is_some_and(is_seen)) && shows_soon(deploy, now)
}

/// When the message of a deploy that ends may be edited. The edit that shows the end does not wait; the one that adds
/// the details comes later.
fn completes_at(deploy: &Deploy, ending: &Ending) -> DateTime<Utc> {
    let shown_since = deploy.shown_at.filter(|at| *at >= ending.at);
    shown_since.map_or(DateTime::<Utc>::MIN_UTC, |at| at + EDITED_EVERY)
}

/// Whether the details are to be shown, but not yet.
pub(super) fn completes_soon(deploy: &Deploy, now: DateTime<Utc>) -> bool {
    let Phase::Ending(ending) = &deploy.phase else { return false };
    completes_at(deploy, ending) > now && needs_show(deploy, now)
}

fn to_end(deploy: &Deploy, ending: &Ending, now: DateTime<Utc>) -> Vec<Effect> {
    let mut effects = Vec::new();
    let shows = needs_show(deploy, now);
    if shows && completes_at(deploy, ending) <= now {
        effects.push(Effect::Show);
    }
    let Some(place) = &deploy.place else {
        let read = if deploy.past.is_some() { Effect::ReadDetails } else { Effect::ReadPast };
        return if deploy.details.is_none() { vec![read] } else { effects };
    };
    match &ending.telling {
        Telling::Open if deploy.must_know_series() => effects.push(Effect::ReadPast),
        Telling::Open if details_come_first(deploy, ending, now) => {
            let knows_past = deploy.past.is_some();
            effects.push(if knows_past { Effect::ReadDetails } else { Effect::ReadPast });
        }
        Telling::Open if deploy.is_told_at_once(now) => {}
        Telling::Open => {
            let has_started = place.on_screen || place.closed.is_some() || !shows;
            if has_started || now - ending.at >= HEAD_START {
                effects.push(Effect::Tell(sender(place)));
            }
        }
        Telling::Tried { .. } => effects.push(Effect::FindTold),
        Telling::Nobody | Telling::Told { .. } | Telling::Untold { .. }
            if deploy.details.is_none() =>
        {
            let knows_past = deploy.past.is_some();
            effects.push(if knows_past { Effect::ReadDetails } else { Effect::ReadPast });
        }
        Telling::Told { .. } if tells_details(deploy) => effects.push(Effect::TellDetails),
        Telling::Nobody | Telling::Told { .. } | Telling::Untold { .. }
            if deploy.answered_asking().is_some() =>
        {
            effects.push(Effect::TellApproval);
        }
        Telling::Nobody | Telling::Told { .. } | Telling::Untold { .. } => {}
    }
    effects
}

/// Whether the outcome waits for its details: what a diagnosis has found says more than how its run ended.
fn details_come_first(deploy: &Deploy, ending: &Ending, now: DateTime<Utc>) -> bool {
    let finds = deploy.order.extra != Extra::Nothing;
    finds && deploy.details.is_none() && now - ending.at < FOUND_WITHIN
}

impl Deploy {
    /// Whether its own message tells that nothing was started: whoever typed the command still looks at it, so a
    /// second message would say the same. If it cannot be shown in time, that is told as every outcome.
    pub(super) fn is_told_at_once(&self, now: DateTime<Utc>) -> bool {
        let outcome = self.ending().map(|ending| &ending.outcome);
        matches!(outcome, Some(Outcome::NotDispatched { .. }))
            && has_open_place(self)
            && now - self.began_at < AT_ONCE
    }
}

/// With whose token the outcome is posted. The bot's holds for ever, and its nonce keeps it from being posted
/// twice.
fn sender(place: &Place) -> Sender {
    if place.bot_may_post() { Sender::Bot } else { Sender::Interaction }
}

/// Whether its message does not show how it stands, as far as is known.
pub(super) fn needs_show(deploy: &Deploy, now: DateTime<Utc>) -> bool {
    has_open_place(deploy)
        && !deploy.waits_for_its_end()
        && deploy.shown.as_ref() != Some(&messages::fingerprint(deploy, now))
}

fn has_open_place(deploy: &Deploy) -> bool {
    deploy.place.as_ref().is_some_and(|place| place.closed.is_none())
}

/// Whether an edit without an answer may have replaced the last one.
fn is_in_doubt(deploy: &Deploy, now: DateTime<Utc>) -> bool {
    deploy.shown_in_doubt_until.is_some_and(|until| until <= now)
}

/// Whether the outcome's message lacks the details.
fn tells_details(deploy: &Deploy) -> bool {
    let told = deploy.ending().map(|ending| &ending.telling);
    let lacks = matches!(told, Some(Telling::Told { message_id: Some(_), detailed: false, .. }));
    let before = Deploy { details: None, ..deploy.clone() };
    lacks && messages::told(deploy) != messages::told(&before)
}

/// Whether an end is told and shown, as far as it could be.
pub(super) fn is_done(deploy: &Deploy, now: DateTime<Utc>) -> bool {
    let Phase::Ending(ending) = &deploy.phase else { return false };
    let is_told = !matches!(ending.telling, Telling::Open | Telling::Tried { .. });
    is_told
        && deploy.details.is_some()
        && deploy.asking.is_empty()
        && !needs_show(deploy, now)
        && !tells_details(deploy)
}
