//! Deckhand: deploys from chat. `docs/architecture.md` draws the layers and follows one interaction
//! through them; `docs/layers.txt` lists them.

#![cfg_attr(test, allow(clippy::indexing_slicing))]

pub mod agents;
#[cfg(feature = "aws")]
pub mod aws;
pub mod bot;
pub(crate) mod clicks;
pub mod clock;
pub mod commands;
pub(crate) mod config;
pub mod deploy;
pub mod digest;
pub mod discord;
pub mod doctor;
pub mod github;
pub mod history;
pub mod host;
pub mod net;
pub mod register;
pub mod schedule;
pub mod secrets;
pub mod setup;
pub mod site;
pub mod store;
pub mod telemetry;
pub(crate) mod text;
pub(crate) mod webhook;
