//! Lines instead of a page: typed at a prompt, or given, and printed as a conversation.

mod card;
mod complete;
mod guess;
pub(crate) mod input;
mod markdown;
mod prompt;
mod session;
pub(crate) mod show;

use std::io::{BufRead, IsTerminal, stdin, stdout};

use tokio::runtime::Handle;
use tokio::signal::ctrl_c;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use self::complete::Known;
use self::prompt::Typed;
use self::session::Session;
use self::show::Show;
use crate::Result;
use crate::world::World;

/// Runs the lines of the command line or, if there are none, those that are typed. Returns the exit code.
pub(crate) async fn run(
    world: World,
    mut show: Show,
    user: String,
    given: Vec<String>,
) -> Result<u8> {
    let at_prompt = given.is_empty() && stdin().is_terminal() && stdout().is_terminal();
    let lines = if at_prompt {
        let known = Known {
            commands: world.commands(),
            post: world.post.clone(),
            user: world.user(&user),
            handle: Handle::current(),
        };
        let (lines, printer) = prompt::start(known)?;
        show.above(printer);
        lines
    } else if given.is_empty() {
        piped()?
    } else {
        // All lines are checked before the first one runs.
        let session = Session::new(world, show, user);
        for line in &given {
            if let Err(why) = session.check(line) {
                eprintln!("playground: {why}");
                return Ok(2);
            }
        }
        let (sender, lines) = unbounded_channel();
        for line in given {
            sender.send(Typed::Line(line))?;
        }
        drop(sender);
        return converse(session, lines, false).await;
    };
    converse(Session::new(world, show, user), lines, at_prompt).await
}

async fn converse(
    mut session: Session,
    lines: UnboundedReceiver<Typed>,
    at_prompt: bool,
) -> Result<u8> {
    let interrupted = tokio::select! {
        interrupted = session.run(lines, at_prompt) => interrupted,
        pressed = ctrl_c() => pressed.map(|()| true)?,
    };
    session.end(interrupted).await
}

/// The lines of standard input.
fn piped() -> Result<UnboundedReceiver<Typed>> {
    let (sender, lines) = unbounded_channel();
    // A separate thread: with tokio's standard input the process would not exit.
    std::thread::Builder::new().spawn(move || {
        for line in stdin().lock().lines().map_while(std::io::Result::ok) {
            if sender.send(Typed::Line(line)).is_err() {
                break;
            }
        }
    })?;
    Ok(lines)
}
