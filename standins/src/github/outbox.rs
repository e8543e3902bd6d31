//! What is still to be told: which moment of which run, to which hook, when.

use super::{
    course::Course,
    hook::{Happening, Hook},
    parcel::{Delivery, Parcel},
    run::Run,
    scenario::Scenario,
};
use chrono::{DateTime, Utc};
use std::{collections::HashSet, sync::Arc, time::Duration};
use tokio::sync::Notify;

/// The hooks, and what is to be delivered to them.
#[derive(Default)]
pub(super) struct Outbox {
    /// By their ids, which begin at [`FIRST_ID`]; none: it was removed.
    hooks: Vec<Option<Hook>>,
    queue: Vec<Entry>,
    sequence: u64,
    /// Whether somebody delivers.
    begun: bool,
    /// The attempts that were planned for.
    known: HashSet<(u64, u64)>,
    pub deliveries: Vec<Delivery>,
    /// Tells who delivers that the queue changed.
    pub changed: Arc<Notify>,
    /// Tells who waits for a delivery that one ended.
    pub ended: Arc<Notify>,
}

/// The id of the first hook.
const FIRST_ID: u64 = 109_948_940;

pub(super) struct Entry {
    pub due: DateTime<Utc>,
    sequence: u64,
    pub hook: u64,
    pub run_id: u64,
    pub what: What,
}

pub(super) enum What {
    Ping,
    Happens(Happening, Option<usize>),
    Ready(Box<Parcel>),
}

impl Entry {
    fn is_request_of(&self, run: u64) -> bool {
        self.run_id == run
            && match &self.what {
                What::Ping => false,
                What::Happens(what, _) => what.is("workflow_run", "requested"),
                What::Ready(parcel) => parcel.delivery.what.is("workflow_run", "requested"),
            }
    }
}

impl Outbox {
    pub fn hook(&self, id: u64) -> Option<&Hook> {
        self.hooks.get(usize::try_from(id.checked_sub(FIRST_ID)?).ok()?)?.as_ref()
    }

    /// The hooks of a repository, with their ids.
    pub fn of_repository(&self, repo: &str) -> Vec<(u64, Hook)> {
        let all = (FIRST_ID..).zip(&self.hooks);
        let own = all.filter_map(|(id, hook)| Some((id, hook.clone()?)));
        own.filter(|(_, hook)| hook.repo.eq_ignore_ascii_case(repo) && !hook.of_app).collect()
    }

    pub fn hook_mut(&mut self, id: u64) -> Option<&mut Option<Hook>> {
        self.hooks.get_mut(usize::try_from(id.checked_sub(FIRST_ID)?).ok()?)
    }

    /// Adds a hook: it is pinged, and told of what happens from now on. Returns its id.
    pub fn add(
        &mut self,
        scenario: &Scenario,
        runs: &[Run],
        hook: Hook,
        now: DateTime<Utc>,
    ) -> u64 {
        let id = FIRST_ID + self.hooks.len() as u64;
        let due = now + hook.latency;
        self.hooks.push(Some(hook));
        self.push(due, id, 0, What::Ping);
        for attempt in runs.iter().flat_map(Run::attempts) {
            self.plan(id, scenario, attempt, |at| at > now);
        }
        self.changed.notify_one();
        id
    }

    /// Whether somebody must begin to deliver: true once, after the first hook was added.
    pub fn begins(&mut self) -> bool {
        let begins = !self.begun && !self.hooks.is_empty();
        self.begun |= begins;
        begins
    }

    /// Plans what hooks are to be told of a new attempt, or of one whose end changed.
    pub fn expect(&mut self, scenario: &Scenario, run: &Run, now: DateTime<Utc>) {
        let fresh = self.known.insert((run.id, run.attempt));
        self.queue.retain(|entry| match &entry.what {
            What::Happens(what, _) => {
                what.run_id != run.id || what.attempt != run.attempt || what.at <= now
            }
            _ => true,
        });
        for index in 0..self.hooks.len() as u64 {
            self.plan(FIRST_ID + index, scenario, run, |at| at > now || (fresh && at == now));
        }
        self.changed.notify_one();
    }

    /// Forgets a run that was deleted.
    pub fn forget(&mut self, run: u64) {
        self.queue.retain(|entry| entry.run_id != run);
    }

