//! From the environment to a bot that answers.

use std::fmt;
use std::sync::Arc;

use crate::agents::{Registry, file};
use crate::app::{Deckhand, Parts};
use crate::clock::{Clock, SystemClock};
use crate::commands::{TABLE, clash};
use crate::config::{self, BadSettings, Settings};
use crate::credential::Vault;
use crate::edge::http::App;
use crate::outbound::{Https, Transport};
use crate::probe::Probe;
use crate::store::{Memory, Store};
use crate::tasks::Tasks;
use crate::telemetry;
use crate::text::escape;

/// Why the bot cannot start: everything that is wrong, at once.
#[derive(Debug, Default)]
pub struct BadStart {
    /// Settings that are missing or wrong.
    pub settings: Option<BadSettings>,
    /// What is wrong with the agents.
    pub agents: Option<BadAgents>,
}

/// What is wrong with the agents.
#[derive(Debug, thiserror::Error)]
pub enum BadAgents {
    /// The file cannot be used.
    #[error(transparent)]
    File(#[from] file::BadFile),
    /// An agent takes the name of a command that is built in.
    #[error("agents.toml: the command {0:?} is built in, choose another name for the agent's")]
    Clash(String),
}

impl std::error::Error for BadStart {}

impl fmt::Display for BadStart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("this needs mending:")?;
        if let Some(settings) = &self.settings {
            write!(f, "\n{settings}")?;
        }
        if let Some(agents) = &self.agents {
            write!(f, "\n- {agents}")?;
        }
        Ok(())
    }
}

/// The environment, as the settings are read from it.
pub fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The agents of `AGENTS_FILE`, or those that are built in.
pub fn registry(env: impl Fn(&str) -> Option<String>) -> Result<Registry, BadAgents> {
    let registry = file::load(config::agents_file(env).as_deref())?;
    match clash(TABLE, &registry) {
        Some(agent) => Err(BadAgents::Clash(agent.command.clone())),
        None => Ok(registry),
    }
}

/// Where parameters are read, and the table if there is one. Nothing is connected yet.
#[cfg(feature = "aws")]
pub fn on_aws(
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    table: Option<String>,
) -> (Arc<dyn Vault>, Option<Arc<dyn Store>>) {
    let aws = crate::aws::Aws::new(transport);
    let table = table.map(|table| {
        Arc::new(crate::store::Dynamo::new(aws.clone(), table, clock)) as Arc<dyn Store>
    });
    (Arc::new(crate::aws::Parameters(aws)), table)
}

/// Nothing is on AWS: settings that name a parameter or a table were refused.
#[cfg(not(feature = "aws"))]
pub fn on_aws(
    _: Arc<dyn Transport>,
    _: Arc<dyn Clock>,
    _: Option<String>,
) -> (Arc<dyn Vault>, Option<Arc<dyn Store>>) {
    (Arc::new(crate::credential::NoVault), None)
}

/// The bot, or why it cannot start. What runs on after an answer is in `tasks`.
pub fn app(env: impl Fn(&str) -> Option<String>, tasks: Tasks) -> Result<App, BadStart> {
    let (settings, registry) = match (Settings::load(&env), registry(&env)) {
        (Ok(settings), Ok(registry)) => (settings, registry),
        (settings, registry) => {
            return Err(BadStart { settings: settings.err(), agents: registry.err() });
        }
    };
    let clock = Arc::new(SystemClock);
    let public_key = settings.discord.public_key;
    let transport = Arc::new(Https::default());
    let (vault, table) = on_aws(transport.clone(), clock.clone(), settings.table.clone());
    let store = table.unwrap_or_else(|| {
        tracing::warn!(
            "TABLE_NAME is not set: what is remembered lives and dies with this process, so a \
             command that is delivered to two processes may be done twice"
        );
        Arc::new(Memory::default())
    });
    let parts = Parts {
        vault,
        transport,
        prober: Arc::new(Probe::new(settings.urls.clone())),
        clock: clock.clone(),
        store,
        tasks,
        telemetry: telemetry::sink(env("AWS_LAMBDA_FUNCTION_NAME")),
        table: TABLE,
    };
    Ok(App::new(public_key, clock, Deckhand::new(settings, registry, parts)))
}

/// The bot for Lambda. There a process that does not start shows users only "The application did not
/// respond", so as long as Discord's signature can be checked the problems are told in the answers.
pub fn app_that_explains(
    env: impl Fn(&str) -> Option<String>,
    tasks: Tasks,
) -> Result<App, BadStart> {
    let bad = match app(&env, tasks) {
        Ok(app) => return Ok(app),
        Err(bad) => bad,
    };
    let key = match &bad.settings {
        Some(settings) => settings.public_key.as_deref().copied(),
        None => Settings::load(&env).ok().map(|settings| settings.discord.public_key),
    };
    let Some(key) = key else { return Err(bad) };
    tracing::error!("not set up: {bad}");
    let settings = bad.settings.as_ref().map(ToString::to_string);
    let agents =
        bad.agents.as_ref().map(|bad| format!("- {}", escape::plain(&bad.to_string(), 600)));
    let problems: Vec<String> = settings.into_iter().chain(agents).collect();
    let telemetry = telemetry::sink(env("AWS_LAMBDA_FUNCTION_NAME"));
    Ok(App::not_set_up(key, Arc::new(SystemClock), &problems.join("\n"), telemetry))
}
