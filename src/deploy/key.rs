//! The key of a deploy in the store.

use serde::{Deserialize, Serialize};

use crate::discord::{CorrelationId, InteractionId};
use crate::store::Key;

/// The key of a deploy. Keys of one agent sort by interaction, so by time.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct DeployKey {
    /// The agent's id.
    pub agent: String,
    /// The interaction that requested it.
    pub interaction_id: InteractionId,
}

impl DeployKey {
    /// The correlation id of its run.
    pub fn correlation_id(&self) -> CorrelationId {
        self.interaction_id.correlation_id()
    }

    pub(super) fn in_store(&self) -> Key {
        Key::new(partition(&self.agent), format!("{:020}", self.interaction_id.0))
    }
}

pub(super) fn partition(agent: &str) -> String {
    format!("agent#{agent}")
}
