//! The checked agents. [`super::file`] makes a registry from TOML.

use super::options::OptionSpec;
use super::place::Place;
use super::ref_pattern::{RefPattern, is_ref};
use super::verification::Verification;
use super::watch::Watch;
use crate::agents::Rule;
use crate::github::Repository;

/// All agents, in the order of the file. Ids are unique. Whether commands are, shows the table of all commands.
#[derive(Debug, Clone, Default)]
pub struct Registry {
    /// The file's name for messages.
    pub(super) file: String,
    pub(super) place: Place,
    pub(super) agents: Vec<Agent>,
    pub(super) watches: Vec<Watch>,
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
    /// Where it is declared.
    pub lines: Lines,
}

/// The lines of an agent's keys in the file, for errors that show only later. The first line is 1.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lines {
    /// Of `description`.
    pub description: usize,
    /// Of `command`.
    pub command: usize,
    /// Of `kind`.
    pub kind: usize,
    /// Of `run_command`, if there is one.
    pub run_command: usize,
    /// Of each input: where its choices are, or its option.
    pub inputs: Vec<usize>,
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

impl Kind {
    /// Its word in the file.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Deploy(_) => "deploy",
            Self::Workflow(_) => "workflow",
            Self::Diagnose(_) => "diagnose",
            Self::Status => "status",
            Self::Verify(_) => "verify",
        }
    }
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
    /// Inputs with a fixed value: name and value, in the order of the file.
    pub fixed: Vec<(String, String)>,
    /// Whether its command waits for the end of the run if the user does not say.
    pub waits: bool,
    /// Whether `/status` and the digest include its runs.
    pub reported: bool,
    /// Where it deploys to, for messages and the history.
    pub environment: Option<String>,
    /// The workflow input that takes the full hash of the commit to deploy, for roll backs.
    pub sha_input: Option<String>,
}

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
    /// The name of the file, for messages.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Where that file is, if [`super::file::check`] read it.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// All agents, in the order of the file.
    pub fn agents(&self) -> &[Agent] {
        &self.agents
    }

    /// The runs that channels are told of, in the order of the file.
    pub fn watches(&self) -> &[Watch] {
        &self.watches
    }

    /// The agent of a slash command.
    pub fn by_command(&self, command: &str) -> Option<&Agent> {
        self.agents.iter().find(|agent| agent.command == command)
    }

    /// The repositories with an agent's workflow or a watch, each once. `default`: that of those that name none; without
    /// it they have none.
    pub fn repositories(&self, default: Option<&Repository>) -> Vec<Repository> {
        let of_agents = self.agents.iter().filter_map(Agent::workflow);
        let named = of_agents.map(|workflow| workflow.repository.as_ref());
        let named = named.chain(self.watches.iter().map(|watch| watch.repository.as_ref()));
        let mut all: Vec<Repository> = Vec::new();
        for repository in named.filter_map(|named| named.or(default)) {
            if !all.iter().any(|known| known.is_same(repository)) {
                all.push(repository.clone());
            }
        }
        all
    }

    /// The agents that dispatch a workflow. `default`: the repository of those that name none.
    pub fn dispatching(
        &self,
        repository: &Repository,
        file: &str,
        default: &Repository,
    ) -> Vec<&Agent> {
        let dispatches = |agent: &&Agent| {
            agent.workflow().is_some_and(|workflow| {
                let of = workflow.repository.as_ref().unwrap_or(default);
                workflow.file == file && of.is_same(repository)
            })
        };
        self.agents.iter().filter(dispatches).collect()
    }

    /// The other agents of an agent's workflow that have another environment or other fixed inputs: GitHub does not tell
    /// their runs from this agent's. `default`: the repository of those that name none.
    pub fn sharing(&self, agent: &Agent, default: &Repository) -> Vec<&Agent> {
        let Some(own) = agent.workflow() else { return Vec::new() };
        let goes_to = |workflow: &Workflow| (workflow.environment.clone(), workflow.fixed.clone());
        let is_elsewhere =
            |other: &&Agent| other.workflow().is_some_and(|other| goes_to(other) != goes_to(own));
        let repository = own.repository.as_ref().unwrap_or(default);
        let mut all = self.dispatching(repository, &own.file, default);
        all.retain(is_elsewhere);
        all
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
            fixed: Vec::new(),
            waits: false,
            reported: false,
            environment: None,
            sha_input: None,
        };
        assert_eq!(workflow.allows_ref(git_ref), allowed);
    }
}
