//! A folder in which somebody sets the bot up, against stand-ins; and who plays that somebody.

use std::collections::HashMap;
use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::Utc;
use deckhand::commands::TABLE;
use deckhand::host::startup;
use deckhand::secrets::Secret;
use deckhand::setup::{Ended, Flags, NoAnswer, Person, Question, Stopped, remove, setup};
use futures_util::future::BoxFuture;
use serde_json::Value;
use standins::discord::{Answer, Discord, Endpoint, User};
use standins::github::{Github, Scenario};
use standins::{Clock, Gauge, Scratch};

use crate::world::TOKEN;

const DECKHAND: &str = env!("CARGO_BIN_EXE_deckhand");

/// A file of somebody's own.
pub(crate) const AGENTS: &str = "\
# Mine.
[[agent]]
id = \"ship\"
name = \"Ship\"
description = \"Ships\"
command = \"ship\"
kind = \"deploy\"
workflow = \"client-deploy.yml\"
";

pub(crate) struct Scene {
    pub discord: Discord,
    pub github: Github,
    folder: Scratch,
    port: u16,
    server: Arc<Mutex<Option<Child>>>,
    pub env: HashMap<&'static str, String>,
}

impl Drop for Scene {
    fn drop(&mut self) {
        if let Some(mut server) = self.server.lock().unwrap().take() {
            let _ = server.kill();
            let _ = server.wait();
        }
    }
}

/// A port for a server that is started later. The system gives none of these to a connection meanwhile, and no other
/// scene has it.
fn port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let begin = std::process::id().wrapping_mul(97);
    loop {
        let next = begin.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed));
        let port = 20_000 + u16::try_from(next % 10_000).unwrap();
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

impl Scene {
    pub(crate) async fn new() -> Self {
        Self::with(Scenario::default()).await
    }

    pub(crate) async fn with(scenario: Scenario) -> Self {
        let clock = Clock::start_at(Utc::now());
        let discord = Discord::start(clock.clone(), Gauge::new()).await;
        let github = Github::start(clock, Gauge::new(), scenario).await;
        let env =
            HashMap::from([("DISCORD_API_BASE", discord.url()), ("GITHUB_API_BASE", github.url())]);
        let port = port();
        let (folder, server) = (Scratch::new().unwrap(), Arc::default());
        Self { discord, github, folder, port, server, env }
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.file(name)
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.file(name)).unwrap()
    }

    pub(crate) fn settings(&self) -> String {
        self.read(".env")
    }

    /// The address of the server.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// All files but the server's, with their texts.
    pub(crate) fn files(&self) -> Vec<(String, String)> {
        let all = fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().path());
        let mut all: Vec<_> = all
            .filter(|path| path.extension().is_none_or(|end| end != "redb"))
            .map(|path| {
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                (name, fs::read_to_string(path).unwrap())
            })
            .collect();
        all.sort();
        all
    }

    pub(crate) fn flags(&self) -> Flags {
        Flags {
            target: None,
            zip: None,
            stack: "deckhand".to_owned(),
            secrets_path: "/deckhand".to_owned(),
            sam_config: self.file("samconfig.toml"),
            env_file: self.file(".env"),
            agents: self.file("agents.toml"),
            bot_token_file: None,
            github_token_file: None,
            github_app: false,
            github_org: None,
            servers: Vec::new(),
            admins: Vec::new(),
            repositories: Vec::new(),
            workflows: Vec::new(),
            url: None,
            listen: Some(format!("127.0.0.1:{}", self.port)),
            service: None,
            program: DECKHAND.into(),
            replace_endpoint: false,
            no_webhooks: false,
            wait: Duration::from_secs(60),
            yes: false,
            dry_run: false,
        }
    }

    /// Somebody who answers everything, takes the defaults, and starts the server when it is waited for.
    pub(crate) fn person(&self) -> Played {
        let (folder, server) = (self.folder.path().to_owned(), self.server.clone());
        let listen = format!("127.0.0.1:{}", self.port);
        let person = Played::default()
            .answers("--to server or --to aws", "")
            .answers("--bot-token-file", &self.discord.bot_token())
            .answers("--server ID", "")
            .answers("--github-token-file", TOKEN)
            .answers("--workflow FILE", "")
            .answers("--url URL", &self.url());
        person.while_waiting(move |_| {
            let mut server = server.lock().unwrap();
            if server.is_some() || !folder.join("deckhand.service").exists() {
                return;
            }
            let mut command = Command::new(DECKHAND);
            command.args(["serve", "--listen", &listen, "--env-file", ".env"]);
            command.current_dir(&folder).env_clear().stdout(Stdio::null()).stderr(Stdio::null());
            *server = Some(command.spawn().unwrap());
        })
    }

    pub(crate) async fn set_up(&self, person: &Played) -> Result<Ended, Stopped> {
        self.set_up_with(&self.flags(), person).await
    }

    pub(crate) async fn set_up_with(
        &self,
        flags: &Flags,
        person: &Played,
    ) -> Result<Ended, Stopped> {
        let person = person.clone().also_waits_for(self.person());
        let env = |name: &str| self.env.get(name).cloned();
        setup(flags, &env, TABLE, &registries, &person).await
    }

    pub(crate) async fn remove(&self, flags: &Flags, person: &Played) -> Result<(), Stopped> {
        let env = |name: &str| self.env.get(name).cloned();
        remove(flags, &env, TABLE, &registries, person).await
    }

    /// This server ends with the scene.
    pub(crate) fn runs_beside(&self, server: Child) {
        *self.server.lock().unwrap() = Some(server);
    }

    /// Runs the program in the folder.
    pub(crate) async fn runs(&self, arguments: &[&str]) -> (i32, String) {
        let mut command = Command::new(DECKHAND);
        command.args(arguments).current_dir(self.folder.path()).env_clear().envs(&self.env);
        command.stdin(Stdio::null());
        let done = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
        let said = String::from_utf8([done.stdout, done.stderr].concat()).unwrap();
        (done.status.code().unwrap(), said)
    }

    /// How many requests wanted to change something at Discord or GitHub.
    pub(crate) fn writes(&self) -> usize {
        let all = self.discord.requests().into_iter().chain(self.github.requests());
        all.filter(|request| request.is_write()).count()
    }

    /// The hooks of the repository: their URLs and their events.
    pub(crate) fn hooks(&self) -> Vec<(String, String)> {
        let made =
            self.github.requests().into_iter().filter(|request| request.path.ends_with("/hooks"));
        let made = made.filter(|request| request.method == "POST" && request.status == 201);
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        made.map(|request| {
            let events: Vec<_> =
                request.body["events"].as_array().unwrap().iter().map(text).collect();
            (text(&request.body["config"]["url"]), events.join(","))
        })
        .collect()
    }

    /// What must be shown nowhere.
    pub(crate) fn secrets(&self) -> Vec<String> {
        let settings = self.settings();
        let of = |name: &str| {
            let line = settings.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap_or_else(|| panic!("{name} is not in the file")).to_owned()
        };
        ["DISCORD_BOT_TOKEN=", "GITHUB_TOKEN=", "GITHUB_WEBHOOK_SECRET="].map(of).into()
    }

    /// Somebody types a command; the server that runs answers it.
    pub(crate) async fn types(&self, text: &str) -> Answer {
        let typed = self.discord.interaction(&User::named("ada"), text).unwrap();
        let endpoint = Endpoint::Http(format!("{}/discord", self.url()));
        self.discord.deliver(&typed, &endpoint).await
    }

    pub(crate) async fn until(&self, is_so: impl Fn() -> bool) {
        for _ in 0..200 {
            if is_so() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("it does not come to be");
    }
}

