//! Reads workflow runs.
//!
//! <https://docs.github.com/en/rest/actions/workflow-runs>

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use http::{HeaderValue, StatusCode};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;
use url::form_urlencoded;

use super::client::{Github, GithubError};
use crate::config::Repository;

/// The largest page GitHub gives.
pub(super) const PAGE: usize = 100;
/// A filtered search ends at 1000 results.
pub(super) const MAX_PAGES: usize = 10;

/// The part of a workflow run that deploys look at. Status and conclusion are open strings: GitHub
/// adds values.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Run {
    /// The run's id.
    pub id: u64,
    /// The workflow's name or the run's, depending on the server.
    #[serde(default, deserialize_with = "lenient")]
    pub name: Option<String>,
    /// The run's name (`run-name`), or the commit's message.
    #[serde(default, deserialize_with = "lenient")]
    pub display_title: Option<String>,
    /// The run's number within its workflow.
    #[serde(default, deserialize_with = "lenient")]
    pub run_number: Option<u64>,
    /// What started it.
    #[serde(default, deserialize_with = "lenient")]
    pub event: Option<String>,
    /// `queued`, `in_progress`, `completed`, `waiting`, …
    #[serde(default, deserialize_with = "lenient")]
    pub status: Option<String>,
    /// Set when the run is completed.
    #[serde(default, deserialize_with = "lenient")]
    pub conclusion: Option<String>,
    /// The branch or tag.
    #[serde(default, deserialize_with = "lenient")]
    pub head_branch: Option<String>,
    /// Its workflow's file, like `.github/workflows/client-deploy.yml`.
    #[serde(default, deserialize_with = "lenient")]
    pub path: Option<String>,
    /// The run's page.
    #[serde(default, deserialize_with = "lenient")]
    pub html_url: Option<String>,
    /// When it was created, by GitHub's clock.
    #[serde(default, deserialize_with = "lenient")]
    pub created_at: Option<DateTime<Utc>>,
    /// When this attempt was started.
    #[serde(default, deserialize_with = "lenient")]
    pub run_started_at: Option<DateTime<Utc>>,
    /// When it last changed; of a completed run, when it ended.
    #[serde(default, deserialize_with = "lenient")]
    pub updated_at: Option<DateTime<Utc>>,
    /// Whose token or click started it.
    #[serde(default, deserialize_with = "lenient")]
    pub actor: Option<Account>,
    /// The commit that it is of.
    #[serde(default, deserialize_with = "lenient")]
    pub head_commit: Option<HeadCommit>,
}

/// A run's commit.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct HeadCommit {
    /// When it was committed.
    #[serde(default, deserialize_with = "lenient")]
    pub timestamp: Option<DateTime<Utc>>,
}

/// A GitHub account.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Account {
    /// Its login.
    pub login: String,
    /// `User` or `Bot`.
    #[serde(rename = "type", default, deserialize_with = "lenient")]
    pub kind: Option<String>,
}

impl Run {
    /// Whether it has ended.
    pub fn is_completed(&self) -> bool {
        self.status.as_deref() == Some("completed")
    }

    /// How long it has run; of a completed run, how long it took.
    pub fn duration(&self) -> Option<TimeDelta> {
        Some(self.updated_at? - self.run_started_at.or(self.created_at)?)
    }
}

/// A resource that is asked for again and again: while it is unchanged GitHub answers 304, which
/// costs no rate limit. <https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api#use-conditional-requests-if-appropriate>
#[derive(Debug, Default)]
pub struct Tag(Option<HeaderValue>);

/// A field that is not what the API describes counts as missing: one odd run must not hide the others.
fn lenient<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    let value = Value::deserialize(deserializer)?;
    Ok(serde_json::from_value(value).ok())
}

#[derive(Deserialize)]
pub(super) struct Page {
    #[serde(default, deserialize_with = "lenient")]
    pub(super) total_count: Option<usize>,
    workflow_runs: Vec<Box<RawValue>>,
}

