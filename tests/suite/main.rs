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

mod actions;
mod agents_file;
mod any_workflow;
mod app;
mod application;
mod aws;
mod aws_faults;
mod beside;
mod buttons;
mod causes;
mod clicks;
mod command_line;
mod correlation;
mod crashes;
mod delivery;
mod deploys;
mod diagnose;
mod digest;
mod doctor;
mod durable;
mod edge;
mod faults;
mod history;
mod inputs;
mod lists;
mod log_queries;
mod messages;
mod mistakes;
mod own_messages;
mod parameters;
mod places;
mod refusals;
mod registration;
mod scheduled;
mod secrets;
mod server;
mod set;
mod setup;
mod sign_in;
mod status;
mod store;
mod store_file;
mod tasks;
mod telemetry;
mod template;
mod verify;
mod waits;
mod watches;
mod webhook;
mod why;
mod words;
