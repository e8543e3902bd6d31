//! What the probes found, not judged yet.

use std::collections::BTreeMap;

use chrono::TimeDelta;

use super::access::AccessFacts;
use super::ids::IdFacts;
use super::store::StoreFacts;
use super::watch::WatchFacts;
use super::webhook::WebhookFacts;
use crate::agents::Place;
use crate::config::Problem;
use crate::discord::DiscordError;
use crate::discord::application::Application;
use crate::discord::guild::Rights;
use crate::discord::registration::Change;
use crate::github::GithubError;
use crate::github::Repository;
use crate::github::account::Dispatcher;
use crate::github::inspect::RateLimit;
use crate::github::permission::Permission;

/// All facts. The findings are derived from them.
#[derive(Debug, Clone)]
pub struct Facts {
    /// Settings that are missing or invalid.
    pub problems: Vec<Problem>,
    /// Settings without which checks of the deployed site are not made, each with the commands that make them.
    pub bases: Vec<(&'static str, Vec<String>)>,
    /// The file of `serve`, if it is not there yet and there is no table either.
    pub file: Option<String>,
    /// Whether this is a function's set-up, on Lambda.
    pub on_lambda: bool,
    /// Where the valid agents are read from, or why they cannot be used.
    pub agents_file: Result<Place, String>,
    /// Who may command the bot.
    pub access: AccessFacts,
    /// `None`: there is no table.
    pub store: Option<StoreFacts>,
    /// `None`: not asked, because its settings are not valid.
    pub discord: Option<DiscordFacts>,
    /// `None`: not asked, because its settings are not valid or there is no bot token.
    pub ids: Option<IdFacts>,
    /// `None`: not asked, because its settings are not valid.
    pub github: Option<GithubFacts>,
    /// `None`: not asked, because the settings or the agents are not valid.
    pub webhook: Option<WebhookFacts>,
    /// What is wrong with the places of secrets that can be read all the same.
    pub in_the_clear: Vec<String>,
    /// How many watches there are.
    pub watches: usize,
    /// `None`: not asked, because the settings or the agents are not valid.
    pub watched: Option<WatchFacts>,
}

/// Facts about Discord.
#[derive(Debug, Clone)]
pub struct DiscordFacts {
    /// `DISCORD_PUBLIC_KEY`, in hexadecimal.
    pub public_key: String,
    /// `DISCORD_APPLICATION_ID`.
    pub application_id: u64,
    /// Whether the scheduled digest is on: `DIGEST_CHANNEL_ID` is set.
    pub has_digest: bool,
    /// `None`: not asked, because no bot token is set.
    pub asked: Option<Asked>,
}

/// What Discord answered.
#[derive(Debug, Clone)]
pub struct Asked {
    pub application: Result<Application, DiscordError>,
    /// The global commands. `None`: there is no registry to compare them with.
    pub global: Option<Result<Registered, DiscordError>>,
    /// The commands of single servers, by the server's id: that of `DISCORD_GUILD_ID`, and those of
    /// `ALLOWED_GUILD_IDS` in which the bot may register commands.
    pub guilds: Vec<(u64, Result<Registered, DiscordError>)>,
    /// Whether the bot sees the channel of the scheduled digest. `None`: no channel is set.
    pub channel: Option<Result<(), DiscordError>>,
    /// What it may do there. `None`: no channel is set, or it is in no server.
    pub rights: Option<Result<Rights, DiscordError>>,
}

/// Registered commands, compared with the declared ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    /// The names of our commands.
    pub names: Vec<String>,
    /// What registering would change.
    pub changes: Vec<Change>,
}

/// Facts about GitHub.
#[derive(Debug, Clone)]
pub struct GithubFacts {
    /// The rate limit. It is asked first; after an error nothing else is asked.
    pub rate: Result<Option<RateLimit>, GithubError>,
    /// The account behind the token.
    pub account: Option<Result<Dispatcher, GithubError>>,
    /// The permissions of the app's installation. `None` for a token: GitHub does not list its permissions.
    pub granted: Option<BTreeMap<String, String>>,
    /// GitHub's clock minus this machine's.
    pub ahead: Option<TimeDelta>,
    /// The repositories that agents use.
    pub repositories: Vec<RepositoryFacts>,
    /// The agents with a workflow.
    pub agents: Vec<AgentFacts>,
}

/// Facts about one repository.
#[derive(Debug, Clone)]
pub struct RepositoryFacts {
    pub repository: Repository,
    /// Whether the account may push, if GitHub says so. `Err`: the repository cannot be read.
    pub push: Result<Option<bool>, GithubError>,
    /// Its name now, if it was renamed or transferred.
    pub renamed: Option<Repository>,
    /// The permissions that were tried.
    pub reads: Vec<Read>,
}

/// One permission, tried by a read.
#[derive(Debug, Clone)]
pub struct Read {
    pub permission: Permission,
    /// The commands that need it.
    pub commands: Vec<Needed>,
    /// GitHub's answer to the read.
    pub answer: Result<(), GithubError>,
}

/// A command that needs a permission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needed {
    /// Without the slash.
    pub command: String,
    /// Whether it also needs to write.
    pub writes: bool,
}

/// Facts about one agent and its workflow.
#[derive(Debug, Clone)]
pub struct AgentFacts {
    /// Its slash command, without the slash.
    pub command: String,
    /// Whether it is of kind `deploy`.
    pub deploys: bool,
    /// The repository of the workflow.
    pub repository: Repository,
    pub file: String,
    /// The branch or tag that it is dispatched on.
    pub git_ref: String,
    /// The URL of the workflow's page.
    pub page: String,
    /// The inputs that a dispatch sends.
    pub sends: Vec<Sends>,
    /// GitHub's word, like `active`.
    pub state: Result<String, GithubError>,
    /// The content of the workflow file on `git_ref`.
    pub text: Result<String, GithubError>,
}

/// An input that a dispatch sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sends {
    /// The workflow input's name.
    pub input: String,
    /// Whether every dispatch sends it. If not, only those for which the user gives the option.
    pub always: bool,
}
