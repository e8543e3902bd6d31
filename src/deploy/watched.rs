//! What is special about a run that nobody started here, and that a watch of `agents.toml` covers.

use serde::{Deserialize, Serialize};

/// What is special about such a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watched {
    /// The event that started it, in GitHub's word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// Who started it: a login on GitHub. Untrusted: escape it before use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The role that is pinged on the first failure and on recovery.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ping: Option<u64>,
    /// Whether its card is posted only once it has ended.
    #[serde(default)]
    pub at_end: bool,
    /// Whether an agent dispatches its workflow on its branch, so that it can be rolled back.
    #[serde(default)]
    pub rolls_back: bool,
    /// Whether an earlier attempt of it has failed here.
    #[serde(default)]
    pub has_failed: bool,
    /// Whether the runs before it were read after this attempt had ended: those that went on meanwhile count.
    #[serde(default)]
    pub knows_series: bool,
}
