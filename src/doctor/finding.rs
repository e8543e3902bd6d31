//! What was found, how bad it is, and what to do about it.

/// How bad it is. The worst comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Something does not work.
    Bad,
    /// Something may not work, or could not be checked.
    Doubtful,
    /// As it should be.
    Good,
}

/// One thing that was checked. Its texts are plain, not Markdown, and may hold what others wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub level: Level,
    /// What it is about, like `GitHub` or `/deploy-client`.
    pub about: String,
    /// What was found and what that means.
    pub what: String,
    /// What to do about it; empty when nothing is to be done.
    pub fix: String,
    /// Where to do it.
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

/// Whether anything does not work.
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
