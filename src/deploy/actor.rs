//! One call of `advance` at work: it starts what is to be done, takes what comes of it, and stores it.

use std::pin::pin;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::FutureExt;
use tokio::sync::Mutex;
use tokio::time::{Duration, Instant, sleep_until};

use super::draft::{Draft, Lost};
use super::effects::{Done, LANDS_WITHIN, Services};
use super::event::Event;
use super::lanes::{Lane, Lanes, Report};
use super::next::{EDITED_EVERY, Effect, shows_soon};
use super::record::{Deploy, Phase};
use super::search::Learned;
use super::step::look_again_after;
use crate::github::GithubError;
use crate::github::explain::{Subject, explain, is_for_admins};
use crate::github::runs::Tag;

/// How long a progress edit that is under way may hold up the last one.
const GRACE: Duration = Duration::from_secs(1);

/// How often a message is looked at that an earlier edit may still replace.
const CHECKED_EVERY: Duration = Duration::from_secs(3);

/// A dispatch that GitHub has not seen is sent again for this long.
const UNSENT_FOR: Duration = Duration::from_secs(10);

/// How many rate limits of one dispatch are waited out.
const RESTS: u8 = 2;

/// How often whoever follows a deploy looks at what others have noted, like clicks.
const NOTES_READ_EVERY: Duration = Duration::from_secs(5);

/// The same for a visitor, who stays for an edit that is due in a moment: it is to show what came meanwhile.
const NOTES_READ_BY_VISITORS_EVERY: Duration = Duration::from_secs(1);

/// The longest rate limit that is waited out before a dispatch that nobody waits for.
const LONGEST_REST: TimeDelta = TimeDelta::seconds(60);

/// For how long to act for a deploy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mandate {
    /// Until its wait is over. Where webhooks arrive, only until its run is known and shown.
    Wait,
    /// Until the result of its dispatch is known. Its message is the caller's.
    Dispatch,
    /// For what is to be done now.
    Visit,
}

/// One call of `advance`.
pub(super) struct Actor<'a> {
    pub(super) services: Services<'a>,
    pub(super) draft: Draft<'a>,
    pub(super) mandate: Mandate,
    pub(super) has_begun: bool,
    pub(super) lanes: Lanes<'a>,
    pub(super) tag: Arc<Mutex<Tag>>,
    pub(super) learned: Arc<Learned>,
    pub(super) began: Instant,
    pub(super) ending_since: Option<Instant>,
    /// Whether Discord has answered since the end is known.
    pub(super) discord_answers: bool,
    pub(super) looked_at: Option<DateTime<Utc>>,
    /// Whether a look at the run is done.
    pub(super) has_looked: bool,
    pub(super) webhooks_arrive: Option<bool>,
    pub(super) rests_left: u8,
    pub(super) unsent_since: Option<Instant>,
    pub(super) notes_read: Instant,
}

impl<'a> Actor<'a> {
    /// `has_begun`: whether this call was made by who has stored the deploy as requested.
    pub(super) fn new(
        services: Services<'a>,
        draft: Draft<'a>,
        mandate: Mandate,
        has_begun: bool,
    ) -> Self {
        Self {
            services,
            draft,
            mandate,
            has_begun,
            lanes: Lanes::default(),
            tag: Arc::default(),
            learned: Arc::default(),
            began: Instant::now(),
            ending_since: None,
            discord_answers: false,
            looked_at: None,
            has_looked: false,
            webhooks_arrive: None,
            rests_left: RESTS,
            unsent_since: None,
            notes_read: Instant::now(),
        }
    }

    pub(super) async fn run(mut self, stop: impl Future<Output = ()> + Send) -> Deploy {
        let mut stop = pin!(stop.fuse());
        loop {
            let lost = tokio::select! {
                biased;
                () = &mut stop => {
                    self.leave_at_once().await;
                    return self.draft.deploy;
                }
                turned = self.turn() => match turned {
                    Ok(Turn::GoesOn) => continue,
                    Ok(Turn::Rests) => None,
                    Err(Lost) => Some(Lost),
                },
            };
            if lost.is_some() {
                tracing::info!(key = ?self.draft.deploy.order.key, "somebody else acts for the deploy");
                if self.lanes.progress_since().is_some() || self.draft.has_shown_more() {
                    self.draft.note_doubt().await;
                }
            }
            return self.draft.deploy;
        }
    }

