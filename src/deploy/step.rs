//! How a deploy changes. Pure: every rule about what may follow on what is here.

use chrono::{DateTime, TimeDelta, Utc};

use super::event::{Event, Searched};
use super::failure::may_have_failed;
use super::next::is_done;
use super::order::Extra;
use super::outcome::{NotFound, Outcome};
use super::record::{Deploy, Details, Ending, FOLLOWED_FOR, Phase, Search, Telling, Trouble};
use super::target::Target;
use crate::github::Run;

/// A search is given up after this long.
pub(super) const SEARCHED_FOR: TimeDelta = TimeDelta::minutes(10);

/// How long a completed run may lack its conclusion.
const CONCLUDES_WITHIN: TimeDelta = TimeDelta::minutes(1);

/// GitHub's API may show an end some seconds after its webhook told of it.
const SHOWS_END_WITHIN: TimeDelta = TimeDelta::seconds(20);

/// The pause between two looks for such an end.
const SOON: TimeDelta = TimeDelta::seconds(2);

/// How long an end is tried to be told.
const TOLD_WITHIN: TimeDelta = TimeDelta::days(7);

/// The shortest time until an outsider looks at a deploy again: less than the minute between two sweeps, so that each
/// of them looks.
const AGAIN: TimeDelta = TimeDelta::seconds(50);

/// How long until an outsider looks at a deploy again: each sweep in its first hour, then more rarely.
pub(crate) fn look_again_after(deploy: &Deploy, now: DateTime<Utc>) -> TimeDelta {
    let age = (now - deploy.began_at).max(TimeDelta::zero());
    (age / 60).clamp(AGAIN, TimeDelta::minutes(5))
}

/// The deploy after an event. An event that comes too late or twice changes nothing.
pub(crate) fn step(deploy: &Deploy, event: Event, now: DateTime<Utc>) -> Deploy {
    let mut deploy = deploy.clone();
    happen(&mut deploy, event, now);
    if !deploy.token_lives(now)
        && let Some(place) = &mut deploy.place
    {
        place.token = None;
    }
    // Nobody can make it right any more, so nobody need look at it.
    if deploy.place.as_ref().is_some_and(|place| place.closed.is_some()) {
        deploy.shown_in_doubt_until = None;
    }
    if is_done(&deploy, now)
        && let Phase::Ending(ending) = &deploy.phase
    {
        deploy.phase = Phase::Ended(ending.clone());
    }
    if let Phase::Ended(Ending { rerun: Some(attempt), .. }) = deploy.phase {
        reopen(&mut deploy, attempt, now);
    }
    deploy
}

fn happen(deploy: &mut Deploy, event: Event, now: DateTime<Utc>) {
    match event {
        Event::Tick => tick(deploy, now),
        Event::OnScreen { message_id } => on_screen(deploy, message_id),
        Event::Refused { why, tell } => {
            if deploy.phase == Phase::Requested {
                end(deploy, Outcome::NothingDone { why }, now);
                if let (false, Some(ending)) = (tell, deploy.ending_mut()) {
                    ending.telling = Telling::Nobody;
                }
            }
        }
        Event::Dispatching { by } => {
            if deploy.phase == Phase::Requested {
                deploy.phase = Phase::Dispatching { since: now, by };
            }
        }
        Event::Abandoned => {
            if let Phase::Dispatching { since, .. } = deploy.phase {
                search(deploy, since, true, now);
            }
        }
        Event::Named(target) => {
            if let Phase::Dispatching { .. } = deploy.phase {
                follow(deploy, target, now);
            }
        }
        Event::Unnamed { lost } => {
            if let Phase::Dispatching { since, .. } = deploy.phase {
                search(deploy, since, lost, now);
            }
        }
        Event::NotDispatched { why } => {
            if let Phase::Dispatching { .. } = deploy.phase {
                end(deploy, Outcome::NotDispatched { why }, now);
            }
        }
        Event::Searched(searched) => found(deploy, searched, now),
        Event::Saw(run) => saw(deploy, *run, now),
        Event::Unchanged => look_later(deploy, now),
        Event::Unanswered => give_up_the_search(deploy, now),
        Event::NotShown { said } => in_trouble(deploy, said, false, now),
        Event::Missing { said } => in_trouble(deploy, said, true, now),
        Event::StillThere => {
            let run = deploy.target.as_ref().and_then(|target| target.run.clone());
            match run {
                // Completed, and still without a conclusion.
                Some(run) if run.is_completed() => saw(deploy, *run, now),
                _ if deploy.phase == Phase::Running => {
                    deploy.trouble = None;
                    look_later(deploy, now);
                }
                _ => {}
            }
        }
        Event::Deleted => {
            if deploy.phase == Phase::Running {
                end(deploy, Outcome::Deleted, now);
            }
        }
        Event::Postponed { until } => deploy.look_at = until.max(now),
        Event::Hint { attempt, run } => hint(deploy, attempt, run.map(|run| *run), now),
        Event::Shown { text, message_id } => {
            on_screen(deploy, message_id);
            deploy.shown = Some(text);
            deploy.shown_in_doubt_until.take_if(|until| *until <= now);
        }
        Event::Answered { text } => deploy.shown = Some(text),
        Event::ShownInDoubt { until } => {
            deploy.shown_in_doubt_until = deploy.shown_in_doubt_until.max(Some(until));
        }
        Event::StillShown => {
            deploy.shown_in_doubt_until.take_if(|until| *until <= now);
        }
        Event::Replaced => {
            deploy.shown = None;
            deploy.look_at = now;
        }
        Event::Closed { why } => {
            if let Some(place) = &mut deploy.place {
                place.closed = Some(why);
            }
        }
        Event::BotRefused => {
            if let Some(place) = &mut deploy.place {
                place.bot_refused = true;
            }
            tell(deploy, |telling| matches!(telling, Telling::Tried { .. }), Telling::Open);
        }
        Event::Tells { by } => {
            let tried = Telling::Tried { at: now, by };
            tell(deploy, |telling| *telling == Telling::Open, tried);
        }
        Event::Told { by, message_id } => {
            let told = Telling::Told { by, message_id, detailed: false };
            tell(deploy, |telling| matches!(telling, Telling::Tried { .. }), told);
        }
        Event::NotTold => {
            tell(deploy, |telling| matches!(telling, Telling::Tried { .. }), Telling::Open);
        }
        Event::Untold { why } => {
            let open = |telling: &Telling| matches!(telling, Telling::Tried { .. } | Telling::Open);
            tell(deploy, open, Telling::Untold { why });
        }
        Event::Detailed(details) => {
            if matches!(deploy.phase, Phase::Ending(_)) && deploy.details.is_none() {
                deploy.details = Some(details);
            }
        }
        Event::ToldDetails => {
            if let Some(Ending { telling: Telling::Told { detailed, .. }, .. }) =
                deploy.ending_mut()
            {
                *detailed = true;
            }
        }
    }
}

