//! `deckhand setup`: its flags, and what came of it as an exit code.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum};
use deckhand::commands::TABLE;
use deckhand::github::Repository;
use deckhand::host::listen::address;
use deckhand::host::startup;
use deckhand::setup::terminal::Terminal;
use deckhand::setup::{self, Ended, Flags, Service, Stopped, Target};
use futures_util::future::select_all;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::Result;

/// What `deckhand setup` is given.
#[derive(Args)]
pub(super) struct SetUp {
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
    #[arg(long = "workflow", value_name = "FILE", value_parser = workflow)]
    workflows: Vec<String>,
    /// The server's public address, like https://bot.example.com
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Where the server listens, for what ends TLS before it [default: as its file here shows, or 127.0.0.1:3000]
    #[arg(long, value_name = "ADDR", value_parser = address)]
    listen: Option<SocketAddr>,
    /// What runs the server [default: as the files here show, or systemd]
    #[arg(long, value_name = "HOW", value_enum)]
    run_by: Option<RunBy>,
    /// Write the commands to this file
    #[arg(long, value_name = "FILE", default_value = "agents.toml")]
    agents: PathBuf,
    /// Replace the application's interactions endpoint and its commands if they are something else's
    #[arg(long)]
    replace_endpoint: bool,
    /// On AWS: the stack's name
    #[arg(long, value_name = "NAME", default_value = "deckhand", value_parser = stack)]
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

fn stack(text: &str) -> std::result::Result<String, &'static str> {
    let is_name = text.len() <= 128
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if is_name {
        Ok(text.to_owned())
    } else {
        Err("it must be letters, digits and -, a letter first")
    }
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

fn workflow(text: &str) -> std::result::Result<String, &'static str> {
    let is_right = match text.split_once(':') {
        Some((repository, file)) => repository.parse::<Repository>().is_ok() && !file.is_empty(),
        None => !text.trim().is_empty(),
    };
    if is_right { Ok(text.to_owned()) } else { Err("it must be FILE, OWNER/NAME:FILE or all") }
}

/// Sets the bot up, or takes it back, and returns the exit code.
pub(super) async fn set_up(asked: SetUp, env_file: Option<PathBuf>) -> Result<ExitCode> {
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
        listen: asked.listen.map(|listen| listen.to_string()),
        service: asked.run_by.map(|run_by| match run_by {
            RunBy::Systemd => Service::Systemd,
            RunBy::Compose => Service::Compose,
        }),
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
    let run = async {
        if asked.remove {
            let removed = setup::remove(&flags, env, TABLE, &registries, &Terminal).await;
            removed.map(|()| Ended::Well)
        } else {
            setup::setup(&flags, env, TABLE, &registries, &Terminal).await
        }
    };
    // Not at once by the signal: the terminal must show again what is typed.
    let signals = [
        SignalKind::interrupt(),
        SignalKind::terminate(),
        SignalKind::hangup(),
        SignalKind::quit(),
    ];
    let signals: Vec<Signal> = signals.into_iter().map(signal).collect::<std::io::Result<_>>()?;
    let stopped = async {
        let received = signals.into_iter().map(|mut one| Box::pin(async move { one.recv().await }));
        select_all(received).await;
        if asked.remove { Stopped::RemovalInterrupted } else { Stopped::Interrupted }
    };
    let ended = tokio::select! { ended = run => ended, stopped = stopped => Err(stopped) };
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
