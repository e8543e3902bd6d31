//! Whether what was deployed is live: `run` says which run is meant and how long its steps took, `check`
//! asks the frontend and the API, `verification` does both, `messages` says what came of it; `diagnosis`
//! reads what the diagnose workflow found.

pub(crate) mod check;
pub(crate) mod diagnosis;
pub(crate) mod messages;
pub mod probe;
pub(crate) mod run;
pub(crate) mod settings;
pub(crate) mod verification;

pub use settings::Settings;
