//! Dispatches and, if wanted, follows the run until it ends.

use std::sync::{Mutex, PoisonError};

use super::dispatch::{self, Sent};
use super::order::Order;
use super::retry_budget::RetryBudget;
use super::settings::WaitSettings;
use super::state::{Ended, Followed, Progress, Stage, StageObserver, Target, Why};
use super::{search, wait};
use crate::github::Github;

/// Dispatches without a wait. If GitHub's answer is lost, it searches for the run. `None`: accepted, but the
/// run is not known.
pub(crate) async fn start(
    github: &Github,
    order: &Order,
    wait: WaitSettings,
) -> Result<Option<Target>, Ended> {
    let mut budget = RetryBudget::for_an_answer(wait);
    match dispatch::once(github, order, &mut budget).await.map_err(Ended::NotDispatched)? {
        Sent::Named(target) => Ok(Some(target)),
        Sent::Unnamed { lost: false, .. } => Ok(None),
        Sent::Unnamed { lost: true, at } => {
            let found = search::run(github, order, at, true, &mut budget).await;
            found.map(Some).map_err(Ended::NotFound)
        }
    }
}

/// Dispatches and follows the run until it ends, the wait times out, or `stop` resolves.
pub(crate) async fn follow(
    github: &Github,
    order: &Order,
    wait: WaitSettings,
    observer: &impl StageObserver,
    stop: impl Future<Output = ()>,
) -> Followed {
    let progress = Progress { stage: Mutex::new(Stage::Dispatching), observer };
    let ended = tokio::select! {
        biased;
        ended = steps(github, order, wait, &progress) => ended,
        () = stop => Ended::StillRunning(Why::Stopped),
    };
    let stage = progress.stage.into_inner().unwrap_or_else(PoisonError::into_inner);
    match &stage {
        // The run had ended. Only the search for the failed step was stopped.
        Stage::Following(Target { run: Some(run), .. }) if run.is_completed() => {
            Followed { stage, ended: Ended::Concluded }
        }
        _ => Followed { stage, ended },
    }
}

async fn steps<R: StageObserver>(
    github: &Github,
    order: &Order,
    wait: WaitSettings,
    progress: &Progress<'_, R>,
) -> Ended {
    let mut budget = RetryBudget::for_a_wait(wait);
    let target = match dispatch::once(github, order, &mut budget).await {
        Err(error) => return Ended::NotDispatched(error),
        Ok(Sent::Named(target)) => target,
        Ok(Sent::Unnamed { at, lost }) => {
            progress.reach(Stage::Searching { lost }).await;
            match search::run(github, order, at, lost, &mut budget).await {
                Ok(target) => target,
                Err(not_found) => return Ended::NotFound(not_found),
            }
        }
    };
    wait::until_it_ends(github, order, target, &mut budget, progress).await
}
