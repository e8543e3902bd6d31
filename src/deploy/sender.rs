//! With whose token a message is posted.

use serde::{Deserialize, Serialize};

/// With whose token a message is posted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sender {
    /// The bot's, as a reply to the deploy's message.
    Bot,
    /// The interaction's, as a follow-up.
    Interaction,
}
