//! Deploys in the store: their items, whose run is whose, and which began at the same time.
//!
//! | partition | sort key | what |
//! |---|---|---|
//! | `agent#ID` | the interaction's id, 20 digits | a deploy; with a due time while it is open |
//! | `run#OWNER/NAME#RUN` | `run` | which deploy has this run, and which cards of watches show it |
//! | `window#OWNER/NAME#WORKFLOW` | the ref | the latest dispatches of this workflow on this ref |
//! | `undeclared#OWNER/NAME#WORKFLOW` | the ref | which of our inputs the workflow does not declare, for a day |
//!
//! `item` reads and writes them (`undeclared` its own), `entry` is a deploy in a list.

mod entry;
mod item;

pub(crate) use entry::records;
pub use entry::{Entry, EntryRun, Latest, State, entry, history, latest};
pub use item::{Claim, Stored, key_of, load, owner, run_key};
pub(super) use item::{Window, put, requested, window_key};
