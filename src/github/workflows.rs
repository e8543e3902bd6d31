//! Workflows.
//!
//! <https://docs.github.com/en/rest/actions/workflows#get-a-workflow>

use serde::Deserialize;

use super::client::Github;
use super::error::GithubError;
use super::repository::Repository;

#[derive(Deserialize)]
struct Workflow {
    state: Option<String>,
}

impl Github {
    /// A workflow's state: `active`, `disabled_manually`, `disabled_inactivity`, …
    pub async fn workflow_state(
        &self,
        repository: &Repository,
        file: &str,
    ) -> Result<String, GithubError> {
        let path = format!("/repos/{repository}/actions/workflows/{file}");
        let workflow: Workflow = self.get_with_retry(&path).await?.json()?;
        Ok(workflow.state.unwrap_or_else(|| "active".to_owned()))
    }
}
