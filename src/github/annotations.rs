//! What a job says about its failure: the annotations of its check run, which has the job's id.
//!
//! <https://docs.github.com/en/rest/checks/runs#list-check-run-annotations>

use serde::Deserialize;
use serde_json::Value;

use super::client::Github;
use super::error::GithubError;
use super::repository::Repository;
use super::run::lenient;

/// An annotation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Annotation {
    /// `notice`, `warning` or `failure`.
    #[serde(default, deserialize_with = "lenient")]
    pub annotation_level: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub title: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub message: Option<String>,
    /// The file that it is about; `.github` if it is about none.
    #[serde(default, deserialize_with = "lenient")]
    pub path: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub start_line: Option<u64>,
}

impl Github {
    /// The annotations of a job: the first hundred, GitHub keeps 50 of a job.
    pub(crate) async fn annotations(
        &self,
        repository: &Repository,
        job_id: u64,
    ) -> Result<Vec<Annotation>, GithubError> {
        let path = format!("/repos/{repository}/check-runs/{job_id}/annotations?per_page=100");
        let all: Vec<Value> = self.get_detail_with_retry(&path).await?.json()?;
        Ok(all.into_iter().filter_map(|one| serde_json::from_value(one).ok()).collect())
    }
}
