//! Follows a run until it ends.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::failure;
use super::order::Order;
use super::retry_budget::RetryBudget;
use super::state::{Ended, Progress, Stage, StageObserver, Target, Why};
use crate::github::runs::Tag;
use crate::github::{Github, GithubError, Run};
use crate::net::transport::CALL_TIMEOUT;

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
        if let Some(mut run) = target.run.clone().filter(|run| run.is_completed()) {
            // Keep the state first, so that a cancellation here keeps the outcome.
            progress.keep(Stage::Following(target.clone()));
            github.find_end(&order.repository, &mut run).await;
            let failed_at = failure::find(github, order, &run, budget).await;
            let target = target.seen(*run);
            progress.keep(Stage::Following(Target { failed_at, ..target }));
            return Ended::Concluded;
        }
        progress.reach(Stage::Following(target.clone())).await;
        if budget.is_over() {
            return Ended::StillRunning(Why::TimedOut);
        }
        budget.look_again().await;
        let latest = budget.deadline() + CALL_TIMEOUT;
        let unknown_until = target.run.is_none().then_some(unknown_until);
        let look = look(github, order, target.run_id, &mut tag, budget, unknown_until);
        let Ok(look) = timeout_at(latest, look).await else {
            return Ended::StillRunning(Why::TimedOut);
        };
        match look {
            Ok(Some(run)) => target = target.seen(run),
            Ok(None) => {
                if let Some(run) = &mut target.run {
                    github.learn_gates(&order.repository, run).await;
                }
            }
            Err(error) => return Ended::StillRunning(Why::NotTold(error)),
        }
    }
}

/// One poll, retried until GitHub answers or the time is over. `unknown_until`: how long the run may be unknown,
/// if it was never seen. `None`: no change.
async fn look(
    github: &Github,
    order: &Order,
    run_id: u64,
    tag: &mut Tag,
    budget: &mut RetryBudget,
    unknown_until: Option<Instant>,
) -> Result<Option<Run>, GithubError> {
    loop {
        match github.run(&order.repository, run_id, tag).await {
            Ok(run) => return Ok(run),
            Err(GithubError::RateLimited(wait)) => {
                if !budget.rest(wait).await {
                    return Err(GithubError::RateLimited(wait));
                }
            }
            Err(error @ GithubError::NotFound) if unknown_until.is_some() => {
                let may_come = unknown_until.is_some_and(|until| Instant::now() < until);
                return if may_come { Ok(None) } else { Err(error) };
            }
            Err(error) if error.is_passing() => {
                tracing::debug!(%error, run_id, "a poll of the run failed");
                if budget.is_over() {
                    return Err(error);
                }
                budget.after_a_fault().await;
            }
            Err(error) if budget.doubts(&error) => {
                tracing::debug!(%error, run_id, "a poll of the run was refused");
                budget.after_a_fault().await;
            }
            Err(error) => return Err(error),
        }
    }
}
