//! Builds the bot from the environment.

use std::fmt;
use std::sync::Arc;

use super::http::App;
use crate::agents::{BadFile, Registry, file};
use crate::bot::authorize::{Access, Guilds};
use crate::bot::registration::mistakes;
use crate::bot::settings::{self, BadSettings, Settings};
use crate::bot::tasks::Tasks;
use crate::bot::{Context, Parts, on_aws};
use crate::clock::{Clock, CorrectedClock, SystemClock};
use crate::commands::TABLE;
use crate::commands::router::Router;
use crate::config::{Problem, Reader};
use crate::github::webhook;
use crate::net::transport::Https;
use crate::net::url_guard::UrlPolicy;
use crate::site::probe::Probe;
use crate::store::settings::{HOW_TO_GET_A_TABLE, TABLE_NAME};
use crate::store::{File, Store, StoreError, Unset};
use crate::telemetry;
use crate::text::escape;

/// Why the bot cannot start. It lists all problems, not only the first.
#[derive(Debug, Default)]
pub struct BadStart {
    /// Settings that are missing or invalid.
    pub settings: Option<BadSettings>,
    /// Why the agents cannot be used.
    pub agents: Option<BadFile>,
    /// Why nothing can be remembered.
    pub store: Option<StoreError>,
}

impl std::error::Error for BadStart {}

impl fmt::Display for BadStart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cannot start; fix:")?;
        if let Some(settings) = &self.settings {
            write!(f, "\n{settings}")?;
        }
        if let Some(agents) = &self.agents {
            for mistake in agents.lines() {
                write!(f, "\n- {mistake}")?;
            }
        }
        if let Some(store) = &self.store {
            write!(f, "\n- {store}")?;
        }
        Ok(())
    }
}

/// The value of an environment variable. `None` also if it is not Unicode.
pub fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The agents of `AGENTS_FILE`, of `agents.toml` beside the binary, or the built-in ones. An error has all mistakes
/// in them.
pub fn registry(env: impl Fn(&str) -> Option<String>) -> Result<Registry, BadFile> {
    let urls = UrlPolicy::read(&mut Reader::new(&env));
    let mut checked = file::check(&settings::agents_file(&env), &urls)?;
    checked.mistakes.extend(mistakes(TABLE, &checked.registry));
    checked.without_mistakes()
}

/// The bot for `deckhand serve`. Work that goes on after an answer runs in `tasks`.
pub fn app(env: impl Fn(&str) -> Option<String>, tasks: Tasks) -> Result<App, BadStart> {
    build(&env, tasks, Arc::new(SystemClock), |settings, clock| {
        Ok(Arc::new(File::open(&settings.store.file, clock)?))
    })
}

/// `without_table` makes the store if `TABLE_NAME` is not set.
fn build(
    env: &impl Fn(&str) -> Option<String>,
    tasks: Tasks,
    clock: Arc<dyn Clock>,
    without_table: impl FnOnce(&Settings, Arc<dyn Clock>) -> Result<Arc<dyn Store>, StoreError>,
) -> Result<App, BadStart> {
    let (settings, registry) = match (Settings::load(env), registry(env)) {
        (Ok(settings), Ok(registry)) => (settings, registry),
        (settings, registry) => {
            return Err(BadStart {
                settings: settings.err(),
                agents: registry.err(),
                ..BadStart::default()
            });
        }
    };
    // Each cold start of a function would say it again.
    if env("AWS_LAMBDA_FUNCTION_NAME").is_none() {
        tracing::info!("the agents are those of {}", registry.place());
    }
    if settings.access.guilds == Guilds::Every {
        tracing::warn!(
            "ALLOWED_GUILD_IDS is *: whoever adds the bot to a server of theirs may command it there"
        );
    }
    for missing in not_for_watches(&settings, &registry) {
        tracing::warn!("agents.toml has a [[watch]] that shows nothing: {missing}");
    }
    let public_key = settings.discord.public_key;
    let transport = Arc::new(Https::new(clock.clone()));
    let (secrets, table) = on_aws(transport.clone(), clock.clone(), settings.store.table.clone());
    let store = match table {
        Some(table) => table,
        None => without_table(&settings, clock.clone())
            .map_err(|error| BadStart { store: Some(error), ..BadStart::default() })?,
    };
    let parts = Parts {
        secrets,
        transport,
        prober: Arc::new(Probe::new(settings.urls.clone())),
        clock: clock.clone(),
        store,
        durable: true,
        tasks,
        telemetry: telemetry::sink(env("AWS_LAMBDA_FUNCTION_NAME")),
    };
    let context = Context::new(settings, registry, parts);
    Ok(App::new(public_key, clock, Router { context, table: TABLE }))
}

/// What a `[[watch]]` needs and is not set.
fn not_for_watches(settings: &Settings, registry: &Registry) -> Vec<&'static str> {
    if registry.watches().is_empty() {
        return Vec::new();
    }
    let webhook = "GITHUB_WEBHOOK_SECRET is not set, so no run becomes known (docs/webhooks.md)";
    let bot = "DISCORD_BOT_TOKEN is not set, so no card can be posted";
    let webhook = settings.webhook.secret.is_none().then_some(webhook);
    let bot = settings.discord.bot_token.is_none().then_some(bot);
    webhook.into_iter().chain(bot).collect()
}

/// The bot for Lambda. If a Lambda process does not start, users see only "The application did not
/// respond". So this app starts whenever the public key is valid, and answers commands with the
/// problems. A missing table is a problem only for commands that dispatch or write.
pub fn app_that_explains(
    env: impl Fn(&str) -> Option<String>,
    tasks: Tasks,
) -> Result<App, BadStart> {
    let no_table = Problem::Missing(TABLE_NAME.name, HOW_TO_GET_A_TABLE);
    let clock = Arc::new(CorrectedClock::default());
    let built = build(&env, tasks, clock.clone(), |_, _| {
        tracing::error!("not set up: {no_table}");
        Ok(Arc::new(Unset))
    });
    let bad = match built {
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
    let table = Reader::new(&env).value(&TABLE_NAME).is_none().then(|| format!("- {no_table}"));
    let agents = bad.agents.iter().flat_map(BadFile::lines);
    let agents = agents.map(|mistake| format!("- {}", escape::plain(&mistake, 300)));
    let problems: Vec<String> = settings.into_iter().chain(table).chain(agents).collect();
    let telemetry = telemetry::sink(env("AWS_LAMBDA_FUNCTION_NAME"));
    let mut reader = Reader::new(&env);
    let has_webhook = webhook::Settings::are_set(&reader);
    let access = Access::read(&mut reader);
    let access = reader.problems().is_empty().then_some(access);
    Ok(App::not_set_up(key, clock, problems.join("\n"), access, has_webhook, telemetry))
}
