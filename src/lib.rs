//! Deckhand: deploys from chat. See `docs/architecture.md` for the way of an interaction.
//!
//! What decides is pure ([`edge`], [`agents`], [`url_guard`], [`deploy::correlation`], [`text`]); what
//! does I/O is thin ([`outbound`], [`discord`], [`github`], [`store`]); [`app`] and [`followup`] tie
//! them together, and [`lambda`] and [`serve`] are the two ways to run it.

#![cfg_attr(test, allow(clippy::indexing_slicing))]

use std::pin::Pin;

pub mod agents;
pub mod app;
#[cfg(feature = "aws")]
pub mod aws;
pub mod clock;
pub mod commands;
pub mod config;
pub mod credential;
pub mod deploy;
pub mod diagnose;
pub mod digest;
pub mod discord;
pub mod doctor;
pub mod edge;
pub mod error;
pub mod followup;
pub mod github;
#[cfg(feature = "aws")]
pub mod lambda;
pub mod logging;
pub mod outbound;
pub mod probe;
pub mod scheduled;
pub mod secret;
pub mod serve;
pub mod startup;
pub mod store;
pub mod tasks;
pub mod telemetry;
pub mod text;
pub mod url_guard;
pub mod verify;

/// A boxed future, for traits and tables that are used as objects.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
