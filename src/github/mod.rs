//! A thin client for the part of GitHub's REST API that deploys need.
//!
//! octocrab does not support `return_run_details` and every status, so these few requests are made here.

pub(crate) mod account;
pub(crate) mod app;
pub(crate) mod artifacts;
pub(crate) mod client;
pub(crate) mod dispatch;
pub(crate) mod error;
pub(crate) mod explain;
pub(crate) mod inspect;
pub(crate) mod jobs;
pub(crate) mod limits;
mod pages;
pub(crate) mod permission;
pub(crate) mod refs;
pub(crate) mod repository;
pub(crate) mod run;
pub(crate) mod runs;
pub(crate) mod secrets;
pub mod settings;
pub(crate) mod sign_in;
pub(crate) mod variables;
pub mod window;
pub(crate) mod words;
pub(crate) mod workflows;

pub use client::Github;
pub use dispatch::DispatchAnswer;
pub use error::GithubError;
pub use repository::Repository;
pub use run::Run;
pub use settings::Settings;
