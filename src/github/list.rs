//! Reads lists page by page.
//!
//! Each item is parsed by itself, so one odd item does not hide the others. Large pages can answer 502 where
//! small ones do not, so after a fault the same items are read once more in small pages.

use std::time::Duration;

use futures_util::future::BoxFuture;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::time::sleep;

use super::client::{Answer, Github};
use super::error::GithubError;
use super::pages::Part;
use super::run::lenient;

/// The largest page that GitHub gives.
pub(super) const PAGE: usize = 100;

/// The page that is asked for after a fault. [`PAGE`] is a multiple of it, so that page numbers fit.
pub(super) const SMALL_PAGE: usize = 25;

/// The pause before a page is asked for once more.
const AFTER_A_FAULT: Duration = Duration::from_millis(250);

/// The most pages of [`PAGE`] items that are read of one list.
pub(super) const MAX_PAGES: usize = 10;

/// Which items a page has: `size` items, after `number - 1` pages of the same size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PageNumber {
    pub size: usize,
    pub number: usize,
}

#[derive(Deserialize)]
struct Envelope {
    #[serde(default, deserialize_with = "lenient")]
    total_count: Option<usize>,
    #[serde(alias = "workflow_runs", alias = "jobs", alias = "artifacts")]
    items: Vec<Box<RawValue>>,
}

impl Github {
    /// Asks once more after a transient fault, so that one failed request does not decide what is said.
    pub(super) async fn get_with_retry(&self, path: &str) -> Result<Answer, GithubError> {
        match self.get(path, None).await {
            Err(error) if error.is_passing() => {
                tracing::debug!(%error, "a request is sent again");
                sleep(AFTER_A_FAULT).await;
                self.get(path, None).await
            }
            answer => answer,
        }
    }

    /// Reads the items of a list, or of its field `key`, and whether it has more than these pages hold.
    pub(super) async fn items(
        &self,
        path: &str,
        key: &str,
        pages: usize,
    ) -> Result<(Vec<Value>, bool), GithubError> {
        let between = if path.contains('?') { '&' } else { '?' };
        let mut all = Vec::new();
        for number in 1..=pages {
            let query = PageNumber::of_largest(number).query();
            let answer = self.get_with_retry(&format!("{path}{between}{query}")).await?;
            let mut body: Value = answer.json()?;
            let list = if body.is_array() { Some(&mut body) } else { body.get_mut(key) };
            all.extend(list.and_then(Value::as_array_mut).into_iter().flat_map(std::mem::take));
            if !answer.has_next {
                return Ok((all, false));
            }
        }
        Ok((all, true))
    }

    /// The same for what is only a detail: a refusal is believed at once.
    pub(super) async fn get_detail_with_retry(&self, path: &str) -> Result<Answer, GithubError> {
        match self.get_detail(path, None).await {
            Err(error) if error.is_passing() => {
                tracing::debug!(%error, "a request is sent again");
                sleep(AFTER_A_FAULT).await;
                self.get_detail(path, None).await
            }
            answer => answer,
        }
    }
}

impl PageNumber {
    /// The first page of this size.
    pub(super) fn first(size: usize) -> Self {
        Self { size, number: 1 }
    }

    /// Page `number` of the largest pages.
    pub(super) fn of_largest(number: usize) -> Self {
        Self { size: PAGE, number }
    }

    /// The query, without `?` or `&` before it.
    pub(super) fn query(self) -> String {
        format!("per_page={}&page={}", self.size, self.number)
    }

    /// The small pages that hold the same items.
    fn in_small_pages(self) -> impl Iterator<Item = Self> {
        let (size, count) = match self.size / SMALL_PAGE {
            count if count > 1 && self.size.is_multiple_of(SMALL_PAGE) => (SMALL_PAGE, count),
            _ => (self.size, 1),
        };
        let before = (self.number - 1) * count;
        (1..=count).map(move |one| Self { size, number: before + one })
    }
}

impl<T: DeserializeOwned> Part<T> {
    /// Parses an answer to the request for this page.
    pub(super) fn parsed(answer: &Answer, page: PageNumber) -> Result<Self, GithubError> {
        let Envelope { total_count, items: raw } = answer.json()?;
        let items: Vec<T> =
            raw.iter().filter_map(|item| serde_json::from_str(item.get()).ok()).collect();
        let reached = page.size * page.number;
        Ok(Self {
            unreadable: raw.len() - items.len(),
            items,
            goes_on: answer.has_next
                || (raw.len() >= page.size && total_count.is_none_or(|total| total > reached)),
            total: total_count,
        })
    }
}

