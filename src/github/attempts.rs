//! The attempts of a run before its latest.
//!
//! <https://docs.github.com/en/rest/actions/workflow-runs#get-a-workflow-run-attempt>

use super::client::Github;
use super::error::GithubError;
use super::repository::Repository;
use super::run::Run;

impl Github {
    /// A run as it was in one of its attempts, the first is 1.
    pub async fn attempt(
        &self,
        repository: &Repository,
        run_id: u64,
        attempt: u64,
    ) -> Result<Run, GithubError> {
        let path = format!("/repos/{repository}/actions/runs/{run_id}/attempts/{attempt}");
        self.get(&path, None).await?.json()
    }
}
