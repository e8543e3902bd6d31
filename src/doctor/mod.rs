//! The doctor: checks a set-up, for `deckhand doctor` and `/doctor`.
//!
//! [`probe`] asks Discord and GitHub, all at once, and writes down the [`facts`]; [`judge`] judges
//! them without any I/O; [`text`] renders the findings for a terminal and for Discord. Nothing here
//! writes: what can only be told by writing (whether a token may dispatch) is said to be unknown.

mod discord;
pub mod environment;
pub(crate) mod facts;
mod finding;
mod github;
mod judge;
pub(crate) mod probe;
mod settings;
pub(crate) mod store;
pub mod text;
mod workflow;
pub(crate) mod workflow_file;

pub use finding::{Finding, Level, is_ill};
pub use judge::findings;
