//! When runs ended.
//!
//! GitHub tells no end of a run, only when it was last updated. That moves also long after the end. So a
//! duration that is unusually long is checked against the jobs of the run's attempt.

use chrono::TimeDelta;
use futures_util::future::join_all;
use tokio::sync::Semaphore;

use super::client::Github;
use super::repository::Repository;
use super::run::{End, Run};

/// A longer duration is checked. Few deploys take so long, so few runs cost a request.
const USUAL: TimeDelta = TimeDelta::minutes(15);

/// The jobs' end and the run's are never exactly the same.
const SAME: TimeDelta = TimeDelta::minutes(2);

/// The most runs of one list whose jobs are read.
pub(crate) const MOST_CHECKED: usize = 12;

/// Concurrent requests for a list of a few runs.
pub(crate) const AT_ONCE: usize = 4;

impl Github {
    /// Sets when these runs ended. At most [`MOST_CHECKED`] of them cost a request, the longest first. Of the
    /// others the end is not known, unless the jobs confirmed all that were checked.
    pub(crate) async fn find_ends(
        &self,
        repository: &Repository,
        mut runs: Vec<&mut Run>,
        calls: &Semaphore,
    ) {
        runs.retain(|run| run.is_completed() && is_doubtful(run));
        // Those without any duration are the most doubtful.
        runs.sort_by_key(|run| std::cmp::Reverse(took(run).unwrap_or(TimeDelta::MAX)));
        let others = runs.split_off(runs.len().min(MOST_CHECKED));
        let checked = runs.into_iter().map(async |run| {
            let updated = run.updated_at;
            run.end = self.end(repository, run, calls).await;
            run.ended_at().zip(updated).is_some_and(|(end, updated)| (updated - end).abs() <= SAME)
        });
        let confirmed = join_all(checked).await;
        if !confirmed.iter().all(|confirmed| *confirmed) {
            for run in others {
                run.end = End::Unknown;
            }
        }
    }

    /// The same for one run.
    pub(crate) async fn find_end(&self, repository: &Repository, run: &mut Run) {
        self.find_ends(repository, vec![run], &Semaphore::new(1)).await;
    }

    async fn end(&self, repository: &Repository, run: &Run, calls: &Semaphore) -> End {
        // The semaphore is never closed, so this cannot fail.
        let _permit = calls.acquire().await.ok();
        match self.end_of_jobs(repository, run.id).await {
            Ok(Some(end)) if run.began_at().is_none_or(|began| began <= end) => End::OfItsJobs(end),
            Ok(_) => End::Unknown,
            Err(error) => {
                tracing::debug!(%error, run_id = run.id, "the end of a run is not known");
                End::Unknown
            }
        }
    }
}

/// Whether `updated_at` is perhaps not the end.
fn is_doubtful(run: &Run) -> bool {
    let doubtful = took(run).is_none_or(|took| took < TimeDelta::zero() || took > USUAL);
    run.end == End::AsUpdated && doubtful
}

fn took(run: &Run) -> Option<TimeDelta> {
    Some(run.updated_at? - run.began_at()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    #[rstest]
    #[case::usual(80, false)]
    #[case::long(15 * 60 + 1, true)]
    #[case::negative(-1, true)]
    fn a_duration_that_is_unusual_is_checked(#[case] seconds: i64, #[case] doubtful: bool) {
        let began = chrono::DateTime::from_timestamp(1_795_341_600, 0).unwrap();
        let run = json!({"id": 1, "status": "completed", "run_started_at": began,
                         "updated_at": began + TimeDelta::seconds(seconds)});
        let run: Run = serde_json::from_value(run).unwrap();
        assert_eq!(is_doubtful(&run), doubtful);
        assert!(!is_doubtful(&Run { end: End::Unknown, ..run }));
    }

    #[test]
    fn a_run_without_times_is_checked() {
        assert!(is_doubtful(&serde_json::from_value(json!({"id": 1})).unwrap()));
    }
}
