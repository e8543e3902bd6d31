//! Reads all runs of a workflow that were created in a time span, with concurrent requests.
//!
//! <https://docs.github.com/en/rest/actions/workflow-runs#list-workflow-runs-for-a-workflow>
//!
//! The first page gives the total count, so all other pages are requested at once. GitHub returns at most
//! 1000 results of a filtered search, so a span with more is split into shorter ones.

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

/// The most results of one filtered search.
const SEARCH_ENDS_AT: usize = PAGE * MAX_PAGES;

/// Split a span so that each piece would hold this many runs if they came evenly.
const PIECE: usize = 700;

/// The runs of a span.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Each run once, in no order.
    pub runs: Vec<Run>,
    /// Number of runs that GitHub does not list: those beyond 1000 within one second.
    pub left_out: usize,
}

/// A half-open time span in whole seconds: `to` is not in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The first second.
    pub from: DateTime<Utc>,
    /// The first second after the span.
    pub to: DateTime<Utc>,
}

/// Which runs to read, and how many requests at once.
#[derive(Clone, Copy)]
pub struct Reading<'a> {
    /// The workflow's repository.
    pub repository: &'a Repository,
    /// The workflow's file name.
    pub workflow: &'a str,
    /// One permit per request.
    pub calls: &'a Semaphore,
}

impl Github {
    /// The runs created in this span, of any event.
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

    /// Reads one page. The only retry of list requests: once, after a broken connection or a server error.
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
            // The semaphore is never closed, so this cannot fail.
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
    /// Merges lists. A run that appears twice is kept once: it may move to another page between two requests.
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

    /// GitHub's range syntax. It includes both ends.
    fn query(self) -> String {
        let stamp = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Secs, true);
        let last = self.to - chrono::TimeDelta::seconds(1);
        format!("{}..{}", stamp(self.from), stamp(last))
    }

    /// Splits the span if one search cannot return this many runs.
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
    fn the_query_excludes_the_spans_end() {
        assert_eq!(span(60).query(), "2026-11-22T10:00:00Z..2026-11-22T10:00:59Z");
        assert_eq!(span(1).query(), "2026-11-22T10:00:00Z..2026-11-22T10:00:00Z");
    }

    #[test]
    fn a_span_of_one_second_is_not_split() {
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