fn tick(deploy: &mut Deploy, now: DateTime<Utc>) {
    match &deploy.phase {
        Phase::Running if now - deploy.began_at >= FOLLOWED_FOR => {
            end(deploy, Outcome::GivenUp, now);
        }
        Phase::Ending(ending) if now - ending.at >= TOLD_WITHIN => {
            let why = "it could not be told for a week".to_owned();
            happen(deploy, Event::Untold { why: why.clone() }, now);
            happen(deploy, Event::Closed { why }, now);
            happen(deploy, Event::Detailed(Details::default()), now);
            happen(deploy, Event::ToldDetails, now);
        }
        Phase::Ended(ending) if deploy.shown.is_none() && now - ending.at >= TOLD_WITHIN => {
            happen(
                deploy,
                Event::Closed { why: "it could not be shown for a week".to_owned() },
                now,
            );
        }
        _ => {}
    }
}

fn in_trouble(deploy: &mut Deploy, said: String, is_missing: bool, now: DateTime<Utc>) {
    if !matches!(deploy.phase, Phase::Searching(_) | Phase::Running) {
        return;
    }
    let known = deploy.trouble.take();
    let since = known.as_ref().map_or(now, |trouble| trouble.since);
    let missing_since = known.and_then(|trouble| trouble.missing_since).unwrap_or(now);
    let missing_since = is_missing.then_some(missing_since);
    deploy.trouble = Some(Trouble { since, said: Some(said), missing_since });
    look_later(deploy, now);
    give_up_the_search(deploy, now);
}

/// After a look that did not find it.
fn give_up_the_search(deploy: &mut Deploy, now: DateTime<Utc>) {
    let Phase::Searching(search) = &deploy.phase else { return };
    if now - search.sent_at < SEARCHED_FOR {
        return;
    }
    let (lost, listed) = (search.lost, search.listed);
    let why = match deploy.trouble.take() {
        Some(Trouble { said: Some(said), .. }) => NotFound::NotTold { said, lost },
        _ => NotFound::Nowhere { lost, listed },
    };
    end(deploy, Outcome::NotFound(why), now);
}

fn on_screen(deploy: &mut Deploy, message_id: Option<u64>) {
    if let Some(place) = &mut deploy.place {
        place.on_screen = true;
        place.message_id = message_id.or(place.message_id);
    }
}

fn search(deploy: &mut Deploy, sent_at: DateTime<Utc>, lost: bool, now: DateTime<Utc>) {
    deploy.phase = Phase::Searching(Search { sent_at, lost, listed: false, candidate: None });
    deploy.look_at = now;
}

fn found(deploy: &mut Deploy, searched: Searched, now: DateTime<Utc>) {
    let Phase::Searching(search) = &mut deploy.phase else { return };
    search.listed = true;
    match searched {
        Searched::Found(target) => return follow(deploy, target, now),
        Searched::NotFound(why) => return end(deploy, Outcome::NotFound(why), now),
        Searched::Candidate(run_id) => search.candidate = Some(run_id),
        Searched::Nothing => search.candidate = None,
    }
    deploy.trouble = None;
    look_later(deploy, now);
    give_up_the_search(deploy, now);
}

