//! What is used of the real bot.

pub use deckhand::agents::{Kind, Registry};
pub use deckhand::bot::registration;
pub use deckhand::bot::tasks::Tasks;
pub use deckhand::commands::TABLE;
pub use deckhand::discord::registration::Scope;
pub use deckhand::host::serve::serve;
pub use deckhand::host::startup;
pub use deckhand::telemetry::logging::{self, Form};
