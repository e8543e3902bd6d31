//! A thin client for the part of GitHub's REST API that deploys need.
//!
//! octocrab does not support `return_run_details` and every status, so these few requests are made here.

pub(crate) mod account;
mod actions;
pub(crate) mod annotations;
pub(crate) mod app;
pub(crate) mod app_manifest;
pub(crate) mod approvals;
pub(crate) mod artifacts;
mod attempts;
mod cause;
pub(crate) mod client;
pub(crate) mod compare;
pub(crate) mod dispatch;
mod doubt;
mod elsewhere;
pub(crate) mod error;
pub(crate) mod explain;
pub(crate) mod gates;
pub(crate) mod git_ref;
pub(crate) mod hooks;
pub(crate) mod inspect;
pub(crate) mod job_log;
pub(crate) mod jobs;
pub(crate) mod limits;
mod list;
mod pages;
mod path;
mod pending;
pub(crate) mod permission;
pub(crate) mod queue;
mod redirect;
pub(crate) mod refs;
pub(crate) mod repositories;
pub(crate) mod repository;
pub(crate) mod run;
pub(crate) mod run_end;
pub(crate) mod run_reference;
pub(crate) mod runs;
pub(crate) mod secrets;
pub mod settings;
pub(crate) mod sign_in;
pub(crate) mod variables;
pub mod webhook;
pub mod window;
pub(crate) mod words;
pub(crate) mod workflows;

pub use client::Github;
pub use dispatch::{BOOKKEEPING, DispatchAnswer, MAX_INPUTS};
pub use error::GithubError;
pub use repository::Repository;
pub use run::Run;
pub use settings::Settings;