fn registries(env: &dyn Fn(&str) -> Option<String>) -> Result<deckhand::agents::Registry, String> {
    startup::registry(env).map_err(|bad| bad.to_string())
}

type Elsewhere = dyn Fn(usize) + Send + Sync;

/// Somebody at a terminal. What they have no answer for they end with Ctrl-C.
#[derive(Clone, Default)]
pub(crate) struct Played {
    answers: HashMap<&'static str, Vec<String>>,
    has_no_terminal: bool,
    elsewhere: Vec<Arc<Elsewhere>>,
    noted: Arc<Mutex<Noted>>,
}

#[derive(Default)]
struct Noted {
    said: String,
    asked: Vec<&'static str>,
    waited: usize,
}

impl Played {
    pub(crate) fn without_a_terminal() -> Self {
        Self { has_no_terminal: true, ..Self::default() }
    }

    /// Answers a question by its flag, instead of what was answered before.
    pub(crate) fn answers(mut self, flag: &'static str, answer: &str) -> Self {
        self.answers.insert(flag, vec![answer.to_owned()]);
        self
    }

    /// Gives another answer first.
    pub(crate) fn first(mut self, flag: &'static str, answer: &str) -> Self {
        self.answers.entry(flag).or_default().insert(0, answer.to_owned());
        self
    }

    pub(crate) fn without(mut self, flag: &str) -> Self {
        self.answers.remove(flag);
        self
    }

    pub(crate) fn only(mut self, flag: &str) -> Self {
        self.answers.retain(|known, _| *known == flag);
        self
    }

    /// Does this, too, while the set-up waits; it is told how often that was.
    pub(crate) fn while_waiting(mut self, does: impl Fn(usize) + Send + Sync + 'static) -> Self {
        self.elsewhere.push(Arc::new(does));
        self
    }

    fn also_waits_for(mut self, other: Self) -> Self {
        self.elsewhere.extend(other.elsewhere);
        self
    }

    pub(crate) fn said(&self) -> String {
        self.noted.lock().unwrap().said.clone()
    }

    /// The flags of the questions that were asked.
    pub(crate) fn asked(&self) -> Vec<&'static str> {
        self.noted.lock().unwrap().asked.clone()
    }
}

impl Person for Played {
    fn tell(&self, text: &str) {
        let said = &mut self.noted.lock().unwrap().said;
        said.push_str(text);
        said.push('\n');
    }

    fn ask<'a>(&'a self, question: &'a Question) -> BoxFuture<'a, Result<Secret, NoAnswer>> {
        let mut noted = self.noted.lock().unwrap();
        let times = noted.asked.iter().filter(|flag| **flag == question.flag).count();
        let answer = self.answers.get(question.flag).and_then(|all| all.get(times).cloned());
        if !self.has_no_terminal {
            noted.asked.push(question.flag);
        }
        noted.said.push_str(&format!("? {}\n", question.text));
        Box::pin(std::future::ready(match answer {
            _ if self.has_no_terminal => Err(NoAnswer::NoTerminal),
            Some(answer) => Ok(Secret::new(answer)),
            None => Err(NoAnswer::Interrupted),
        }))
    }

    fn wait(&self, _: Duration) -> BoxFuture<'_, ()> {
        let times = {
            let mut noted = self.noted.lock().unwrap();
            noted.waited += 1;
            noted.waited
        };
        self.elsewhere.iter().for_each(|does| does(times));
        // The server that was started needs a moment.
        Box::pin(tokio::time::sleep(Duration::from_millis(200)))
    }
}
