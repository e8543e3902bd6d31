//! Caches pages of run lists.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use http::HeaderValue;

use super::run::Run;

/// Pages in the cache. Each takes some ten thousand bytes.
const REMEMBERED: usize = 48;

/// The cache, by path. Runs of a past time span seldom change. GitHub then answers 304, which is fast and
/// costs no rate limit.
#[derive(Default)]
pub(super) struct Pages(Mutex<HashMap<String, (HeaderValue, Arc<Part>)>>);

/// A parsed page.
pub(super) struct Part {
    pub(super) total: usize,
    pub(super) runs: Vec<Run>,
}

impl Pages {
    pub(super) fn get(&self, path: &str) -> Option<(HeaderValue, Arc<Part>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(path).cloned()
    }

    pub(super) fn put(&self, path: &str, tag: HeaderValue, part: Arc<Part>) {
        let mut pages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Time spans move on every hour, so a full cache holds mostly stale pages.
        if pages.len() >= REMEMBERED {
            pages.clear();
        }
        pages.insert(path.to_owned(), (tag, part));
    }
}
