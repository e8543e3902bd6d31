//! Where a failed run failed.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tokio::time::sleep;

use crate::github::jobs::{Job, Jobs, Step};
use crate::github::run::succeeded;
use crate::github::{Github, Repository, Run};
use crate::text::mask::masked_title;

/// The job that failed first, and its failed step, if any.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedAt {
    /// The job's name.
    pub job: String,
    /// The step's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
}

/// Where to look for why it failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failed {
    /// Its name, and that of the step.
    pub at: FailedAt,
    /// The job's id.
    pub job_id: Option<u64>,
    /// When the step began. `None`: no step is known, or not its time.
    pub from: Option<DateTime<Utc>>,
    /// When the step ended, or else the job.
    pub to: Option<DateTime<Utc>>,
}

/// How often to read the jobs. The list may lag behind the run's completion.
const LOOKS: u8 = 4;

/// Finds the job and step that failed. `None`: the run did not fail, or GitHub does not show it in time.
/// A cancelled run may have been cancelled after a job had failed; its jobs are read once.
pub(super) async fn find(
    github: &Github,
    repository: &Repository,
    run: &Run,
    pause: Duration,
) -> Option<Failed> {
    let looks = match run.conclusion.as_deref() {
        // A run that failed to start never has jobs.
        Some("cancelled" | "startup_failure") => 1,
        conclusion if is_failure(conclusion) => LOOKS,
        _ => return None,
    };
    for look in 1..=looks {
        match github.jobs(repository, run).await {
            Ok(Jobs { jobs, .. }) => {
                let failed = failed(&jobs);
                if failed.is_some() {
                    return failed;
                }
            }
            Err(error) if error.is_passing() || error.is_doubtful() => {}
            Err(error) => {
                tracing::warn!(%error, run_id = run.id, "the failed step cannot be found");
                return None;
            }
        }
        if look < looks {
            sleep(pause).await;
        }
    }
    None
}

/// Whether details of such an end are worth a request.
pub(super) fn may_have_failed(run: &Run) -> bool {
    let conclusion = run.conclusion.as_deref();
    conclusion == Some("cancelled") || is_failure(conclusion)
}

/// Whether a run failed as a whole.
pub(super) fn is_failed(run: &Run) -> bool {
    is_failure(run.conclusion.as_deref())
}

/// Whether a run that ended so failed at a step.
pub(super) fn has_failed_step(run: &Run) -> bool {
    matches!(run.conclusion.as_deref(), Some("failure" | "timed_out"))
}

/// The first failed job with a failed step. A job that was killed (timed out, its runner lost) has none: it is
/// named only if there is no other, with the step during which it ended.
fn failed(jobs: &[Job]) -> Option<Failed> {
    let failed = || jobs.iter().filter(|job| is_failure(job.conclusion.as_deref()));
    let (job, step) = failed()
        .find_map(|job| Some((job, Some(failed_step(job)?))))
        .or_else(|| failed().map(|job| (job, interrupted_step(job))).next())?;
    let named = |name: &str, other: &str| {
        if name.is_empty() { other.to_owned() } else { masked_title(name) }
    };
    Some(Failed {
        at: FailedAt {
            job: named(&job.name, "a job without a name"),
            step: step.map(|step| named(&step.name, "a step without a name")),
        },
        job_id: job.id,
        from: step.and_then(|step| step.started_at),
        to: step.and_then(|step| step.completed_at.or(job.completed_at)),
    })
}

fn failed_step(job: &Job) -> Option<&Step> {
    job.steps.iter().find(|step| is_failure(step.conclusion.as_deref()))
}

/// The step that was cancelled, or that started and never ended.
fn interrupted_step(job: &Job) -> Option<&Step> {
    let interrupted = |step: &&Step| match step.conclusion.as_deref() {
        Some(conclusion) => conclusion == "cancelled",
        None => step.started_at.is_some(),
    };
    job.steps.iter().find(interrupted)
}

