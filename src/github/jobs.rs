//! Jobs of a run, and their steps.
//!
//! <https://docs.github.com/en/rest/actions/workflow-jobs#list-jobs-for-a-workflow-run>

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::client::Github;
use super::error::GithubError;
use super::list;
use super::pages::Part;
use super::repository::Repository;
use super::run::{Run, lenient};

/// The most earlier attempts that are asked for one by one.
const MOST_EARLIER_ATTEMPTS: usize = 5;

/// The jobs of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Jobs {
    pub jobs: Vec<Job>,
    /// Whether these are all: none could not be parsed, and the list was read to its end.
    pub is_whole: bool,
}

/// A job. A field of another type than documented counts as missing.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Job {
    #[serde(default, deserialize_with = "lenient")]
    pub id: Option<u64>,
    /// Empty if GitHub does not tell it.
    #[serde(default, deserialize_with = "text")]
    pub name: String,
    /// `queued`, `in_progress`, `completed`, `waiting`, `pending`, …
    #[serde(default, deserialize_with = "lenient")]
    pub status: Option<String>,
    /// The attempt of the run that it is of.
    #[serde(default, deserialize_with = "lenient")]
    pub run_attempt: Option<u64>,
    /// `None` until it is completed.
    #[serde(default, deserialize_with = "lenient")]
    pub conclusion: Option<String>,
    /// When it was put into the queue.
    #[serde(default, deserialize_with = "lenient")]
    pub created_at: Option<DateTime<Utc>>,
    #[serde(default, deserialize_with = "lenient")]
    pub started_at: Option<DateTime<Utc>>,
    /// `None` until it is completed.
    #[serde(default, deserialize_with = "lenient")]
    pub completed_at: Option<DateTime<Utc>>,
    /// URL of its page.
    #[serde(default, deserialize_with = "lenient")]
    pub html_url: Option<String>,
    /// What its runner must have (`runs-on`).
    #[serde(default, deserialize_with = "labels")]
    pub labels: Vec<String>,
    /// In order.
    #[serde(default, deserialize_with = "each")]
    pub steps: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Step {
    /// Empty if GitHub does not tell it.
    #[serde(default, deserialize_with = "text")]
    pub name: String,
    /// `queued`, `in_progress`, `completed`, …
    #[serde(default, deserialize_with = "lenient")]
    pub status: Option<String>,
    /// `None` until it is completed.
    #[serde(default, deserialize_with = "lenient")]
    pub conclusion: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub started_at: Option<DateTime<Utc>>,
    #[serde(default, deserialize_with = "lenient")]
    pub completed_at: Option<DateTime<Utc>>,
}

fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    lenient(deserializer).map(Option::unwrap_or_default)
}

/// The labels that are text.
fn labels<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let labels: Option<Vec<Value>> = lenient(deserializer)?;
    let text = |label: Value| label.as_str().map(str::to_owned);
    Ok(labels.unwrap_or_default().into_iter().filter_map(text).collect())
}

/// The steps that can be parsed.
fn each<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Step>, D::Error> {
    let steps: Option<Vec<Value>> = lenient(deserializer)?;
    let parsed = |step| serde_json::from_value(step).ok();
    Ok(steps.unwrap_or_default().into_iter().filter_map(parsed).collect())
}

impl Github {
    /// The jobs of a run: of each job its last execution. If only some jobs were run again, the others are
    /// those of an earlier attempt. The list may lag behind the run's completion.
    pub async fn jobs(&self, repository: &Repository, run: &Run) -> Result<Jobs, GithubError> {
        match run.run_attempt {
            // While an attempt goes on, a job of the attempt before may still be run again.
            Some(attempt) if attempt > 1 && run.is_completed() => {
                let all = self.jobs_of_all_attempts(repository, run.id, attempt).await?;
                Ok(Jobs { jobs: last_executions(all.jobs), ..all })
            }
            attempt => {
                let latest = self.listed_jobs(repository, run.id, "jobs?filter=latest").await?;
                let attempt = attempt.unwrap_or(1);
                let is_later = |job: &Job| job.run_attempt.is_some_and(|of| of > attempt);
                if !latest.jobs.iter().any(is_later) {
                    return Ok(latest);
                }
                // It was run again meanwhile.
                self.listed_jobs(repository, run.id, &format!("attempts/{attempt}/jobs?")).await
            }
        }
    }

