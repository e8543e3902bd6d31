//! A thin client for the part of GitHub's REST API that deploys need.
//!
//! octocrab knows neither `return_run_details` nor every status, so the few requests are made here.

pub mod account;
pub mod app;
pub mod artifacts;
pub mod client;
pub mod dispatch;
pub mod error;
pub mod explain;
pub mod inspect;
pub mod jobs;
pub mod limits;
mod pages;
pub mod permission;
pub mod refs;
pub mod repository;
pub mod run;
pub mod runs;
pub mod secrets;
pub mod settings;
pub mod sign_in;
pub mod variables;
pub mod window;
pub mod words;
pub mod workflows;

pub use client::Github;
pub use dispatch::DispatchAnswer;
pub use error::GithubError;
pub use repository::Repository;
pub use run::Run;
pub use settings::Settings;
