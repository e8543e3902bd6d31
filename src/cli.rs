//! The command line. Lambda does not use it.

use std::io::{ErrorKind, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use deckhand::bot::tasks::Tasks;
use deckhand::bot::{registration, settings};
use deckhand::commands::TABLE;
use deckhand::discord::registration::{Scope, changes};
#[cfg(feature = "aws")]
use deckhand::doctor::deployed::Deployed;
use deckhand::doctor::environment::Whose;
use deckhand::doctor::{self, is_ill};
use deckhand::github::Repository;
use deckhand::history::environment::{Asked, Printed, history};
use deckhand::host::environment::Environment;
use deckhand::host::health::health;
use deckhand::host::listen::{address, listen};
use deckhand::host::serve::serve;
use deckhand::host::startup;
use deckhand::register::{self, NotRegistered, Place, Said, register};
use deckhand::setup::terminal::Terminal;
use deckhand::setup::{self, Ended, Flags, Service, Stopped, Target};
use deckhand::telemetry::logging::{self, Form};
use serde_json::Value;
use tokio::signal::unix::{SignalKind, signal};

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

#[derive(Args)]
struct SetUp {
    /// Where the bot runs [default: as the files here show, or ask]
    #[arg(long, value_name = "WHERE", value_enum)]
    to: Option<To>,
    /// Read the bot's token from this file, - for standard input [default: DISCORD_BOT_TOKEN, or ask]
    #[arg(long, value_name = "FILE")]
    bot_token_file: Option<PathBuf>,
    /// Read the token for GitHub from this file, - for standard input [default: GITHUB_TOKEN, or ask]
    #[arg(long, value_name = "FILE")]
    github_token_file: Option<PathBuf>,
    /// Make a GitHub App in the browser instead of using a token
    #[arg(long, conflicts_with = "github_token_file")]
    github_app: bool,
    /// The organization that the GitHub App is to belong to [default: yourself]
    #[arg(long, value_name = "NAME", requires = "github_app", value_parser = organization)]
    github_org: Option<String>,
    /// Id of a server that may command the bot; may be given several times
    #[arg(long = "server", value_name = "ID", value_parser = clap::value_parser!(u64).range(1..))]
    servers: Vec<u64>,
    /// Id of a user who may use every command; may be given several times [default: the application's owner]
    #[arg(long = "admin", value_name = "ID", value_parser = clap::value_parser!(u64).range(1..))]
    admins: Vec<u64>,
    /// Look for workflows in this repository only; may be given several times
    #[arg(long = "repository", value_name = "OWNER/NAME", value_parser = repository)]
    repositories: Vec<Repository>,
    /// Make a command of this workflow: FILE, OWNER/NAME:FILE or all; may be given several times
    #[arg(long = "workflow", value_name = "FILE")]
    workflows: Vec<String>,
    /// The server's public address, like https://bot.example.com
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Where the server listens, for what ends TLS before it
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:3000", value_parser = address)]
    listen: SocketAddr,
    /// What runs the server
    #[arg(long, value_name = "HOW", value_enum, default_value_t = RunBy::Systemd)]
    run_by: RunBy,
    /// Write the commands to this file
    #[arg(long, value_name = "FILE", default_value = "agents.toml")]
    agents: PathBuf,
    /// Replace the application's interactions endpoint if it is another one
    #[arg(long)]
    replace_endpoint: bool,
    /// On AWS: the stack's name
    #[arg(long, value_name = "NAME", default_value = "deckhand")]
    stack: String,
    /// On AWS: the path of the secrets in SSM
    #[arg(long, value_name = "PATH", default_value = "/deckhand", value_parser = secrets_path)]
    secrets_path: String,
    /// On AWS: deploy this package of a release instead of building one
    #[arg(long, value_name = "FILE")]
    zip: Option<PathBuf>,
    /// Make no webhooks
    #[arg(long)]
    no_webhooks: bool,
    /// Seconds to wait until the bot is in a server, and until the server answers
    #[arg(long, value_name = "SECONDS", default_value_t = 900)]
    wait: u64,
    /// Take the default of each question; with --remove: take everything back
    #[arg(long)]
    yes: bool,
    /// Show what would be done, change nothing
    #[arg(long)]
    dry_run: bool,
    /// Take back what setup made, asking for each
    #[arg(long)]
    remove: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum To {
    /// A server of yours, by systemd or in a container
    Server,
    /// AWS Lambda, by SAM; run it in a clone
    Aws,
}

fn secrets_path(text: &str) -> std::result::Result<String, &'static str> {
    let is_part = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b))
    };
    match text.strip_prefix('/') {
        Some(path) if path.split('/').all(is_part) => Ok(text.to_owned()),
        _ => Err("it must begin with a slash and have none at its end, like /deckhand"),
    }
}

