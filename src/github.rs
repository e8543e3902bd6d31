//! A thin client for the part of GitHub's REST API that deploys need.
//!
//! octocrab knows neither `return_run_details` nor every status, so the few requests are made here.

pub mod account;
pub mod app;
pub mod artifacts;
pub mod client;
pub mod dispatch;
pub mod inspect;
pub mod jobs;
pub mod limits;
pub mod refs;
pub mod runs;
pub mod secrets;
pub mod sign_in;
pub mod variables;
pub mod window;
pub mod workflows;

pub use client::{Github, GithubError};
pub use dispatch::DispatchAnswer;
pub use runs::Run;
