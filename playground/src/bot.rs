//! What is used of the real bot.

pub use deckhand::agents::{Kind, Registry};
pub use deckhand::commands::{Scope, TABLE, registration};
pub use deckhand::logging::{self, Form};
pub use deckhand::serve::serve;
pub use deckhand::startup;
pub use deckhand::tasks::Tasks;
