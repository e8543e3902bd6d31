//! Reads workflow runs.
//!
//! <https://docs.github.com/en/rest/actions/workflow-runs>

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use http::{HeaderValue, StatusCode};
use tokio::time::sleep;
use url::form_urlencoded;

use super::client::Github;
use super::error::GithubError;
use super::list::{self, MAX_PAGES, PageNumber};
use super::pages::Part;
use super::repository::Repository;
use super::run::Run;

/// How many of the newest runs are looked at before GitHub's filters, which can lag behind for minutes.
const NEWEST: usize = 30;

/// How many successful runs are read to tell what was deployed before.
const SUCCESSES: usize = 50;

/// The pause before a list that does not show its runs is asked for once more.
const SECOND_LOOK_AFTER: Duration = Duration::from_secs(1);

/// The most pages that are read to find a run by its number.
const MOST_PAGES_BY_NUMBER: usize = 8;

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
        let mut run = answer.json()?;
        tag.0 = answer.etag;
        self.learn_gates(repository, &mut run).await;
        Ok(Some(run))
    }

    /// The newest runs of a workflow, of any event. A list that does not show the runs that it has is asked for
    /// twice, and then is an error.
    pub async fn latest_runs(
        &self,
        repository: &Repository,
        workflow: &str,
        count: usize,
    ) -> Result<Vec<Run>, GithubError> {
        Ok(self.latest_page(repository, workflow, count).await?.items)
    }

    /// As [`Github::latest_runs`], with the number of those that could not be parsed.
    pub(crate) async fn latest_page(
        &self,
        repository: &Repository,
        workflow: &str,
        count: usize,
    ) -> Result<Part<Run>, GithubError> {
        let first = PageNumber::first(count);
        let part = self.runs_page(repository, workflow, "", first).await?;
        if let Ok(part) = part.told() {
            return Ok(part);
        }
        sleep(SECOND_LOOK_AFTER).await;
        self.runs_page(repository, workflow, "", first).await?.told()
    }

    /// The newest runs of a workflow, for a search that looks again anyway.
    pub(crate) async fn newest_page(
        &self,
        repository: &Repository,
        workflow: &str,
    ) -> Result<Vec<Run>, GithubError> {
        Ok(self.unfiltered_page(repository, workflow, NEWEST, 1).await?.items)
    }

    /// A page of a workflow's runs, newest first, without a filter.
    pub(crate) async fn unfiltered_page(
        &self,
        repository: &Repository,
        workflow: &str,
        size: usize,
        number: usize,
    ) -> Result<Part<Run>, GithubError> {
        let page = PageNumber { size, number };
        self.runs_page(repository, workflow, "", page).await?.told()
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
            format!("created={range}&")
        });
        let filter = format!("event=workflow_dispatch&{}", created.unwrap_or_default());
        for number in 1..=MAX_PAGES {
            let page = PageNumber::of_largest(number);
            let part = self.runs_page(repository, workflow, &filter, page).await?;
            let mut edge = since.is_none();
            for run in part.items {
                edge |= run.created_at.zip(since).is_some_and(|(created, since)| created < since);
                // A run created between two requests pushes others to the next page, so they appear twice.
                if !runs.iter().any(|known| known.id == run.id) {
                    runs.push(run);
                }
            }
            if edge || !part.goes_on {
                break;
            }
        }
        Ok(runs)
    }

    /// The latest dispatched runs of a workflow on a branch or tag that succeeded, newest first: one page, as far as
    /// GitHub's filters tell.
    pub(crate) async fn successful_dispatches(
        &self,
        repository: &Repository,
        workflow: &str,
        branch: &str,
    ) -> Result<Vec<Run>, GithubError> {
        let branch: String = form_urlencoded::byte_serialize(branch.as_bytes()).collect();
        let filter = format!("event=workflow_dispatch&status=success&branch={branch}&");
        let page = PageNumber::first(SUCCESSES);
        Ok(self.runs_page(repository, workflow, &filter, page).await?.items)
    }

    /// The latest completed runs of a workflow on a branch, of any event, newest first.
    pub(crate) async fn completed_runs(
        &self,
        repository: &Repository,
        workflow: &str,
        branch: &str,
        count: usize,
    ) -> Result<Vec<Run>, GithubError> {
        let branch: String = form_urlencoded::byte_serialize(branch.as_bytes()).collect();
        let filter = format!("status=completed&branch={branch}&");
        let page = PageNumber::first(count);
        Ok(self.runs_page(repository, workflow, &filter, page).await?.items)
    }

    /// The run of a workflow with this number. GitHub has no filter for it. Numbers count up by one, so the
    /// newest number tells the page, or a later one than the right one if runs were deleted. An error if the
    /// lists do not tell whether there is such a run.
    pub(super) async fn numbered_run(
        &self,
        repository: &Repository,
        workflow: &str,
        number: u64,
    ) -> Result<Option<Run>, GithubError> {
        let Part { items: newest, unreadable, .. } =
            self.latest_page(repository, workflow, NEWEST).await?;
        let lost = || GithubError::Lost("a list that does not show all its runs".to_owned());
        let none = |all_seen: bool| if all_seen { Ok(None) } else { Err(lost()) };
        let mut all_seen = unreadable == 0;
        let last = newest.iter().filter_map(|run| run.run_number).max();
        let is_it = |run: &Run| run.run_number == Some(number);
        if let Some(run) = newest.into_iter().find(|run| is_it(run)) {
            return Ok(Some(run));
        }
        let Some(back) = last.and_then(|last| last.checked_sub(number)) else {
            return none(all_seen);
        };
        let back = usize::try_from(back).unwrap_or(usize::MAX);
        let (mut first, mut last) = (1, back / list::PAGE + 1);
        for look in 0..MOST_PAGES_BY_NUMBER {
            // Few runs are deleted, so the right page is mostly the last possible one or the one before.
            let at = if look < 2 { last } else { first + (last - first) / 2 };
            let page = PageNumber::of_largest(at);
            let part = self.runs_page(repository, workflow, "", page).await?;
            if let Some(run) = part.items.iter().find(|run| is_it(run)) {
                return Ok(Some(run.clone()));
            }
            all_seen &= part.unreadable == 0 && !part.lacks_items_after((at - 1) * list::PAGE);
            let numbers = || part.items.iter().filter_map(|run| run.run_number);
            match (numbers().max(), numbers().min()) {
                (Some(_), Some(least)) if least > number => first = at + 1,
                (Some(most), _) if most > number => return none(all_seen),
                _ => last = at - 1,
            }
            if first > last {
                return none(all_seen);
            }
        }
        Err(lost())
    }

    /// A page of a workflow's runs. `filter` is empty or ends in `&`.
    pub(super) async fn runs_page(
        &self,
        repository: &Repository,
        workflow: &str,
        filter: &str,
        page: PageNumber,
    ) -> Result<Part<Run>, GithubError> {
        let path = format!("/repos/{repository}/actions/workflows/{workflow}/runs?{filter}");
        let path = path.as_str();
        list::page(page, |page| Box::pin(async move { self.remembered_page(path, page).await }))
            .await
    }

    /// Reads a page, or takes it from the cache if GitHub says that it is unchanged. `path` ends in `?` or
    /// `&`.
    pub(super) async fn remembered_page(
        &self,
        path: &str,
        page: PageNumber,
    ) -> Result<Part<Run>, GithubError> {
        let path = format!("{path}{}", page.query());
        let known = self.pages.get(&path);
        let answer = self.get(&path, known.as_ref().map(|(tag, _)| tag)).await?;
        if let (StatusCode::NOT_MODIFIED, Some((_, part))) = (answer.status, known) {
            return Ok(Part::clone(&part));
        }
        let part = Part::parsed(&answer, page)?;
        if let Some(tag) = answer.etag {
            self.pages.put(&path, tag, Arc::new(part.clone()));
        }
        Ok(part)
    }
}

impl Part<Run> {
    /// An error if it shows no runs although it has some.
    fn told(self) -> Result<Self, GithubError> {
        if self.items.is_empty() && (self.unreadable > 0 || self.contradicts_itself()) {
            return Err(GithubError::Lost("a list that does not show its runs".to_owned()));
        }
        Ok(self)
    }
}
