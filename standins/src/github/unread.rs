//! The writes that the bot sent and no test has read.

use crate::request::Request;

/// Writes that nobody has read yet, oldest first.
#[derive(Debug, Default)]
pub(super) struct Unread(Vec<Request>);

impl Unread {
    /// Records a request if it is a write. An App's sign-in does not count: it changes nothing.
    pub fn add(&mut self, request: &Request) {
        if request.is_write() && !request.path.starts_with("/app/") {
            self.0.push(request.clone());
        }
    }

    pub fn read_all(&mut self) {
        self.0.clear();
    }

    /// Reads all dispatches, also refused ones.
    pub fn read_dispatches(&mut self) {
        self.0.retain(|request| !request.path.ends_with("/dispatches"));
    }

    /// Reads all writes of a variable or a secret; `kind` is `variables` or `secrets`.
    pub fn read_named(&mut self, kind: &str, name: &str) {
        let is_it = |known: &str| known.eq_ignore_ascii_case(name);
        self.0.retain(|request| match request.path.split_once(&format!("/actions/{kind}")) {
            Some((_, "")) => !request.body["name"].as_str().is_some_and(is_it),
            Some((_, rest)) => !is_it(rest.trim_start_matches('/')),
            None => true,
        });
    }

    pub fn lines(&self) -> Vec<String> {
        self.0.iter().map(Request::line).collect()
    }
}