    /// One turn: start what is to be done, then wait until something is done or the time has come.
    async fn turn(&mut self) -> Result<Turn, Lost> {
        self.draft.add(Event::Tick);
        let me = self.draft.me;
        if let Phase::Dispatching { by, .. } = self.draft.deploy.phase
            && by != me
        {
            self.draft.add(Event::Abandoned);
        }
        if self.draft.deploy.ending().is_none() {
            (self.ending_since, self.discord_answers) = (None, false);
        } else if self.ending_since.is_none() {
            (self.ending_since, self.discord_answers) = (Some(Instant::now()), false);
        }
        let may_tell = self.lanes.is_free(Lane::Outcome) && self.may_tell();
        self.draft.store_if_needed(may_tell).await?;
        // Also after the process stood still: then somebody else may have acted, and the rest is theirs.
        self.draft.renew_if_needed().await?;
        let notes_read_every = match self.mandate {
            Mandate::Wait => NOTES_READ_EVERY,
            Mandate::Visit => NOTES_READ_BY_VISITORS_EVERY,
            Mandate::Dispatch => Duration::MAX,
        };
        if self.notes_read.elapsed() >= notes_read_every {
            self.notes_read = Instant::now();
            self.draft.read_notes().await?;
        }
        let effects = self.effects();
        let mut held_up = None;
        for effect in effects {
            match self.lanes.opens(Lane::of(effect)) {
                None => self.start(effect).await?,
                Some(opens) => held_up = Some(held_up.map_or(opens, |at: Instant| at.min(opens))),
            }
        }
        let is_idle = self.lanes.are_idle();
        if is_idle && self.may_rest(held_up.is_some()).await && self.leave().await? {
            return Ok(Turn::Rests);
        }
        let second = Instant::now() + Duration::from_secs(1);
        let mut wake = held_up.map_or(second, |at| at.min(second));
        if let Some(stuck) = self.stuck_progress() {
            wake = wake.min(stuck);
        }
        tokio::select! {
            biased;
            (lane, done) = self.lanes.next() => self.finish(lane, done),
            () = sleep_until(wake) => self.give_up_progress(),
        }
        Ok(Turn::GoesOn)
    }

    async fn start(&mut self, effect: Effect) -> Result<(), Lost> {
        let services = self.services;
        match effect {
            Effect::Dispatch => return self.start_dispatch().await,
            // Taken upon oneself in the store first; see `Draft::store_if_needed`.
            Effect::Tell(_) if !self.draft.tells => return Ok(()),
            Effect::Tell(_) => self.draft.tells = false,
            // Rather not at all than twice.
            Effect::AskForApproval => {
                let Some(approval) = self.draft.deploy.asks_for_approval() else { return Ok(()) };
                self.draft.add(Event::AsksForApproval(approval.clone()));
                self.draft.store_if_needed(false).await?;
                let (services, deploy) = (self.services, self.draft.deploy.clone());
                self.lanes.start(effect, async move {
                    Report::Done(services.ask_for_approval(deploy, approval).await)
                });
                return Ok(());
            }
            _ => {}
        }
        let deploy = self.draft.deploy.clone();
        let (tag, learned) = (self.tag.clone(), self.learned.clone());
        self.lanes.start(effect, async move {
            Report::Done(match effect {
                Effect::PutOnScreen => services.put_on_screen(deploy).await,
                Effect::ReadAnswer => services.read_answer(deploy).await,
                Effect::Search => services.search(deploy, &learned).await,
                Effect::Look => services.look(deploy, &tag).await,
                Effect::ReadPast => services.read_past(deploy).await,
                Effect::Show => services.show(deploy).await,
                Effect::CheckShown => services.check_shown(deploy).await,
                Effect::Probe => services.probe(deploy).await,
                Effect::FindTold => services.find_told(deploy).await,
                Effect::ReadDetails => services.read_details(deploy).await,
                Effect::TellDetails => services.tell_details(deploy).await,
                Effect::TellApproval => services.tell_approval(deploy).await,
                Effect::Tell(by) => services.tell(deploy, by).await,
                Effect::Dispatch | Effect::AskForApproval => Done::nothing(),
            })
        });
        if let Effect::Look | Effect::Search = effect {
            self.looked_at = Some(services.clock.now());
        }
        Ok(())
    }

    /// Stores that this call sends the dispatch, and only then sends it.
    async fn start_dispatch(&mut self) -> Result<(), Lost> {
        if self.draft.deploy.phase == Phase::Requested {
            self.draft.add(Event::Dispatching { by: self.draft.me });
            self.draft.store_if_needed(false).await?;
        }
        self.draft.renew_for_a_dispatch().await?;
        let is_ours =
            matches!(self.draft.deploy.phase, Phase::Dispatching { by, .. } if by == self.draft.me);
        if is_ours {
            let (services, order) = (self.services, self.draft.deploy.order.clone());
            let send = async move { Report::Dispatched(services.dispatch(&order).await) };
            self.lanes.start(Effect::Dispatch, send);
        }
        Ok(())
    }

    fn finish(&mut self, effect: Effect, result: Report) {
        match result {
            Report::Done(Done { events, again, discord_answers }) => {
                self.discord_answers |= discord_answers;
                self.has_looked |= matches!(effect, Effect::Look | Effect::Search);
                for event in events {
                    self.draft.add(event);
                }
                match again {
                    Some(asked) => self.lanes.hold_back(effect, asked),
                    None => self.lanes.relax(effect, self.pause(effect)),
                }
            }
            Report::Dispatched(Ok(event)) => {
                self.draft.add(event);
            }
            Report::Dispatched(Err(error)) => self.not_sent(&error),
        }
    }