/// Whether a run, a job or a step with this conclusion failed.
fn is_failure(conclusion: Option<&str>) -> bool {
    succeeded(conclusion) == Some(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::{Value, json};

    #[rstest]
    #[case::step(
        json!([
            {"name": "build", "conclusion": "success", "steps": []},
            {"name": "deploy", "conclusion": "failure", "steps": [
                {"name": "Check out", "conclusion": "success"},
                {"name": "S3 sync", "conclusion": "failure"},
                {"name": "Clean up", "conclusion": "skipped"},
            ]},
        ]),
        Some(("deploy", Some("S3 sync")))
    )]
    #[case::no_step_failed(json!([{"name": "deploy", "conclusion": "timed_out"}]), Some(("deploy", None)))]
    #[case::a_cancelled_job_beside_a_failed_one(
        json!([
            {"name": "test (a)", "conclusion": "cancelled", "steps": [{"name": "Run", "conclusion": "cancelled"}]},
            {"name": "test (b)", "conclusion": "failure", "steps": [{"name": "Run b", "conclusion": "failure"}]},
        ]),
        Some(("test (b)", Some("Run b")))
    )]
    #[case::a_job_that_timed_out_beside_a_failed_one(
        json!([
            {"name": "e2e", "conclusion": "timed_out", "steps": [{"name": "Wait", "conclusion": "cancelled"}]},
            {"name": "deploy", "conclusion": "failure", "steps": [{"name": "S3 sync", "conclusion": "failure"}]},
        ]),
        Some(("deploy", Some("S3 sync")))
    )]
    #[case::a_lost_runner_beside_a_failed_one(
        json!([
            {"name": "build", "conclusion": "failure", "steps": [
                {"name": "Compile", "conclusion": null, "started_at": "2026-11-22T10:00:00Z"},
            ]},
            {"name": "deploy", "conclusion": "failure", "steps": [{"name": "S3 sync", "conclusion": "failure"}]},
        ]),
        Some(("deploy", Some("S3 sync")))
    )]
    #[case::a_lost_runner_alone(
        json!([{"name": "build", "conclusion": "failure", "steps": [
            {"name": "Check out", "conclusion": "success"},
            {"name": "Compile", "conclusion": null, "started_at": "2026-11-22T10:00:00Z"},
            {"name": "Upload", "conclusion": null, "started_at": null},
        ]}]),
        Some(("build", Some("Compile")))
    )]
    #[case::timed_out_alone(
        json!([{"name": "e2e", "conclusion": "timed_out", "steps": [{"name": "Wait", "conclusion": "cancelled"}]}]),
        Some(("e2e", Some("Wait")))
    )]
    #[case::only_cancelled(
        json!([{"name": "e2e", "conclusion": "cancelled", "steps": [{"name": "Wait", "conclusion": "cancelled"}]}]),
        None
    )]
    #[case::with_a_secret_in_its_name(
        json!([{"name": "deploy (TOKEN=abc)", "conclusion": "failure", "steps": [
            {"name": "Run curl -u ada:hunter2 x", "conclusion": "failure"},
        ]}]),
        Some(("deploy (TOKEN=***", Some("Run curl -u ada:*** x")))
    )]
    #[case::nameless(
        json!([{"name": null, "conclusion": "failure", "steps": [{"name": null, "conclusion": "failure"}]}]),
        Some(("a job without a name", Some("a step without a name")))
    )]
    #[case::still_lagging(json!([{"name": "deploy", "conclusion": null, "steps": []}]), None)]
    #[case::no_jobs(json!([]), None)]
    fn the_first_failure_counts(
        #[case] jobs: Value,
        #[case] expected: Option<(&str, Option<&str>)>,
    ) {
        let jobs: Vec<Job> = serde_json::from_value(jobs).unwrap();
        let expected = expected
            .map(|(job, step)| FailedAt { job: job.to_owned(), step: step.map(str::to_owned) });
        assert_eq!(failed(&jobs).map(|failed| failed.at), expected);
    }
    #[rstest]
    #[case::step(
        json!({"id": 7, "name": "a", "conclusion": "failure", "completed_at": "2026-11-22T10:00:09Z", "steps": [
            {"name": "b", "conclusion": "failure", "started_at": "2026-11-22T10:00:01Z",
             "completed_at": "2026-11-22T10:00:04Z"},
        ]}),
        (Some(7), Some(1), Some(4))
    )]
    #[case::an_interrupted_step_ends_with_its_job(
        json!({"id": 7, "name": "a", "conclusion": "failure", "completed_at": "2026-11-22T10:00:09Z", "steps": [
            {"name": "b", "started_at": "2026-11-22T10:00:01Z"},
        ]}),
        (Some(7), Some(1), Some(9))
    )]
    #[case::no_step(
        json!({"id": 7, "name": "a", "conclusion": "failure", "completed_at": "2026-11-22T10:00:09Z"}),
        (Some(7), None, None)
    )]
    #[case::nothing(json!({"conclusion": "failure"}), (None, None, None))]
    fn it_is_known_where_to_look(
        #[case] job: Value,
        #[case] expected: (Option<u64>, Option<i64>, Option<i64>),
    ) {
        let found = failed(&[serde_json::from_value(job).unwrap()]).unwrap();
        let second = |at: Option<DateTime<Utc>>| at.map(|at| at.timestamp() % 60);
        assert_eq!((found.job_id, second(found.from), second(found.to)), expected);
    }
}
