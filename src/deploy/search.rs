//! Finds the run of a dispatch if GitHub did not return it.

use std::time::Duration;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use tokio::time::Instant;

use super::correlation::{ByTime, Matched, by_time, carries, carries_ids};
use super::order::Order;
use super::retry_budget::RetryBudget;
use super::state::{NotFound, Target};
use crate::github::account::Dispatcher;
use crate::github::{Github, GithubError, Run};

/// How long to search if GitHub's answer was lost, so that it may not have accepted the dispatch.
const LOST_TIMEOUT: Duration = Duration::from_secs(30);

/// GitHub truncates its `Date` header and its runs' times to seconds. So our estimate of its clock may be
/// ahead by one second.
const SLACK: TimeDelta = TimeDelta::seconds(1);

/// A run without a correlation id must stay the only match until this long after the dispatch.
const SETTLE: Duration = Duration::from_secs(5);

/// Polls until the run appears or the time is over. `at` is when the dispatch was sent.
pub(crate) async fn run(
    github: &Github,
    order: &Order,
    at: DateTime<Utc>,
    lost: bool,
    budget: &mut RetryBudget,
) -> Result<Target, NotFound> {
    let give_up =
        if lost { budget.deadline().min(Instant::now() + LOST_TIMEOUT) } else { budget.deadline() };
    let mut candidate = SoleCandidate::default();
    let mut listed = false;
    loop {
        let look = look(github, order, at, lost, &mut candidate).await;
        listed |= look.is_ok();
        match look {
            Ok(Look::Found(run, matched)) => return Ok(Target::of(github, order, run, matched)),
            Ok(Look::Ambiguous(count)) => return Err(NotFound::Ambiguous(count)),
            Ok(Look::Nothing) => budget.look_again().await,
            Err(GithubError::RateLimited(wait)) => {
                if !budget.rest(wait).await {
                    return Err(NotFound::NotTold { error: GithubError::RateLimited(wait), lost });
                }
            }
            Err(error) if error.is_passing() || budget.doubts(&error) => {
                tracing::debug!(%error, "a poll for the run failed");
                budget.after_a_fault().await;
            }
            Err(error) => return Err(NotFound::NotTold { error, lost }),
        }
        if Instant::now() >= give_up {
            return Err(NotFound::Nowhere { lost, listed });
        }
    }
}

enum Look {
    Found(Run, Matched),
    Ambiguous(usize),
    Nothing,
}

async fn look(
    github: &Github,
    order: &Order,
    at: DateTime<Utc>,
    lost: bool,
    candidate: &mut SoleCandidate,
) -> Result<Look, GithubError> {
    // GitHub's clock is unknown if no request was answered yet. Then read only the newest page.
    let since = github.to_github_time(at).map(|at| at.trunc_subsecs(0) - SLACK);
    // GitHub's filters can lag behind for minutes, so the newest runs are looked at without one. Mostly that
    // is the only request.
    let newest = github.newest_page(&order.repository, &order.workflow).await;
    if let Some(run) = newest.iter().flatten().find(|run| carries(run, order.correlation_id)) {
        return Ok(Look::Found(run.clone(), Matched::CorrelationId));
    }
    let filtered = github.dispatched_runs(&order.repository, &order.workflow, since).await;
    if let Some(run) = filtered.iter().flatten().find(|run| carries(run, order.correlation_id)) {
        return Ok(Look::Found(run.clone(), Matched::CorrelationId));
    }
    let runs = match (newest, filtered) {
        (Ok(newest), Ok(filtered)) => both(newest, filtered, since),
        // One list is enough to say that the run is not there yet, but not that another run is the only match.
        (Ok(_), Err(error)) | (Err(error), Ok(_)) if error.is_passing() => {
            return Ok(Look::Nothing);
        }
        (Err(error), _) | (_, Err(error)) => return Err(error),
    };
    match since {
        // If the answer was lost, GitHub may not have accepted the dispatch. A match by time alone could then
        // be another run.
        Some(since) if !lost => candidate.look(github, order, &runs, since).await,
        _ => Ok(Look::Nothing),
    }
}

/// The dispatched runs of both lists that were created since then, each once.
fn both(newest: Vec<Run>, filtered: Vec<Run>, since: Option<DateTime<Utc>>) -> Vec<Run> {
    let fits = |run: &Run| {
        run.event.as_deref() == Some("workflow_dispatch")
            && since.is_none_or(|since| run.created_at.is_some_and(|created| created >= since))
    };
    let mut runs = filtered;
    for run in newest.into_iter().filter(fits) {
        if !runs.iter().any(|known| known.id == run.id) {
            runs.push(run);
        }
    }
    runs
}

/// Searches for a run without a correlation id. It must be the only match, seen twice and for some time after
/// the dispatch, because a second match may appear a moment later.
struct SoleCandidate {
    dispatcher: Option<Dispatcher>,
    ids_are_used: Option<bool>,
    seen: Option<u64>,
    settled: Instant,
}

impl Default for SoleCandidate {
    fn default() -> Self {
        let settled = Instant::now() + SETTLE;
        Self { dispatcher: None, ids_are_used: None, seen: None, settled }
    }
}

impl SoleCandidate {
    async fn look(
        &mut self,
        github: &Github,
        order: &Order,
        runs: &[Run],
        since: DateTime<Utc>,
    ) -> Result<Look, GithubError> {
        if runs.is_empty() || carries_ids(runs) || self.ids_are_used == Some(true) {
            return Ok(Look::Nothing);
        }
        let Some(dispatcher) = self.learn(github, order).await? else { return Ok(Look::Nothing) };
        let matched = match dispatcher {
            Dispatcher::Login(_) => Matched::Time,
            Dispatcher::SomeBot | Dispatcher::Unknown => Matched::TimeOnly,
        };
        match by_time(runs, &order.git_ref, since, dispatcher) {
            ByTime::Ambiguous(count) => Ok(Look::Ambiguous(count)),
            ByTime::One(run) if self.seen == Some(run.id) && Instant::now() >= self.settled => {
                Ok(Look::Found(run.clone(), matched))
            }
            ByTime::One(run) => {
                self.seen = Some(run.id);
                Ok(Look::Nothing)
            }
            ByTime::None => Ok(Look::Nothing),
        }
    }

    /// Reads once what a match by time needs: our account, and whether this workflow puts correlation ids
    /// into run names. `None`: it does.
    async fn learn(
        &mut self,
        github: &Github,
        order: &Order,
    ) -> Result<Option<&Dispatcher>, GithubError> {
        if self.ids_are_used.is_none() {
            let newest = github.dispatched_runs(&order.repository, &order.workflow, None).await?;
            self.ids_are_used = Some(carries_ids(&newest));
        }
        if self.ids_are_used == Some(true) {
            return Ok(None);
        }
        if self.dispatcher.is_none() {
            self.dispatcher = Some(github.dispatcher().await?);
        }
        Ok(self.dispatcher.as_ref())
    }
}
