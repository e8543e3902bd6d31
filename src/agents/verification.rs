//! What a `verify` agent checks: which deploys, which of their steps, and which requests.

use http::HeaderName;

/// In a check's body: the commit of the run, all 40 digits.
pub(super) const SHA: &str = "{sha}";

/// What to check after a deploy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verification {
    /// The id of the deploy agent whose runs are verified.
    pub verifies: String,
    /// The name of the second command, which takes a run's id.
    pub run_command: Option<String>,
    /// Steps whose durations are shown.
    pub steps: Vec<StepPattern>,
    /// The requests to check.
    pub checks: Vec<Check>,
}

/// A step of the deploy's workflow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepPattern {
    /// Its name in messages.
    pub label: String,
    /// Text that the step's name must contain, ignoring case.
    pub pattern: String,
}

/// A request and its expected answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What it asks, in words and in hints.
    pub target: Target,
    /// Its own URL. `None`: the target's setting.
    pub url: Option<OwnUrl>,
    /// Path below the URL. It starts with a slash, or is empty if the check has a URL of its own.
    pub path: String,
    /// The expected status.
    pub status: u16,
    /// A required header.
    pub header: Option<HeaderCheck>,
    /// Text that the body must contain.
    pub body: Option<BodyText>,
}

/// The URL of a check, as far as it can be judged without the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnUrl {
    pub url: String,
    /// Its position in the file, in bytes.
    pub(super) at: usize,
}

/// Text that a body must contain. It may hold `{sha}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BodyText(pub(super) String);

impl BodyText {
    /// Whether it holds `{sha}`.
    pub fn names_commit(&self) -> bool {
        self.0.contains(SHA)
    }

    /// The text for a run of this commit. `None`: it holds `{sha}`, and the commit is not known.
    pub fn of(&self, commit: Option<&str>) -> Option<String> {
        if self.names_commit() { Some(self.0.replace(SHA, commit?)) } else { Some(self.0.clone()) }
    }
}

/// A required header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderCheck {
    pub name: HeaderName,
    /// The value must contain one of these texts, ignoring case. Empty: any value.
    pub contains: Vec<String>,
}

/// The part of a site that a check asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// `FRONTEND_BASE_URL`.
    Frontend,
    /// `VITE_API_BASE`.
    Api,
    /// The check has a URL and does not say what is there.
    Page,
}

impl Target {
    /// Its name in messages.
    pub fn words(self) -> &'static str {
        match self {
            Self::Frontend => "Frontend",
            Self::Api => "API",
            Self::Page => "Page",
        }
    }

    /// The setting with its base URL; the variable of the repository has the same name.
    pub fn setting(self) -> Option<&'static str> {
        match self {
            Self::Frontend => Some("FRONTEND_BASE_URL"),
            Self::Api => Some("VITE_API_BASE"),
            Self::Page => None,
        }
    }
}