    /// If the server does not show the jobs of earlier attempts in one list, they are asked for one by one.
    async fn jobs_of_all_attempts(
        &self,
        repository: &Repository,
        run_id: u64,
        latest: u64,
    ) -> Result<Jobs, GithubError> {
        let mut all = self.listed_jobs(repository, run_id, "jobs?filter=all").await?;
        // It may have been run again meanwhile.
        all.jobs.retain(|job| job.run_attempt.is_none_or(|of| of <= latest));
        if all.shows_attempts_before(latest) {
            return Ok(all);
        }
        all.set_attempt(latest);
        for attempt in (1..latest).rev().take(MOST_EARLIER_ATTEMPTS) {
            let list = format!("attempts/{attempt}/jobs?");
            // Without them the latest attempt still tells something.
            let Ok(mut earlier) = self.listed_jobs(repository, run_id, &list).await else {
                all.is_whole = false;
                break;
            };
            earlier.set_attempt(attempt);
            all.jobs.extend(earlier.jobs);
            all.is_whole &= earlier.is_whole;
        }
        Ok(all)
    }

    /// When the last job of a run's latest attempt ended; `None` if GitHub does not tell.
    pub(super) async fn end_of_jobs(
        &self,
        repository: &Repository,
        run_id: u64,
    ) -> Result<Option<DateTime<Utc>>, GithubError> {
        let list = "jobs?filter=latest";
        let Jobs { jobs, is_whole } = self.listed_jobs(repository, run_id, list).await?;
        Ok(jobs.iter().filter_map(|job| job.completed_at).max().filter(|_| is_whole))
    }

    async fn listed_jobs(
        &self,
        repository: &Repository,
        run_id: u64,
        list: &str,
    ) -> Result<Jobs, GithubError> {
        let path = format!("/repos/{repository}/actions/runs/{run_id}/{list}");
        let path = path.as_str();
        let part: Part<Job> = list::all(|page| {
            Box::pin(async move {
                let and = if path.ends_with('?') { "" } else { "&" };
                let answer = self.get(&format!("{path}{and}{}", page.query()), None).await?;
                Part::parsed(&answer, page)
            })
        })
        .await?;
        let is_whole = part.unreadable == 0 && !part.goes_on && !part.lacks_items_after(0);
        Ok(Jobs { jobs: part.items, is_whole })
    }
}

impl Jobs {
    /// Whether this list has jobs of more attempts than the latest. If it does not tell the attempts, a name
    /// that appears twice does.
    fn shows_attempts_before(&self, latest: u64) -> bool {
        let mut names = HashSet::new();
        self.jobs.iter().any(|job| {
            let is_known_name = !names.insert(&job.name);
            job.run_attempt.map_or(is_known_name, |attempt| attempt < latest)
        })
    }

    /// Sets the attempt of the jobs that do not tell it.
    fn set_attempt(&mut self, attempt: u64) {
        for job in &mut self.jobs {
            job.run_attempt.get_or_insert(attempt);
        }
    }
}

