//! The history: what the record holds of deploys, for `/history` and `deckhand history`.
//!
//! `read` asks the store. `json` and `table` render a deploy for the command line, `message` the list for Discord.
//! `environment` is the command line's part: it needs no other settings than the store's.

pub mod environment;
mod json;
pub(crate) mod message;
pub(crate) mod read;
mod table;

pub use read::History;
