//! Reads the jobs of a run, once more if GitHub's list may lag behind.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::sleep;

use crate::github::explain::{Audience, Subject, explain_to};
use crate::github::jobs::{Job, Jobs};
use crate::github::{Github, GithubError, Repository, Run};
use crate::telemetry;

/// GitHub's list of jobs may be stale for this long after a run's end.
const LAG: TimeDelta = TimeDelta::seconds(60);
const SECOND_LOOK_AFTER: Duration = Duration::from_secs(1);

/// A look at the runs of a repository.
#[derive(Clone, Copy)]
pub(crate) struct Look<'a> {
    pub github: &'a Github,
    pub repository: &'a Repository,
    /// The time by GitHub's clock.
    pub now: Option<DateTime<Utc>>,
    /// To whom GitHub's errors are explained.
    pub audience: Audience,
}

impl Look<'_> {
    /// Why the agent's runs cannot be read.
    pub(crate) fn explain(self, error: &GithubError) -> String {
        telemetry::failed(error);
        explain_to(self.audience, error, Subject::ThisWorkflow, "Actions: read")
    }

    /// The jobs of a run. If something is `missing`, and the run has just ended or the list shows no jobs, the list
    /// is read once more after [`SECOND_LOOK_AFTER`].
    pub(crate) async fn jobs(
        self,
        run: &Run,
        missing: impl Fn(&[Job]) -> bool,
    ) -> Result<Jobs, GithubError> {
        let jobs = self.github.jobs(self.repository, run).await?;
        let just_ended = run.updated_at.zip(self.now).is_some_and(|(at, now)| now - at < LAG);
        let may_lag = run.is_completed() && (just_ended || jobs.jobs.is_empty());
        if may_lag && missing(&jobs.jobs) {
            sleep(SECOND_LOOK_AFTER).await;
            // If the second read fails, the first answer is used.
            return Ok(self.github.jobs(self.repository, run).await.unwrap_or(jobs));
        }
        Ok(jobs)
    }

    /// Whether a run that was cancelled had begun to work.
    pub(crate) async fn had_started(self, run: &Run) -> Result<bool, GithubError> {
        let Jobs { jobs, is_whole } = self.jobs(run, <[Job]>::is_empty).await?;
        Ok(!is_whole || has_started(&jobs))
    }
}

/// Whether a job began to work. A job that was cancelled in the queue has no steps.
pub(crate) fn has_started(jobs: &[Job]) -> bool {
    let idle = |job: &Job| {
        job.steps.is_empty() && matches!(job.conclusion.as_deref(), Some("cancelled" | "skipped"))
    };
    !jobs.iter().all(idle)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::{Value, json};

    #[rstest]
    #[case::no_jobs(json!([]), false)]
    #[case::in_the_queue(json!([{"name": "a", "conclusion": "cancelled", "steps": []}]), false)]
    #[case::not_reached(
        json!([{"name": "a", "conclusion": "cancelled"}, {"name": "b", "conclusion": "skipped"}]),
        false
    )]
    #[case::in_the_middle(
        json!([{"name": "a", "conclusion": "cancelled", "steps": [{"name": "Upload", "conclusion": "cancelled"}]}]),
        true
    )]
    #[case::after_a_job(
        json!([{"name": "a", "conclusion": "success"}, {"name": "b", "conclusion": "cancelled"}]),
        true
    )]
    #[case::not_known(json!([{"name": "a", "conclusion": null}]), true)]
    fn a_run_has_started_when_a_job_did(#[case] jobs: Value, #[case] expected: bool) {
        let jobs: Vec<Job> = serde_json::from_value(jobs).unwrap();
        assert_eq!(has_started(&jobs), expected);
    }
}
