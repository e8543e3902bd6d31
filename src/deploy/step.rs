//! How a deploy changes. Pure: every rule about what may follow on what is here; in `seen`, what GitHub shows of its
//! run.

use chrono::{DateTime, TimeDelta, Utc};

use super::click::{Acted, Action};
use super::effects::LANDS_WITHIN;
use super::event::Event;
use super::messages;
use super::next::{is_done, needs_show};
use super::outcome::Outcome;
use super::progress::Progress;
use super::record::{Deploy, Details, Ending, FOLLOWED_FOR, Phase, Telling, Trouble};
use crate::github::Run;

mod seen;

pub(super) use seen::{SHOWS_END_WITHIN, look_again_after};
use seen::{
    end, follow, found, give_up_the_search, hint, in_trouble, look_later, reopen, saw, search,
};

/// How long an end is tried to be told.
const TOLD_WITHIN: TimeDelta = TimeDelta::days(7);

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
    if let Some(Ending { telling: telling @ Telling::Open, .. }) = watched_ending(&mut deploy) {
        *telling = Telling::Nobody;
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

/// The end of a watched run that pings nobody, once that is known.
fn watched_ending(deploy: &mut Deploy) -> Option<&mut Ending> {
    let pings_nobody = deploy.watched.is_some()
        && !deploy.must_know_series()
        && deploy.pinged_role().is_none()
        && deploy.pinged().is_none();
    if pings_nobody { deploy.ending_mut() } else { None }
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
        Event::NotDispatched { why, for_admins } => {
            if let Phase::Dispatching { .. } = deploy.phase {
                end(deploy, Outcome::NotDispatched { why, for_admins }, now);
            }
        }
        Event::Searched(searched) => found(deploy, searched, now),
        Event::Saw(run) => saw(deploy, *run, now),
        Event::Unchanged => look_later(deploy, now),
        Event::Unanswered => give_up_the_search(deploy, now),
        Event::NotShown { said, for_admins } => {
            let said = Some(said);
            in_trouble(deploy, Trouble { since: now, said, for_admins, missing_since: None }, now);
        }
        Event::Missing { said } => {
            let (said, missing_since) = (Some(said), Some(now));
            in_trouble(deploy, Trouble { since: now, said, for_admins: false, missing_since }, now);
        }
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
        Event::SawJobs(progress) => {
            if deploy.phase == Phase::Running && progress.attempt == deploy.attempt() {
                deploy.progress = Some(progress);
            }
        }
        Event::SawJob(job) => {
            let attempt = deploy.attempt();
            let is_of_now = job.run_attempt.is_none_or(|of| of == attempt);
            if deploy.phase == Phase::Running && is_of_now {
                let known = deploy.progress.take();
                deploy.progress = Some(Progress::told(known.as_ref(), attempt, &job, now));
            }
        }
        Event::Past(past) => {
            let again = deploy.must_know_series();
            let known = deploy.past.get_or_insert_with(|| past.clone());
            if let (true, Some(watched)) = (again, &mut deploy.watched) {
                known.series = past.series.or(known.series);
                watched.knows_series = true;
            }
        }
        Event::LastSuccess(success) => {
            deploy.past.get_or_insert_default().last_success = success;
        }
        Event::Refresh => {
            if matches!(deploy.phase, Phase::Searching(_) | Phase::Running) {
                deploy.refreshed_at = Some(now);
                deploy.look_at = deploy.look_at.min(now);
            }
        }
        Event::Clicked(click) => {
            let may_be_edited = deploy.ending().is_some() && needs_show(deploy, now);
            // The edit that shows the end, as the last one, may be under way.
            if deploy.click(click) && may_be_edited {
                let until = now + LANDS_WITHIN;
                deploy.shown_in_doubt_until = deploy.shown_in_doubt_until.max(Some(until));
            }
        }
        Event::Acted { interaction_id, result } => acted(deploy, interaction_id, result, now),
        Event::AsksForApproval(approval) => deploy.asks(approval),
        Event::AskedForApproval { approval, posted } => deploy.has_asked(&approval, posted),
        Event::ToldApproval(approval) => deploy.asking_is_over(&approval),
        Event::NoComponents => {
            if let Some(place) = &mut deploy.place {
                (place.no_buttons, place.text_only) = (place.text_only, true);
            }
        }
        Event::Shown { text, message_id } => {
            on_screen(deploy, message_id);
            let told = deploy.is_told_at_once(now) && text == messages::fingerprint(deploy, now);
            if told {
                tell(deploy, |telling| *telling == Telling::Open, Telling::Nobody);
            }
            deploy.shown = Some(text);
            deploy.shown_at = Some(now);
            deploy.shows_run = deploy.target.as_ref().is_some_and(|target| target.run.is_some());
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
                place.closed = Some(why.clone());
                // A watched run that nobody sees is not followed.
                if deploy.watched.is_some() && place.message_id.is_none() {
                    end(deploy, Outcome::NothingDone { why }, now);
                    deploy.details = Some(Details::default());
                    tell(deploy, |_| true, Telling::Nobody);
                }
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
        Event::Told { by, message_id, detailed } => {
            let told = Telling::Told { by, message_id, detailed };
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

/// Since when the attempt that is followed is there. One that was begun late is followed as long as the first.
fn followed_since(deploy: &Deploy) -> DateTime<Utc> {
    let run = deploy.target.as_ref().and_then(|target| target.run.as_deref());
    run.and_then(Run::began_at).map_or(deploy.began_at, |began| began.max(deploy.began_at))
}

fn tick(deploy: &mut Deploy, now: DateTime<Utc>) {
    deploy.give_up_clicks(now);
    match &deploy.phase {
        Phase::Running if now - followed_since(deploy) >= FOLLOWED_FOR => {
            end(deploy, Outcome::GivenUp, now);
        }
        Phase::Ending(ending) if now - ending.at >= TOLD_WITHIN => {
            deploy.asking.clear();
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

fn on_screen(deploy: &mut Deploy, message_id: Option<u64>) {
    if let Some(place) = &mut deploy.place {
        place.on_screen = true;
        place.message_id = message_id.or(place.message_id);
    }
}

/// GitHub has answered to a click, or cannot be expected to any more.
fn acted(deploy: &mut Deploy, interaction_id: u64, result: Acted, now: DateTime<Utc>) {
    let Some(click) = deploy.settle(interaction_id, result) else { return };
    let (action, attempt) = (click.action, click.attempt);
    if click.result != Acted::Done {
        // It may have ended, or been done all the same.
        deploy.look_at = deploy.look_at.min(now);
        return;
    }
    let is_latest = attempt == deploy.attempt();
    if action == Action::Rerun && is_latest {
        deploy.wait_until = now + TimeDelta::seconds(deploy.wait_seconds);
    }
    match &mut deploy.phase {
        // Answered late, it may be what began the attempt that ends.
        Phase::Ending(ending) if action == Action::Rerun && is_latest => {
            ending.rerun = ending.rerun.max(Some(attempt + 1));
        }
        Phase::Ended(_) if action == Action::Rerun && is_latest => {
            reopen(deploy, attempt + 1, now);
        }
        _ => deploy.look_at = deploy.look_at.min(now),
    }
}

fn tell(deploy: &mut Deploy, when: impl Fn(&Telling) -> bool, then: Telling) {
    if let Phase::Ending(ending) = &mut deploy.phase
        && when(&ending.telling)
    {
        ending.telling = then;
    }
}
