//! What people did to a deploy after it had begun.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// What somebody did to a deploy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Click {
    /// What they asked for.
    pub action: Action,
    /// Who, by their id on Discord.
    pub user_id: u64,
    /// Their name there, for the log and the history.
    pub username: String,
    /// When they pressed, by our clock.
    pub at: DateTime<Utc>,
    /// The interaction by which they did it, so that one that comes twice counts once.
    pub interaction_id: u64,
    /// The attempt of the run that it was done to, from 1.
    pub attempt: u64,
    /// What came of it.
    pub result: Acted,
    /// When it was asked whether that is meant, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_at: Option<DateTime<Utc>>,
}

/// What came of a click.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Acted {
    /// Whoever clicked asks GitHub, or has asked it.
    Asking {
        /// Since when.
        since: DateTime<Utc>,
    },
    /// GitHub has taken it.
    Done,
    /// GitHub was not asked for it.
    NotAsked {
        /// Why, and the cure: Markdown that is safe to show.
        why: String,
    },
    /// GitHub has not.
    Refused {
        /// Why, and the cure: Markdown that is safe to show.
        why: String,
    },
    /// GitHub's answer was lost, and what it shows does not tell.
    Unknown,
}

/// What can be done to a deploy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Asks GitHub to cancel the run.
    Cancel,
    /// Asks GitHub to cancel the run without waiting for its `always()` steps.
    ForceCancel,
    /// Runs the failed jobs again, as the next attempt.
    Rerun,
    /// Deploys what was deployed before, as a deploy of its own.
    RollBack,
}

impl Acted {
    /// In one word, for the history.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Asking { .. } => "asking",
            Self::Done => "done",
            Self::Refused { .. } => "refused",
            Self::NotAsked { .. } => "not_asked",
            Self::Unknown => "unknown",
        }
    }
}

impl Click {
    /// Whether it was done, as far as is known: GitHub has not refused it, and its answer was not lost.
    pub fn is_done(&self) -> bool {
        matches!(self.result, Acted::Done | Acted::Asking { .. })
    }
}

impl Action {
    /// In one word, the same in store, log and history.
    pub fn word(self) -> &'static str {
        match self {
            Self::Cancel => "cancel",
            Self::ForceCancel => "force_cancel",
            Self::Rerun => "rerun",
            Self::RollBack => "roll_back",
        }
    }
}
