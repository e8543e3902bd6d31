//! How reviewers have decided about the deployments of a run.
//!
//! <https://docs.github.com/en/rest/actions/workflow-runs#get-the-review-history-for-a-workflow-run>

use serde::Deserialize;
use serde_json::Value;

use super::client::Github;
use super::error::GithubError;
use super::repository::Repository;
use super::run::lenient;

/// A decision of a reviewer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Review {
    /// `approved` or `rejected`.
    #[serde(default, deserialize_with = "lenient")]
    pub state: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub comment: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    user: Option<User>,
    #[serde(default, deserialize_with = "lenient")]
    environments: Option<Vec<Value>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct User {
    login: String,
}

impl Review {
    /// The reviewer's login.
    pub(crate) fn by(&self) -> Option<&str> {
        self.user.as_ref().map(|user| user.login.as_str())
    }

    /// The environments that it is about.
    pub(crate) fn environments(&self) -> impl Iterator<Item = &str> {
        let all = self.environments.iter().flatten();
        all.filter_map(|environment| environment.get("name")?.as_str())
    }

    pub(crate) fn is_rejected(&self) -> bool {
        self.state.as_deref() == Some("rejected")
    }
}

impl Github {
    /// The decisions about a run, of all its attempts. GitHub does not tell when they were made.
    pub(crate) async fn reviews(
        &self,
        repository: &Repository,
        run_id: u64,
    ) -> Result<Vec<Review>, GithubError> {
        let path = format!("/repos/{repository}/actions/runs/{run_id}/approvals");
        let all: Vec<Value> = self.get_detail_with_retry(&path).await?.json()?;
        Ok(all.into_iter().filter_map(|one| serde_json::from_value(one).ok()).collect())
    }
}
