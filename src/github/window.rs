//! All runs of a workflow that were created in a span of time, read as fast as GitHub allows.
//!
//! <https://docs.github.com/en/rest/actions/workflow-runs#list-workflow-runs-for-a-workflow>
//!
//! The first page of a span tells how many runs there are, so the other pages are asked for at once. A
//! filtered search ends at 1000 results; a span with more is cut into shorter ones.

use std::sync::Arc;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use chrono::{DateTime, SecondsFormat, Utc};
use futures_util::future::try_join_all;
use http::StatusCode;
use tokio::sync::Semaphore;
use url::form_urlencoded;

use super::client::Github;
use super::error::GithubError;
use super::pages::Part;
use super::repository::Repository;
use super::run::{Page, Run};
use super::runs::{MAX_PAGES, PAGE};
use futures_util::future::BoxFuture;

/// Where a filtered search ends.
const SEARCH_ENDS_AT: usize = PAGE * MAX_PAGES;

/// A span that is cut is cut into pieces that would hold so many if runs came evenly.
const PIECE: usize = 700;

/// The runs of a span.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Each once, in no order.
    pub runs: Vec<Run>,
    /// How many more there are that GitHub does not list: over 1000 within one second.
    pub left_out: usize,
}

/// A span of whole seconds, the end not in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Its first second.
    pub from: DateTime<Utc>,
    /// The first second after it.
    pub to: DateTime<Utc>,
}

/// Whose runs are read, and by how many calls at once.
#[derive(Clone, Copy)]
pub struct Reading<'a> {
    /// The repository.
    pub repository: &'a Repository,
    /// The workflow's file.
    pub workflow: &'a str,
    /// One permit a call.
    pub calls: &'a Semaphore,
}

impl Github {
    /// The runs that were created in this span, whatever started them.
    pub fn runs_between<'a>(
        &'a self,
        reading: Reading<'a>,
        span: Span,
    ) -> BoxFuture<'a, Result<Listed, GithubError>> {
        Box::pin(async move {
            if span.seconds() == 0 {
                return Ok(Listed::default());
            }
            let first = self.page(reading, span, 1).await?;
            let pieces = span.pieces(first.total);
            if pieces.len() > 1 {
                let read = pieces.into_iter().map(|piece| self.runs_between(reading, piece));
                return Ok(Listed::joined(try_join_all(read).await?));
            }
            let reachable = first.total.min(SEARCH_ENDS_AT);
            let others = 2..=reachable.div_ceil(PAGE);
            let others = others.map(|number| self.page(reading, span, number));
            let others = try_join_all(others).await?;
            let runs = [first.clone()].iter().chain(&others).flat_map(|p| p.runs.clone()).collect();
            let left_out = first.total.saturating_sub(SEARCH_ENDS_AT);
            Ok(Listed::joined(vec![Listed { runs, left_out }]))
        })
    }

    /// One page. The one place where reading a list is tried again: once, after a broken connection or
    /// a fault of GitHub.
    async fn page(
        &self,
        reading: Reading<'_>,
        span: Span,
        number: usize,
    ) -> Result<Arc<Part>, GithubError> {
        let Reading { repository, workflow, calls } = reading;
        let created = form_urlencoded::byte_serialize(span.query().as_bytes()).collect::<String>();
        let path = format!(
            "/repos/{repository}/actions/workflows/{workflow}/runs\
             ?per_page={PAGE}&page={number}&created={created}"
        );
        let pace =
            ExponentialBuilder::new().with_min_delay(Duration::from_millis(250)).with_max_times(1);
        (|| async {
            // It is never closed.
            let _permit = calls.acquire().await.ok();
            self.remembered(&path).await
        })
        .retry(pace)
        .when(GithubError::is_passing)
        .await
    }

    async fn remembered(&self, path: &str) -> Result<Arc<Part>, GithubError> {
        let known = self.pages.get(path);
        let answer = self.get(path, known.as_ref().map(|(tag, _)| tag)).await?;
        if let (StatusCode::NOT_MODIFIED, Some((_, part))) = (answer.status, known) {
            return Ok(part);
        }
        let page: Page = answer.json()?;
        let total = page.total_count;
        let runs: Vec<Run> = page.runs().collect();
        let part = Arc::new(Part { total: total.unwrap_or(runs.len()), runs });
        if let Some(tag) = answer.etag {
            self.pages.put(path, tag, part.clone());
        }
        Ok(part)
    }
}

impl Listed {
    /// One list of several. A run that came twice, because something moved between two pages, is in it
    /// once.
    pub fn joined(lists: Vec<Self>) -> Self {
        let left_out = lists.iter().map(|list| list.left_out).sum();
        let mut runs: Vec<Run> = lists.into_iter().flat_map(|list| list.runs).collect();
        runs.sort_by_key(|run| run.id);
        runs.dedup_by_key(|run| run.id);
        Self { runs, left_out }
    }
}

impl Span {
    fn seconds(self) -> i64 {
        (self.to - self.from).num_seconds().max(0)
    }

    /// As GitHub takes it, where both ends are in the range.
    fn query(self) -> String {
        let stamp = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Secs, true);
        let last = self.to - chrono::TimeDelta::seconds(1);
        format!("{}..{}", stamp(self.from), stamp(last))
    }

    /// The spans to ask for instead, if this many runs are too many for one search.
    fn pieces(self, runs: usize) -> Vec<Self> {
        let seconds = self.seconds();
        if runs <= SEARCH_ENDS_AT || seconds < 2 {
            return vec![self];
        }
        let count = i64::try_from(runs.div_ceil(PIECE)).unwrap_or(i64::MAX).min(seconds);
        let edge = |piece: i64| {
            let offset = i128::from(seconds) * i128::from(piece) / i128::from(count.max(1));
            self.from + chrono::TimeDelta::seconds(i64::try_from(offset).unwrap_or(seconds))
        };
        (0..count).map(|piece| Self { from: edge(piece), to: edge(piece + 1) }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn span(seconds: i64) -> Span {
        let from = DateTime::from_timestamp(1_795_341_600, 0).unwrap();
        Span { from, to: from + chrono::TimeDelta::seconds(seconds) }
    }

    #[test]
    fn the_end_is_not_in_the_span() {
        assert_eq!(span(60).query(), "2026-11-22T10:00:00Z..2026-11-22T10:00:59Z");
        assert_eq!(span(1).query(), "2026-11-22T10:00:00Z..2026-11-22T10:00:00Z");
    }

    #[test]
    fn a_second_cannot_be_cut() {
        assert_eq!(span(1).pieces(5000), [span(1)]);
        assert_eq!(span(9).pieces(1000), [span(9)]);
        assert_eq!(span(9).pieces(1001).len(), 2);
    }

    proptest! {
        #[test]
        fn pieces_cover_the_span_without_gap_or_overlap(seconds in 1i64..2_000_000, runs in 0usize..100_000) {
            let whole = span(seconds);
            let pieces = whole.pieces(runs);
            prop_assert_eq!(pieces.first().map(|p| p.from), Some(whole.from));
            prop_assert_eq!(pieces.last().map(|p| p.to), Some(whole.to));
            prop_assert!(pieces.windows(2).all(|pair| pair[0].to == pair[1].from));
            prop_assert!(pieces.iter().all(|piece| piece.seconds() > 0));
            prop_assert!(pieces.len() == 1 || pieces.iter().all(|p| p.seconds() < whole.seconds()));
        }
    }
}
