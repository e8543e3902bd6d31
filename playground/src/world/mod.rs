//! Wires the stand-ins and the real bot together over loopback HTTP.

mod ends;
mod hooks;
mod made_up;
pub(crate) mod people;
mod settings;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};
use standins::discord::{Discord, Endpoint, Interaction, User};
use standins::github::{Github, Scenario};
use standins::site::Site;
use standins::{Clock, Gauge, Scratch};
use tokio::net::TcpListener;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};

pub(crate) use self::hooks::Webhooks;
use self::people::Person;
use crate::Result;
use crate::bot::{Kind, Registry, Scope, TABLE, Tasks, registration, serve, startup};
use crate::feed::Feed;
use crate::feed::gather::Gatherer;
use crate::feed::wire::Post;
use crate::process::Process;
use crate::terminal::show::Notice;

/// The repository of the agents that name none.
pub(crate) const REPO: &str = "octo-org/web-client";
/// What GitHub signs its webhooks with.
const WEBHOOK_SECRET: &str = "playground-webhook-secret";

/// The options of the playground.
pub(crate) struct WorldOptions {
    /// The name of the scenario.
    pub scenario: String,
    /// Poll interval for a run, in seconds.
    pub poll: f64,
    /// Timeout for following a run, in seconds.
    pub wait_timeout: f64,
    /// Where the bot runs.
    pub run: Run,
    /// Whether the bot's own log is shown.
    pub logs: bool,
    /// A team's own agents, instead of the built-in ones.
    pub agents: Option<PathBuf>,
    /// The names of admins.
    pub admins: &'static [&'static str],
    /// Whether GitHub tells the bot of runs.
    pub webhooks: Webhooks,
    /// Where it is said that the bot was killed.
    pub notices: UnboundedSender<Notice>,
    /// What is told of all that happens.
    pub feed: Feed,
}

/// Where the bot runs.
#[derive(Clone, Copy)]
pub(crate) enum Run {
    /// Beside the stand-ins.
    Here,
    /// In a process of its own.
    Apart,
    /// The same, and the process is killed so long after each deploy was typed.
    Killed(Duration),
}

/// The running bot with its stand-ins.
pub(crate) struct World {
    pub discord: Discord,
    pub github: Github,
    pub scenario: String,
    pub webhooks: Webhooks,
    pub post: Post,
    pub people: Vec<Person>,
    /// Whether the outcome of a deploy did not arrive.
    pub lost: bool,
    /// The id of the latest interaction.
    pub latest: String,
    /// The scenario whose earlier runs were added last.
    history_of: String,
    site: Site,
    registry: Registry,
    /// The hook on GitHub, and where it delivers to.
    hook: (Option<u64>, String),
    bot: Bot,
    deliveries: JoinSet<()>,
    /// Those of which the bot may still have to say something.
    under_way: Vec<Interaction>,
    _scratch: Scratch,
}

/// The bot.
enum Bot {
    /// Beside the stand-ins.
    Here { tasks: Tasks, shutdown: Option<oneshot::Sender<()>>, server: JoinHandle<()> },
    /// In a process of its own, maybe killed so long after a deploy.
    Apart { process: Process, kill_after: Option<Duration> },
}

