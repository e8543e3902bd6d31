//! What the stand-in remembers.

use super::{
    outbox::Outbox,
    permission::Granted,
    restarts::with_restarts,
    run::{NewRun, Run},
    scenario::Scenario,
    sealed::Secrets,
    unread::Unread,
    wire::branch_sha,
};
use crate::request::Request;
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use serde_json::Value;
use std::collections::HashMap;

/// A dispatch that was accepted.
#[derive(Clone, Debug, Serialize)]
pub struct Dispatch {
    /// `owner/name`.
    pub repo: String,
    /// The workflow's file.
    pub workflow: String,
    /// The branch or tag.
    pub git_ref: String,
    /// The inputs as given.
    pub inputs: Value,
    /// When, by our clock.
    #[serde(serialize_with = "crate::clock::serialize")]
    pub at: DateTime<Utc>,
    /// The run it started.
    pub run_id: u64,
}

/// A repository's variable, with times by our clock.
pub(super) struct Variable {
    pub name: String,
    pub value: String,
    pub created: DateTime<Utc>,
    pub updated: DateTime<Utc>,
}

/// An installation's token.
pub(super) struct Issued {
    pub token: String,
    pub begins: DateTime<Utc>,
    pub ends: DateTime<Utc>,
    pub granted: Granted,
}

/// A link to an archive or a log.
pub(super) struct Link {
    pub key: String,
    pub content: Bytes,
    pub content_type: &'static str,
    pub ends: DateTime<Utc>,
}

/// What a stand-in remembers.
pub(super) struct State {
    pub scenario: Scenario,
    pub runs: Vec<Run>,
    /// How many runs each workflow has.
    pub counts: HashMap<String, u64>,
    pub variables: Vec<Variable>,
    pub secrets: Secrets,
    pub issued: Vec<Issued>,
    pub links: Vec<Link>,
    pub dispatches: Vec<Dispatch>,
    pub outbox: Outbox,
    /// The App's own hook, if its address was set.
    pub app_hook: Option<u64>,
    pub requests: Vec<Request>,
    pub unread: Unread,
    pub used: u64,
    /// When the rate limit's hour is over.
    pub window_ends: Option<DateTime<Utc>>,
}

impl State {
    pub fn new(scenario: Scenario) -> Self {
        Self {
            scenario,
            runs: Vec::new(),
            counts: HashMap::new(),
            variables: Vec::new(),
            secrets: Secrets::new(),
            issued: Vec::new(),
            links: Vec::new(),
            dispatches: Vec::new(),
            outbox: Outbox::default(),
            app_hook: None,
            requests: Vec::new(),
            unread: Unread::default(),
            used: 0,
            window_ends: None,
        }
    }

    pub fn window(&mut self, now: DateTime<Utc>) -> DateTime<Utc> {
        match self.window_ends {
            Some(end) if now < end => end,
            _ => {
                self.used = 0;
                *self.window_ends.insert(now + TimeDelta::hours(1))
            }
        }
    }

    /// Adds a run, numbering it; hooks hear of what becomes of it from now on.
    pub fn add(&mut self, now: DateTime<Utc>, mut run: Run) -> u64 {
        let count = self.counts.entry(run.workflow.clone()).or_default();
        run.run_number = 41 + *count;
        *count += 1;
        run.id = 15_000_000_000 + 1_013 * (1 + self.runs.len() as u64);
        run.attempt = run.timetable.attempt;
        if let Some(workflow) = self.scenario.workflow(&run.workflow) {
            run.group.clone_from(&workflow.concurrency);
        }
        if let Some(review) = self.scenario.review.clone() {
            run.takes_review(review);
        }
        let id = run.id;
        let run = with_restarts(run);
        for attempt in run.attempts() {
            self.outbox.expect(&self.scenario, attempt, now);
        }
        self.runs.push(run);
        self.line_up(now);
        id
    }

    /// Adds runs that somebody else started; returns their ids.
    pub fn add_runs(
        &mut self,
        now: DateTime<Utc>,
        new: impl IntoIterator<Item = NewRun>,
    ) -> Vec<u64> {
        let mut add = |new: NewRun| {
            let name = new.name.unwrap_or_else(|| {
                let workflow = self.scenario.workflow(&new.workflow);
                workflow.map_or_else(|| new.workflow.clone(), |workflow| workflow.name.clone())
            });
            let created = now + new.created;
            let run = Run {
                id: 0,
                run_number: 0,
                repo: new.repo,
                workflow: new.workflow,
                name,
                display_title: new.title,
                sha: new.sha.unwrap_or_else(|| branch_sha(&new.branch)),
                branch: new.branch,
                event: new.event,
                triggered_by: new.actor.clone(),
                actor: new.actor,
                created,
                attempt: 1,
                started: created,
                cancelled: None,
                kept: 0,
                group: None,
                alone: None,
                reviews: Vec::new(),
                earlier: None,
                committed: created - new.committed,
                timetable: new.timetable,
                foreign: true,
            };
            self.add(now, run)
        };
        new.into_iter().map(&mut add).collect()
    }

    /// Creates a variable, or changes its value.
    pub fn set_variable(&mut self, name: &str, value: &str, now: DateTime<Utc>) {
        let all = &mut self.variables;
        let name = name.to_ascii_uppercase();
        match all.iter_mut().find(|known| known.name == name) {
            Some(known) => {
                known.value = value.to_owned();
                known.updated = now;
            }
            None => {
                let value = value.to_owned();
                all.push(Variable { name, value, created: now, updated: now });
            }
        }
    }
}
