//! Wires the stand-ins and the real bot together over loopback HTTP.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use standins::discord::{Discord, Endpoint, GUILD_ID, Interaction, User};
use standins::github::{Github, Input, Scenario, Workflow};
use standins::site::Site;
use standins::{Clock, Gauge, Scratch};
use tokio::net::TcpListener;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;

use crate::Result;
use crate::bot::{Kind, Registry, Scope, TABLE, Tasks, registration, serve, startup};
use crate::process::Process;
use crate::show::Notice;

/// How long an outcome may take after everything else: a lease of the killed process, and some looks.
const PATIENCE: Duration = Duration::from_secs(150);
/// The lamp of a message that is no outcome: the wait is over, the deploy is not.
const GOES_ON: &str = "⏱️";

/// The options of the playground.
pub(crate) struct WorldOptions {
    /// The name of the scenario.
    pub scenario: String,
    /// Poll interval for a run, in seconds.
    pub poll: f64,
    /// Timeout for following a run, in seconds.
    pub wait_timeout: f64,
    /// How long after a deploy was typed the bot is killed; `None`: it is not.
    pub kill_after: Option<Duration>,
    /// Whether the bot's own log is shown.
    pub logs: bool,
    /// Where it is said that the bot was killed.
    pub notices: UnboundedSender<Notice>,
}

/// The running bot with its stand-ins.
pub(crate) struct World {
    pub discord: Discord,
    pub scenario: String,
    /// The scenario whose earlier runs were added last.
    history_of: String,
    github: Github,
    site: Site,
    registry: Registry,
    endpoint: Endpoint,
    bot: Bot,
    deliveries: JoinSet<()>,
    /// Those of which the bot's process may still have to say something.
    under_way: Vec<Interaction>,
    /// Whether the outcome of a deploy did not arrive.
    pub lost: bool,
    /// The id of the latest interaction.
    pub latest: String,
    _scratch: Scratch,
}

/// Where the bot runs.
enum Bot {
    /// Beside the stand-ins.
    Here { tasks: Tasks, shutdown: Option<oneshot::Sender<()>>, server: JoinHandle<()> },
    /// In a process of its own, which is killed so long after a deploy.
    Killed { process: Process, after: Duration },
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
        let data_file = scratch.file("deckhand.redb").to_string_lossy().into_owned();
        let settings = BTreeMap::from([
            ("DISCORD_PUBLIC_KEY", discord.public_key()),
            ("DISCORD_APPLICATION_ID", discord.application_id()),
            ("DISCORD_API_BASE", discord.url()),
            ("DISCORD_BOT_TOKEN", discord.bot_token()),
            ("GITHUB_API_BASE", github.url()),
            ("GITHUB_TOKEN", token),
            ("GITHUB_REPO", "octo-org/web-client".to_owned()),
            ("ALLOWED_GUILD_IDS", GUILD_ID.to_owned()),
            // The default user may try everything.
            ("ADMIN_USER_IDS", User::named("ada").id),
            ("ALLOW_SECRET_WRITES", "true".to_owned()),
            ("FRONTEND_BASE_URL", site.url()),
            ("VITE_API_BASE", site.url()),
            // The site is on this machine.
            ("SAFE_LOCAL", "true".to_owned()),
            ("POLL_INTERVAL_SECONDS", options.poll.to_string()),
            ("DATA_FILE", data_file),
            ("WAIT_TIMEOUT_SECONDS", options.wait_timeout.to_string()),
        ]);
        let env = |name: &str| settings.get(name).cloned();
        discord.set_interactions_endpoint(Some("https://deckhand.example.com/discord"));
        let registry = startup::registry(env)?;
        discord.try_set_commands(&registration(TABLE, &registry, Scope::Global))?;
        let (bot, address) = if let Some(after) = options.kill_after {
            let process = Process::start(settings, options.logs, options.notices).await?;
            let address = process.address();
            (Bot::Killed { process, after }, address)
        } else {
            Bot::here(env).await?
        };
        let endpoint = Endpoint::Http(format!("http://{address}/discord"));
        // Ids have millisecond resolution. An id of this millisecond would look older than the bot.
        tokio::time::sleep(Duration::from_millis(2)).await;
        Ok(Self {
            discord,
            history_of: options.scenario.clone(),
            scenario: options.scenario,
            github,
            site,
            registry,
            endpoint,
            bot,
            deliveries: JoinSet::new(),
            under_way: Vec::new(),
            lost: false,
            latest: String::new(),
            _scratch: scratch,
        })
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

    /// The commands as they are registered.
    pub(crate) fn commands(&self) -> Value {
        registration(TABLE, &self.registry, Scope::Global)
    }

    /// The interaction that Discord sends for this input. The error says why Discord would not send it.
    pub(crate) fn interaction(
        &self,
        user: &str,
        text: &str,
    ) -> std::result::Result<Interaction, String> {
        self.discord.interaction(&User::named(user), text)
    }

