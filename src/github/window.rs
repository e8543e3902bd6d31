//! Reads all runs of a workflow that were created in a time span.
//!
//! <https://docs.github.com/en/rest/actions/workflow-runs#list-workflow-runs-for-a-workflow>
//!
//! GitHub's filters can lag behind for minutes, the list without a filter does not. So its newest page is read
//! first. If it reaches back far enough, that is all. Else the spans that it does not cover are read with the
//! filter `created`, with concurrent requests: the first page gives the total count, so all other pages are
//! requested at once. GitHub returns at most 1000 results of a filtered search, so a span with more is split
//! into shorter ones. If the filtered lists lack runs of the newest page, the list without a filter is read on.

use std::collections::HashSet;

use chrono::{DateTime, SecondsFormat, Utc};
use futures_util::future::{BoxFuture, try_join_all};
use tokio::sync::Semaphore;
use url::form_urlencoded;

use super::client::Github;
use super::error::GithubError;
use super::list::{self, MAX_PAGES, PAGE, PageNumber};
use super::pages::Part;
use super::repository::Repository;
use super::run::Run;

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
    /// Number of runs that could not be parsed.
    pub unreadable: usize,
    /// Whether more runs may be missing: GitHub's lists do not agree, or one of them could not be read.
    pub is_unsure: bool,
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
    /// The runs created in these spans, of any event. The spans follow each other, the oldest first.
    pub async fn runs_in(
        &self,
        reading: Reading<'_>,
        spans: &[Span],
    ) -> Result<Listed, GithubError> {
        let Some(from) = spans.first().map(|span| span.from) else {
            return Ok(Listed::default());
        };
        let newest = match self.newest_part(reading, 1).await {
            // An empty list may lag behind, so it is not the end of the search.
            Ok(part) if part.shows_all_since(from) => return Ok(part.into()),
            Ok(part) => Some(part),
            Err(error) if error.is_passing() => None,
            Err(error) => return Err(error),
        };
        let covered = newest.as_ref().and_then(Part::oldest);
        let left = spans.iter().filter(|span| covered.is_none_or(|oldest| oldest >= span.from));
        let filtered = left.map(|span| self.runs_between(reading, *span));
        let filtered = try_join_all(filtered).await.map(Listed::joined);
        match (newest, filtered) {
            // Nothing to compare with.
            (None, Ok(listed)) => Ok(Listed { is_unsure: true, ..listed }),
            (Some(part), Ok(listed)) => self.completed(reading, from, part, listed).await,
            (Some(part), Err(error)) if error.is_passing() => {
                let listed = self.completed(reading, from, part, Listed::default()).await?;
                if listed.is_unsure { Err(error) } else { Ok(listed) }
            }
            (_, Err(error)) => Err(error),
        }
    }

    /// Adds to `listed` what the list without a filter has besides. Reads it on, from its newest page, while
    /// it shows runs that are not known.
    async fn completed(
        &self,
        reading: Reading<'_>,
        from: DateTime<Utc>,
        newest: Part<Run>,
        listed: Listed,
    ) -> Result<Listed, GithubError> {
        let known: HashSet<u64> = listed.runs.iter().map(|run| run.id).collect();
        let lacks = |part: &Part<Run>| {
            let inside = |run: &&Run| run.created_at.is_some_and(|created| created >= from);
            part.items.iter().filter(inside).any(|run| !known.contains(&run.id))
        };
        let shows_none = newest.lacks_items_after(0) && known.is_empty();
        // What the newest page covers was perhaps not asked for with a filter, but its last run was.
        let ends_unknown = newest.items.last().is_some_and(|last| !known.contains(&last.id));
        let mut goes_on = ends_unknown && !newest.reaches(from);
        let mut parts = vec![Listed::from(newest)];
        for number in 2..=MAX_PAGES {
            if !goes_on {
                break;
            }
            match self.newest_part(reading, number).await {
                Ok(part) => {
                    goes_on = lacks(&part) && !part.reaches(from);
                    parts.push(part.into());
                }
                Err(error) if error.is_passing() => break,
                Err(error) => return Err(error),
            }
        }
        let unfiltered = Listed::joined(parts);
        // Both lists have the same runs, so also the same unreadable ones.
        let unreadable = listed.unreadable.max(unfiltered.unreadable);
        let listed = Listed::joined(vec![listed, unfiltered]);
        let is_unsure = listed.is_unsure || goes_on || shows_none;
        Ok(Listed { is_unsure, unreadable, ..listed })
    }

    /// The runs created in this span, of any event, as GitHub's filter shows them.
    pub fn runs_between<'a>(
        &'a self,
        reading: Reading<'a>,
        span: Span,
    ) -> BoxFuture<'a, Result<Listed, GithubError>> {
        Box::pin(async move {
            if span.seconds() == 0 {
                return Ok(Listed::default());
            }
            let created: String =
                form_urlencoded::byte_serialize(span.query().as_bytes()).collect();
            let filter = format!("created={created}&");
            let first = self.window_page(reading, &filter, 1).await?;
            let total = first.total.unwrap_or(first.items.len());
            let pieces = span.pieces(total);
            if pieces.len() > 1 {
                let read = pieces.into_iter().map(|piece| self.runs_between(reading, piece));
                return Ok(Listed::joined(try_join_all(read).await?));
            }
            let reachable = total.min(SEARCH_ENDS_AT);
            let others = 2..=reachable.div_ceil(PAGE);
            let others = others.map(|number| self.window_page(reading, &filter, number));
            let others = try_join_all(others).await?;
            let lists = [first].into_iter().chain(others).map(Listed::from).collect();
            let listed = Listed::joined(lists);
            let is_unsure = listed.runs.len() + listed.unreadable < reachable;
            let left_out = total.saturating_sub(SEARCH_ENDS_AT);
            Ok(Listed { left_out, is_unsure, ..listed })
        })
    }

    async fn newest_part(
        &self,
        reading: Reading<'_>,
        number: usize,
    ) -> Result<Part<Run>, GithubError> {
        self.window_page(reading, "", number).await
    }

    /// Reads one page, with a permit for each request.
    async fn window_page(
        &self,
        reading: Reading<'_>,
        filter: &str,
        number: usize,
    ) -> Result<Part<Run>, GithubError> {
        let Reading { repository, workflow, calls } = reading;
        let path = format!("/repos/{repository}/actions/workflows/{workflow}/runs?{filter}");
        let path = path.as_str();
        list::page(PageNumber::of_largest(number), |page| {
            Box::pin(async move {
                // The semaphore is never closed, so this cannot fail.
                let _permit = calls.acquire().await.ok();
                self.remembered_page(path, page).await
            })
        })
        .await
    }
}

