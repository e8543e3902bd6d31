//! Pages of a list as they were read last.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use http::HeaderValue;

use super::run::Run;

/// Pages that are remembered, with their tags; some ten thousand bytes each.
const REMEMBERED: usize = 48;

/// Pages as they were read last. A span that is past changes seldom, and then GitHub answers 304,
/// which costs no rate limit and hardly any time.
#[derive(Default)]
pub(super) struct Pages(Mutex<HashMap<String, (HeaderValue, Arc<Part>)>>);

/// A page, read.
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
        // Spans move on every hour, so what is there is old when it is full.
        if pages.len() >= REMEMBERED {
            pages.clear();
        }
        pages.insert(path.to_owned(), (tag, part));
    }
}
