//! Verifies whether a deploy is live. `run` finds the run and its steps, `check` checks the frontend and
//! the API, `verification` does both, `messages` renders the result. `diagnosis` reads the summary of the
//! diagnose workflow.

pub(crate) mod check;
pub(crate) mod diagnosis;
pub(crate) mod messages;
pub mod probe;
pub(crate) mod run;
pub(crate) mod settings;
pub(crate) mod verification;

pub use settings::Settings;