#[derive(Clone, Copy, ValueEnum)]
enum RunBy {
    /// A unit of systemd
    Systemd,
    /// A container, by Docker Compose
    Compose,
}

fn organization(text: &str) -> std::result::Result<String, &'static str> {
    let is_name = !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if is_name {
        Ok(text.to_owned())
    } else {
        Err("it must be the name in the organization's address")
    }
}

fn repository(text: &str) -> std::result::Result<Repository, &'static str> {
    text.parse().map_err(|()| "it must be owner/name")
}

impl Cli {
    /// Runs the subcommand and returns the exit code.
    pub(crate) async fn run(self) -> Result<ExitCode> {
        match self.command {
            Subcommands::Settings => {
                write!(std::io::stdout().lock(), "{}", settings::page())?;
                return Ok(ExitCode::SUCCESS);
            }
            // No settings: whether they can be used is the server's matter.
            Subcommands::Health { listen } => {
                println!("healthy: deckhand {}", health(listen).await?);
                return Ok(ExitCode::SUCCESS);
            }
            _ => {}
        }
        if let Subcommands::Setup(asked) = self.command {
            return set_up(*asked, self.env_file).await;
        }
        let environment = Environment::load(self.env_file.as_deref())?;
        if let Some(note) = environment.note() {
            eprintln!("deckhand: {note}");
        }
        let env = |name: &str| environment.value(name);
        match self.command {
            Subcommands::Doctor { stack: Some(stack), region } => {
                return examine_stack(env, &stack, region).await;
            }
            Subcommands::Doctor { stack: None, .. } => return examine(env, Whose::Ours).await,
            Subcommands::History { json, agent, environment, count } => {
                print_history(env, &Asked { agent, environment, count, json }).await
            }
            Subcommands::Serve { listen, grace } => {
                run_server(&environment, listen, Duration::from_secs(grace)).await
            }
            Subcommands::Commands { guild, against } => {
                print_commands(env, guild, against.as_deref())
            }
            Subcommands::Register { guild, global, remove, dry_run } => {
                let guild = guild.as_deref().map(Place::server).transpose()?;
                let place = guild.or(global.then_some(Place::Everywhere));
                register_commands(&environment, register::Asked { place, remove, dry_run }).await
            }
            Subcommands::Settings | Subcommands::Health { .. } | Subcommands::Setup(_) => Ok(()),
        }?;
        Ok(ExitCode::SUCCESS)
    }
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

async fn set_up(asked: SetUp, env_file: Option<PathBuf>) -> Result<ExitCode> {
    let flags = Flags {
        target: asked.to.map(|to| match to {
            To::Server => Target::Server,
            To::Aws => Target::Aws,
        }),
        stack: asked.stack,
        secrets_path: asked.secrets_path,
        sam_config: "samconfig.toml".into(),
        zip: asked.zip,
        env_file: env_file.unwrap_or_else(|| ".env".into()),
        agents: asked.agents,
        bot_token_file: asked.bot_token_file,
        github_token_file: asked.github_token_file,
        github_app: asked.github_app,
        github_org: asked.github_org,
        servers: asked.servers,
        repositories: asked.repositories,
        workflows: asked.workflows,
        admins: asked.admins,
        url: asked.url,
        listen: asked.listen.to_string(),
        service: match asked.run_by {
            RunBy::Systemd => Service::Systemd,
            RunBy::Compose => Service::Compose,
        },
        program: std::env::current_exe()?,
        replace_endpoint: asked.replace_endpoint,
        no_webhooks: asked.no_webhooks,
        wait: Duration::from_secs(asked.wait),
        yes: asked.yes,
        dry_run: asked.dry_run,
    };
    let registries = |env: &dyn Fn(&str) -> Option<String>| {
        startup::registry(env).map_err(|bad| bad.to_string())
    };
    let env = &startup::environment;
    let ended = if asked.remove {
        let removed = setup::remove(&flags, env, TABLE, &registries, &Terminal).await;
        removed.map(|()| Ended::Well)
    } else {
        setup::setup(&flags, env, TABLE, &registries, &Terminal).await
    };
    Ok(match ended {
        Ok(Ended::Well) => ExitCode::SUCCESS,
        Ok(Ended::Ill) => ExitCode::FAILURE,
        Err(stopped @ (Stopped::Interrupted | Stopped::RemovalInterrupted)) => {
            eprintln!("deckhand: {stopped}");
            ExitCode::from(130)
        }
        Err(stopped) => return Err(stopped.into()),
    })
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
