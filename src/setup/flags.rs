//! What was asked for on the command line.

use std::path::PathBuf;
use std::time::Duration;

use super::stopped::Stopped;
use crate::github::Repository;

/// What was asked for on the command line.
#[derive(Debug, Clone)]
pub struct Flags {
    /// Where the bot runs. `None`: it is asked, or seen.
    pub target: Option<Target>,
    /// The name of the stack on AWS.
    pub stack: String,
    /// The path of its secrets in SSM.
    pub secrets_path: String,
    /// The file with the stack's parameters, which is read and written.
    pub sam_config: PathBuf,
    /// On AWS: a package to deploy instead of building one.
    pub zip: Option<PathBuf>,
    /// The file with the settings, which is read and written.
    pub env_file: PathBuf,
    /// The file of the agents, which is read and written.
    pub agents: PathBuf,
    /// The file with the bot's token; `-` is standard input.
    pub bot_token_file: Option<PathBuf>,
    /// The file with the token for GitHub; `-` is standard input.
    pub github_token_file: Option<PathBuf>,
    /// Whether to make a GitHub App instead of using a token.
    pub github_app: bool,
    /// The organization that the App is to belong to. `None`: the person.
    pub github_org: Option<String>,
    /// The servers that may command the bot.
    pub servers: Vec<u64>,
    /// The users who may use every command. None: the application's owner.
    pub admins: Vec<u64>,
    /// The repositories to look for workflows in.
    pub repositories: Vec<Repository>,
    /// The workflows to make agents of: a file's name, or `owner/name:file`.
    pub workflows: Vec<String>,
    /// Where the server is reached.
    pub url: Option<String>,
    /// Where the server listens. `None`: as the file that is there shows.
    pub listen: Option<String>,
    /// What runs the server. `None`: as the file that is there shows.
    pub service: Option<Service>,
    /// This program, for the service.
    pub program: PathBuf,
    /// Whether another endpoint of the application may be replaced.
    pub replace_endpoint: bool,
    /// Whether to do without webhooks.
    pub no_webhooks: bool,
    /// How long to wait for the person's own steps.
    pub wait: Duration,
    /// Takes the default of each question that has one.
    pub yes: bool,
    /// Changes nothing.
    pub dry_run: bool,
}

impl Flags {
    /// Which flag does not go with this place, and would be left out without a word.
    pub(super) fn check(&self, target: Target) -> Result<(), Stopped> {
        let (flags, place) = match target {
            Target::Server => (vec![("--zip", self.zip.is_some())], "AWS"),
            Target::Aws => {
                let (url, listen) = (self.url.is_some(), self.listen.is_some());
                let run_by = self.service.is_some();
                (vec![("--url", url), ("--listen", listen), ("--run-by", run_by)], "a server")
            }
        };
        match flags.iter().find(|(_, is_given)| *is_given) {
            Some((flag, _)) => {
                Err(Stopped::mend(format!("{flag} is for {place} only: leave it out.")))
            }
            None => Ok(()),
        }
    }
}

/// Where the bot runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// A server of one's own.
    Server,
    /// AWS Lambda.
    Aws,
}

/// What runs the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// A unit of systemd.
    Systemd,
    /// A container, by Docker Compose.
    Compose,
}