/// Of the jobs of all attempts the last execution of each, in the order of the list. Jobs are the same if
/// they have the same name. If the attempt of one is not known, the one that ended last counts.
///
/// If a job was not run again, the list may show it in the later attempt, but without its steps. They are
/// those of the attempt before, which ended at the same time.
fn last_executions(all: Vec<Job>) -> Vec<Job> {
    let untold: HashSet<&str> =
        all.iter().filter(|job| job.run_attempt.is_none()).map(|job| job.name.as_str()).collect();
    let order = |job: &Job| {
        let attempt = job.run_attempt.filter(|_| !untold.contains(job.name.as_str()));
        (attempt, job.completed_at.filter(|_| attempt.is_none()))
    };
    let mut last = HashMap::new();
    for job in &all {
        let latest = last.entry(job.name.as_str()).or_default();
        *latest = order(job).max(*latest);
    }
    let is_last = |job: &&Job| last.get(job.name.as_str()) == Some(&order(job));
    let steps_before = |job: &Job| {
        let same = |other: &&Job| {
            other.name == job.name
                && other.completed_at == job.completed_at
                && !other.steps.is_empty()
        };
        all.iter().find(same).map(|job| job.steps.clone())
    };
    let with_steps = |job: &Job| match steps_before(job).filter(|_| job.steps.is_empty()) {
        Some(steps) => Job { steps, ..job.clone() },
        None => job.clone(),
    };
    all.iter().filter(is_last).map(with_steps).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    fn jobs(jobs: Value) -> Vec<Job> {
        serde_json::from_value(jobs).unwrap()
    }

    #[rstest]
    #[case::name(json!({"name": null, "conclusion": "failure"}))]
    #[case::steps(json!({"name": "a", "steps": null, "conclusion": 7}))]
    #[case::a_step(json!({"name": "a", "steps": [null, {"name": null}, {"name": "x", "started_at": "soon"}]}))]
    #[case::nothing(json!({}))]
    fn an_odd_field_hides_no_job(#[case] odd: Value) {
        let read = jobs(json!([odd, {"name": "deploy", "conclusion": "failure"}]));
        assert_eq!(read[1].name, "deploy");
    }

    #[test]
    fn an_odd_step_hides_no_other_step() {
        let steps = json!([null, 7, {"name": null}, {"name": "x", "conclusion": "failure"}]);
        let read = jobs(json!([{"name": "a", "steps": steps}]));
        let names: Vec<_> = read[0].steps.iter().map(|step| step.name.as_str()).collect();
        assert_eq!(names, ["", "x"]);
    }

    #[test]
    fn the_last_execution_of_each_job_counts() {
        let step = |name: &str| json!([{"name": name, "conclusion": "success"}]);
        let all = jobs(json!([
            {"name": "build", "run_attempt": 1, "conclusion": "success", "steps": step("Build")},
            {"name": "lint", "run_attempt": 1, "conclusion": "success", "steps": step("Lint"),
             "completed_at": "2026-11-22T10:00:00Z"},
            {"name": "deploy", "run_attempt": 1, "conclusion": "failure", "steps": step("Old")},
            {"name": "lint", "run_attempt": 2, "conclusion": "success", "steps": [],
             "completed_at": "2026-11-22T10:00:00Z"},
            {"name": "deploy", "run_attempt": 2, "conclusion": "skipped", "steps": []},
            {"name": "deploy", "run_attempt": 3, "conclusion": "success", "steps": step("S3 sync")},
        ]));
        let last = last_executions(all);
        let shown: Vec<_> = last
            .iter()
            .map(|job| (job.name.as_str(), job.run_attempt, job.steps[0].name.as_str()))
            .collect();
        let expected = [
            ("build", Some(1), "Build"),
            ("lint", Some(2), "Lint"),
            ("deploy", Some(3), "S3 sync"),
        ];
        assert_eq!(shown, expected);
    }

    #[test]
    fn of_jobs_without_an_attempt_the_one_that_ended_last_counts() {
        let all = jobs(json!([
            {"name": "deploy", "conclusion": "failure", "completed_at": "2026-11-22T10:00:00Z"},
            {"name": "deploy", "conclusion": "success", "completed_at": "2026-11-22T11:00:00Z"},
            {"name": "build", "conclusion": "success", "completed_at": "2026-11-22T09:00:00Z"},
        ]));
        let listed = Jobs { jobs: all.clone(), is_whole: true };
        assert!(listed.shows_attempts_before(2));
        assert!(!Jobs { jobs: all[1..].to_vec(), is_whole: true }.shows_attempts_before(2));
        assert_eq!(last_executions(all.clone()), all[1..]);
    }

    #[test]
    fn jobs_of_one_name_and_no_attempt_are_all_kept() {
        let all = jobs(json!([{"name": "a"}, {"name": "a"}]));
        assert_eq!(last_executions(all.clone()), all);
    }
}
