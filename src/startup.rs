//! From the environment to a bot that answers.

use std::sync::Arc;

use crate::agents::{Registry, file};
use crate::app::{Deckhand, Parts};
use crate::clock::SystemClock;
use crate::commands::{TABLE, clash};
use crate::config::{self, BadSettings, Settings};
use crate::edge::http::App;
use crate::outbound::Https;
use crate::probe::Probe;
use crate::store::Memory;
use crate::tasks::Tasks;

/// Why the bot cannot start.
#[derive(Debug, thiserror::Error)]
pub enum BadStart {
    /// Settings are missing or wrong.
    #[error("these settings need mending:\n{0}")]
    Settings(BadSettings),
    /// `agents.toml` is wrong.
    #[error(transparent)]
    Agents(#[from] file::BadFile),
    /// An agent takes the name of a command that is built in.
    #[error("agents.toml: the command {0:?} is built in, choose another name for the agent's")]
    Clash(String),
}

/// The environment, as the settings are read from it.
pub fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The agents of `AGENTS_FILE`, or those that are built in.
pub fn registry(env: impl Fn(&str) -> Option<String>) -> Result<Registry, BadStart> {
    let registry = file::load(config::agents_file(env).as_deref())?;
    match clash(TABLE, &registry) {
        Some(agent) => Err(BadStart::Clash(agent.command.clone())),
        None => Ok(registry),
    }
}

/// The bot, or why it cannot start. What runs on after an answer is in `tasks`.
pub fn app(env: impl Fn(&str) -> Option<String>, tasks: Tasks) -> Result<App, BadStart> {
    let settings = Settings::load(&env).map_err(BadStart::Settings)?;
    let registry = registry(&env)?;
    let clock = Arc::new(SystemClock);
    let public_key = settings.discord.public_key;
    let parts = Parts {
        transport: Arc::new(Https::default()),
        prober: Arc::new(Probe::new(settings.urls.clone())),
        clock: clock.clone(),
        store: Arc::new(Memory::default()),
        tasks,
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
    let key = match &bad {
        BadStart::Settings(bad) => bad.public_key.as_deref().copied(),
        _ => Settings::load(&env).ok().map(|settings| settings.discord.public_key),
    };
    let Some(key) = key else { return Err(bad) };
    tracing::error!("not set up: {bad}");
    let problems = match &bad {
        BadStart::Settings(bad) => bad.to_string(),
        other => format!("- {}", crate::text::escape::plain(&other.to_string(), 600)),
    };
    Ok(App::not_set_up(key, Arc::new(SystemClock), &problems))
}
