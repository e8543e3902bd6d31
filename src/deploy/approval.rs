//! What a message of its own asks to approve, and what came of that.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::sender::Sender;
use crate::discord::InteractionId;

/// What a message of its own asks to approve.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// The attempt of the run, from 1.
    pub attempt: u64,
    /// The environments.
    pub environments: Vec<String>,
}

/// A message that asks for an approval, until it tells what came of that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asking {
    /// What it asks for.
    pub approval: Approval,
    /// What it says, by which it is found if Discord's answer was lost.
    pub text: String,
    /// The message, once Discord told its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub posted: Option<Posted>,
}

/// A message that was posted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Posted {
    /// By whose token.
    pub by: Sender,
    /// Its id.
    pub message_id: u64,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// The run goes on.
    Approved,
    /// A reviewer refused.
    Rejected {
        /// The reviewer's login. `None`: GitHub does not tell.
        by: Option<String>,
    },
    /// The run was cancelled.
    Cancelled,
    /// The run ended, or began again, in another way.
    Over,
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
