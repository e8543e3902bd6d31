//! What is under way for one deploy: one request to GitHub, one edit of its message, one post of its outcome, one
//! look at earlier deploys. None holds up another.

use std::future::pending;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use futures_util::future::BoxFuture;
use tokio::time::Instant;

use super::effects::Done;
use super::event::Event;
use super::next::Effect;
use crate::github::GithubError;

/// The kinds of requests that may go on at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lane {
    Github,
    Message,
    Outcome,
    Store,
}

impl Lane {
    pub(super) fn of(effect: Effect) -> Self {
        match effect {
            Effect::Dispatch | Effect::Search | Effect::Look | Effect::ReadDetails => Self::Github,
            Effect::PutOnScreen | Effect::ReadAnswer | Effect::Show | Effect::CheckShown => {
                Self::Message
            }
            Effect::Probe
            | Effect::Tell(_)
            | Effect::FindTold
            | Effect::TellDetails
            | Effect::AskForApproval
            | Effect::TellApproval => Self::Outcome,
            Effect::ReadPast => Self::Store,
        }
    }
}

/// What came of an effect.
pub(super) enum Report {
    Done(Done),
    Dispatched(Result<Event, GithubError>),
}

struct Running<'a> {
    effect: Effect,
    since: Instant,
    work: BoxFuture<'a, Report>,
}

#[derive(Default)]
struct One<'a> {
    running: Option<Running<'a>>,
    opens: Option<Instant>,
    backoff: Option<ExponentialBackoff>,
}

impl One<'_> {
    async fn next(&mut self) -> (Effect, Report) {
        match &mut self.running {
            Some(Running { effect, work, .. }) => {
                let done = (*effect, work.await);
                self.running = None;
                done
            }
            None => pending().await,
        }
    }
}

#[derive(Default)]
pub(super) struct Lanes<'a> {
    github: One<'a>,
    message: One<'a>,
    outcome: One<'a>,
    store: One<'a>,
}

impl<'a> Lanes<'a> {
    fn lane(&mut self, lane: Lane) -> &mut One<'a> {
        match lane {
            Lane::Github => &mut self.github,
            Lane::Message => &mut self.message,
            Lane::Outcome => &mut self.outcome,
            Lane::Store => &mut self.store,
        }
    }

    fn one(&self, lane: Lane) -> &One<'a> {
        match lane {
            Lane::Github => &self.github,
            Lane::Message => &self.message,
            Lane::Outcome => &self.outcome,
            Lane::Store => &self.store,
        }
    }

    fn all(&self) -> [&One<'a>; 4] {
        [&self.github, &self.message, &self.outcome, &self.store]
    }

    pub(super) fn are_idle(&self) -> bool {
        self.all().iter().all(|lane| lane.running.is_none())
    }

    /// Whether a lane takes work now.
    pub(super) fn is_free(&self, lane: Lane) -> bool {
        let one = self.one(lane);
        one.running.is_none() && one.opens.is_none_or(|opens| opens <= Instant::now())
    }

    /// When a lane takes work; `None`: now. A lane at work is looked at again when it is done.
    pub(super) fn opens(&self, lane: Lane) -> Option<Instant> {
        if self.is_free(lane) {
            return None;
        }
        let one = self.one(lane);
        let far = Instant::now() + Duration::from_secs(3600);
        Some(if one.running.is_some() { far } else { one.opens.unwrap_or(far) })
    }

    pub(super) fn start(&mut self, effect: Effect, work: impl Future<Output = Report> + Send + 'a) {
        let running = Running { effect, since: Instant::now(), work: Box::pin(work) };
        self.lane(Lane::of(effect)).running = Some(running);
    }

    /// The next result of any of them.
    pub(super) async fn next(&mut self) -> (Effect, Report) {
        tokio::select! {
            biased;
            done = self.github.next() => done,
            done = self.outcome.next() => done,
            done = self.message.next() => done,
            done = self.store.next() => done,
        }
    }

    /// After a failure: the pause that was asked for, and at least one that grows with each failure in a row.
    pub(super) fn hold_back(&mut self, effect: Effect, asked: Option<Duration>) {
        let lane = Lane::of(effect);
        let one = self.lane(lane);
        let backoff = one.backoff.get_or_insert_with(|| backoff(lane));
        let pause = backoff.next().unwrap_or(Duration::from_secs(15));
        let pause = pause.max(asked.unwrap_or_default()).min(Duration::from_secs(3600));
        one.opens = Some(Instant::now() + pause);
    }

    /// After a success.
    pub(super) fn relax(&mut self, effect: Effect, pause: Duration) {
        let one = self.lane(Lane::of(effect));
        one.backoff = None;
        one.opens = Some(Instant::now() + pause);
    }

    /// Since when an edit is under way.
    pub(super) fn progress_since(&self) -> Option<Instant> {
        self.message.running.as_ref().map(|running| running.since)
    }

    /// Gives up the edit that is under way.
    pub(super) fn drop_message(&mut self) {
        self.message.running = None;
    }
}

fn backoff(lane: Lane) -> ExponentialBackoff {
    let (first, longest) = match lane {
        Lane::Github | Lane::Store => (500, 15_000),
        Lane::Message | Lane::Outcome => (250, 4_000),
    };
    ExponentialBuilder::new()
        .with_min_delay(Duration::from_millis(first))
        .with_max_delay(Duration::from_millis(longest))
        .without_max_times()
        .with_jitter()
        .build()
}
