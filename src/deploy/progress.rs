//! How far a run has come: its jobs in numbers, the one that is at work, and one that no runner takes.
//!
//! The jobs are read from GitHub now and then ([`Progress::of`], [`Progress::is_due`]); between two reads webhooks
//! tell of one job each ([`Progress::with_job`]).

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::github::Run;
use crate::github::jobs::Job;
use crate::text::escape;

mod job_state;
mod names;
mod runner;
#[cfg(test)]
mod tests;

use job_state::{Seen, State};
use names::{NAME, kept, name};
pub use runner::NoRunner;

/// Of more jobs than this, webhooks do not change the numbers: the record must stay small.
const FOLLOWED: usize = 100;

/// The most jobs at work that are remembered by their names.
const NAMED: usize = 3;

/// How many cells the bar has.
const CELLS: usize = 10;

/// Never read more often than this.
const LEAST: TimeDelta = TimeDelta::seconds(10);

/// The pauses after the first and the second read.
const PAUSES: [TimeDelta; 2] = [TimeDelta::seconds(20), TimeDelta::seconds(60)];

/// The pause after each read that follows.
const LATER: TimeDelta = TimeDelta::seconds(120);

/// The jobs of one attempt of a run when they were last seen.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// The attempt, from 1.
    pub attempt: u64,
    /// When they were read, or a webhook told of one.
    pub at: DateTime<Utc>,
    /// How many there are, as far as GitHub has planned them.
    pub total: usize,
    /// How many are completed, also those that were skipped.
    pub done: usize,
    /// How many of those failed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub failed: usize,
    /// How many are in progress.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub running: usize,
    /// One that is in progress: its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
    /// The step that it is at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// When the first of them began to run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub began: Option<DateTime<Utc>>,
    /// One that has waited for a runner for two minutes or more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_runner: Option<NoRunner>,
    /// How often they were read in a row, also in vain.
    #[serde(default, skip_serializing_if = "is_zero")]
    reads: usize,
    /// The id of the job that is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    job_id: Option<u64>,
    /// Others that are in progress.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    others: Vec<(u64, String)>,
    /// How each stands. Empty if there are too many, or one has no id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    seen: Vec<Seen>,
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// When a job began to run. GitHub gives a time also of one that still waits.
fn began(job: &Job) -> Option<DateTime<Utc>> {
    let has_begun =
        State::of(job) >= State::Running && job.conclusion.as_deref() != Some("skipped");
    job.started_at.filter(|_| has_begun)
}

impl Progress {
    /// The jobs as they were read now, all of one attempt. What was known before belongs to it:
    /// [`Progress::after`].
    pub fn of(attempt: u64, jobs: &[Job], now: DateTime<Utc>) -> Self {
        let states: Vec<State> = jobs.iter().map(State::of).collect();
        let count = |is: fn(&State) -> bool| states.iter().filter(|state| is(state)).count();
        let mut progress = Self {
            attempt,
            at: now,
            total: jobs.len(),
            done: count(|state| state.is_done()),
            failed: count(|state| *state == State::Failed),
            running: count(|state| *state == State::Running),
            began: jobs.iter().filter_map(began).min(),
            no_runner: NoRunner::among(jobs, now),
            reads: 1,
            ..Self::default()
        };
        let mut at_work = jobs.iter().zip(&states).filter(|(_, state)| **state == State::Running);
        if let Some((job, _)) = at_work.next() {
            progress.names(job);
        }
        let named = at_work.filter_map(|(job, _)| Some((job.id?, name(job))));
        progress.others = named.take(NAMED - 1).collect();
        let seen = jobs.iter().zip(&states);
        let seen: Option<Vec<Seen>> =
            seen.map(|(job, state)| Some(Seen(job.id?, *state))).collect();
        progress.seen = seen.filter(|seen| seen.len() <= FOLLOWED).unwrap_or_default();
        progress
    }

    /// The same jobs, with what was known before that a read does not tell: how often they were read, and since
    /// when a job that waited for something else is in the queue.
    pub fn after(mut self, previous: Option<&Self>) -> Self {
        let Some(previous) = previous.filter(|previous| previous.attempt == self.attempt) else {
            return self;
        };
        self.reads =
            if self.is_idle() || previous.is_idle() { 1 } else { previous.reads.saturating_add(1) };
        self.began = self.began.into_iter().chain(previous.began).min();
        // Then it was not in the queue, so it has not been there for as long as it exists.
        let waited = |id: u64| previous.state_of(id) == Some(State::Waiting);
        self.no_runner.take_if(|lacking| lacking.job_id.is_some_and(waited));
        self
    }

    /// What is known after the jobs could not be read: what was known before. So they are not read again at once.
    pub fn unread(previous: Option<&Self>, attempt: u64, now: DateTime<Utc>) -> Self {
        let known = previous.filter(|previous| previous.attempt == attempt).cloned();
        let known = known.unwrap_or_else(|| Self { attempt, ..Self::default() });
        Self { at: now, reads: known.reads.saturating_add(1), ..known }
    }

