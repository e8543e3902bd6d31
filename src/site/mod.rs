//! Verifies whether a deploy is live. `listing` knows which runs are an agent's, `run` finds the one to verify
//! and its steps, `others` weighs the others. `check` checks the frontend and the API, `address` whether that is
//! the right place. `verification` does all of it, `messages` and `checklist` render it. `diagnosis` reads the
//! summary of the diagnose workflow.

mod address;
pub(crate) mod check;
mod checklist;
pub(crate) mod checks_of_run;
pub(crate) mod diagnosis;
pub(crate) mod listing;
mod look;
pub(crate) mod messages;
mod others;
pub mod probe;
pub(crate) mod run;
pub(crate) mod settings;
pub(crate) mod verification;

pub use settings::Settings;
