//! Where a failed run failed.

use super::order::Order;
use super::retry_budget::RetryBudget;
use super::state::FailedAt;
use crate::github::jobs::Job;
use crate::github::{Github, Run};

/// How often to read the jobs. The list may lag behind the run's completion.
const LOOKS: u8 = 3;

/// Finds the job and step that failed. `None`: the run did not fail, or GitHub does not show it in time.
pub(crate) async fn find(
    github: &Github,
    order: &Order,
    run: &Run,
    budget: &mut RetryBudget,
) -> Option<FailedAt> {
    if !is_failure(run.conclusion.as_deref()) {
        return None;
    }
    for look in 1..=LOOKS {
        match github.jobs(&order.repository, run.id).await {
            Ok(jobs) => match failed_at(&jobs) {
                Some(failed) => return Some(failed),
                // A run that failed to start never has jobs.
                None if run.conclusion.as_deref() == Some("startup_failure") => return None,
                None => {}
            },
            Err(error) if error.is_passing() => {}
            Err(error) => {
                tracing::warn!(%error, run_id = run.id, "the failed step cannot be found");
                return None;
            }
        }
        if look < LOOKS {
            budget.breathe().await;
        }
    }
    None
}

fn failed_at(jobs: &[Job]) -> Option<FailedAt> {
    let job = jobs.iter().find(|job| is_failure(job.conclusion.as_deref()))?;
    let step = job.steps.iter().find(|step| is_failure(step.conclusion.as_deref()));
    Some(FailedAt { job: job.name.clone(), step: step.map(|step| step.name.clone()) })
}

fn is_failure(conclusion: Option<&str>) -> bool {
    matches!(conclusion, Some("failure" | "timed_out" | "startup_failure"))
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
    #[case::still_lagging(json!([{"name": "deploy", "conclusion": null, "steps": []}]), None)]
    #[case::no_jobs(json!([]), None)]
    fn the_first_failure_counts(
        #[case] jobs: Value,
        #[case] expected: Option<(&str, Option<&str>)>,
    ) {
        let jobs: Vec<Job> = serde_json::from_value(jobs).unwrap();
        let expected = expected
            .map(|(job, step)| FailedAt { job: job.to_owned(), step: step.map(str::to_owned) });
        assert_eq!(failed_at(&jobs), expected);
    }
}
