//! Whether a deploy is live: `run` says which run is meant and how long its steps took, `check` asks
//! the frontend and the API, `messages` says what came of it.

pub mod check;
pub mod messages;
pub mod run;
