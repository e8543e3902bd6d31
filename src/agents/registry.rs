//! The checked agents. [`super::file`] makes a registry from TOML.

use super::options::OptionSpec;
use super::verification::Verification;
use crate::agents::Rule;
use crate::github::Repository;

/// All agents, in the order of the file. Ids and commands are unique.
#[derive(Debug, Clone)]
pub struct Registry {
    pub(super) agents: Vec<Agent>,
}

/// One entry point of the bot.
#[derive(Debug, Clone)]
pub struct Agent {
    /// Stable id for machines, like `deploy_client`.
    pub id: String,
    /// Display name.
    pub name: String,
    /// One line. Also the description of the slash command.
    pub description: String,
    /// The name of its slash command, without the slash.
    pub command: String,
    /// Who may use it.
    pub rule: Rule,
    /// What its command does.
    pub kind: Kind,
}

/// What an agent's command does.
#[derive(Debug, Clone)]
pub enum Kind {
    /// Deploys: dispatches a workflow and follows its run.
    Deploy(Workflow),
    /// Dispatches any other workflow, in the same way as a deploy.
    Workflow(Workflow),
    /// Dispatches the diagnose workflow and shows its checks.
    Diagnose(Workflow),
    /// Shows the latest runs.
    Status,
    /// Checks that a deploy is live.
    Verify(Verification),
}

/// The workflow of an agent.
#[derive(Debug, Clone)]
pub struct Workflow {
    /// Its repository; `None`: `GITHUB_REPO`.
    pub repository: Option<Repository>,
    /// Its file name in `.github/workflows`.
    pub file: String,
    /// The branch or tag to dispatch on if the user gives none.
    pub default_ref: String,
    /// The branches and tags that a user may choose, including the default.
    pub allowed_refs: Vec<RefPattern>,
    /// The inputs that a user may set. Each is an option of the slash command.
    pub inputs: Vec<Input>,
    /// Whether `/status` and the digest include its runs.
    pub reported: bool,
}

/// A branch or tag. With a final `*`: all that start with the text before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefPattern(pub String);

/// An option of the slash command that sets a workflow input.
#[derive(Debug, Clone)]
pub struct Input {
    /// The workflow input's name.
    pub input: String,
    /// The option that sets it.
    pub option: OptionSpec,
}

/// The message when no workflow is shown.
pub const NONE_REPORTED: &str = "There is nothing to show: in agents.toml no agent has a workflow, or each has `reported = false`.";

impl Registry {
    /// All agents, in the order of the file.
    pub fn agents(&self) -> &[Agent] {
        &self.agents
    }

    /// The agent of a slash command.
    pub fn by_command(&self, command: &str) -> Option<&Agent> {
        self.agents.iter().find(|agent| agent.command == command)
    }

    /// The agent with this id.
    pub fn by_id(&self, id: &str) -> Option<&Agent> {
        self.agents.iter().find(|agent| agent.id == id)
    }
}

impl Agent {
    /// The workflow that its command dispatches; `None` if it dispatches none.
    pub fn workflow(&self) -> Option<&Workflow> {
        match &self.kind {
            Kind::Deploy(workflow) | Kind::Diagnose(workflow) | Kind::Workflow(workflow) => {
                Some(workflow)
            }
            Kind::Status | Kind::Verify(_) => None,
        }
    }

    /// What it verifies; `None` for another kind.
    pub fn verification(&self) -> Option<&Verification> {
        match &self.kind {
            Kind::Verify(verification) => Some(verification),
            _ => None,
        }
    }
}

impl Workflow {
    /// Whether a user may dispatch on this branch or tag.
    pub fn allows_ref(&self, git_ref: &str) -> bool {
        is_ref(git_ref) && self.allowed_refs.iter().any(|pattern| pattern.matches(git_ref))
    }
}

impl RefPattern {
    fn matches(&self, git_ref: &str) -> bool {
        match self.0.strip_suffix('*') {
            Some(prefix) => git_ref.starts_with(prefix) && git_ref.len() > prefix.len(),
            None => git_ref == self.0,
        }
    }

    /// The prefix of a pattern with `*`; `None` for an exact name.
    pub fn prefix(&self) -> Option<&str> {
        self.0.strip_suffix('*')
    }

    /// The name of a pattern without `*`.
    pub fn exact(&self) -> Option<&str> {
        (!self.0.ends_with('*')).then_some(self.0.as_str())
    }
}

/// Whether git accepts this ref name, as far as the name alone tells.
/// <https://git-scm.com/docs/git-check-ref-format>
pub(crate) fn is_ref(text: &str) -> bool {
    let part = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.ends_with(".lock");
    let allowed = |c: char| !c.is_whitespace() && !c.is_control() && !"~^:?*[\\`".contains(c);
    text.len() <= 255
        && text.split('/').all(part)
        && text.chars().all(allowed)
        && !text.contains("..")
        && !text.contains("@{")
        && !text.starts_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("release/1.0", true)]
    #[case("release/../main", false)]
    #[case("release/a`b", false)]
    #[case("release/a\nb", false)]
    #[case("release/a b", false)]
    #[case("release//a", false)]
    #[case("release/.a", false)]
    #[case(&format!("release/{}", "x".repeat(300)), false)]
    fn only_a_valid_ref_name_is_allowed(#[case] git_ref: &str, #[case] allowed: bool) {
        let workflow = Workflow {
            repository: None,
            file: "x.yml".to_owned(),
            default_ref: "main".to_owned(),
            allowed_refs: vec![RefPattern("release/*".to_owned())],
            inputs: Vec::new(),
            reported: false,
        };
        assert_eq!(workflow.allows_ref(git_ref), allowed);
    }

    #[rstest]
    #[case("main", "main", true)]
    #[case("main", "main2", false)]
    #[case("main", "Main", false)]
    #[case("release/*", "release/1.0", true)]
    #[case("release/*", "release/", false)]
    #[case("release/*", "releases/1.0", false)]
    #[case("*", "anything", true)]
    fn a_pattern_is_an_exact_name_or_a_prefix(
        #[case] pattern: &str,
        #[case] git_ref: &str,
        #[case] matches: bool,
    ) {
        assert_eq!(RefPattern(pattern.to_owned()).matches(git_ref), matches);
    }
}
