//! Artifacts of a run.
//!
//! <https://docs.github.com/en/rest/actions/artifacts>

use bytes::Bytes;
use serde::Deserialize;

use super::client::Github;
use super::error::GithubError;
use super::list;
use super::pages::Part;
use super::repository::Repository;
use super::run::lenient;

/// An artifact's metadata.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Artifact {
    pub id: u64,
    #[serde(default, deserialize_with = "lenient")]
    pub name: Option<String>,
    /// Whether GitHub has deleted its archive.
    #[serde(default, deserialize_with = "lenient")]
    pub expired: Option<bool>,
    /// Size of the archive in bytes.
    #[serde(default, deserialize_with = "lenient")]
    pub size_in_bytes: Option<u64>,
}

/// What GitHub's list tells about an artifact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ArtifactLookup {
    Found(Artifact),
    /// The whole list was read, and it is not in it. It may come a moment later.
    None,
    /// Not seen, but the list is not whole.
    NotTold,
}

impl Github {
    /// The run's artifact with this name. If several attempts made one, the latest. The whole list is read:
    /// a filter by name is one more thing that can lag behind.
    pub(crate) async fn artifact(
        &self,
        repository: &Repository,
        run_id: u64,
        name: &str,
    ) -> Result<ArtifactLookup, GithubError> {
        let path = format!("/repos/{repository}/actions/runs/{run_id}/artifacts?");
        let path = path.as_str();
        let part: Part<Artifact> = list::all(|page| {
            Box::pin(async move {
                let answer = self.get(&format!("{path}{}", page.query()), None).await?;
                Part::parsed(&answer, page)
            })
        })
        .await?;
        let is_whole = part.unreadable == 0 && !part.goes_on && !part.lacks_items_after(0);
        let named = part.items.into_iter().filter(|a| a.name.as_deref() == Some(name));
        Ok(match named.max_by_key(|a| a.id) {
            Some(artifact) => ArtifactLookup::Found(artifact),
            None if is_whole => ArtifactLookup::None,
            None => ArtifactLookup::NotTold,
        })
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