    /// The interaction that Discord sends when this user presses the button of this name, of the newest message
    /// that has it. The error says why it cannot be pressed.
    pub(crate) fn press(
        &self,
        user: &str,
        label: &str,
    ) -> std::result::Result<Interaction, String> {
        let (message_id, label) = self
            .discord
            .button("", label)
            .ok_or_else(|| format!("No message has a button {label:?}."))?;
        self.discord.click(&User::named(user), &message_id, &label)
    }

    /// Sends an interaction to the bot and returns at once. A command restarts the scenario, so that a one-time
    /// failure happens once per command.
    pub(crate) fn send(&mut self, interaction: Interaction) {
        self.latest.clone_from(&interaction.id);
        let is_command = sent(&interaction, "/type") == Some(Value::from(2));
        if let Some(mut scenario) = Scenario::named(&self.scenario).filter(|_| is_command) {
            // The bot expects the web pages at the API's address, too.
            scenario.html_base = self.github.url();
            add_workflows(&mut scenario, &self.registry);
            if self.history_of == self.scenario {
                // Its earlier runs are there.
                scenario.history.clear();
            }
            self.history_of.clone_from(&self.scenario);
            self.github.update(|current| *current = scenario);
            self.site.follow(&self.scenario);
        }
        if let Bot::Killed { process, after } = &self.bot {
            if self.is_deploy(&interaction) {
                self.deliveries.spawn(process.clone().kill_after(*after, interaction.clone()));
            }
            self.under_way.push(interaction.clone());
        }
        let (discord, endpoint) = (self.discord.clone(), self.endpoint.clone());
        self.deliveries.spawn(async move {
            discord.deliver(&interaction, &endpoint).await;
        });
    }

    fn is_deploy(&self, interaction: &Interaction) -> bool {
        let Some(Value::String(name)) = sent(interaction, "/data/name") else {
            return false;
        };
        let mut deploys =
            self.registry.agents().iter().filter(|agent| matches!(agent.kind, Kind::Deploy(_)));
        deploys.any(|agent| agent.command == name)
    }

    /// Waits until all interactions are answered and their work is done.
    pub(crate) async fn done(&mut self) {
        while self.deliveries.join_next().await.is_some() {}
        match &self.bot {
            Bot::Here { tasks, .. } => tasks.drained().await,
            Bot::Killed { .. } => self.told().await,
        }
    }

    /// Waits until the channel shows that nothing is under way: the process cannot be asked.
    async fn told(&mut self) {
        let ends = Instant::now() + PATIENCE;
        while !self.under_way.is_empty() {
            if Instant::now() > ends {
                self.under_way.clear();
                self.lost = true;
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
            let discord = &self.discord;
            self.under_way.retain(|interaction| !is_told(discord, interaction));
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
            Bot::Killed { process, .. } => {
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

/// Whether an interaction has its answer and, if it is one that waits for a run, its outcome.
fn is_told(discord: &Discord, interaction: &Interaction) -> bool {
    let messages = discord.messages(&interaction.id);
    let Some(original) = messages.iter().find(|message| !message.follow_up) else {
        // There was no answer, or it is gone.
        return true;
    };
    if original.loading {
        return false;
    }
    let waits = |option: &Value| option["name"] == "wait" && option["value"] == true;
    let options = sent(interaction, "/data/options").unwrap_or_default();
    if original.ephemeral || !options.as_array().is_some_and(|all| all.iter().any(waits)) {
        return true;
    }
    let replies = discord.channel_messages();
    let replies = replies.iter().filter(|message| message.reply_to.as_ref() == Some(&original.id));
    let mut notifies = messages.iter().chain(replies).filter(|message| !message.pings.is_empty());
    notifies.any(|message| !message.content.contains(GOES_ON))
}

/// A part of what Discord sent, by a JSON pointer.
fn sent(interaction: &Interaction, part: &str) -> Option<Value> {
    let body: Value = serde_json::from_slice(&interaction.body).ok()?;
    body.pointer(part).cloned()
}

/// Adds the workflows of `agents.toml` to the GitHub stand-in, so that an agent can be tried before its
/// workflow exists.
fn add_workflows(scenario: &mut Scenario, registry: &Registry) {
    for agent in registry.agents() {
        let Kind::Deploy(deploy) = &agent.kind else {
            continue;
        };
        if !scenario.refs.contains(&deploy.default_ref) {
            scenario.refs.push(deploy.default_ref.clone());
        }
        let is_it = |workflow: &Workflow| workflow.file == deploy.file;
        if !scenario.workflows.iter().any(is_it) {
            let workflow = Workflow::new(&deploy.file, &agent.name)
                .run_name(&format!("{} — {{correlation_id}} by {{requester}}", agent.name))
                .input("correlation_id", true)
                .input("requester", true);
            scenario.add_workflow(workflow);
        }
        for workflow in scenario.workflows.iter_mut().filter(|workflow| is_it(workflow)) {
            for input in &deploy.inputs {
                if !workflow.inputs.iter().any(|known| known.name == input.input) {
                    workflow.inputs.push(Input {
                        name: input.input.clone(),
                        required: false,
                        options: Vec::new(),
                    });
                }
            }
        }
    }
}