/// The run is known. It is looked at at once: what came before is not missed.
fn follow(deploy: &mut Deploy, mut target: Target, now: DateTime<Utc>) {
    let seen = target.run.take();
    deploy.target = Some(target);
    deploy.phase = Phase::Running;
    deploy.trouble = None;
    deploy.look_at = now;
    if let Some(run) = seen {
        saw(deploy, *run, now);
        // A list may be old.
        if deploy.phase == Phase::Running {
            deploy.look_at = now;
        }
    }
}

fn saw(deploy: &mut Deploy, run: Run, now: DateTime<Utc>) {
    let known = deploy.target.as_ref().map_or(1, Target::attempt);
    let attempt = run.attempt();
    match &mut deploy.phase {
        Phase::Ending(ending) if attempt > known => {
            ending.rerun = ending.rerun.max(Some(attempt));
            return;
        }
        Phase::Ended(_) if attempt > known => reopen(deploy, attempt, now),
        Phase::Running if attempt >= known => {}
        _ => return,
    }
    let Some(target) = &mut deploy.target else { return };
    if target.run.as_ref().is_some_and(|known| is_older(&run, known)) {
        return;
    }
    let (completed, concluded) = (run.is_completed(), run.conclusion.is_some());
    target.run = Some(Box::new(run));
    if !completed {
        deploy.trouble = None;
        return look_later(deploy, now);
    }
    let without_since = deploy.trouble.as_ref().filter(|trouble| trouble.said.is_none());
    let without_since = without_since.map_or(now, |trouble| trouble.since);
    if concluded || now - without_since >= CONCLUDES_WITHIN {
        return end(deploy, Outcome::Concluded, now);
    }
    deploy.trouble = Some(Trouble { since: without_since, said: None, missing_since: None });
    deploy.look_at = now;
}

/// Whether a run is an earlier state of what is known. Webhooks and lists come out of order.
fn is_older(run: &Run, known: &Run) -> bool {
    if run.attempt() != known.attempt() {
        return run.attempt() < known.attempt();
    }
    let updated = run.updated_at.zip(known.updated_at);
    (known.is_completed() && !run.is_completed()) || updated.is_some_and(|(new, old)| new < old)
}

/// A webhook's payload is a hint: an end, and what must be asked for, is read from GitHub.
fn hint(deploy: &mut Deploy, attempt: Option<u64>, run: Option<Run>, now: DateTime<Utc>) {
    let known = deploy.target.as_ref().map_or(1, Target::attempt);
    let attempt = attempt.or(run.as_ref().map(Run::attempt)).unwrap_or(known);
    match &mut deploy.phase {
        Phase::Ending(ending) if attempt > known => ending.rerun = ending.rerun.max(Some(attempt)),
        Phase::Ended(_) if attempt > known => reopen(deploy, attempt, now),
        Phase::Running if attempt >= known => {
            let due = Some(deploy.look_at).filter(|at| *at <= now);
            match run {
                Some(run) if matches!(run.status.as_deref(), Some("queued" | "in_progress")) => {
                    saw(deploy, run, now);
                }
                run => {
                    let ends = run.is_some_and(|run| run.is_completed());
                    deploy.end_is_near_until = ends.then(|| now + SHOWS_END_WITHIN);
                    deploy.look_at = now;
                }
            }
            // What came late does not put off a look that is due.
            if let Some(due) = due {
                deploy.look_at = due;
            }
        }
        _ => {}
    }
}

fn look_later(deploy: &mut Deploy, now: DateTime<Utc>) {
    let ends_soon = deploy.end_is_near_until.is_some_and(|until| now < until);
    deploy.look_at = now + if ends_soon { SOON } else { look_again_after(deploy, now) };
}

/// How it ended is known: whoever stores this counts it.
fn end(deploy: &mut Deploy, outcome: Outcome, now: DateTime<Utc>) {
    let run = deploy.target.as_ref().and_then(|target| target.run.as_deref());
    let has_details = outcome == Outcome::Concluded
        && (run.is_some_and(may_have_failed) || deploy.order.extra != Extra::Nothing);
    deploy.details = (!has_details).then(Details::default);
    let is_told = deploy.waits && deploy.place.is_some();
    let telling = if is_told { Telling::Open } else { Telling::Nobody };
    deploy.phase = Phase::Ending(Ending { outcome, at: now, telling, rerun: None });
    deploy.trouble = None;
    deploy.end_is_near_until = None;
    deploy.look_at = now;
}

/// The run was started again after it had ended.
fn reopen(deploy: &mut Deploy, attempt: u64, now: DateTime<Utc>) {
    if let Some(run) = deploy.target.as_mut().and_then(|target| target.run.as_mut()) {
        run.run_attempt = Some(attempt);
        run.status = Some("queued".to_owned());
        (run.conclusion, run.updated_at, run.end) = (None, None, Default::default());
    }
    deploy.phase = Phase::Running;
    deploy.details = None;
    deploy.trouble = None;
    deploy.pings = false;
    deploy.reopened = true;
    deploy.look_at = now;
}

fn tell(deploy: &mut Deploy, when: impl Fn(&Telling) -> bool, then: Telling) {
    if let Phase::Ending(ending) = &mut deploy.phase
        && when(&ending.telling)
    {
        ending.telling = then;
    }
}
