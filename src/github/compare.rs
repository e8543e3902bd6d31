//! What lies between two commits.
//!
//! <https://docs.github.com/en/rest/commits/commits#compare-two-commits>

use serde::Deserialize;
use serde_json::Value;

use super::client::Github;
use super::error::GithubError;
use super::repository::Repository;
use super::run::lenient;

/// Commits of one page. They come with the oldest first, so the newest are on the last page.
const PAGE: u64 = 100;

/// How a commit stands to another one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Comparison {
    /// `ahead`, `behind`, `diverged` or `identical`.
    #[serde(default, deserialize_with = "lenient")]
    pub status: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub ahead_by: Option<u64>,
    #[serde(default, deserialize_with = "lenient")]
    pub behind_by: Option<u64>,
    /// How many commits it has that the other one has not.
    #[serde(default, deserialize_with = "lenient")]
    pub total_commits: Option<u64>,
    #[serde(default, deserialize_with = "lenient")]
    pub html_url: Option<String>,
    /// The last of these commits, the oldest first.
    #[serde(default, deserialize_with = "commits")]
    pub commits: Vec<ComparedCommit>,
}

/// A commit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ComparedCommit {
    pub sha: String,
    pub message: String,
    /// Its author's login, or else the name in the commit.
    pub author: Option<String>,
}

/// The commits that can be read.
fn commits<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<ComparedCommit>, D::Error> {
    let all: Option<Vec<Value>> = lenient(deserializer)?;
    Ok(all.unwrap_or_default().iter().filter_map(commit).collect())
}

fn commit(commit: &Value) -> Option<ComparedCommit> {
    let text = |path: &str| commit.pointer(path).and_then(Value::as_str).map(str::to_owned);
    Some(ComparedCommit {
        sha: text("/sha")?,
        message: text("/commit/message").unwrap_or_default(),
        author: text("/author/login").or_else(|| text("/commit/author/name")),
    })
}

/// The last page of so many commits, in a size that leaves some for it.
fn last_page(total: u64) -> String {
    let leaves_some = |size: &u64| matches!(total % size, 0 | 5..);
    let size = (PAGE / 2..=PAGE).rev().find(leaves_some).unwrap_or(PAGE);
    format!("per_page={size}&page={}", total.div_ceil(size))
}

impl Github {
    /// How `head` stands to `base`: full hashes of commits. The commits are the newest, up to a page of them.
    pub(crate) async fn compare(
        &self,
        repository: &Repository,
        base: &str,
        head: &str,
    ) -> Result<Comparison, GithubError> {
        let path = format!("/repos/{repository}/compare/{base}...{head}?per_page={PAGE}");
        let mut compared: Comparison = self.get_detail_with_retry(&path).await?.json()?;
        let total = compared.total_commits.unwrap_or_default();
        if total > PAGE && compared.commits.len() as u64 <= PAGE {
            let last = format!("/repos/{repository}/compare/{base}...{head}?{}", last_page(total));
            let last = self.get_detail_with_retry(&last).await.and_then(|last| last.json());
            compared.commits = match last {
                Ok(Comparison { commits, .. }) => commits,
                Err(error) => {
                    tracing::debug!(%error, "the newest commits cannot be read");
                    Vec::new()
                }
            };
        }
        Ok(compared)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    #[rstest]
    #[case(200, "per_page=100&page=2")]
    #[case(150, "per_page=100&page=2")]
    #[case(101, "per_page=96&page=2")]
    #[case(301, "per_page=98&page=4")]
    fn the_last_page_holds_some_commits(#[case] total: u64, #[case] expected: &str) {
        assert_eq!(last_page(total), expected);
    }

    #[test]
    fn an_odd_field_hides_no_other() {
        let compared = json!({
            "status": "ahead", "ahead_by": "two", "total_commits": 3, "html_url": null,
            "commits": [null, {"sha": 5}, {"sha": "a"}, {"sha": "b", "author": null,
                "commit": {"message": "One\n\nTwo", "author": {"name": "Ada"}}}],
        });
        let compared: Comparison = serde_json::from_value(compared).unwrap();
        assert_eq!((compared.status.as_deref(), compared.ahead_by), (Some("ahead"), None));
        let bare = ComparedCommit { sha: "a".to_owned(), ..ComparedCommit::default() };
        let ada = ComparedCommit {
            sha: "b".to_owned(),
            message: "One\n\nTwo".to_owned(),
            author: Some("Ada".to_owned()),
        };
        assert_eq!(compared.commits, [bare, ada]);
    }
}
