//! What was found out, before anybody judges it.

use std::collections::BTreeMap;

use chrono::TimeDelta;

use super::store::StoreFacts;
use crate::config::Problem;
use crate::discord::DiscordError;
use crate::discord::application::Application;
use crate::discord::registration::Change;
use crate::github::GithubError;
use crate::github::Repository;
use crate::github::account::Dispatcher;
use crate::github::inspect::RateLimit;
use crate::github::permission::Permission;

/// Everything that the findings are made of.
#[derive(Debug, Clone)]
pub struct Facts {
    /// What is wrong with the settings.
    pub problems: Vec<Problem>,
    /// What is wrong with `agents.toml`.
    pub agents_file: Option<String>,
    /// Whether anybody is an admin.
    pub has_admins: bool,
    /// `None`: there is no table.
    pub store: Option<StoreFacts>,
    /// `None`: the settings do not allow it to be asked.
    pub discord: Option<DiscordFacts>,
    /// `None`: the settings do not allow it to be asked.
    pub github: Option<GithubFacts>,
}

/// About Discord.
#[derive(Debug, Clone)]
pub struct DiscordFacts {
    /// `DISCORD_PUBLIC_KEY`, in hexadecimal.
    pub public_key: String,
    /// `DISCORD_APPLICATION_ID`.
    pub application_id: u64,
    /// Whether the digest is to be posted on a schedule: `DIGEST_CHANNEL_ID` is set.
    pub has_digest: bool,
    /// `None`: there is no token to ask with.
    pub asked: Option<Asked>,
}

/// What Discord said.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The application.
    pub application: Result<Application, DiscordError>,
    /// The commands registered in all servers. `None`: it is not known what they should be.
    pub global: Option<Result<Registered, DiscordError>>,
    /// The same of the one server in `DISCORD_GUILD_ID`.
    pub guild: Option<Result<Registered, DiscordError>>,
    /// Whether the bot sees the channel of the scheduled digest, if there is one.
    pub channel: Option<Result<(), DiscordError>>,
}

/// Commands that are registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    /// How many.
    pub count: usize,
    /// How they differ from what is declared.
    pub changes: Vec<Change>,
}

/// About GitHub.
#[derive(Debug, Clone)]
pub struct GithubFacts {
    /// The rate limit, asked first: if this fails, nothing else was asked.
    pub rate: Result<Option<RateLimit>, GithubError>,
    /// Whose token it is.
    pub account: Option<Result<Dispatcher, GithubError>>,
    /// What the app's installation may do; `None` with a token, which does not tell.
    pub granted: Option<BTreeMap<String, String>>,
    /// How far GitHub's clock is ahead of ours.
    pub ahead: Option<TimeDelta>,
    /// The repositories that agents use.
    pub repositories: Vec<RepositoryFacts>,
    /// The agents with a workflow.
    pub agents: Vec<AgentFacts>,
}

/// About one repository.
#[derive(Debug, Clone)]
pub struct RepositoryFacts {
    /// Which one.
    pub repository: Repository,
    /// Whether it can be seen, and whether the account may write, if GitHub says so.
    pub push: Result<Option<bool>, GithubError>,
    /// What may be read there.
    pub reads: Vec<Read>,
}

/// One permission that was tried.
#[derive(Debug, Clone)]
pub struct Read {
    /// Which one.
    pub permission: Permission,
    /// The commands that need it.
    pub commands: Vec<Needed>,
    /// What GitHub said.
    pub answer: Result<(), GithubError>,
}

/// A command that needs a permission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needed {
    /// Without the slash.
    pub command: String,
    /// Whether reading does not suffice.
    pub writes: bool,
}

/// About one agent and its workflow.
#[derive(Debug, Clone)]
pub struct AgentFacts {
    /// Its slash command, without the slash.
    pub command: String,
    /// Where the workflow is.
    pub repository: Repository,
    /// The workflow's file.
    pub file: String,
    /// The branch or tag that it is dispatched on.
    pub git_ref: String,
    /// The workflow's page.
    pub page: String,
    /// What a dispatch of it gives.
    pub sends: Vec<Sends>,
    /// Its state.
    pub state: Result<String, GithubError>,
    /// Its text.
    pub text: Result<String, GithubError>,
}

/// An input that a dispatch gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sends {
    /// The workflow input's name.
    pub input: String,
    /// Given always, or only when the user gives the option.
    pub always: bool,
}
