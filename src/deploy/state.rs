//! The state of a deploy, and its outcome.

use std::sync::{Mutex, PoisonError};

use super::correlation::Matched;
use super::order::Order;
use crate::github::{Github, GithubError, Run};

/// A run that was matched to a deploy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The run's id.
    pub run_id: u64,
    /// The run's page.
    pub url: String,
    /// How it was matched.
    pub matched: Matched,
    /// The run when it was last read; `None` right after a dispatch that returned only the id.
    pub run: Option<Box<Run>>,
    /// Where it failed; `None` if it did not fail or GitHub does not tell.
    pub failed_at: Option<FailedAt>,
}

impl Target {
    /// A target for a run that was found.
    pub fn of(github: &Github, order: &Order, run: Run, matched: Matched) -> Self {
        let url = run.html_url.clone();
        Self {
            run_id: run.id,
            url: url.unwrap_or_else(|| github.run_page(&order.repository, run.id)),
            matched,
            run: Some(Box::new(run)),
            failed_at: None,
        }
    }

    /// The same target with the run as it was read now.
    pub(super) fn seen(self, run: Run) -> Self {
        Self { run: Some(Box::new(run)), ..self }
    }
}

/// The first failed job and its first failed step, if any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedAt {
    /// The job's name.
    pub job: String,
    /// The step's name.
    pub step: Option<String>,
}

/// Why the run was not identified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotFound {
    /// No run appeared in time.
    Nowhere {
        /// Whether GitHub's answer to the dispatch was lost.
        lost: bool,
        /// Whether GitHub returned its list of runs at least once.
        listed: bool,
    },
    /// Run names have no correlation ids, and this many runs match.
    Ambiguous(usize),
    /// GitHub refuses to show the runs.
    NotTold {
        error: GithubError,
        /// Whether GitHub's answer to the dispatch was lost.
        lost: bool,
    },
}

/// The state of a deploy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// The result of the dispatch is not known yet.
    Dispatching,
    /// Dispatched; the run is not found yet.
    Searching {
        /// Whether GitHub's answer to the dispatch was lost.
        lost: bool,
    },
    /// The run is known.
    Following(Target),
}

/// The outcome of a deploy, as far as this process waited for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// The run has ended.
    Concluded,
    /// GitHub certainly accepted no dispatch.
    NotDispatched(GithubError),
    /// The run was not identified.
    NotFound(NotFound),
    /// The wait ended before the run did.
    StillRunning(Why),
}

/// Why a wait ended before its run did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// After `WAIT_TIMEOUT_SECONDS`.
    TimedOut,
    /// The Lambda invocation's time is over, or the server is shutting down.
    Stopped,
    /// GitHub refuses to show the run.
    NotTold(GithubError),
}

/// Receives the state of a deploy.
pub(crate) trait StageObserver: Sync {
    /// Shows the new state. Called only when it has changed.
    fn show(&self, stage: &Stage) -> impl Future<Output = ()> + Send;
}

/// The final state of a deploy that was followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Followed {
    /// The state when the wait ended.
    pub stage: Stage,
    /// How it ended.
    pub ended: Ended,
}

impl Followed {
    /// The run, if it has ended.
    pub fn concluded(&self) -> Option<&Run> {
        match (&self.ended, &self.stage) {
            (Ended::Concluded, Stage::Following(target)) => target.run.as_deref(),
            _ => None,
        }
    }

    /// The run, if it is known.
    pub fn target(&self) -> Option<&Target> {
        match &self.stage {
            Stage::Following(target) => Some(target),
            _ => None,
        }
    }
}

/// Keeps the latest state outside the cancellable future, so that it survives a cancellation.
pub(super) struct Progress<'a, R> {
    pub(super) stage: Mutex<Stage>,
    pub(super) observer: &'a R,
}

impl<R: StageObserver> Progress<'_, R> {
    /// Keeps the state and shows it.
    pub(super) async fn reach(&self, stage: Stage) {
        self.keep(stage.clone());
        self.observer.show(&stage).await;
    }

    /// Keeps the state without showing it.
    pub(super) fn keep(&self, stage: Stage) {
        *self.stage.lock().unwrap_or_else(PoisonError::into_inner) = stage;
    }
}
