//! Workflows.
//!
//! <https://docs.github.com/en/rest/actions/workflows#get-a-workflow>

use serde::Deserialize;
use serde_json::Value;

use super::client::Github;
use super::error::GithubError;
use super::list::PAGE;
use super::repository::Repository;

/// The most workflows of a repository that are listed: five times what Discord takes as commands.
pub(crate) const MOST_WORKFLOWS: usize = 500;

#[derive(Deserialize)]
struct Workflow {
    state: Option<String>,
}

/// A workflow in the list of a repository's workflows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedWorkflow {
    /// Its `name`.
    pub name: String,
    /// The file's name in `.github/workflows`.
    pub file: String,
    /// `active`, `disabled_manually`, …
    pub state: String,
}

impl Github {
    /// The workflows of a repository that are files in it, at most 500, and whether there are more.
    ///
    /// <https://docs.github.com/en/rest/actions/workflows#list-repository-workflows>
    pub async fn workflows(
        &self,
        repository: &Repository,
    ) -> Result<(Vec<ListedWorkflow>, bool), GithubError> {
        let path = format!("/repos/{repository}/actions/workflows");
        let (all, has_more) = self.items(&path, "workflows", MOST_WORKFLOWS / PAGE).await?;
        let listed = |one: &Value| {
            let text = |key: &str| one.get(key).and_then(Value::as_str);
            // GitHub's own workflows, such as that of Pages, are no files.
            let file = text("path")?.strip_prefix(".github/workflows/")?;
            Some(ListedWorkflow {
                name: text("name").unwrap_or(file).to_owned(),
                file: file.to_owned(),
                state: text("state").unwrap_or("active").to_owned(),
            })
        };
        Ok((all.iter().filter_map(listed).collect(), has_more))
    }

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
