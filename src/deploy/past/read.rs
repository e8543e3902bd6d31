//! Reads what earlier deploys tell.

use std::time::Duration;

use chrono::TimeDelta;
use tokio::time::timeout;

use super::{Past, Series, Success, Usual};
use crate::deploy::correlation::carries;
use crate::deploy::order::Order;
use crate::deploy::stored::{Entry, latest};
use crate::github::{Github, Run, git_ref};
use crate::store::{Store, StoreError};

/// How many of an agent's latest deploys are read.
const LOOKED_AT: u16 = 100;

/// The fewest successes that tell how long one usually takes.
const FEWEST: usize = 5;

/// The most: deploys of long ago may have taken another time.
const MOST: usize = 50;

/// How long GitHub may take to tell what the record does not know.
pub(super) const ASKED_FOR: Duration = Duration::from_secs(3);

impl Past {
    /// What these deploys tell about one that was ordered. Those of other agents and environments, and those that
    /// were requested later, do not count. `is_whole`: the record holds no others of this agent.
    pub fn of(earlier: &[Entry], order: &Order, is_whole: bool) -> Self {
        let this = order.key.interaction_id;
        let mut before: Vec<&Entry> = earlier
            .iter()
            .filter(|one| one.key.agent == order.key.agent && one.environment == order.environment)
            .filter(|one| one.key.interaction_id < this)
            .collect();
        before.sort_by_key(|one| std::cmp::Reverse(one.key.interaction_id));
        let successes = || before.iter().filter(|one| one.success() == Some(true));
        // A later attempt runs only what had failed.
        let whole = successes().filter(|one| one.attempts() == 1);
        let durations = whole.filter_map(|one| one.run.as_ref()?.duration);
        Self {
            usual: Usual::of(durations),
            last_success: successes()
                .filter(|one| {
                    one.repository.as_ref().is_none_or(|of| of.is_same(&order.repository))
                })
                .find_map(|one| Success::of_entry(one)),
            series: series(&before, is_whole),
        }
    }

    /// Adds what GitHub knows of successful runs, where the record knows nothing.
    fn fill(&mut self, runs: &[Run], order: &Order) {
        let asked_at = order.key.interaction_id.created_at();
        let mut before: Vec<&Run> = runs
            .iter()
            .filter(|run| run.conclusion.as_deref() == Some("success") && run.is_completed())
            .filter(|run| run.event.as_deref() == Some("workflow_dispatch"))
            .filter(|run| run.head_branch.as_deref() == Some(git_ref::short(&order.git_ref)))
            .filter(|run| run.created_at.is_some_and(|created| created < asked_at))
            .filter(|run| !carries(run, order.correlation_id))
            .collect();
        before.sort_by_key(|run| std::cmp::Reverse((run.created_at, run.id)));
        let whole = before.iter().filter(|run| run.attempt() == 1);
        self.usual = self.usual.or_else(|| Usual::of(whole.filter_map(|run| run.duration())));
        self.last_success =
            self.last_success.take().or_else(|| before.first().map(|run| Success::of_run(run)));
    }

    fn lacks_something(&self) -> bool {
        self.usual.is_none() || self.last_success.is_none()
    }
}

/// `before`: newest first.
fn series(before: &[&Entry], is_whole: bool) -> Option<Series> {
    Series::of(before.iter().filter_map(|one| one.success()), is_whole)
}

impl Series {
    /// The series of these ends, the latest first.
    pub(super) fn of(ends: impl Iterator<Item = bool>, is_whole: bool) -> Option<Self> {
        let mut ends = ends.peekable();
        let success = *ends.peek()?;
        let mut count = 0;
        while ends.next_if_eq(&success).is_some() {
            count += 1;
        }
        Some(Self { success, count, or_more: ends.peek().is_none() && !is_whole })
    }
}

impl Usual {
    /// The median of the latest of these. `None`: there are too few.
    pub(super) fn of(durations: impl Iterator<Item = TimeDelta>) -> Option<Self> {
        let mut seconds: Vec<u64> = durations
            .take(MOST)
            .filter_map(|took| u64::try_from(took.num_seconds()).ok())
            .collect();
        seconds.sort_unstable();
        let of = seconds.len();
        let middle = [seconds.get(of.checked_sub(1)? / 2)?, seconds.get(of / 2)?];
        (of >= FEWEST).then(|| Self { seconds: middle.into_iter().sum::<u64>() / 2, of })
    }
}

impl Success {
    fn of_entry(entry: &Entry) -> Option<Self> {
        let run = entry.run.as_ref()?;
        Some(Self {
            run_id: run.id,
            number: run.number,
            sha: run.sha.clone(),
            url: entry.run_page.clone(),
            at: run.ended_at.or(entry.ended_at),
            git_ref: entry.git_ref.clone(),
            inputs: entry.inputs.clone(),
        })
    }

    pub(super) fn of_run(run: &Run) -> Self {
        Self {
            run_id: run.id,
            number: run.run_number,
            sha: run.head_sha.clone(),
            url: run.html_url.clone(),
            at: run.ended_at(),
            git_ref: run.head_branch.as_deref().map(|name| git_ref::short(name).to_owned()),
            inputs: None,
        }
    }
}

/// What the record tells of earlier deploys.
pub(crate) async fn recorded(store: &dyn Store, order: &Order) -> Result<Past, StoreError> {
    let known = latest(store, &order.key.agent, LOOKED_AT).await?;
    Ok(Past::of(&known.entries, order, !known.goes_on && known.unreadable == 0))
}

/// Reads what earlier deploys tell, with one query of the store. What the record does not know GitHub is asked
/// for; that it does not answer is no error.
pub(crate) async fn read(
    store: &dyn Store,
    github: &Github,
    order: &Order,
) -> Result<Past, StoreError> {
    let mut past = recorded(store, order).await?;
    // Runs on GitHub do not tell to which environment they deployed.
    if past.lacks_something() && !order.shares_workflow {
        let Order { repository, workflow, git_ref, .. } = order;
        let asked = github.successful_dispatches(repository, workflow, git_ref::short(git_ref));
        match timeout(ASKED_FOR, asked).await {
            Ok(Ok(runs)) => past.fill(&runs, order),
            Ok(Err(error)) => {
                tracing::debug!(%error, "GitHub does not tell of earlier deploys");
            }
            Err(_) => {
                tracing::debug!("GitHub did not tell of earlier deploys in time");
            }
        }
    }
    Ok(past)
}

#[cfg(test)]
mod tests;
