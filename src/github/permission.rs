//! The permissions of a fine-grained token or a GitHub App, and what a command needs of them.
//!
//! <https://docs.github.com/en/rest/authentication/permissions-required-for-fine-grained-personal-access-tokens>

/// A permission of a fine-grained token or a GitHub App.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Permission {
    /// Workflows and runs.
    Actions,
    /// Files, branches and tags.
    Contents,
    /// Repository variables.
    Variables,
    /// Repository secrets.
    Secrets,
}

impl Permission {
    /// Its name on GitHub's web pages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Actions => "Actions",
            Self::Contents => "Contents",
            Self::Variables => "Variables",
            Self::Secrets => "Secrets",
        }
    }

    /// Its name in the API.
    pub fn key(self) -> &'static str {
        match self {
            Self::Actions => "actions",
            Self::Contents => "contents",
            Self::Variables => "actions_variables",
            Self::Secrets => "secrets",
        }
    }

    /// Path of a small request that needs this permission.
    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Actions => "actions/runs?per_page=1",
            Self::Contents => "git/matching-refs/heads/deckhand-doctor",
            Self::Variables => "actions/variables?per_page=1",
            Self::Secrets => "actions/secrets/public-key",
        }
    }
}

/// A permission that a command needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Need {
    pub permission: Permission,
    /// Whether it needs write access.
    pub writes: bool,
    pub of: Repositories,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repositories {
    /// The repository with the agent's workflow.
    OfTheAgent,
    /// The repository with the workflow of the deploy that the agent verifies.
    OfTheVerified,
    /// The repository with the workflow of the diagnose agent, if there is one.
    OfTheDiagnosis,
    /// `GITHUB_REPO`.
    Default,
    /// Every repository with a workflow that an agent dispatches.
    All,
}

impl Need {
    /// Read access.
    pub const fn read(permission: Permission, of: Repositories) -> Self {
        Self { permission, writes: false, of }
    }

    /// Read and write access.
    pub const fn write(permission: Permission, of: Repositories) -> Self {
        Self { permission, writes: true, of }
    }
}