impl Page {
    /// The runs of the page, without what has not even an id.
    pub(super) fn runs(self) -> impl Iterator<Item = Run> {
        self.workflow_runs.into_iter().filter_map(|run| serde_json::from_str(run.get()).ok())
    }
}

impl Github {
    /// Reads a run, or `None` if it has not changed since `tag` was last used.
    pub async fn run(
        &self,
        repository: &Repository,
        run_id: u64,
        tag: &mut Tag,
    ) -> Result<Option<Run>, GithubError> {
        let path = format!("/repos/{repository}/actions/runs/{run_id}");
        let answer = self.get(&path, tag.0.as_ref()).await?;
        if answer.status == StatusCode::NOT_MODIFIED {
            return Ok(None);
        }
        let run = answer.json()?;
        tag.0 = answer.etag;
        Ok(Some(run))
    }

    /// The newest runs of a workflow, by whatever started them.
    pub async fn latest_runs(
        &self,
        repository: &Repository,
        workflow: &str,
        count: usize,
    ) -> Result<Vec<Run>, GithubError> {
        let path =
            format!("/repos/{repository}/actions/workflows/{workflow}/runs?per_page={count}");
        let page: Page = self.get(&path, None).await?.json()?;
        Ok(page.runs().collect())
    }

    /// The newest run of a workflow on a branch that has ended.
    pub async fn latest_completed_run(
        &self,
        repository: &Repository,
        workflow: &str,
        branch: &str,
    ) -> Result<Option<Run>, GithubError> {
        let branch: String = form_urlencoded::byte_serialize(branch.as_bytes()).collect();
        let path = format!(
            "/repos/{repository}/actions/workflows/{workflow}/runs\
             ?branch={branch}&status=completed&per_page=1"
        );
        let page: Page = self.get(&path, None).await?.json()?;
        Ok(page.runs().next())
    }

    /// Lists the runs of a workflow that were dispatched, newest first. With `since` (GitHub's clock) all
    /// pages of the window that begins there and none beyond its edge, without it the newest page.
    pub async fn dispatched_runs(
        &self,
        repository: &Repository,
        workflow: &str,
        since: Option<DateTime<Utc>>,
    ) -> Result<Vec<Run>, GithubError> {
        let mut runs: Vec<Run> = Vec::new();
        let created = since.map(|since| {
            let range = format!(">={}", since.to_rfc3339_opts(SecondsFormat::Secs, true));
            let range: String = form_urlencoded::byte_serialize(range.as_bytes()).collect();
            format!("&created={range}")
        });
        let created = created.unwrap_or_default();
        for page in 1..=MAX_PAGES {
            let path = format!(
                "/repos/{repository}/actions/workflows/{workflow}/runs\
                 ?event=workflow_dispatch&per_page={PAGE}&page={page}{created}"
            );
            let answer = self.get(&path, None).await?;
            let found: Page = answer.json()?;
            let goes_on = answer.has_next || found.workflow_runs.len() >= PAGE;
            let mut edge = since.is_none();
            for run in found.runs() {
                edge |= run.created_at.zip(since).is_some_and(|(created, since)| created < since);
                // A run that is created between two pages pushes others to the next page.
                if !runs.iter().any(|known| known.id == run.id) {
                    runs.push(run);
                }
            }
            if edge || !goes_on {
                break;
            }
        }
        Ok(runs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_odd_run_does_not_hide_the_others() {
        let page = json!({"total_count": 3, "workflow_runs": [
            {"id": 1, "actor": {"login": null}, "created_at": "soon", "status": 5, "name": null},
            {"id": "none"},
            {"id": 2, "created_at": "2026-11-22T10:00:00Z", "actor": {"login": "ada", "type": "User"}},
        ]});
        let page: Page = serde_json::from_value(page).unwrap();
        let runs: Vec<_> = page.runs().collect();
        assert_eq!(runs.iter().map(|run| run.id).collect::<Vec<_>>(), [1, 2]);
        assert_eq!((&runs[0].actor, &runs[0].created_at), (&None, &None));
        assert!(runs[1].created_at.is_some());
    }
}
