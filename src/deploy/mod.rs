//! A deploy: a record in the store that anybody may advance, from the command to the outcome.
//!
//! `record` holds it, `step` and `next` hold its rules, without I/O; `advance` is the only place that acts.
//! `correlation` matches runs to the dispatch, `messages` renders all texts.

pub(crate) mod about;
pub(crate) mod act;
mod actor;
mod advance;
mod approval;
mod approval_messages;
pub mod arrivals;
mod asking;
mod begin;
pub(crate) mod buttons;
mod card;
pub mod cause;
mod claims;
pub mod click;
mod clicked;
pub(crate) mod correlation;
mod counted;
mod dispatch;
mod draft;
mod effects;
mod event;
pub(crate) mod failure;
pub(crate) mod given;
pub(crate) mod go_back;
mod headline;
pub mod key;
mod lanes;
mod lease;
mod mandate;
pub(crate) mod messages;
mod next;
pub(crate) mod order;
pub mod outcome;
pub mod past;
pub mod place;
pub mod press;
pub mod progress;
pub mod record;
pub(crate) mod role;
pub(crate) mod run_line;
#[cfg(test)]
pub(crate) mod sample;
mod search;
mod sender;
pub(crate) mod settings;
mod step;
pub mod stored;
pub mod sweep;
mod target;
#[cfg(test)]
mod tests;
mod undeclared;
mod watched;
pub(crate) mod watching;
mod what_now;
mod why;

pub(crate) use actor::Mandate;
pub(crate) use advance::{go_on, learn, visit};
pub(crate) use begin::{Begun, begin};
pub(crate) use effects::{Findings, Services};
pub(crate) use event::Event;
pub use key::DeployKey;
pub(crate) use lease::LEASE;
pub use order::{Extra, Order};
pub use place::Place;
pub use record::Deploy;
pub(crate) use settings::WaitSettings;
