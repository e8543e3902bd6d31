//! The error that a user is shown when a command fails.

/// Why a command failed: a text for the user (the problem and the fix), and a text for the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{logged}")]
pub struct UserError {
    /// Markdown, already escaped.
    pub shown: String,
    /// One line for the log, with context that the user does not need.
    pub logged: String,
}

impl UserError {
    /// An error with the same text for the user and the log.
    pub fn new(shown: impl Into<String>) -> Self {
        let shown = shown.into();
        Self { logged: shown.clone(), shown }
    }

    /// The text with the warning sign that all errors start with.
    pub fn text(&self) -> String {
        format!("⚠️ {}", self.shown)
    }
}
