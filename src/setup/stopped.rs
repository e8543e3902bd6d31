//! Why the set-up stopped. The same command goes on.

use super::person::{NoAnswer, Question};

/// Why the set-up stopped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Stopped {
    /// Something does not work: what, and what to do.
    #[error("{0}\nThen run `deckhand setup` again: it goes on from here.")]
    Mend(String),
    /// The person does not want it.
    #[error("{0}")]
    Declined(String),
    /// Nobody can be asked, and the flag that would answer is not given.
    #[error(
        "this needs an answer, and there is no terminal to ask at: {text}\nGive it with {flag}."
    )]
    Unasked {
        /// The question.
        text: String,
        /// How a script answers it.
        flag: &'static str,
    },
    /// Ctrl-C.
    #[error("interrupted; run `deckhand setup` again to go on")]
    Interrupted,
    /// Not all was taken back: why, and what to do.
    #[error("{0}\nThen run `deckhand setup --remove` again: it takes back what is left.")]
    NotRemoved(String),
    /// Ctrl-C while something was taken back.
    #[error("interrupted; `deckhand setup --remove` takes back what is left")]
    RemovalInterrupted,
}

impl Stopped {
    /// Why a question has no answer.
    pub(super) fn of(why: NoAnswer, question: &Question) -> Self {
        match why {
            NoAnswer::NoTerminal => {
                Self::Unasked { text: question.text.clone(), flag: question.flag }
            }
            NoAnswer::Interrupted => Self::Interrupted,
        }
    }

    pub(super) fn mend(what: impl Into<String>) -> Self {
        Self::Mend(what.into())
    }
}
