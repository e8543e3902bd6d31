//! Artifacts of a run.
//!
//! <https://docs.github.com/en/rest/actions/artifacts>

use bytes::Bytes;
use serde::Deserialize;

use super::client::Github;
use super::error::GithubError;
use super::repository::Repository;

/// An artifact's metadata.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Artifact {
    pub id: u64,
    pub name: String,
    /// Whether GitHub has deleted its archive.
    #[serde(default)]
    pub expired: bool,
    /// Size of the archive in bytes.
    #[serde(default)]
    pub size_in_bytes: u64,
}

#[derive(Deserialize)]
struct Page {
    artifacts: Vec<Artifact>,
}

impl Github {
    /// The run's artifact with this name. If several attempts made one, the latest.
    pub async fn artifact(
        &self,
        repository: &Repository,
        run_id: u64,
        name: &str,
    ) -> Result<Option<Artifact>, GithubError> {
        let path =
            format!("/repos/{repository}/actions/runs/{run_id}/artifacts?name={name}&per_page=100");
        let page: Page = self.get(&path, None).await?.json()?;
        Ok(page.artifacts.into_iter().filter(|a| a.name == name).max_by_key(|a| a.id))
    }

    /// Downloads an artifact's archive, a zip.
    pub async fn download(
        &self,
        repository: &Repository,
        artifact: &Artifact,
    ) -> Result<Bytes, GithubError> {
        self.get_elsewhere(&format!("/repos/{repository}/actions/artifacts/{}/zip", artifact.id))
            .await
    }
}
