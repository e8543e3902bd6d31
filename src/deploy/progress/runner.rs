//! Jobs that no runner takes.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::job_state::State;
use super::names::{NAME, name};
use crate::github::jobs::Job;
use crate::text::{escape, time};

/// A runner is missed after this long in the queue.
pub(super) const MISSED_AFTER: TimeDelta = TimeDelta::minutes(2);

/// The most labels that are kept, and of each the most characters.
const LABELS: usize = 5;
const LABEL: usize = 40;

/// A job that has been in the queue for two minutes or more, without a runner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoRunner {
    /// Its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_id: Option<u64>,
    /// Its name.
    pub job: String,
    /// Since when it is in the queue.
    pub since: DateTime<Utc>,
    /// What its runner must have (`runs-on`); the first ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// How many other jobs lack one, too.
    #[serde(default)]
    pub others: usize,
}

impl NoRunner {
    /// The one that has been in the queue for the longest.
    pub(super) fn among(jobs: &[Job], now: DateTime<Utc>) -> Option<Self> {
        let queued = jobs.iter().filter(|job| State::of(job) == State::Queued);
        let late = queued.filter_map(|job| {
            // GitHub shows both as the same while a job is in the queue.
            let since = job.created_at.max(job.started_at)?;
            (now - since >= MISSED_AFTER).then_some((since, job))
        });
        let late: Vec<_> = late.collect();
        let (since, job) = late.iter().min_by_key(|(since, _)| *since)?;
        let labels = job.labels.iter().take(LABELS).map(|label| escape::clipped(label, LABEL));
        Some(Self {
            job_id: job.id,
            job: name(job),
            since: *since,
            labels: labels.collect(),
            others: late.len() - 1,
        })
    }

    /// "no runner yet for **deploy** (`self-hosted`, `gpu`), queued <t:…:R>", as Markdown.
    pub fn words(&self) -> String {
        let job = escape::plain(&self.job, NAME);
        let labels = self.labels.iter().map(|label| escape::code(label, LABEL));
        let labels = labels.collect::<Vec<_>>().join(", ");
        let labels = if labels.is_empty() { labels } else { format!(" ({labels})") };
        let others = match self.others {
            0 => String::new(),
            1 => " and 1 more job".to_owned(),
            more => format!(" and {more} more jobs"),
        };
        let since = time::distance(self.since);
        format!("no runner yet for **{job}**{labels}{others}, queued {since}")
    }
}
