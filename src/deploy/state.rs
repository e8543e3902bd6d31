//! How far a deploy has come, and how it ended.

use std::sync::{Mutex, PoisonError};

use super::correlation::Matched;
use super::order::Order;
use crate::github::{Github, GithubError, Run};

/// The run of a deploy, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The run's id.
    pub run_id: u64,
    /// The run's page.
    pub url: String,
    /// How it was recognised.
    pub matched: Matched,
    /// What GitHub last said of it; nothing yet right after a dispatch that returned the id.
    pub run: Option<Run>,
    /// Where it failed, if it did.
    pub failed_at: Option<FailedAt>,
}

impl Target {
    /// The target that this run is.
    pub fn of(github: &Github, order: &Order, run: Run, matched: Matched) -> Self {
        let url = run.html_url.clone();
        Self {
            run_id: run.id,
            url: url.unwrap_or_else(|| github.run_page(&order.repository, run.id)),
            matched,
            run: Some(run),
            failed_at: None,
        }
    }

    /// The same target with what GitHub says of it now.
    pub(super) fn seen(self, run: Run) -> Self {
        Self { run: Some(run), ..self }
    }
}

/// The first job that failed and, if one did, its first step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedAt {
    /// The job's name.
    pub job: String,
    /// The step's name.
    pub step: Option<String>,
}

/// Why it cannot be told which run is ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotFound {
    /// No run showed up in time.
    Nowhere {
        /// Whether it is unknown if GitHub took the dispatch.
        lost: bool,
        /// Whether GitHub gave its list of runs at all.
        listed: bool,
    },
    /// The run names carry no correlation id, and this many runs could be ours.
    Ambiguous(usize),
    /// GitHub does not let us look.
    NotTold {
        /// What it says.
        error: GithubError,
        /// Whether it is unknown if GitHub took the dispatch.
        lost: bool,
    },
}

/// How far a deploy has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// Nothing is known of the dispatch yet.
    Dispatching,
    /// Dispatched; the run is not found yet. `lost`: GitHub's answer to the dispatch was lost.
    Searching {
        /// Whether it is unknown if GitHub took the dispatch.
        lost: bool,
    },
    /// The run is known.
    Following(Target),
}

/// How a deploy ended, as far as this wait is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// The run is completed.
    Concluded,
    /// GitHub took no dispatch, surely.
    NotDispatched(GithubError),
    /// The run was not found; it cannot be told which one it is.
    NotFound(NotFound),
    /// The wait ended before the run did.
    StillRunning(Why),
}

/// Why a wait ended before its run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// `WAIT_TIMEOUT_SECONDS` are over.
    TimedOut,
    /// The invocation's time is over, or the server shuts down.
    Stopped,
    /// GitHub does not let us look any more.
    NotTold(GithubError),
}

/// Where a deploy reports how far it has come.
pub(crate) trait StageObserver: Sync {
    /// Shows the new stage. Called only when something changed.
    fn show(&self, stage: &Stage) -> impl Future<Output = ()> + Send;
}

/// How a deploy that was followed stands at last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Followed {
    /// How far the deploy had come.
    pub stage: Stage,
    /// How it ended.
    pub ended: Ended,
}

impl Followed {
    /// The run, if it has ended.
    pub fn concluded(&self) -> Option<&Run> {
        match (&self.ended, &self.stage) {
            (Ended::Concluded, Stage::Following(target)) => target.run.as_ref(),
            _ => None,
        }
    }

    /// The run, as far as it is known.
    pub fn target(&self) -> Option<&Target> {
        match &self.stage {
            Stage::Following(target) => Some(target),
            _ => None,
        }
    }
}

/// The last stage, kept outside of the steps so that it survives when they are stopped.
pub(super) struct Progress<'a, R> {
    pub(super) stage: Mutex<Stage>,
    pub(super) observer: &'a R,
}

impl<R: StageObserver> Progress<'_, R> {
    /// Keeps the stage and shows it.
    pub(super) async fn reach(&self, stage: Stage) {
        self.keep(stage.clone());
        self.observer.show(&stage).await;
    }

    /// Keeps the stage for the outcome to show.
    pub(super) fn keep(&self, stage: Stage) {
        *self.stage.lock().unwrap_or_else(PoisonError::into_inner) = stage;
    }
}
