//! What is kept of why a run failed.

use serde::{Deserialize, Serialize};

/// Why a run failed. Text is as it came, but without control codes and secrets: whoever shows it escapes it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// The annotation of the failed job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotation: Option<String>,
    /// Lines of the failed step's log: those that are errors, then the last ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub log: Vec<String>,
    /// How many of these lines are errors.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub errors: usize,
    /// Whether GitHub did not have the log in time.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub log_is_late: bool,
    /// Who rejected its deployment, if nothing else made it fail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejected: Option<Rejected>,
    /// What changed since the last success.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changes: Option<Changes>,
    /// The permissions without which GitHub did not tell all of this, like `Checks: read`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// A deployment that a reviewer on GitHub rejected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejected {
    /// The reviewer's login. `None`: GitHub does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The environments that it was for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub environments: Vec<String>,
    /// What the reviewer wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// What changed since the last success.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changes {
    /// How the commit stands to that of the last success.
    pub standing: Standing,
    /// The full hash of the last success' commit.
    pub base: String,
    /// The newest commits since then, the newest first; at most 5.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub newest: Vec<Commit>,
    /// URL of the page that compares the two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// How a commit stands to that of the last success.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Standing {
    /// It comes after it.
    Ahead {
        /// By how many commits.
        commits: u64,
    },
    /// It comes before it: an older commit.
    Behind {
        /// By how many commits.
        commits: u64,
    },
    /// Neither comes after the other: a force-push, or another branch.
    Diverged {
        /// How many commits only it has.
        commits: u64,
        /// How many commits only the last success has.
        lacks: u64,
    },
    /// It is the same commit.
    Same,
    /// GitHub does not know that commit, or not any more.
    Unknown,
}

/// A commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commit {
    /// The first 7 digits of its hash.
    pub sha: String,
    /// The first line of its message, at most 100 characters.
    pub title: String,
    /// Its author's login, or else the name in the commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
}
