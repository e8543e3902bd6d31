//! Reads workflow runs.
//!
//! <https://docs.github.com/en/rest/actions/workflow-runs>

use chrono::{DateTime, SecondsFormat, Utc};
use http::{HeaderValue, StatusCode};
use url::form_urlencoded;

use super::client::Github;
use super::error::GithubError;
use super::repository::Repository;
use super::run::{Page, Run};

/// The largest page GitHub gives.
pub(super) const PAGE: usize = 100;
/// GitHub returns at most 1000 results of a filtered search.
pub(super) const MAX_PAGES: usize = 10;

/// A run that is polled with conditional requests: while it is unchanged GitHub answers 304, which costs no
/// rate limit.
/// <https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api#use-conditional-requests-if-appropriate>
#[derive(Debug, Default)]
pub struct Tag(Option<HeaderValue>);

impl Github {
    /// Reads a run; `None` if it has not changed since the last read with `tag`.
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

    /// The newest runs of a workflow, of any event.
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

    /// The newest completed run of a workflow on a branch.
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

    /// The dispatched runs of a workflow, newest first. With `since` (GitHub's clock): every page of the runs
    /// created since then. Without: only the newest page.
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
                // A run created between two requests pushes others to the next page, so they appear twice.
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
