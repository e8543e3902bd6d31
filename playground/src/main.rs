//! The playground: the real bot between a stand-in Discord and a stand-in GitHub, in one process.
//! You type slash commands and see what a user of Discord would see. Nothing leaves the machine.

mod bot;
mod card;
mod input;
mod markdown;
mod process;
mod session;
mod show;
mod world;

use std::io::{BufRead, IsTerminal, stdin};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use bot::startup::environment;
use bot::{Form, logging};
use clap::Parser;
use clap::builder::{PossibleValue, PossibleValuesParser};
use session::Session;
use show::Show;
use standins::github::Scenario;
use tokio::signal::ctrl_c;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use world::{World, WorldOptions};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

const MORE: &str = "\
Examples:
  cargo run -p playground
  cargo run -p playground -- '/deploy-client wait:true'
  cargo run -p playground -- --scenario failure '/deploy-client wait:true ref:release/1.0'
  cargo run -p playground -- '/deploy-client wait:true' '> Cancel'
  cargo run -p playground -- --kill-after 3 '/deploy-client wait:true'
  cargo run -p playground -- /agents 'grace: /deploy-client' 'scenario twin-runs' '/deploy-client wait:true'

The bot is the real one, reached over HTTP with signed interactions; Discord and GitHub are stand-ins.
Other than by default, it looks at a run every second (instead of 3) and follows it for at most 20 s
(instead of 180), runs take seconds, everything is forgotten at the end, and of the environment only
LOG_LEVEL is read. Its agents are those of agents.toml; GitHub has a workflow for each.

A line such as '> Cancel' presses a button. It waits only until a message has that button; every other line waits
until all that was typed before has ended.

With --kill-after the bot is a process of its own. It is killed (SIGKILL) that long after each deploy was typed,
and started again on the same port with the same DATA_FILE. The outcome of a deploy that waits comes all the same;
a process that was at work may have to be given up first, which takes up to a minute.

Exit codes: 0 all commands were answered; 1 one was not, or Discord refused what the bot sent;
2 something cannot be typed; 130 Ctrl-C.";

/// Try Deckhand without Discord, GitHub or AWS: type slash commands, see the conversation
#[derive(Parser)]
#[command(name = "playground", after_help = MORE)]
struct Cli {
    /// What to type, one argument a line, each awaited to its end; without any there is a prompt
    #[arg(value_name = "LINE")]
    lines: Vec<String>,
    /// What GitHub does
    #[arg(long, value_name = "NAME", default_value = "success", value_parser = scenarios())]
    scenario: String,
    /// Who types; a line like 'bob: /agents' is typed by somebody else
    #[arg(long, value_name = "NAME", default_value = "ada", value_parser = user)]
    user: String,
    /// How often the bot looks at a run
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = poll)]
    poll: f64,
    /// How long the bot looks at a run that often, and shows its wait
    #[arg(long, value_name = "SECONDS", default_value = "20", value_parser = wait_timeout)]
    wait_timeout: f64,
    /// Kill the bot's process this long after a deploy was typed, and start it again
    #[arg(long, value_name = "SECONDS", value_parser = kill_after)]
    kill_after: Option<f64>,
    /// Show the bot's own log on stderr
    #[arg(long)]
    logs: bool,
    /// Be the bot's process
    #[arg(long = process::OPTION, value_name = "ADDR", hide = true)]
    bot: Option<SocketAddr>,
}

fn scenarios() -> PossibleValuesParser {
    let names = Scenario::names().iter();
    PossibleValuesParser::new(names.map(|(name, what)| PossibleValue::new(*name).help(*what)))
}

fn user(text: &str) -> std::result::Result<String, &'static str> {
    if input::is_user(text) {
        Ok(text.to_owned())
    } else {
        Err("a name on Discord has 2 to 32 of a-z, 0-9, _ and .")
    }
}

fn poll(text: &str) -> std::result::Result<f64, &'static str> {
    seconds(text, 0.05, 60.0).ok_or("0.05 to 60 seconds")
}

fn wait_timeout(text: &str) -> std::result::Result<f64, &'static str> {
    seconds(text, 1.0, 840.0).ok_or("1 to 840 seconds")
}

fn kill_after(text: &str) -> std::result::Result<f64, &'static str> {
    seconds(text, 0.0, 840.0).ok_or("0 to 840 seconds")
}

fn seconds(text: &str, least: f64, most: f64) -> Option<f64> {
    let seconds = text.parse().ok()?;
    (least..=most).contains(&seconds).then_some(seconds)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let ended = match cli.bot {
        Some(address) => process::run(address, cli.logs).await,
        None => play(cli).await,
    };
    match ended {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("playground: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn play(cli: Cli) -> Result<u8> {
    if cli.logs {
        logging::start(Form::Readable, environment("LOG_LEVEL").as_deref())?;
    }
    let (notices, noticed) = unbounded_channel();
    let world = World::start(WorldOptions {
        scenario: cli.scenario,
        poll: cli.poll,
        wait_timeout: cli.wait_timeout,
        kill_after: cli.kill_after.map(Duration::from_secs_f64),
        logs: cli.logs,
        notices,
    });
    let world = world.await?;
    let at_prompt = cli.lines.is_empty() && stdin().is_terminal();
    let show = Show::new(world.discord.clone(), noticed, at_prompt);
    let mut session = Session::new(world, show, cli.user);
    let lines = if cli.lines.is_empty() {
        typed()?
    } else {
        // All lines are checked before the first one runs.
        for line in &cli.lines {
            if let Err(why) = session.check(line) {
                eprintln!("playground: {why}");
                return Ok(2);
            }
        }
        let (sender, lines) = unbounded_channel();
        for line in cli.lines {
            sender.send(line)?;
        }
        lines
    };
    let interrupted = tokio::select! {
        () = session.run(lines, at_prompt) => false,
        pressed = ctrl_c() => pressed.map(|()| true)?,
    };
    session.end(interrupted).await
}

/// The lines of standard input, as they are typed.
fn typed() -> Result<UnboundedReceiver<String>> {
    let (sender, lines) = unbounded_channel();
    // A separate thread: with tokio's standard input the process would not exit.
    std::thread::Builder::new().spawn(move || {
        for line in stdin().lock().lines().map_while(std::io::Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    })?;
    Ok(lines)
}
