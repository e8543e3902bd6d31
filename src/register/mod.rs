//! Registers the commands with Discord, for `deckhand register`.
//!
//! `environment` reads what is registered, compares, and sends one bulk overwrite. `plan` decides what is sent
//! and what is said, without I/O. `words` says what went wrong and what to do.

pub mod environment;
mod plan;
mod words;

pub use environment::{Asked, NotRegistered, Said, register};
pub use plan::Place;
