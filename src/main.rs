//! What runs where: on Lambda the function, elsewhere the subcommands.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use deckhand::commands::{Scope, TABLE, registration};
use deckhand::logging::{self, Form};
use deckhand::startup::{self, environment};
use deckhand::tasks::Tasks;
use deckhand::{lambda, serve};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Deploys from chat: a Discord bot that dispatches GitHub Actions workflows and reports how they ended
#[derive(Parser)]
#[command(version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Subcommands,
}

#[derive(Subcommand)]
enum Subcommands {
    /// Run the bot as an HTTP server: POST /discord, GET /health
    Serve {
        /// Address and port to listen on; port 0 takes a free one
        #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:3000")]
        listen: SocketAddr,
        /// Seconds that running work gets to end by itself after SIGTERM or Ctrl-C
        #[arg(long, value_name = "SECONDS", default_value_t = 20)]
        grace: u64,
    },
    /// Print the commands as the JSON that registers them with Discord
    Commands {
        /// For one server instead of all
        #[arg(long)]
        guild: bool,
    },
}

fn main() -> ExitCode {
    let on_lambda = std::env::var_os("AWS_LAMBDA_RUNTIME_API").is_some();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let done = runtime
        .map_err(Into::into)
        .and_then(|runtime| match on_lambda {
            true => runtime.block_on(on_lambda_run()),
            false => runtime.block_on(run(Cli::parse())),
        });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("deckhand: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn on_lambda_run() -> Result<()> {
    logging::start(Form::Json, environment("LOG_LEVEL").as_deref())?;
    let tasks = Tasks::default();
    lambda::runtime::run(
        startup::app_that_explains(environment, tasks.clone())?,
        tasks,
    )
    .await
}

async fn run(cli: Cli) -> Result<()> {
    match cli.command {
        Subcommands::Serve { listen, grace } => {
            logging::start(Form::Readable, environment("LOG_LEVEL").as_deref())?;
            let tasks = Tasks::default();
            let app = startup::app(environment, tasks.clone())?;
            let (mut term, mut int) = (
                signal(SignalKind::terminate())?,
                signal(SignalKind::interrupt())?,
            );
            let listener = TcpListener::bind(listen).await?;
            println!("deckhand listens on http://{}", listener.local_addr()?);
            let shutdown = async move {
                tokio::select! { _ = term.recv() => {}, _ = int.recv() => {} }
            };
            serve::serve(listener, app, tasks, shutdown, Duration::from_secs(grace)).await;
        }
        Subcommands::Commands { guild } => {
            let registry = startup::registry(environment)?;
            let scope = if guild { Scope::Guild } else { Scope::Global };
            println!("{:#}", registration(TABLE, &registry, scope));
        }
    }
    Ok(())
}
