//! A part of a list, and a cache of the pages of run lists.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use http::HeaderValue;

use super::run::Run;

/// Pages in the cache. Each takes some ten thousand bytes.
const REMEMBERED: usize = 48;

/// The cache, by path. Runs of a past time span seldom change. GitHub then answers 304, which is fast and
/// costs no rate limit.
#[derive(Default)]
pub(super) struct Pages(Mutex<HashMap<String, Tagged>>);

/// A page with its tag for a conditional request.
type Tagged = (HeaderValue, Arc<Part<Run>>);

/// Consecutive items of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part<T> {
    /// How many items the whole list has, as GitHub says.
    pub total: Option<usize>,
    pub items: Vec<T>,
    /// How many items could not be parsed.
    pub unreadable: usize,
    /// Whether the list goes on after these items.
    pub goes_on: bool,
}

impl<T> Default for Part<T> {
    /// An empty list that was read to its end.
    fn default() -> Self {
        Self { total: Some(0), items: Vec::new(), unreadable: 0, goes_on: false }
    }
}

impl<T> Part<T> {
    /// Appends the items that follow in the list.
    pub(super) fn append(&mut self, next: Self) {
        self.total = next.total.or(self.total);
        self.items.extend(next.items);
        self.unreadable += next.unreadable;
        self.goes_on = next.goes_on;
    }

    /// Whether the list says of itself that it has items, but shows none: it lags behind.
    pub(super) fn contradicts_itself(&self) -> bool {
        self.items.is_empty() && self.unreadable == 0 && self.total.is_some_and(|total| total > 0)
    }

    /// Whether the list ends here, but has shown fewer items than it says. `before`: how many items it has
    /// before these.
    pub(super) fn lacks_items_after(&self, before: usize) -> bool {
        let shown = before + self.items.len() + self.unreadable;
        !self.goes_on && self.total.is_some_and(|total| total > shown)
    }
}

impl Pages {
    pub(super) fn get(&self, path: &str) -> Option<Tagged> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(path).cloned()
    }

    pub(super) fn put(&self, path: &str, tag: HeaderValue, part: Arc<Part<Run>>) {
        let mut pages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Time spans move on every hour, so a full cache holds mostly stale pages.
        if pages.len() >= REMEMBERED {
            pages.clear();
        }
        pages.insert(path.to_owned(), (tag, part));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::fewer(Some(5), 0, false, true)]
    #[case::all(Some(2), 0, false, false)]
    #[case::one_is_unreadable(Some(3), 1, false, false)]
    #[case::goes_on(Some(5), 0, true, false)]
    #[case::not_told(None, 0, false, false)]
    fn a_list_that_ends_too_early_lacks_items(
        #[case] total: Option<usize>,
        #[case] unreadable: usize,
        #[case] goes_on: bool,
        #[case] expected: bool,
    ) {
        let part = Part { total, items: vec![1, 2], unreadable, goes_on };
        assert_eq!(part.lacks_items_after(0), expected);
        assert!(!part.lacks_items_after(3));
    }
}
