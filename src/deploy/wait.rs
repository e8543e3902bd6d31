//! Follows a run until it ends.

use std::time::Duration;

use tokio::time::Instant;

use super::failure;
use super::order::Order;
use super::retry_budget::RetryBudget;
use super::state::{Ended, Progress, Stage, StageObserver, Target, Why};
use crate::github::runs::Tag;
use crate::github::{Github, GithubError, Run};

/// GitHub may answer 404 for a run for a moment after it returned its id.
const UNKNOWN_RUN_TIMEOUT: Duration = Duration::from_secs(30);

/// Polls the run until it is completed or the time is over. One failed poll never ends the wait.
pub(super) async fn until_it_ends<R: StageObserver>(
    github: &Github,
    order: &Order,
    mut target: Target,
    budget: &mut RetryBudget,
    progress: &Progress<'_, R>,
) -> Ended {
    let mut tag = Tag::default();
    let unknown_until = Instant::now() + UNKNOWN_RUN_TIMEOUT;
    loop {
        if let Some(run) = target.run.as_ref().filter(|run| run.is_completed()) {
            // Keep the state first, so that a cancellation here keeps the outcome.
            progress.keep(Stage::Following(target.clone()));
            let failed_at = failure::find(github, order, run, budget).await;
            progress.keep(Stage::Following(Target { failed_at, ..target }));
            return Ended::Concluded;
        }
        progress.reach(Stage::Following(target.clone())).await;
        if budget.is_over() {
            return Ended::StillRunning(Why::TimedOut);
        }
        budget.look_again().await;
        match look(github, order, target.run_id, &mut tag, budget, unknown_until).await {
            Ok(Some(run)) => target = target.seen(run),
            Ok(None) => {}
            Err(error) => return Ended::StillRunning(Why::NotTold(error)),
        }
    }
}

/// One poll, retried until GitHub answers or the time is over. `None`: no change.
async fn look(
    github: &Github,
    order: &Order,
    run_id: u64,
    tag: &mut Tag,
    budget: &mut RetryBudget,
    unknown_until: Instant,
) -> Result<Option<Run>, GithubError> {
    let mut refused = false;
    loop {
        match github.run(&order.repository, run_id, tag).await {
            Ok(run) => return Ok(run),
            Err(GithubError::RateLimited(wait)) => {
                if !budget.rest(wait).await {
                    return Err(GithubError::RateLimited(wait));
                }
            }
            Err(GithubError::NotFound) if Instant::now() < unknown_until => return Ok(None),
            Err(error) if error.is_passing() => {
                tracing::debug!(%error, run_id, "a poll of the run failed");
                if budget.is_over() {
                    return Err(error);
                }
                budget.after_a_fault().await;
            }
            // A missing permission is final. Any other refusal must come twice, because it may be transient.
            Err(error) if refused || matches!(error, GithubError::Forbidden(_)) => {
                return Err(error);
            }
            Err(_) => {
                refused = true;
                budget.after_a_fault().await;
            }
        }
    }
}