/// Reads a page. After a transient fault its items are read in small pages, each of them with one retry.
pub(super) async fn page<'a, T: Send>(
    wanted: PageNumber,
    read: impl Fn(PageNumber) -> BoxFuture<'a, Result<Part<T>, GithubError>> + Sync,
) -> Result<Part<T>, GithubError> {
    match read(wanted).await {
        Err(error) if error.is_passing() => {
            tracing::debug!(%error, "a page is read again in smaller pages");
        }
        answer => return answer,
    }
    let mut part = Part::default();
    for (index, small) in wanted.in_small_pages().enumerate() {
        if index == 0 {
            sleep(AFTER_A_FAULT).await;
        }
        let next = match read(small).await {
            Err(error) if error.is_passing() && small != wanted => {
                sleep(AFTER_A_FAULT).await;
                read(small).await?
            }
            answer => answer?,
        };
        part.append(next);
        if !part.goes_on {
            break;
        }
    }
    Ok(part)
}

/// Reads all pages of a list, at most [`MAX_PAGES`].
pub(super) async fn all<'a, T: Send>(
    read: impl Fn(PageNumber) -> BoxFuture<'a, Result<Part<T>, GithubError>> + Sync,
) -> Result<Part<T>, GithubError> {
    let mut part = Part::default();
    for number in 1..=MAX_PAGES {
        part.append(page(PageNumber::of_largest(number), &read).await?);
        if !part.goes_on {
            break;
        }
    }
    Ok(part)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use rstest::rstest;

    /// A list of this many numbers, and the sizes of pages that it refuses.
    struct Server {
        items: usize,
        refuses: fn(usize) -> bool,
        asked: Mutex<Vec<(usize, usize)>>,
    }

    impl Server {
        fn of(items: usize, refuses: fn(usize) -> bool) -> Self {
            Self { items, refuses, asked: Mutex::default() }
        }

        fn read(&self, page: PageNumber) -> BoxFuture<'_, Result<Part<usize>, GithubError>> {
            let asked = (page.size, page.number);
            self.asked.lock().unwrap().push(asked);
            let from = page.size * (page.number - 1);
            let to = (from + page.size).min(self.items);
            let answer = if (self.refuses)(page.size) {
                Err(GithubError::Lost("status 502".to_owned()))
            } else {
                Ok(Part {
                    total: Some(self.items),
                    items: (from..to).collect(),
                    unreadable: 0,
                    goes_on: to < self.items,
                })
            };
            Box::pin(std::future::ready(answer))
        }

        fn asked(&self) -> Vec<(usize, usize)> {
            self.asked.lock().unwrap().clone()
        }
    }

    #[rstest]
    #[case::none(0)]
    #[case::less_than_a_small_page(7)]
    #[case::a_small_page(25)]
    #[case::two_pages(130)]
    #[case::exactly_two_pages(200)]
    #[tokio::test(start_paused = true)]
    async fn small_pages_hold_the_same_items(#[case] items: usize) {
        let well = Server::of(items, |_| false);
        let large_fail = Server::of(items, |size| size > 30);
        let expected = all(|page| well.read(page)).await.unwrap();
        assert_eq!(expected.items, (0..items).collect::<Vec<_>>());
        assert_eq!(all(|page| large_fail.read(page)).await.unwrap(), expected);
    }

    #[tokio::test(start_paused = true)]
    async fn the_pages_of_a_second_page_follow_on() {
        let server = Server::of(160, |size| size > 30);
        let second = page(PageNumber::of_largest(2), |page| server.read(page)).await.unwrap();
        assert_eq!((second.items.len(), second.items[0], second.goes_on), (60, 100, false));
        assert_eq!(server.asked(), [(100, 2), (25, 5), (25, 6), (25, 7)]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_is_down_is_asked_three_times() {
        let server = Server::of(9, |_| true);
        assert!(all(|page| server.read(page)).await.unwrap_err().is_passing());
        assert_eq!(server.asked(), [(100, 1), (25, 1), (25, 1)]);
        let server = Server::of(9, |_| true);
        assert!(page(PageNumber::first(2), |page| server.read(page)).await.is_err());
        assert_eq!(server.asked(), [(2, 1), (2, 1)]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_list_is_read_up_to_its_limit() {
        let server = Server::of(5000, |_| false);
        let read = all(|page| server.read(page)).await.unwrap();
        assert_eq!((read.items.len(), read.goes_on), (1000, true));
    }
}
