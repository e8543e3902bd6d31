//! Whether what was deployed is live: `run` says which run is meant and how long its steps took, `check`
//! asks the frontend and the API, `verification` does both, `messages` says what came of it; `diagnosis`
//! reads what the diagnose workflow found.

pub mod check;
pub mod diagnosis;
pub mod messages;
pub mod probe;
pub mod run;
pub mod settings;
pub mod verification;

pub use settings::Settings;
