//! One deploy: dispatch a workflow, find exactly the run that came of it, follow it to its end.
//!
//! `correlation` decides which run is ours, `dispatch` sends at most one dispatch, `search` finds
//! the run when GitHub did not name it, `wait` follows it, `record` remembers it, `messages` says how
//! things stand.

pub mod conclusion;
pub mod correlation;
pub mod dispatch;
pub mod failure;
pub mod messages;
pub mod patience;
pub mod record;
pub mod search;
pub mod wait;

use std::sync::{Mutex, PoisonError};

use serde_json::{Map, Value};

use crate::config::{Repository, WaitSettings};
use crate::deploy::correlation::{CorrelationId, Matched, Requester};
use crate::deploy::dispatch::Sent;
use crate::deploy::failure::FailedAt;
use crate::deploy::patience::Patience;
use crate::deploy::search::NotFound;
use crate::github::{Github, GithubError, Run};
use crate::store::DeployKey;

/// What is to be deployed, by whom.
#[derive(Debug, Clone)]
pub struct Order {
    /// The agent's name, for messages.
    pub title: String,
    /// The repository that holds the workflow.
    pub repository: Repository,
    /// The workflow's file.
    pub workflow: String,
    /// The branch or tag.
    pub git_ref: String,
    /// What the user passed on, under the workflow's names.
    pub inputs: Map<String, Value>,
    /// What it is remembered under.
    pub key: DeployKey,
    /// The same for the same interaction, always.
    pub correlation_id: CorrelationId,
    /// Who typed the command.
    pub requester: Requester,
}

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

impl Order {
    /// The workflow's inputs: what the user passed on, the correlation id and the requester.
    pub fn all_inputs(&self) -> Map<String, Value> {
        let mut inputs = self.inputs.clone();
        inputs.insert("correlation_id".to_owned(), self.correlation_id.to_string().into());
        inputs.insert("requester".to_owned(), self.requester.to_input().into());
        inputs
    }
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
    fn seen(self, run: Run) -> Self {
        Self { run: Some(run), ..self }
    }
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
pub trait Report: Sync {
    /// Shows the new stage. Called only when something changed.
    fn show(&self, stage: &Stage) -> impl Future<Output = ()> + Send;
}

/// What [`follow`] returns.
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

/// Dispatches, and finds out what came of it if GitHub's answer is lost, but does not wait. `None`:
/// GitHub took it without naming the run.
pub async fn start(
    github: &Github,
    order: &Order,
    wait: WaitSettings,
) -> Result<Option<Target>, Ended> {
    let mut patience = Patience::for_an_answer(wait);
    match dispatch::once(github, order, &mut patience).await.map_err(Ended::NotDispatched)? {
        Sent::Named(target) => Ok(Some(target)),
        Sent::Unnamed { lost: false, .. } => Ok(None),
        Sent::Unnamed { lost: true, at } => {
            let found = search::run(github, order, at, true, &mut patience).await;
            found.map(Some).map_err(Ended::NotFound)
        }
    }
}

/// Dispatches and follows the run to its end, to the end of the wait, or until `stop` resolves.
pub async fn follow(
    github: &Github,
    order: &Order,
    wait: WaitSettings,
    report: &impl Report,
    stop: impl Future<Output = ()>,
) -> Followed {
    let progress = Progress { stage: Mutex::new(Stage::Dispatching), report };
    let ended = tokio::select! {
        biased;
        ended = steps(github, order, wait, &progress) => ended,
        () = stop => Ended::StillRunning(Why::Stopped),
    };
    let stage = progress.stage.into_inner().unwrap_or_else(PoisonError::into_inner);
    match &stage {
        // Stopped while it only looked for where the run had failed.
        Stage::Following(Target { run: Some(run), .. }) if run.is_completed() => {
            Followed { stage, ended: Ended::Concluded }
        }
        _ => Followed { stage, ended },
    }
}

async fn steps<R: Report>(
    github: &Github,
    order: &Order,
    wait: WaitSettings,
    progress: &Progress<'_, R>,
) -> Ended {
    let mut patience = Patience::for_a_wait(wait);
    let target = match dispatch::once(github, order, &mut patience).await {
        Err(error) => return Ended::NotDispatched(error),
        Ok(Sent::Named(target)) => target,
        Ok(Sent::Unnamed { at, lost }) => {
            progress.reach(Stage::Searching { lost }).await;
            match search::run(github, order, at, lost, &mut patience).await {
                Ok(target) => target,
                Err(not_found) => return Ended::NotFound(not_found),
            }
        }
    };
    wait::until_it_ends(github, order, target, &mut patience, progress).await
}

/// The last stage, kept outside of the steps so that it survives when they are stopped.
struct Progress<'a, R> {
    stage: Mutex<Stage>,
    report: &'a R,
}

impl<R: Report> Progress<'_, R> {
    /// Keeps the stage and shows it.
    async fn reach(&self, stage: Stage) {
        self.keep(stage.clone());
        self.report.show(&stage).await;
    }

    /// Keeps the stage for the outcome to show.
    fn keep(&self, stage: Stage) {
        *self.stage.lock().unwrap_or_else(PoisonError::into_inner) = stage;
    }
}
