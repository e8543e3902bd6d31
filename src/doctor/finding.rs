//! A finding: what was found, how bad it is, and how to fix it.

/// How bad a finding is. The worst sorts first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Something does not work.
    Bad,
    /// Something may not work, or could not be checked.
    Doubtful,
    /// As it should be.
    Good,
}

/// The result of one check. Its texts are plain, not Markdown, and may contain untrusted text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The severity.
    pub level: Level,
    /// What it is about, like `GitHub` or `/deploy-client`.
    pub about: String,
    /// What was found and what that means.
    pub what: String,
    /// How to fix it; empty if there is nothing to do.
    pub fix: String,
    /// The URL of the page on which to fix it.
    pub page: Option<String>,
}

impl Finding {
    pub(super) fn good(about: &str, what: impl Into<String>) -> Self {
        Self::new(Level::Good, about, what, "")
    }

    pub(super) fn doubtful(about: &str, what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::new(Level::Doubtful, about, what, fix)
    }

    pub(super) fn bad(about: &str, what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::new(Level::Bad, about, what, fix)
    }

    pub(super) fn new(
        level: Level,
        about: &str,
        what: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self { level, about: about.to_owned(), what: what.into(), fix: fix.into(), page: None }
    }

    pub(super) fn on_page(self, page: &str) -> Self {
        Self { page: Some(page.to_owned()), ..self }
    }
}

/// Whether any finding is [`Level::Bad`].
pub fn is_ill(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| finding.level == Level::Bad)
}

/// `/a, /b and /c`.
pub(super) fn commands(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("/{name}")).collect();
    listed(&names)
}

/// `a, b and c`.
pub(super) fn listed(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [all @ .., last] => format!("{} and {last}", all.join(", ")),
    }
}