    /// What is known after a webhook has told of a job. It may come late, twice or out of order.
    pub fn with_job(&self, job: &Job, now: DateTime<Utc>) -> Self {
        let attempt = job.run_attempt.unwrap_or(self.attempt);
        if attempt < self.attempt {
            return self.clone();
        }
        let mut progress =
            if attempt > self.attempt { Self { attempt, ..Self::default() } } else { self.clone() };
        if progress.takes(job) {
            progress.at = progress.at.max(now);
        }
        progress
    }

    /// As [`Progress::with_job`], also if nothing is known yet.
    pub fn told(previous: Option<&Self>, attempt: u64, job: &Job, now: DateTime<Utc>) -> Self {
        let none = Self { attempt, ..Self::default() };
        previous.unwrap_or(&none).with_job(job, now)
    }

    /// Whether the job told something new.
    fn takes(&mut self, job: &Job) -> bool {
        let Some(id) = job.id.filter(|_| self.seen.len() == self.total) else { return false };
        let (before, state) = (self.state_of(id), State::of(job));
        if before.is_some_and(|before| before > state || before.is_done()) {
            return false;
        }
        match self.seen.iter_mut().find(|seen| seen.0 == id) {
            Some(seen) => seen.1 = state,
            None if self.total < FOLLOWED => {
                self.total += 1;
                self.seen.push(Seen(id, state));
            }
            None => {
                self.seen.clear();
                return false;
            }
        }
        self.began = self.began.into_iter().chain(began(job)).min();
        let count = |is: fn(State) -> bool| self.seen.iter().filter(|seen| is(seen.1)).count();
        self.done = count(State::is_done);
        self.failed = count(|state| state == State::Failed);
        self.running = count(|state| state == State::Running);
        if state != State::Queued && self.no_runner.as_ref().is_some_and(|no| no.job_id == Some(id))
        {
            self.no_runner = None;
        }
        if state == State::Running {
            self.works_on(id, job);
        } else {
            self.stops(id);
        }
        true
    }

    fn works_on(&mut self, id: u64, job: &Job) {
        if self.job.is_none() || self.job_id == Some(id) {
            self.others.retain(|(other, _)| *other != id);
            self.names(job);
        } else if self.others.len() + 1 < NAMED && self.others.iter().all(|(other, _)| *other != id)
        {
            self.others.push((id, name(job)));
        }
    }

    fn stops(&mut self, id: u64) {
        self.others.retain(|(other, _)| *other != id);
        if self.job_id != Some(id) {
            return;
        }
        let next = if self.others.is_empty() { None } else { Some(self.others.remove(0)) };
        let (job_id, job) = next.unzip();
        (self.job_id, self.job, self.step) = (job_id, job, None);
    }

    /// Names this job as the one at work.
    fn names(&mut self, job: &Job) {
        let step = job.steps.iter().find(|step| step.status.as_deref() == Some("in_progress"));
        let step = step.map(|step| kept(&step.name, "a step without a name"));
        (self.job_id, self.job, self.step) = (job.id, Some(name(job)), step);
    }

    fn state_of(&self, id: u64) -> Option<State> {
        self.seen.iter().find(|seen| seen.0 == id).map(|seen| seen.1)
    }

    /// Whether there are jobs, and none has begun.
    fn is_idle(&self) -> bool {
        self.total > 0 && self.done == 0 && self.running == 0
    }

    /// Whether the jobs are to be read now, if no webhook tells of them: at once when the run is first seen in
    /// progress, then ever more rarely. A run in the queue has something to tell after two minutes.
    pub fn is_due(previous: Option<&Self>, run: &Run, now: DateTime<Utc>) -> bool {
        let previous = previous.filter(|previous| previous.attempt == run.attempt());
        let last = previous.filter(|previous| previous.reads > 0);
        match run.status.as_deref() {
            Some("in_progress") => last.is_none_or(|last| now - last.at >= last.pause()),
            Some("queued") => {
                let since = run.began_at().max(run.updated_at);
                let is_late = since.is_some_and(|since| now - since >= runner::MISSED_AFTER);
                is_late && last.is_none_or(|last| now - last.at >= runner::MISSED_AFTER)
            }
            _ => false,
        }
    }

    fn pause(&self) -> TimeDelta {
        if self.is_idle() {
            return LEAST;
        }
        PAUSES.get(self.reads.saturating_sub(1)).copied().unwrap_or(LATER)
    }

    /// `▰▰▰▰▰▰▱▱▱▱`: full when all jobs are done.
    pub fn bar(&self) -> String {
        let full = (self.done * CELLS).checked_div(self.total).unwrap_or(0).min(CELLS);
        "▰".repeat(full) + &"▱".repeat(CELLS - full)
    }

    /// `2 of 3 jobs · **deploy** › S3 sync`, as Markdown; empty if no job is known.
    pub fn words(&self) -> String {
        if self.total == 0 {
            return String::new();
        }
        let jobs = if self.total == 1 { "job" } else { "jobs" };
        let mut words = format!("{} of {} {jobs}", self.done, self.total);
        if self.failed > 0 {
            words += &format!(", {} failed", self.failed);
        }
        if let Some(job) = &self.job {
            words += &format!(" · **{}**", escape::plain(job, NAME));
            if let Some(step) = &self.step {
                words += &format!(" › {}", escape::plain(step, NAME));
            }
            if self.running > 1 {
                words += &format!(" and {} more", self.running - 1);
            }
        }
        words
    }
}
