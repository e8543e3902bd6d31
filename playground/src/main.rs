//! The playground: the real bot between a stand-in Discord and a stand-in GitHub. By default it is a page that looks
//! like a Discord channel, with the world beside it; also a prompt, or a transcript. Nothing leaves the machine.

mod bot;
mod cli;
mod feed;
mod page;
mod process;
mod tape;
mod terminal;
mod world;

use std::process::ExitCode;

use bot::startup::environment;
use bot::{Form, logging};
use clap::Parser;
use cli::Cli;
use feed::Feed;
use tape::Recorder;
use terminal::show::Show;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use world::people::{ADMIN, ADMINS_OF_LINES};
use world::{Webhooks, World, WorldOptions};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let ended = match (cli.bot, &cli.replay) {
        (Some(address), _) => process::run(address, cli.logs, cli.tells).await,
        (None, Some(record)) => replay(record, &cli).await,
        (None, None) if cli.is_page() => show_page(cli).await,
        (None, None) => play(cli).await,
    };
    match ended {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("playground: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn replay(record: &std::path::Path, cli: &Cli) -> Result<u8> {
    page::run(page::Source::Record(tape::read(record)?), cli.port, cli.open).await
}

async fn show_page(cli: Cli) -> Result<u8> {
    let (notices, _none) = unbounded_channel();
    let (port, open) = (cli.port, cli.open);
    let world = start(cli, notices).await?;
    page::run(page::Source::live(world), port, open).await
}

async fn play(cli: Cli) -> Result<u8> {
    if cli.logs && cli.kill_after.is_none() {
        logging::start(Form::Readable, environment("LOG_LEVEL").as_deref())?;
    }
    let (notices, noticed) = unbounded_channel();
    let (user, lines, is_recorded) = (cli.user.clone(), cli.lines.clone(), cli.record.is_some());
    let world = start(cli, notices).await?;
    let show = Show::new(world.discord.clone(), noticed);
    let ended = terminal::run(world, show, user, lines).await;
    if is_recorded {
        // What happened last is still to be written.
        tokio::time::sleep(3 * feed::gather::LOOK).await;
    }
    ended
}

async fn start(cli: Cli, notices: UnboundedSender<terminal::show::Notice>) -> Result<World> {
    let feed = Feed::new();
    let recorder = cli.record.as_deref().map(|file| Recorder::new(file, feed.clone()));
    let recorder = recorder.transpose()?;
    let is_page = cli.is_page();
    let usual = if is_page { Webhooks::On } else { Webhooks::Off };
    let world = World::start(WorldOptions {
        run: cli.run(),
        webhooks: cli.webhooks.unwrap_or(usual),
        admins: if is_page { std::slice::from_ref(&ADMIN) } else { &ADMINS_OF_LINES },
        scenario: cli.scenario,
        poll: cli.poll,
        wait_timeout: cli.wait_timeout,
        logs: cli.logs,
        agents: cli.agents,
        notices,
        feed,
    });
    let world = world.await?;
    if let Some(mut recorder) = recorder {
        recorder.write()?;
        tokio::spawn(recorder.run());
    }
    Ok(world)
}