impl World {
    /// Starts the stand-ins and the bot.
    pub(crate) async fn start(options: WorldOptions) -> Result<Self> {
        let (clock, gauge) = (Clock::start(), Gauge::new());
        let scenario = Self::scenario_named(&options.scenario)?;
        let token = scenario.token.clone();
        let github = Github::start(clock.clone(), gauge.clone(), scenario).await;
        let discord = Discord::start(clock.clone(), gauge.clone()).await;
        let site = Site::start(clock, gauge).await;
        site.follow(&options.scenario);
        let scratch = Scratch::new()?;
        let settings = settings::settings(&options, &discord, &github, &site, token, &scratch)?;
        let env = |name: &str| settings.get(name).cloned();
        discord.set_interactions_endpoint(Some("https://deckhand.example.com/discord"));
        let registry = startup::registry(env)?;
        discord.try_set_commands(&registration(TABLE, &registry, Scope::Global))?;
        let people = people::people(&registry);
        let channels = people::channels(&discord, &registry);
        let feed = options.feed.clone();
        let (bot, address) = match options.run {
            Run::Here => Bot::here(env).await?,
            Run::Apart | Run::Killed(_) => {
                let process =
                    Process::start(settings, options.logs, options.notices, feed.clone()).await?;
                let address = process.address();
                let kill_after = match options.run {
                    Run::Killed(after) => Some(after),
                    Run::Here | Run::Apart => None,
                };
                (Bot::Apart { process, kill_after }, address)
            }
        };
        let endpoint = Endpoint::Http(format!("http://{address}/discord"));
        // Ids have millisecond resolution. An id of this millisecond would look older than the bot.
        tokio::time::sleep(Duration::from_millis(2)).await;
        let mut world = Self {
            post: Post { discord: discord.clone(), endpoint, feed: feed.clone() },
            discord,
            history_of: options.scenario.clone(),
            scenario: options.scenario,
            webhooks: Webhooks::Off,
            people,
            lost: false,
            latest: String::new(),
            github,
            site,
            registry,
            hook: (None, format!("http://{address}/github/webhook")),
            bot,
            deliveries: JoinSet::new(),
            under_way: Vec::new(),
            _scratch: scratch,
        };
        world.begin_scenario();
        world.set_webhooks(options.webhooks);
        feed.push(world.hello(&channels));
        tokio::spawn(Gatherer::new(world.discord.clone(), world.github.clone(), feed).run());
        Ok(world)
    }

    /// What the page must know from the start.
    fn hello(&self, channels: &[Value]) -> Value {
        json!({
            "t": "hello",
            "commands": self.commands(),
            "people": self.people.iter().map(Person::json).collect::<Vec<_>>(),
            "channels": channels,
            "scenarios": Scenario::names(),
            "scenario": self.scenario,
            "webhooks": self.webhooks.word(),
            "github": self.github.url(),
            "repo": REPO,
            "first": self.first(),
            "pushes": made_up::of_pushes(&self.registry),
            "watched": !self.registry.watches().is_empty(),
        })
    }

    /// The line to begin with.
    fn first(&self) -> String {
        let agents = self.registry.agents();
        let deploys = agents.iter().find(|agent| matches!(agent.kind, Kind::Deploy(_)));
        match deploys.or_else(|| agents.iter().find(|agent| agent.workflow().is_some())) {
            Some(agent) => format!("/{} wait:true", agent.command),
            None => "/agents".to_owned(),
        }
    }

    /// The scenario of this name. The error lists all names.
    pub(crate) fn scenario_named(name: &str) -> std::result::Result<Scenario, String> {
        Scenario::named(name).ok_or_else(|| {
            let names: Vec<&str> = Scenario::names().iter().map(|(name, _)| *name).collect();
            format!("There is no scenario {name:?}. There are: {}.", names.join(", "))
        })
    }

    /// Changes the scenario from the next command on.
    pub(crate) fn set_scenario(&mut self, name: &str) -> std::result::Result<(), String> {
        Self::scenario_named(name)?;
        name.clone_into(&mut self.scenario);
        Ok(())
    }

    /// The scenario and its description.
    pub(crate) fn scenario_line(&self) -> String {
        let mut names = Scenario::names().iter();
        let what = names.find(|(name, _)| *name == self.scenario);
        let what = what.map_or("", |(_, what)| what);
        format!("Scenario {}: {what}.", self.scenario)
    }

    /// Restarts the scenario, so that a one-time failure happens once per command.
    fn begin_scenario(&mut self) {
        let Some(mut scenario) = Scenario::named(&self.scenario) else { return };
        // The bot expects the web pages at the API's address, too.
        scenario.html_base = self.github.url();
        made_up::add_workflows(&mut scenario, &self.registry);
        if self.history_of == self.scenario {
            // Its earlier runs are there.
            scenario.history.clear();
        }
        self.history_of.clone_from(&self.scenario);
        self.github.update(|current| *current = scenario);
        self.site.follow(&self.scenario);
    }

    /// Whether a push has a card.
    pub(crate) fn is_watched(&self) -> bool {
        !self.registry.watches().is_empty()
    }

