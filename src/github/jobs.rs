//! Jobs of a run, and their steps.
//!
//! <https://docs.github.com/en/rest/actions/workflow-jobs#list-jobs-for-a-workflow-run>

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::client::Github;
use super::error::GithubError;
use super::repository::Repository;

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Job {
    pub name: String,
    /// `None` until it is completed.
    pub conclusion: Option<String>,
    /// In order.
    #[serde(default)]
    pub steps: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Step {
    pub name: String,
    /// `None` until it is completed.
    pub conclusion: Option<String>,
    pub started_at: Option<DateTime<Utc>>,
    pub completed_at: Option<DateTime<Utc>>,
}

#[derive(Deserialize)]
struct Page {
    jobs: Vec<Job>,
}

impl Github {
    /// The jobs of a run's latest attempt. The list may lag behind the run's completion.
    pub async fn jobs(
        &self,
        repository: &Repository,
        run_id: u64,
    ) -> Result<Vec<Job>, GithubError> {
        let path = format!("/repos/{repository}/actions/runs/{run_id}/jobs?per_page=100");
        let page: Page = self.get(&path, None).await?.json()?;
        Ok(page.jobs)
    }
}
