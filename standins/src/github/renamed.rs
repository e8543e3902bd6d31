//! A repository that was renamed.

/// A repository with a new name.
#[derive(Clone, Debug)]
pub struct Renamed {
    /// The old name, `owner/name`.
    pub from: String,
    /// The new one.
    pub to: String,
    /// The status of the redirect.
    pub status: u16,
    /// Where the redirect leads instead of to this API; a base URL.
    pub elsewhere: Option<String>,
}

impl Renamed {
    /// Renamed from `from` to `to`: GitHub answers 301.
    pub fn new(from: &str, to: &str) -> Self {
        Self { from: from.to_owned(), to: to.to_owned(), status: 301, elsewhere: None }
    }
}
