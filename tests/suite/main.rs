//! The real bot and its real clients against stand-ins of GitHub and Discord, under paused time.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests say what they expect"
)]

mod world;

mod app;
mod aws;
mod aws_faults;
mod correlation;
mod deploys;
mod diagnose;
mod digest;
mod doctor;
mod edge;
mod faults;
mod log_queries;
mod messages;
mod registration;
mod scheduled;
mod secrets;
mod server;
mod set;
mod status;
mod store;
mod tasks;
mod telemetry;
mod template;
mod verify;
