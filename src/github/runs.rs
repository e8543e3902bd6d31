//! Reads workflow runs.
//!
//! <https://docs.github.com/en/rest/actions/workflow-runs>

use chrono::{DateTime, SecondsFormat, Utc};
use http::{HeaderValue, StatusCode};
use serde::Deserialize;
use url::form_urlencoded;

use super::client::{Github, GithubError};
use crate::config::Repository;

/// The largest page GitHub gives.
const PAGE: usize = 100;
/// A filtered search ends at 1000 results.
const MAX_PAGES: usize = 10;

/// The part of a workflow run that deploys look at. Status and conclusion are open strings: GitHub
/// adds values.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Run {
    /// The run's id.
    pub id: u64,
    /// The workflow's name or the run's, depending on the server.
    pub name: Option<String>,
    /// The run's name (`run-name`), or the commit's message.
    pub display_title: Option<String>,
    /// The run's number within its workflow.
    pub run_number: Option<u64>,
    /// What started it.
    pub event: Option<String>,
    /// `queued`, `in_progress`, `completed`, `waiting`, …
    pub status: Option<String>,
    /// Set when the run is completed.
    pub conclusion: Option<String>,
    /// The branch or tag.
    pub head_branch: Option<String>,
    /// The run's page.
    pub html_url: Option<String>,
    /// When it was created, by GitHub's clock.
    pub created_at: Option<DateTime<Utc>>,
    /// When this attempt was started.
    pub run_started_at: Option<DateTime<Utc>>,
    /// When it last changed; of a completed run, when it ended.
    pub updated_at: Option<DateTime<Utc>>,
    /// Whose token or click started it.
    pub actor: Option<Account>,
}

/// A GitHub account.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Account {
    /// Its login.
    pub login: String,
    /// `User` or `Bot`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
}

impl Run {
    /// Whether it has ended.
    pub fn is_completed(&self) -> bool {
        self.status.as_deref() == Some("completed")
    }
}

/// A resource that is asked for again and again: while it is unchanged GitHub answers 304, which
/// costs no rate limit. <https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api#use-conditional-requests-if-appropriate>
#[derive(Debug, Default)]
pub struct Tag(Option<HeaderValue>);

#[derive(Deserialize)]
struct Page {
    workflow_runs: Vec<Run>,
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

    /// Lists the runs of a workflow that were dispatched at `since` (GitHub's clock) or later, newest
    /// first: all pages of that window and none beyond its edge. Without `since`, the newest page.
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
            let found: Page = self.get(&path, None).await?.json()?;
            let full = found.workflow_runs.len() >= PAGE;
            let inside =
                |run: &Run| since.is_none_or(|since| run.created_at.is_none_or(|at| at >= since));
            let edge = found.workflow_runs.iter().any(|run| !inside(run));
            runs.extend(found.workflow_runs.into_iter().filter(inside));
            if edge || !full || since.is_none() {
                break;
            }
        }
        Ok(runs)
    }
}
