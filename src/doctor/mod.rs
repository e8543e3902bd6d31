//! The doctor: checks a set-up, for `deckhand doctor` and `/doctor`.
//!
//! `probe` asks Discord and GitHub concurrently and collects the `facts`. `judge` derives the
//! findings without I/O. `text` renders them for a terminal and for Discord. The doctor only reads.
//! What only a write could show (whether a token may dispatch) is reported as unknown.

pub(crate) mod access;
#[cfg(feature = "aws")]
pub mod deployed;
mod discord;
pub mod environment;
pub(crate) mod facts;
mod finding;
mod github;
pub(crate) mod ids;
mod judge;
pub(crate) mod probe;
mod rights;
mod settings;
pub(crate) mod store;
pub mod text;
mod watch;
mod webhook;
mod workflow;
pub(crate) mod workflow_file;

pub use finding::{Finding, Level, is_ill};
pub use judge::findings;
