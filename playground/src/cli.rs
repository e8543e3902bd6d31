//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use clap::builder::{PossibleValue, PossibleValuesParser};
use standins::github::Scenario;

use crate::terminal::input;
use crate::world::{Run, Webhooks};

const MORE: &str = "\
Examples:
  cargo run -p playground
  cargo run -p playground -- --open
  cargo run -p playground -- --agents ../my-team/agents.toml
  cargo run -p playground -- --terminal
  cargo run -p playground -- '/deploy-client wait:true'
  cargo run -p playground -- --scenario failure '/deploy-client wait:true ref:release/1.0'
  cargo run -p playground -- '/deploy-client wait:true' '> Cancel'
  cargo run -p playground -- --kill-after 3 '/deploy-client wait:true'
  cargo run -p playground -- 'push main'
  cargo run -p playground -- '/deploy-client wait:true &' 'grace: /deploy-client'

The bot is the real one, reached over HTTP with signed interactions; Discord and GitHub are stand-ins.
Other than by default, it looks at a run every second (instead of 3) and follows it for at most 20 s
(instead of 180), runs take seconds, everything is forgotten at the end, and of the environment only
LOG_LEVEL is read. Its agents are those of agents.toml and a [[watch]] of pushes; GitHub has a workflow for each.

The page listens on 127.0.0.1 only, and loads nothing from elsewhere.

A line such as '> Cancel' presses a button. It waits only until a message has that button; every other line waits
until all that was typed before has ended, unless the line before ends with &.

With --kill-after the bot is a process of its own. It is killed (SIGKILL) that long after each deploy was typed,
and started again on the same port with the same DATA_FILE. The outcome of a deploy that waits comes all the same;
a process that was at work may have to be given up first, which takes up to a minute.

Exit codes of lines: 0 all commands were answered; 1 one was not, or Discord refused what the bot sent;
2 something cannot be typed; 130 Ctrl-C.";

/// Try Deckhand without Discord, GitHub or AWS: a page like a Discord channel, with the world beside it
#[derive(Parser)]
#[command(name = "playground", after_help = MORE)]
pub(crate) struct Cli {
    /// What to type, one argument a line, each awaited to its end; prints what a user of Discord would see
    #[arg(value_name = "LINE")]
    pub lines: Vec<String>,
    /// A prompt in the terminal instead of the page; without a terminal, lines from the standard input
    #[arg(long, conflicts_with = "lines")]
    pub terminal: bool,
    /// Open the page in the browser
    #[arg(long, conflicts_with_all = ["lines", "terminal"])]
    pub open: bool,
    /// The page's port; 0: one that is free
    #[arg(long, value_name = "PORT", default_value = "0", conflicts_with_all = ["lines", "terminal"])]
    pub port: u16,
    /// A team's own agents.toml, with made-up workflows for its agents
    #[arg(long, value_name = "FILE")]
    pub agents: Option<PathBuf>,
    /// Write down what happens, to be replayed
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// Show what was recorded, on the page
    #[arg(long, value_name = "FILE", conflicts_with_all = ["lines", "terminal", "agents", "record", "scenario"])]
    pub replay: Option<PathBuf>,
    /// What GitHub does
    #[arg(long, value_name = "NAME", default_value = "success", value_parser = scenarios())]
    pub scenario: String,
    /// Whether GitHub tells the bot of runs; the page begins with on, lines with off
    #[arg(long, value_name = "HOW")]
    pub webhooks: Option<Webhooks>,
    /// Who types in the terminal; a line like 'bob: /agents' is typed by somebody else
    #[arg(long, value_name = "NAME", default_value = "ada", value_parser = user)]
    pub user: String,
    /// How often the bot looks at a run
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = poll)]
    pub poll: f64,
    /// How long the bot looks at a run that often, and shows its wait
    #[arg(long, value_name = "SECONDS", default_value = "20", value_parser = wait_timeout)]
    pub wait_timeout: f64,
    /// Kill the bot's process this long after a deploy was typed, and start it again
    #[arg(long, value_name = "SECONDS", value_parser = kill_after)]
    pub kill_after: Option<f64>,
    /// Show the bot's own log on stderr
    #[arg(long)]
    pub logs: bool,
    /// Be the bot's process
    #[arg(long = crate::process::OPTION, value_name = "ADDR", hide = true)]
    pub bot: Option<SocketAddr>,
    /// As that process, write the log as JSON to the standard output
    #[arg(long = crate::process::TELLS, hide = true)]
    pub tells: bool,
}

impl Cli {
    /// Whether the page is what is asked for.
    pub(crate) fn is_page(&self) -> bool {
        self.lines.is_empty() && !self.terminal
    }

    /// Where the bot runs.
    pub(crate) fn run(&self) -> Run {
        match self.kill_after {
            Some(after) => Run::Killed(Duration::from_secs_f64(after)),
            None if self.is_page() => Run::Apart,
            None => Run::Here,
        }
    }
}

fn scenarios() -> PossibleValuesParser {
    let names = Scenario::names().iter();
    PossibleValuesParser::new(names.map(|(name, what)| PossibleValue::new(*name).help(*what)))
}

fn user(text: &str) -> Result<String, &'static str> {
    if input::is_user(text) {
        Ok(text.to_owned())
    } else {
        Err("a name on Discord has 2 to 32 of a-z, 0-9, _ and .")
    }
}

fn poll(text: &str) -> Result<f64, &'static str> {
    seconds(text, 0.05, 60.0).ok_or("0.05 to 60 seconds")
}

fn wait_timeout(text: &str) -> Result<f64, &'static str> {
    seconds(text, 1.0, 840.0).ok_or("1 to 840 seconds")
}

fn kill_after(text: &str) -> Result<f64, &'static str> {
    seconds(text, 0.0, 840.0).ok_or("0 to 840 seconds")
}

fn seconds(text: &str, least: f64, most: f64) -> Option<f64> {
    let seconds = text.parse().ok()?;
    (least..=most).contains(&seconds).then_some(seconds)
}
