//! What a user is shown when a command cannot be done.

/// A command that cannot be done: what the user reads (what is wrong, what to do next), and what is
/// logged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{logged}")]
pub struct UserError {
    /// Markdown that is safe already.
    pub shown: String,
    /// One line with the context that the user need not see.
    pub logged: String,
}

impl UserError {
    /// An error whose log line says the same as the message.
    pub fn new(shown: impl Into<String>) -> Self {
        let shown = shown.into();
        Self { logged: shown.clone(), shown }
    }

    /// The text with the mark that all errors carry.
    pub fn text(&self) -> String {
        format!("⚠️ {}", self.shown)
    }
}
