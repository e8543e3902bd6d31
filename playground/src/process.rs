//! The bot as a process of its own: killed in the middle of its work, and started again.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use standins::discord::Interaction;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;
use tokio::time::sleep;

use crate::Result;
use crate::bot::startup::{self, environment};
use crate::bot::{Form, Tasks, logging, serve};
use crate::feed::{Feed, wire};
use crate::terminal::show::Notice;

/// The option by which this program becomes the bot.
pub(crate) const OPTION: &str = "bot";
/// The option by which it writes its log for this program.
pub(crate) const TELLS: &str = "bot-tells";
/// The pause between two looks whether the bot listens, and how many there are.
const LOOK: Duration = Duration::from_millis(20);
const LOOKS: u32 = 500;

/// A process with the bot in it; cheap to clone.
#[derive(Clone)]
pub(crate) struct Process {
    shared: Arc<Shared>,
}

struct Shared {
    settings: BTreeMap<&'static str, String>,
    address: SocketAddr,
    logs: bool,
    child: Mutex<Option<Child>>,
    notices: UnboundedSender<Notice>,
    /// What is told how long the bot's work lasted.
    feed: Feed,
}

impl Process {
    /// Starts the bot with these settings and no others, on a port that is free.
    pub(crate) async fn start(
        settings: BTreeMap<&'static str, String>,
        logs: bool,
        notices: UnboundedSender<Notice>,
        feed: Feed,
    ) -> Result<Self> {
        let address = TcpListener::bind(("127.0.0.1", 0)).await?.local_addr()?;
        let child = Mutex::default();
        let shared = Shared { settings, address, logs, child, notices, feed };
        let process = Self { shared: Arc::new(shared) };
        process.spawn().await?;
        Ok(process)
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.shared.address
    }

    /// Kills it so long after this interaction, and starts it again with the same file on the same port.
    pub(crate) async fn kill_after(self, after: Duration, interaction: Interaction) {
        sleep(after).await;
        let killed = match self.kill() {
            Ok(true) => "✖ Deckhand is killed (SIGKILL)".to_owned(),
            Ok(false) => "✖ Deckhand was killed already".to_owned(),
            Err(error) => format!("✖ Deckhand cannot be killed: {error}"),
        };
        self.notice(&interaction, killed);
        let again = self.spawn().await;
        self.notice(
            &interaction,
            match again {
                Ok(()) => "Deckhand is started again".to_owned(),
                Err(error) => format!("✖ Deckhand does not start again: {error}"),
            },
        );
    }

    /// Kills it as by `kill -9`: it gets no chance to say or to write anything. Whether it ran.
    pub(crate) fn kill(&self) -> std::io::Result<bool> {
        match self.child().take() {
            Some(mut child) => child.kill().and_then(|()| child.wait()).map(|_| true),
            None => Ok(false),
        }
    }

    /// Stops it as a server is stopped, and waits for its end.
    pub(crate) async fn stop(&self) {
        let Some(mut child) = self.child().take() else {
            return;
        };
        drop(child.stdin.take());
        let _ = tokio::task::spawn_blocking(move || child.wait()).await;
    }

    /// Starts it, and waits until it listens.
    pub(crate) async fn spawn(&self) -> Result<()> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(format!("--{OPTION}")).arg(self.shared.address.to_string());
        command.arg(format!("--{TELLS}")).stdout(Stdio::piped());
        command.env_clear().envs(&self.shared.settings);
        if self.shared.logs {
            command.arg("--logs");
        }
        // Its standard input ends when this process does, however that ends. Ctrl-C is not for it.
        let mut child = command.stdin(Stdio::piped()).process_group(0).spawn()?;
        if let Some(log) = child.stdout.take() {
            let (feed, logs) = (self.shared.feed.clone(), self.shared.logs);
            std::thread::Builder::new().spawn(move || {
                BufReader::new(log).lines().map_while(std::io::Result::ok).for_each(|line| {
                    follow(&line, &feed, logs);
                });
            })?;
        }
        *self.child() = Some(child);
        for _ in 0..LOOKS {
            if TcpStream::connect(self.shared.address).await.is_ok() {
                return Ok(());
            }
            if let Some(child) = self.child().as_mut()
                && let Some(status) = child.try_wait()?
            {
                return Err(format!("the bot ended: {status}").into());
            }
            sleep(LOOK).await;
        }
        Err("the bot does not listen".into())
    }

    fn notice(&self, interaction: &Interaction, text: String) {
        let interaction_id = interaction.id.clone();
        // Without a reader the program is about to end.
        let _ = self.shared.notices.send(Notice { interaction_id, text });
    }

    fn child(&self) -> MutexGuard<'_, Option<Child>> {
        self.shared.child.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes a line of the bot's log. With `logs` it is shown as well.
fn follow(line: &str, feed: &Feed, logs: bool) {
    let Ok(said) = serde_json::from_str::<Value>(line) else { return };
    if let Some(billed) = wire::billed(&said) {
        feed.push(billed);
    }
    if logs && said.get("level").is_none_or(|level| level != "DEBUG") {
        eprintln!("{line}");
    }
}

/// What the process does: it serves the bot until its standard input ends. `tells`: its log is JSON on the standard
/// output, with how long each piece of work lasted.
pub(crate) async fn run(address: SocketAddr, logs: bool, tells: bool) -> Result<u8> {
    if tells {
        logging::start(Form::Json, Some("debug"))?;
    } else if logs {
        logging::start(Form::Readable, environment("LOG_LEVEL").as_deref())?;
    }
    let tasks = Tasks::default();
    let app = startup::app(environment, tasks.clone())?;
    let listener = TcpListener::bind(address).await?;
    let (ended, end) = oneshot::channel::<()>();
    std::thread::Builder::new().spawn(move || {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        drop(ended);
    })?;
    let until = async {
        let _ = end.await;
    };
    serve(listener, app, tasks, until, Duration::ZERO).await;
    Ok(0)
}