    /// The pause until the same is done again: between two looks.
    fn pause(&self, effect: Effect) -> Duration {
        let poll = self.services.wait.poll_interval;
        match (effect, &self.draft.deploy.phase) {
            // What came of the run's end is read at once.
            (Effect::Look, Phase::Running) => poll,
            (Effect::CheckShown, _) => CHECKED_EVERY,
            (Effect::Search, Phase::Searching(search)) => {
                let age = (self.services.clock.now() - search.sent_at).to_std().unwrap_or_default();
                (age / 10).clamp(poll, poll.max(Duration::from_secs(15)))
            }
            _ => Duration::ZERO,
        }
    }

    /// GitHub surely has not taken the dispatch. It is sent again if that may help soon.
    fn not_sent(&mut self, error: &GithubError) {
        let now = self.services.clock.now();
        let deploy = &self.draft.deploy;
        let rest_until = if deploy.waits { deploy.wait_until } else { now + LONGEST_REST };
        let unsent_since = *self.unsent_since.get_or_insert_with(Instant::now);
        match error {
            GithubError::RateLimited(wait)
                if self.rests_left > 0
                    && TimeDelta::from_std(*wait).is_ok_and(|wait| wait <= rest_until - now) =>
            {
                self.rests_left -= 1;
                self.lanes.hold_back(Effect::Dispatch, Some(*wait));
            }
            error if error.is_unsent() && unsent_since.elapsed() < UNSENT_FOR => {
                self.lanes.hold_back(Effect::Dispatch, None);
            }
            error => {
                let order = &deploy.order;
                let subject = Subject::Dispatch(&order.workflow, &order.repository);
                let why = explain(error, subject, "Actions: read and write");
                let for_admins = is_for_admins(error);
                self.draft.add(Event::NotDispatched { why, for_admins });
            }
        }
    }

    /// When a progress edit that holds up the last one is given up.
    fn stuck_progress(&self) -> Option<Instant> {
        let ending_since = self.ending_since?;
        self.lanes.progress_since().filter(|since| *since < ending_since)?;
        Some(ending_since + GRACE)
    }

    fn give_up_progress(&mut self) {
        if self.stuck_progress().is_some_and(|at| Instant::now() >= at) {
            self.lanes.drop_message();
            let until = self.services.clock.now() + LANDS_WITHIN;
            self.draft.add(Event::ShownInDoubt { until });
        }
    }

    /// Gives the lease back. `false`: somebody left a note meanwhile, so there is more to do.
    async fn leave(&mut self) -> Result<bool, Lost> {
        let now = self.services.clock.now();
        let deploy = &self.draft.deploy;
        match deploy.phase {
            // Its message is to be edited in a moment.
            Phase::Searching(_) | Phase::Running if shows_soon(deploy, now) => {
                self.draft.add(Event::Postponed { until: now + EDITED_EVERY });
            }
            // What was looked at lately is looked at later.
            Phase::Searching(_) | Phase::Running
                if self.looked_at.is_some_and(|at| at >= deploy.look_at) =>
            {
                self.draft.add(Event::Unchanged);
            }
            // What could not be told or shown is tried again more and more rarely.
            Phase::Ending(_) | Phase::Ended(_) => {
                let age = deploy.ending().map_or(TimeDelta::zero(), |ending| now - ending.at);
                let pause = (age / 10).clamp(TimeDelta::minutes(1), TimeDelta::hours(1));
                self.draft.add(Event::Postponed { until: now + pause });
            }
            _ => {}
        }
        if self.mandate == Mandate::Dispatch {
            self.draft.add_answered();
        }
        self.draft.release().await
    }

    /// Time is over: gives the lease back, so that whoever comes next need not wait for its end.
    async fn leave_at_once(&mut self) {
        let now = self.services.clock.now();
        if self.lanes.progress_since().is_some() && self.draft.deploy.ending().is_none() {
            self.draft.add(Event::ShownInDoubt { until: now + LANDS_WITHIN });
        }
        // The next look was put off only because this call would have looked itself. What GitHub asked to put
        // off stays so.
        let usual = now + look_again_after(&self.draft.deploy, now);
        if self.draft.deploy.ending().is_none() && self.draft.deploy.look_at <= usual {
            self.draft.add(Event::Postponed { until: now });
        }
        // It was stored that this call posts the outcome, and it has not begun to.
        if self.draft.tells {
            self.draft.add(Event::NotTold);
        }
        let release = async {
            loop {
                match self.draft.release().await {
                    Ok(true) => return true,
                    Ok(false) => {}
                    Err(Lost) => return false,
                }
            }
        };
        if !matches!(tokio::time::timeout(Duration::from_secs(1), release).await, Ok(true)) {
            tracing::warn!("the deploy's lease could not be given back; it lapses by itself");
        }
    }
}

enum Turn {
    GoesOn,
    Rests,
}