    /// The commands as they are registered.
    pub(crate) fn commands(&self) -> Value {
        self.discord.commands().into()
    }

    /// Somebody by name.
    pub(crate) fn user(&self, name: &str) -> User {
        let known = self.people.iter().find(|person| person.user.username == name);
        known.map_or_else(|| User::named(name), |person| person.user.clone())
    }

    /// The interaction that Discord sends for this input. The error says why Discord would not send it.
    pub(crate) fn interaction(
        &self,
        user: &str,
        text: &str,
    ) -> std::result::Result<Interaction, String> {
        self.discord.interaction(&self.user(user), text)
    }

    /// The interaction that Discord sends when this user presses the button of this name, of the newest message
    /// that has it; with its label. The error says why it cannot be pressed.
    pub(crate) fn press(
        &self,
        user: &str,
        label: &str,
    ) -> std::result::Result<(Interaction, String), String> {
        let (message_id, label) = self
            .discord
            .button("", label)
            .ok_or_else(|| format!("No message has a button {label:?}."))?;
        let pressed = self.discord.click(&self.user(user), &message_id, &label)?;
        Ok((pressed, label))
    }

    /// Sends an interaction to the bot and returns at once. `text`: what was typed, or what stands on the button.
    pub(crate) fn send(&mut self, interaction: Interaction, text: &str) {
        self.latest.clone_from(&interaction.id);
        let payload: Value = serde_json::from_slice(&interaction.body).unwrap_or_default();
        let kind = match payload.get("type").and_then(Value::as_u64) {
            Some(2) => "command",
            Some(3) => "press",
            _ => "form",
        };
        if kind == "command" {
            self.begin_scenario();
        }
        self.post.feed.push(json!({
            "t": "said",
            "id": interaction.id,
            "kind": kind,
            "user": payload.pointer("/member/user/id"),
            "text": text,
            "channel": payload.get("channel_id"),
            "message": payload.pointer("/message/id"),
        }));
        if let Bot::Apart { process, kill_after: Some(after) } = &self.bot
            && self.is_deploy(&payload)
        {
            self.deliveries.spawn(process.clone().kill_after(*after, interaction.clone()));
        }
        // The page waits for nothing.
        if !matches!(self.bot, Bot::Apart { kill_after: None, .. }) {
            self.under_way.push(interaction.clone());
        }
        while self.deliveries.try_join_next().is_some() {}
        let (post, text) = (self.post.clone(), text.to_owned());
        self.deliveries.spawn(async move {
            post.deliver(&interaction, &text).await;
        });
    }

    fn is_deploy(&self, payload: &Value) -> bool {
        let name = payload.pointer("/data/name").and_then(Value::as_str);
        let mut deploys =
            self.registry.agents().iter().filter(|agent| matches!(agent.kind, Kind::Deploy(_)));
        deploys.any(|agent| name == Some(agent.command.as_str()))
    }

    /// The bot's process, if it has one.
    pub(crate) fn process(&self) -> Option<Process> {
        match &self.bot {
            Bot::Here { .. } => None,
            Bot::Apart { process, .. } => Some(process.clone()),
        }
    }

    /// Stops the bot. Running work is told to wind up.
    pub(crate) async fn stop(&mut self) {
        match &mut self.bot {
            Bot::Here { shutdown, server, .. } => {
                if let Some(shutdown) = shutdown.take() {
                    let _ = shutdown.send(());
                    let _ = server.await;
                }
            }
            Bot::Apart { process, .. } => {
                // It is killed no more, nor started again.
                self.deliveries.shutdown().await;
                process.stop().await;
            }
        }
    }
}

impl Bot {
    /// Starts it in this process; also returns where it listens.
    async fn here(env: impl Fn(&str) -> Option<String>) -> Result<(Self, SocketAddr)> {
        let tasks = Tasks::default();
        let app = startup::app(env, tasks.clone())?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let (shutdown, stopped) = oneshot::channel();
        let until = async {
            let _ = stopped.await;
        };
        let server = tokio::spawn(serve(listener, app, tasks.clone(), until, Duration::ZERO));
        Ok((Self::Here { tasks, shutdown: Some(shutdown), server }, address))
    }
}
