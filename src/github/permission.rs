//! The permissions of a fine-grained token or a GitHub App, and what a command needs of them.
//!
//! <https://docs.github.com/en/rest/authentication/permissions-required-for-fine-grained-personal-access-tokens>

/// A permission of a fine-grained token or a GitHub App.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Permission {
    /// Workflows and their runs.
    Actions,
    /// Files, branches and tags.
    Contents,
    /// Repository variables.
    Variables,
    /// Repository secrets.
    Secrets,
}

impl Permission {
    /// Its name on GitHub's pages.
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

    /// A small answer that needs it.
    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Actions => "actions/runs?per_page=1",
            Self::Contents => "git/matching-refs/heads/deckhand-doctor",
            Self::Variables => "actions/variables?per_page=1",
            Self::Secrets => "actions/secrets/public-key",
        }
    }
}

/// What a command needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Need {
    /// Which permission.
    pub permission: Permission,
    /// Whether reading does not suffice.
    pub writes: bool,
    /// Where.
    pub of: Repositories,
}

/// The repositories in which a permission is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repositories {
    /// The one that holds the agent's workflow.
    OfTheAgent,
    /// `GITHUB_REPO`.
    Default,
    /// All whose workflows are dispatched.
    All,
}

impl Need {
    /// To read in these repositories.
    pub const fn read(permission: Permission, of: Repositories) -> Self {
        Self { permission, writes: false, of }
    }

    /// To read and write in these repositories.
    pub const fn write(permission: Permission, of: Repositories) -> Self {
        Self { permission, writes: true, of }
    }
}
