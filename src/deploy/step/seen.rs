//! What becomes known of a deploy's run, and what that makes of the deploy.

use chrono::{DateTime, TimeDelta, Utc};

use crate::deploy::event::Searched;
use crate::deploy::failure::may_have_failed;
use crate::deploy::order::Extra;
use crate::deploy::outcome::{NotFound, Outcome};
use crate::deploy::record::{Deploy, Details, Ending, Phase, Search, Telling, Trouble};
use crate::deploy::target::Target;
use crate::github::Run;

/// A search is given up after this long.
const SEARCHED_FOR: TimeDelta = TimeDelta::minutes(10);

/// How long a completed run may lack its conclusion.
const CONCLUDES_WITHIN: TimeDelta = TimeDelta::minutes(1);

/// GitHub's API may show an end some seconds after its webhook told of it.
pub(in crate::deploy) const SHOWS_END_WITHIN: TimeDelta = TimeDelta::seconds(20);

/// The pause between two looks for such an end.
const SOON: TimeDelta = TimeDelta::seconds(2);

/// The shortest time until an outsider looks at a deploy again: less than the minute between two sweeps, so that each
/// of them looks.
const AGAIN: TimeDelta = TimeDelta::seconds(50);

/// How long until an outsider looks at a deploy again: each sweep in its first hour, then more rarely.
pub(in crate::deploy) fn look_again_after(deploy: &Deploy, now: DateTime<Utc>) -> TimeDelta {
    let age = (now - deploy.began_at).max(TimeDelta::zero());
    (age / 60).clamp(AGAIN, TimeDelta::minutes(5))
}

pub(super) fn search(deploy: &mut Deploy, sent_at: DateTime<Utc>, lost: bool, now: DateTime<Utc>) {
    deploy.phase = Phase::Searching(Search { sent_at, lost, listed: false, candidate: None });
    deploy.look_at = now;
}

pub(super) fn found(deploy: &mut Deploy, searched: Searched, now: DateTime<Utc>) {
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

/// After a look that did not find it.
pub(super) fn give_up_the_search(deploy: &mut Deploy, now: DateTime<Utc>) {
    let Phase::Searching(search) = &deploy.phase else { return };
    if now - search.sent_at < SEARCHED_FOR {
        return;
    }
    let (lost, listed) = (search.lost, search.listed);
    let why = match deploy.trouble.take() {
        Some(Trouble { said: Some(said), for_admins, .. }) => {
            NotFound::NotTold { said, lost, for_admins }
        }
        _ => NotFound::Nowhere { lost, listed },
    };
    end(deploy, Outcome::NotFound(why), now);
}

/// The run is known. It is looked at at once: what came before is not missed.
pub(super) fn follow(deploy: &mut Deploy, mut target: Target, now: DateTime<Utc>) {
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

pub(super) fn saw(deploy: &mut Deploy, mut run: Run, now: DateTime<Utc>) {
    let Some(known) = deploy.target.as_ref().map(Target::attempt) else { return };
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
    run.mask_title();
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
    deploy.trouble = Some(Trouble { since: without_since, ..Trouble::default() });
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
pub(super) fn hint(
    deploy: &mut Deploy,
    attempt: Option<u64>,
    run: Option<Run>,
    now: DateTime<Utc>,
) {
    // A roll back has the run before it is known whether GitHub has begun an attempt.
    let Some(known) = deploy.target.as_ref().map(Target::attempt) else { return };
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

/// What keeps GitHub from showing its run now. It counts from when it began.
pub(super) fn in_trouble(deploy: &mut Deploy, mut trouble: Trouble, now: DateTime<Utc>) {
    if !matches!(deploy.phase, Phase::Searching(_) | Phase::Running) {
        return;
    }
    if let Some(known) = deploy.trouble.take() {
        trouble.since = known.since;
        trouble.missing_since =
            trouble.missing_since.and(known.missing_since.or(trouble.missing_since));
    }
    deploy.trouble = Some(trouble);
    look_later(deploy, now);
    give_up_the_search(deploy, now);
}

pub(super) fn look_later(deploy: &mut Deploy, now: DateTime<Utc>) {
    let ends_soon = deploy.end_is_near_until.is_some_and(|until| now < until);
    deploy.look_at = now + if ends_soon { SOON } else { look_again_after(deploy, now) };
}

/// How it ended is known: whoever stores this counts it.
pub(super) fn end(deploy: &mut Deploy, outcome: Outcome, now: DateTime<Utc>) {
    let run = deploy.target.as_ref().and_then(|target| target.run.as_deref());
    let has_details = outcome == Outcome::Concluded
        && (run.is_some_and(may_have_failed) || deploy.order.extra != Extra::Nothing);
    deploy.details = (!has_details).then(Details::default);
    let is_told = deploy.has_outcome_to_tell() && deploy.place.is_some();
    let telling = if is_told { Telling::Open } else { Telling::Nobody };
    deploy.phase = Phase::Ending(Ending { outcome, at: now, telling, rerun: None });
    deploy.trouble = None;
    deploy.end_is_near_until = None;
    deploy.look_at = now;
}

/// The run was started again after it had ended.
pub(super) fn reopen(deploy: &mut Deploy, attempt: u64, now: DateTime<Utc>) {
    let succeeded = deploy.succeeded();
    if let Some(watched) = &mut deploy.watched {
        watched.has_failed = succeeded.map_or(watched.has_failed, |succeeded| !succeeded);
        watched.knows_series = false;
        // Perhaps the channel takes its card by now.
        if let Some(place) = deploy.place.as_mut().filter(|place| place.message_id.is_none()) {
            place.closed = None;
        }
    }
    if let Some(run) = deploy.target.as_mut().and_then(|target| target.run.as_mut()) {
        run.begin_attempt(attempt);
    }
    deploy.phase = Phase::Running;
    deploy.details = None;
    deploy.progress = None;
    deploy.asked = None;
    deploy.trouble = None;
    deploy.reopened = true;
    deploy.look_at = now;
}
