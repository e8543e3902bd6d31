//! The key of a deploy in the store.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::discord::{CorrelationId, InteractionId};
use crate::github::{Repository, Run};
use crate::store::Key;

/// An agent's id has no hyphen.
const WATCHED: &str = "watch-";

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

    /// The key of the card that shows a run in a watch's channel. It is derived from both, so whoever learns of the
    /// run derives the same, and another channel has another. Keys of one channel, workflow and branch sort by the
    /// runs' creation.
    pub(super) fn of_watched(
        channel: u64,
        repository: &Repository,
        workflow: &str,
        run: &Run,
    ) -> Self {
        let repository = repository.to_string().to_lowercase();
        let branch = run.head_branch.as_deref().unwrap_or_default();
        let of = format!("{channel}\n{repository}\n{workflow}\n{branch}");
        let hash = |text: &str| {
            let bytes = Sha256::digest(text);
            bytes.iter().take(8).fold(0, |all: u64, byte| all << 8 | u64::from(*byte))
        };
        // The time has no milliseconds: their place, and all below, tells runs of the same second apart.
        let second = run.created_at.map_or(0, |at| at.timestamp());
        let second = InteractionId::first_of_second(second);
        let interaction_id =
            InteractionId(second.0 + hash(&format!("{of}\n{}", run.id)) % (1000 << 22));
        Self { agent: format!("{WATCHED}{:016x}", hash(&of)), interaction_id }
    }

    /// Whether it is of a run that a watch covers, and not of an agent's deploy.
    pub fn is_watched(&self) -> bool {
        self.agent.starts_with(WATCHED)
    }

    pub(super) fn in_store(&self) -> Key {
        Key::new(partition(&self.agent), format!("{:020}", self.interaction_id.0))
    }
}

pub(super) fn partition(agent: &str) -> String {
    format!("agent#{agent}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn key(channel: u64, repository: &str, workflow: &str, run: (u64, &str, &str)) -> DeployKey {
        let (id, branch, created_at) = run;
        let run = json!({"id": id, "head_branch": branch, "created_at": created_at});
        let run = serde_json::from_value(run).unwrap();
        DeployKey::of_watched(channel, &repository.parse().unwrap(), workflow, &run)
    }

    #[test]
    fn a_watched_run_has_one_key_in_a_channel() {
        let run = (7, "main", "2026-11-22T10:00:00Z");
        let first = key(5, "octo-org/web", "ci.yml", run);
        assert_eq!(key(5, "Octo-Org/Web", "ci.yml", run), first);
        assert!(first.is_watched() && first.agent.len() <= 32, "{first:?}");
        let created = first.interaction_id.created_at().to_rfc3339();
        assert!(created.starts_with("2026-11-22T10:00:00."), "{created}");
        let others = [
            key(6, "octo-org/web", "ci.yml", run),
            key(5, "octo-org/api", "ci.yml", run),
            key(5, "octo-org/web", "cd.yml", run),
            key(5, "octo-org/web", "ci.yml", (7, "dev", run.2)),
        ];
        for other in others {
            // Nonces are made of the id alone, and Discord compares them over all channels.
            assert!(other.agent != first.agent && other.interaction_id != first.interaction_id);
        }
        let same_series = key(5, "octo-org/web", "ci.yml", (8, "main", run.2));
        assert_eq!(same_series.agent, first.agent);
        assert_ne!(same_series.interaction_id, first.interaction_id);
    }

    #[test]
    fn later_runs_sort_later_and_odd_times_do_not_overflow() {
        let of = |at: &str| key(5, "o/r", "ci.yml", (7, "main", at)).interaction_id;
        assert!(of("2026-11-22T10:00:00Z") < of("2026-11-22T10:00:01Z"));
        for at in ["1969-01-01T00:00:00Z", "never", "9999-01-01T00:00:00Z"] {
            of(at);
        }
    }
}