impl Part<Run> {
    /// When the oldest of these runs was created.
    fn oldest(&self) -> Option<DateTime<Utc>> {
        self.items.iter().filter_map(|run| run.created_at).min()
    }

    /// Whether this first page surely shows all runs since this time.
    fn shows_all_since(&self, from: DateTime<Utc>) -> bool {
        let goes_back = self.oldest().is_some_and(|oldest| oldest < from);
        !self.items.is_empty() && (goes_back || self.reaches(from) && !self.lacks_items_after(0))
    }

    /// Whether this part of the whole list, newest first, goes back to before this time, or to its end.
    fn reaches(&self, from: DateTime<Utc>) -> bool {
        let is_end = !self.goes_on && !self.contradicts_itself();
        is_end || self.oldest().is_some_and(|oldest| oldest < from)
    }
}

impl From<Part<Run>> for Listed {
    /// A run without a date cannot be counted, so it is as good as unreadable.
    fn from(part: Part<Run>) -> Self {
        let (runs, undated): (Vec<_>, Vec<_>) =
            part.items.into_iter().partition(|run| run.created_at.is_some());
        Self { runs, unreadable: part.unreadable + undated.len(), ..Self::default() }
    }
}

impl Listed {
    /// Whether no run is known to be missing.
    pub fn is_whole(&self) -> bool {
        self.left_out == 0 && self.unreadable == 0 && !self.is_unsure
    }

    /// Merges lists. A run that appears twice is kept once: it may move to another page between two requests.
    pub fn joined(lists: Vec<Self>) -> Self {
        let left_out = lists.iter().map(|list| list.left_out).sum();
        let unreadable = lists.iter().map(|list| list.unreadable).sum();
        let is_unsure = lists.iter().any(|list| list.is_unsure);
        let mut runs: Vec<Run> = lists.into_iter().flat_map(|list| list.runs).collect();
        runs.sort_by_key(|run| run.id);
        runs.dedup_by_key(|run| run.id);
        Self { runs, left_out, unreadable, is_unsure }
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
    fn a_page_that_shows_fewer_runs_than_it_says_is_not_the_end() {
        let from = span(0).from;
        let run = |created| serde_json::json!({"id": 1, "created_at": created});
        let page = |created, total| Part {
            total: Some(total),
            items: vec![serde_json::from_value::<Run>(run(created)).unwrap()],
            ..Part::default()
        };
        assert!(page("2026-11-22T10:00:01Z", 1).shows_all_since(from));
        assert!(!page("2026-11-22T10:00:01Z", 5).shows_all_since(from));
        assert!(page("2026-11-22T09:59:59Z", 5).shows_all_since(from));
        assert!(!Part::default().shows_all_since(from));
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
