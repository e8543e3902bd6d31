//! What a message of its own asks to approve.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::discord::InteractionId;

/// What a message of its own asks to approve.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// The attempt of the run, from 1.
    pub attempt: u64,
    /// The environments.
    pub environments: Vec<String>,
}

impl Approval {
    /// The `nonce` of its message, 25 characters: one message for each attempt and environment.
    pub(super) fn nonce(&self, interaction: InteractionId) -> String {
        let mut digest = Sha256::new();
        digest.update(format!("{interaction}/{}", self.attempt));
        for environment in &self.environments {
            digest.update([0]);
            digest.update(environment);
        }
        let digest: Vec<u8> = digest.finalize().iter().take(12).copied().collect();
        format!("a{}", hex::encode(digest))
    }
}
