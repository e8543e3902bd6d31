//! How one job stands, as little of it as a record needs.

use serde::{Deserialize, Serialize};

use crate::github::jobs::Job;
use crate::github::run::succeeded;

/// A job by its id, and how it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Seen(pub u64, pub State);

/// How a job stands. A job only ever goes on to a later one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum State {
    /// For an approval, a timer or a concurrency group, or in a way that is not known.
    #[serde(rename = "w")]
    Waiting,
    /// For a runner.
    #[serde(rename = "q")]
    Queued,
    #[serde(rename = "r")]
    Running,
    /// It succeeded, was skipped or cancelled.
    #[serde(rename = "d")]
    Done,
    #[serde(rename = "f")]
    Failed,
}

impl State {
    pub(super) fn of(job: &Job) -> Self {
        match (job.status.as_deref(), job.conclusion.as_deref()) {
            (_, conclusion) if succeeded(conclusion) == Some(false) => Self::Failed,
            (Some("completed"), _) | (_, Some(_)) => Self::Done,
            (Some("in_progress"), None) => Self::Running,
            (Some("queued"), None) => Self::Queued,
            _ => Self::Waiting,
        }
    }

    pub(super) fn is_done(self) -> bool {
        matches!(self, Self::Done | Self::Failed)
    }
}
