//! A deploy: a record in the store that anybody may advance, from the command to the outcome.
//!
//! `record` holds it, `step` and `next` hold its rules, without I/O; `advance` is the only place that acts.
//! `correlation` matches runs to the dispatch, `messages` renders all texts.

mod actor;
mod advance;
pub mod arrivals;
mod begin;
pub(crate) mod correlation;
mod counted;
mod dispatch;
mod draft;
mod effects;
mod event;
pub(crate) mod failure;
pub(crate) mod given;
pub mod key;
mod lanes;
mod lease;
mod mandate;
pub(crate) mod messages;
mod next;
pub(crate) mod order;
pub mod outcome;
pub mod record;
pub(crate) mod run_line;
mod search;
pub(crate) mod settings;
mod step;
pub mod stored;
pub mod sweep;
mod target;
#[cfg(test)]
mod tests;

pub(crate) use actor::Mandate;
pub(crate) use advance::{go_on, learn};
pub(crate) use begin::{Begun, begin};
pub(crate) use effects::Services;
pub(crate) use event::Event;
pub use key::DeployKey;
pub(crate) use lease::LEASE;
pub use order::{Extra, Order};
pub use record::{Deploy, Place};
pub(crate) use settings::WaitSettings;
