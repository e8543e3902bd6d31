//! The doctor: checks a set-up, for `deckhand doctor` and `/doctor`.
//!
//! [`probe`] asks Discord and GitHub, all at once, and writes down the [`facts`]; [`findings`] judges
//! them without any I/O; [`text`] renders the findings for a terminal and for Discord. Nothing here
//! writes: what can only be told by writing (whether a token may dispatch) is said to be unknown.

mod discord;
pub mod environment;
pub mod facts;
mod github;
pub mod probe;
mod settings;
pub mod store;
pub mod text;
mod workflow;
pub mod workflow_file;

use facts::{AgentFacts, Facts};

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
    fn good(about: &str, what: impl Into<String>) -> Self {
        Self::new(Level::Good, about, what, "")
    }

    fn doubtful(about: &str, what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::new(Level::Doubtful, about, what, fix)
    }

    fn bad(about: &str, what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::new(Level::Bad, about, what, fix)
    }

    fn new(level: Level, about: &str, what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { level, about: about.to_owned(), what: what.into(), fix: fix.into(), page: None }
    }

    fn on_page(self, page: &str) -> Self {
        Self { page: Some(page.to_owned()), ..self }
    }
}

/// Judges the facts.
pub fn findings(facts: &Facts) -> Vec<Finding> {
    let mut findings = settings::findings(facts);
    findings.extend(store::findings(facts.store.as_ref()));
    findings.extend(discord::findings(facts.discord.as_ref()));
    findings.extend(github::findings(facts.github.as_ref()));
    if let Some(github) = &facts.github {
        // Where the repository cannot be seen, that is all there is to say.
        let seen = |agent: &&AgentFacts| {
            let mut unseen = github.repositories.iter().filter(|one| one.push.is_err());
            !unseen.any(|one| one.repository == agent.repository)
        };
        findings.extend(github.agents.iter().filter(seen).flat_map(workflow::findings));
    }
    findings
}

/// Whether anything does not work.
pub fn is_ill(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| finding.level == Level::Bad)
}

/// `/a, /b and /c`.
fn commands(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("/{name}")).collect();
    listed(&names)
}

/// `a, b and c`.
fn listed(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [all @ .., last] => format!("{} and {last}", all.join(", ")),
    }
}
