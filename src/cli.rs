//! The command line. Lambda does not use it.

mod set_up;

use std::io::{ErrorKind, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use deckhand::bot::tasks::Tasks;
use deckhand::bot::{registration, settings};
use deckhand::commands::TABLE;
use deckhand::discord::registration::{Scope, changes};
#[cfg(feature = "aws")]
use deckhand::doctor::deployed::Deployed;
use deckhand::doctor::environment::Whose;
use deckhand::doctor::{self, is_ill};
use deckhand::history::environment::{Asked, Printed, history};
use deckhand::host::environment::Environment;
use deckhand::host::health::health;
use deckhand::host::listen::{address, listen};
use deckhand::host::serve::serve;
use deckhand::host::startup;
use deckhand::register::{self, NotRegistered, Place, Said, register};
use deckhand::telemetry::logging::{self, Form};
use serde_json::Value;
use tokio::signal::unix::{SignalKind, signal};

use self::set_up::{SetUp, set_up};
use crate::Result;

/// Deploys from chat: a Discord bot that dispatches GitHub Actions workflows and reports how they ended
#[derive(Parser)]
#[command(version, arg_required_else_help = true)]
#[command(
    after_help = "Settings come from the environment and from .env; docs/settings.md lists them."
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Subcommands,
    /// Read settings from this file too, with a line NAME=value for each; the environment wins
    /// [default: .env, if there is one]
    #[arg(long, value_name = "FILE", global = true)]
    env_file: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Subcommands {
    /// Run the bot as an HTTP server: POST /discord, POST /github/webhook, GET /health
    Serve {
        /// Port, or address and port, to listen on; port 0 takes a free one
        ///
        /// 3000, :3000 and localhost:3000 are 127.0.0.1:3000, which only programs on this machine reach.
        /// [::1]:3000 is the same with IPv6. 0.0.0.0:3000 is reached by others too.
        #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:3000", value_parser = address)]
        listen: SocketAddr,
        /// Seconds that running work gets to end by itself after SIGTERM or Ctrl-C
        #[arg(long, value_name = "SECONDS", default_value_t = 20)]
        grace: u64,
    },
    /// Ask the server on this machine whether it is up; exit status 1 if it is not
    ///
    /// For the health check of a container, which has no other program for it.
    Health {
        /// Where it listens, in the form of `serve --listen`
        #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:3000", value_parser = address)]
        listen: SocketAddr,
    },
    /// Print the commands as the JSON that registers them with Discord
    Commands {
        /// For one server instead of all
        #[arg(long)]
        guild: bool,
        /// Print instead what registering would change, given what Discord has now (a file with the
        /// JSON of its list of commands, or - for standard input)
        #[arg(long, value_name = "FILE")]
        against: Option<PathBuf>,
    },
    /// Register the slash commands with Discord: one bulk overwrite of what agents.toml and the bot declare
    ///
    /// Prints what differs from what is registered: + new, ~ changed, - removed. It needs
    /// DISCORD_APPLICATION_ID and DISCORD_BOT_TOKEN. Commands that are registered both for all servers and in
    /// one server are shown twice there: register them in one way only.
    Register {
        /// In this server only: seen at once, good for trying out [default: DISCORD_GUILD_ID, if set]
        #[arg(long, value_name = "ID")]
        guild: Option<String>,
        /// In all servers that added the bot, also if DISCORD_GUILD_ID is set
        #[arg(long, conflicts_with = "guild")]
        global: bool,
        /// Take all commands of the bot back there
        #[arg(long)]
        remove: bool,
        /// Show what would change, change nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Set the bot up, from nothing to a working installation; run it again to go on
    ///
    /// Asks for two tokens and finds out the rest: the application, its servers, the repositories and their
    /// workflows. Writes agents.toml, the settings (mode 600) and what runs the server; then sets Discord's
    /// endpoint, registers the commands, makes the webhooks and runs the doctor. What is done already is not done
    /// again.
    Setup(Box<SetUp>),
    /// Print every setting with its meaning and its default, as Markdown
    Settings,
    /// Check the set-up: settings, Discord, GitHub, each agent's workflow; exit status 1 if
    /// something does not work
    ///
    /// It only reads. With DISCORD_BOT_TOKEN it also checks the application, its endpoint URL, the registered
    /// commands, and the ids in the settings; with DISCORD_GUILD_ID the commands of that server too.
    Doctor {
        /// Check the settings of the function that this stack on AWS deployed, instead of those here
        ///
        /// The name or ARN of the stack, or of the function itself. It needs the permissions
        /// cloudformation:ListStackResources and lambda:GetFunctionConfiguration, and what the function itself may
        /// read: its parameters and its table.
        #[arg(long, value_name = "NAME")]
        stack: Option<String>,
        /// The region of the stack [default: as AWS_REGION or the profile says]
        #[arg(long, value_name = "REGION", requires = "stack")]
        region: Option<String>,
    },
    /// Print the latest deploys, newest first; also while `serve` is running
    ///
    /// It reads the table of TABLE_NAME, or the file of DATA_FILE.
    History {
        /// Print one JSON object a line; docs/history.md lists its fields
        #[arg(long)]
        json: bool,
        /// Only this agent, by its id in agents.toml
        #[arg(long, value_name = "ID")]
        agent: Option<String>,
        /// Only this environment
        #[arg(long, value_name = "NAME")]
        environment: Option<String>,
        /// How many at most
        #[arg(long, value_name = "N", default_value_t = 25, value_parser = clap::value_parser!(u16).range(1..=1000))]
        count: u16,
    },
}

impl Cli {
    /// Runs the subcommand and returns the exit code.
    pub(crate) async fn run(self) -> Result<ExitCode> {
        let file = self.env_file;
        match self.command {
            // No settings: whether they can be used is the server's matter.
            Subcommands::Health { listen } => {
                println!("healthy: deckhand {}", health(listen).await?)
            }
            Subcommands::Settings => write!(std::io::stdout().lock(), "{}", settings::page())?,
            // It writes that file.
            Subcommands::Setup(asked) => return set_up(*asked, file).await,
            Subcommands::Doctor { stack, region } => {
                let environment = environment(file)?;
                let env = |name: &str| environment.value(name);
                return match stack {
                    Some(stack) => examine_stack(env, &stack, region).await,
                    None => examine(env, Whose::Ours).await,
                };
            }
            Subcommands::History { json, agent, environment: of, count } => {
                let environment = environment(file)?;
                let asked = Asked { agent, environment: of, count, json };
                print_history(|name| environment.value(name), &asked).await?;
            }
            Subcommands::Serve { listen, grace } => {
                run_server(&environment(file)?, listen, Duration::from_secs(grace)).await?;
            }
            Subcommands::Commands { guild, against } => {
                let environment = environment(file)?;
                print_commands(|name| environment.value(name), guild, against.as_deref())?;
            }
            Subcommands::Register { guild, global, remove, dry_run } => {
                let environment = environment(file)?;
                let guild = guild.as_deref().map(Place::server).transpose()?;
                let place = guild.or(global.then_some(Place::Everywhere));
                let asked = register::Asked { place, remove, dry_run };
                register_commands(&environment, asked).await?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// The settings, from the environment and from this file, or else `.env`.
fn environment(file: Option<PathBuf>) -> Result<Environment> {
    let environment = Environment::load(file.as_deref())?;
    if let Some(note) = environment.note() {
        eprintln!("deckhand: {note}");
    }
    Ok(environment)
}

async fn run_server(environment: &Environment, at: SocketAddr, grace: Duration) -> Result<()> {
    let env = |name: &str| environment.value(name);
    logging::start(Form::Readable, settings::log_level(&env).as_deref())?;
    let tasks = Tasks::default();
    let app = startup::app(env, tasks.clone()).map_err(|bad| match &bad.settings {
        Some(_) => format!("{bad}\n{}", environment.places()),
        None => bad.to_string(),
    })?;
    let mut term = signal(SignalKind::terminate())?;
    let mut int = signal(SignalKind::interrupt())?;
    let listener = listen(at).await?;
    println!("deckhand listens on http://{}", listener.local_addr()?);
    let shutdown = async move {
        tokio::select! { _ = term.recv() => {}, _ = int.recv() => {} }
    };
    serve(listener, app, tasks, shutdown, grace).await;
    Ok(())
}

async fn examine(env: impl Fn(&str) -> Option<String>, whose: Whose) -> Result<ExitCode> {
    let registry = startup::registry(&env).map_err(|bad| bad.to_string());
    let findings = doctor::environment::examine(env, registry, TABLE, whose).await;
    write!(std::io::stdout().lock(), "{}", doctor::text::plain(&findings))?;
    Ok(if is_ill(&findings) { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

#[cfg(feature = "aws")]
async fn examine_stack(
    ours: impl Fn(&str) -> Option<String>,
    stack: &str,
    region: Option<String>,
) -> Result<ExitCode> {
    let Deployed { function, region, settings } = doctor::deployed::read(stack, region).await?;
    writeln!(std::io::stdout().lock(), "Settings of the function {function} in {region}:\n")?;
    // A path on Lambda is none here: the file that is deployed lies here, too.
    let env = |name: &str| match name {
        "AGENTS_FILE" => ours(name),
        name => settings.get(name).cloned(),
    };
    examine(env, Whose::OfAFunction { region }).await
}

#[cfg(not(feature = "aws"))]
async fn examine_stack(
    _: impl Fn(&str) -> Option<String>,
    _: &str,
    _: Option<String>,
) -> Result<ExitCode> {
    Err("this build has no AWS support: build with the feature `aws`".into())
}

async fn register_commands(environment: &Environment, asked: register::Asked) -> Result<()> {
    let env = |name: &str| environment.value(name);
    let registry = startup::registry(env).map_err(|bad| bad.to_string());
    let say = |said| match said {
        // Whoever closes the pipe does not want it.
        Said::Out(text) => drop(writeln!(std::io::stdout().lock(), "{text}")),
        Said::Note(text) => drop(writeln!(std::io::stderr().lock(), "{text}")),
    };
    register(env, registry, TABLE, asked, say).await.map_err(|not| match &not {
        NotRegistered::Settings(_) => format!("{not}\n{}", environment.places()).into(),
        _ => not.into(),
    })
}

async fn print_history(env: impl Fn(&str) -> Option<String>, asked: &Asked) -> Result<()> {
    let registry = startup::registry(&env)?;
    let Printed { out, notes } = history(env, &registry, asked).await?;
    eprint!("{notes}");
    match std::io::stdout().lock().write_all(out.as_bytes()) {
        // Whoever reads it has enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}

fn print_commands(
    env: impl Fn(&str) -> Option<String>,
    guild: bool,
    against: Option<&Path>,
) -> Result<()> {
    let registry = startup::registry(env)?;
    let scope = if guild { Scope::Guild } else { Scope::Global };
    let declared = registration(TABLE, &registry, scope);
    let mut out = std::io::stdout().lock();
    let Some(file) = against else {
        return Ok(writeln!(out, "{declared:#}")?);
    };
    let registered: Value = read(file)
        .and_then(|text| Ok(serde_json::from_str(&text)?))
        .map_err(|error| format!("{}: {error}", file.display()))?;
    if !registered.is_array() {
        return Err(format!("{}: this is no list of commands", file.display()).into());
    }
    for change in changes(&declared, &registered) {
        writeln!(out, "{change}")?;
    }
    Ok(())
}

fn read(file: &Path) -> Result<String> {
    Ok(match file.to_str() {
        Some("-") => std::io::read_to_string(std::io::stdin())?,
        _ => std::fs::read_to_string(file)?,
    })
}
