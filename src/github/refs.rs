//! Branches and tags.
//!
//! <https://docs.github.com/en/rest/git/refs#list-matching-references>

use serde_json::Value;

use super::client::Github;
use super::error::GithubError;
use super::path::segments;
use super::repository::Repository;

impl Github {
    /// The names of branches and tags that start with `prefix`. An error if neither could be read.
    pub async fn matching_refs(
        &self,
        repository: &Repository,
        prefix: &str,
    ) -> Result<Vec<String>, GithubError> {
        // No ref name has these parts. In a URL they would lead to another path (path traversal), encoded or
        // not.
        if prefix.split('/').any(|part| matches!(part, "." | "..")) {
            return Ok(Vec::new());
        }
        let (branches, tags) = tokio::join!(
            self.refs_of(repository, "heads", prefix),
            self.refs_of(repository, "tags", prefix)
        );
        match (branches, tags) {
            (Ok(branches), Ok(tags)) => Ok(branches.into_iter().chain(tags).collect()),
            (Ok(some), Err(error)) | (Err(error), Ok(some)) => {
                tracing::warn!(%error, "only branches or only tags could be read");
                Ok(some)
            }
            (Err(error), Err(_)) => Err(error),
        }
    }

    async fn refs_of(
        &self,
        repository: &Repository,
        kind: &str,
        prefix: &str,
    ) -> Result<Vec<String>, GithubError> {
        let prefix =
            if prefix.is_empty() { String::new() } else { format!("/{}", segments(prefix)) };
        let path = format!("/repos/{repository}/git/matching-refs/{kind}{prefix}");
        let refs: Vec<Value> = self.get_with_retry(&path).await?.json()?;
        let start = format!("refs/{kind}/");
        // Each by itself, so one odd item does not hide the others.
        let names = refs.iter().filter_map(|item| item.get("ref")?.as_str()?.strip_prefix(&start));
        Ok(names.map(str::to_owned).collect())
    }
}
