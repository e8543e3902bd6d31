//! The parts of the real bot that the playground uses.

pub(crate) use deckhand::agents::{Kind, Registry};
pub(crate) use deckhand::bot::registration;
pub(crate) use deckhand::bot::tasks::Tasks;
pub(crate) use deckhand::commands::TABLE;
pub(crate) use deckhand::discord::registration::Scope;
pub(crate) use deckhand::host::serve::serve;
pub(crate) use deckhand::host::startup;
pub(crate) use deckhand::telemetry::logging::{self, Form};
