//! The person who sets the bot up.

use std::time::Duration;

use futures_util::future::BoxFuture;

use crate::secrets::Secret;

/// A question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Without the `: ` at its end.
    pub text: String,
    /// What an empty answer means. `None`: it must be answered.
    pub default: Option<String>,
    /// How a script answers it.
    pub flag: &'static str,
    /// Whether the answer must not be shown.
    pub is_secret: bool,
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoAnswer {
    /// Nobody can be asked.
    NoTerminal,
    /// Ctrl-C, or the end of the input.
    Interrupted,
}

/// The person, and the time that passes for them. Tests play one.
pub trait Person: Send + Sync {
    /// Shows a text.
    fn tell(&self, text: &str);

    /// Asks. An answer may be empty.
    fn ask<'a>(&'a self, question: &'a Question) -> BoxFuture<'a, Result<Secret, NoAnswer>>;

    /// Gives the person time to do something elsewhere.
    fn wait(&self, time: Duration) -> BoxFuture<'_, ()>;
}