    /// Forgets the attempts of a run after this one.
    pub fn forget_after(&mut self, run: u64, attempt: u64) {
        self.known.retain(|(known, number)| *known != run || *number <= attempt);
        self.queue.retain(|entry| match &entry.what {
            What::Happens(what, _) => what.run_id != run || what.attempt <= attempt,
            _ => true,
        });
    }

    /// Forgets what a hook that was removed was to be told.
    pub fn forget_hook(&mut self, id: u64) {
        self.queue.retain(|entry| entry.hook != id);
    }

    /// Whether a dispatch must not be answered yet, for a hook that is to hear of its run first.
    pub fn holds_back(&self, run: u64) -> bool {
        let concerns = |hook: u64| self.hook(hook).is_some_and(|hook| hook.before_answer);
        self.queue.iter().any(|entry| concerns(entry.hook) && entry.is_request_of(run))
            || self.deliveries.iter().any(|delivery| {
                delivery.under_way
                    && concerns(delivery.hook)
                    && delivery.what.run_id == run
                    && delivery.what.is("workflow_run", "requested")
            })
    }

    pub fn push(&mut self, due: DateTime<Utc>, hook: u64, run_id: u64, what: What) {
        self.sequence += 1;
        self.queue.push(Entry { due, sequence: self.sequence, hook, run_id, what });
    }

    fn plan(
        &mut self,
        id: u64,
        scenario: &Scenario,
        run: &Run,
        wanted: impl Fn(DateTime<Utc>) -> bool,
    ) {
        let Some(hook) = self.hook(id) else { return };
        if !run.is_of(&hook.repo) {
            return;
        }
        let (repo, latency) = (hook.repo.clone(), hook.latency);
        let events = hook.events.clone();
        for (offset, event, action, job) in moments(scenario, run) {
            let at = run.started + offset;
            if !wanted(at) || !events.iter().any(|known| known == event) {
                continue;
            }
            let what = Happening {
                event: event.to_owned(),
                action: action.to_owned(),
                repo: repo.clone(),
                run_id: run.id,
                attempt: run.attempt,
                job: None,
                at,
            };
            self.push(at + latency, id, run.id, What::Happens(what, job));
        }
    }

    /// When the next delivery is due.
    pub fn next(&self) -> Option<DateTime<Utc>> {
        self.queue.iter().map(|entry| entry.due).min()
    }

    /// Takes what is due, in order.
    pub fn take_due(&mut self, now: DateTime<Utc>) -> Vec<Entry> {
        let all = std::mem::take(&mut self.queue);
        let (mut due, rest) = all.into_iter().partition::<Vec<_>, _>(|entry| entry.due <= now);
        self.queue = rest;
        due.sort_by_key(|entry| (entry.due, entry.sequence));
        due
    }

    /// When the next delivery about the same run is due.
    pub fn next_of(&self, hook: u64, run: u64) -> Option<DateTime<Utc>> {
        let same = |entry: &&Entry| entry.hook == hook && entry.run_id == run;
        self.queue.iter().filter(same).map(|entry| entry.due).min()
    }
}

type Moment = (Duration, &'static str, &'static str, Option<usize>);

/// What is told of an attempt: when from its start, event, action, and which job.
fn moments(scenario: &Scenario, run: &Run) -> Vec<Moment> {
    let steps = run.steps();
    let first = |wanted: &str| {
        let mut steps = steps.iter();
        steps.find(|(_, status, _)| status == wanted).map(|(at, ..)| *at)
    };
    let mut all: Vec<Moment> = vec![(Duration::ZERO, "workflow_run", "requested", None)];
    all.extend(first("in_progress").map(|at| (at, "workflow_run", "in_progress", None)));
    let course = Course::of(scenario.workflow(&run.workflow), run);
    let jobs = course.moments(run).into_iter();
    all.extend(jobs.map(|(at, job, action)| (at, "workflow_job", action, Some(job))));
    all.extend(first("completed").map(|at| (at, "workflow_run", "completed", None)));
    // Stable: of one moment, the run's begin comes before its jobs and its end after them.
    all.sort_by_key(|(at, ..)| *at);
    all
}
