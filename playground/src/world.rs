//! Wires the stand-ins and the real bot together over loopback HTTP.

use std::time::Duration;

use serde_json::Value;
use standins::discord::{Discord, Endpoint, GUILD_ID, Interaction, User};
use standins::github::{Github, Input, Scenario, Workflow};
use standins::site::Site;
use standins::{Clock, Gauge, Scratch};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};

use crate::Result;
use crate::bot::{Kind, Registry, Scope, TABLE, Tasks, registration, serve, startup};

/// The options of the playground.
pub(crate) struct WorldOptions {
    /// The name of the scenario.
    pub scenario: String,
    /// Poll interval for a run, in seconds.
    pub poll: f64,
    /// Timeout for following a run, in seconds.
    pub wait_timeout: f64,
}

/// The running bot with its stand-ins.
pub(crate) struct World {
    pub discord: Discord,
    pub scenario: String,
    github: Github,
    site: Site,
    registry: Registry,
    endpoint: Endpoint,
    tasks: Tasks,
    deliveries: JoinSet<()>,
    shutdown: Option<oneshot::Sender<()>>,
    server: JoinHandle<()>,
    _scratch: Scratch,
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
        let env = |name: &str| match name {
            "DISCORD_PUBLIC_KEY" => Some(discord.public_key()),
            "DISCORD_APPLICATION_ID" => Some(discord.application_id()),
            "DISCORD_API_BASE" => Some(discord.url()),
            "DISCORD_BOT_TOKEN" => Some(discord.bot_token()),
            "GITHUB_API_BASE" => Some(github.url()),
            "GITHUB_TOKEN" => Some(token.clone()),
            "GITHUB_REPO" => Some("octo-org/web-client".to_owned()),
            "ALLOWED_GUILD_IDS" => Some(GUILD_ID.to_owned()),
            // The default user may try everything.
            "ADMIN_USER_IDS" => Some(User::named("ada").id),
            "ALLOW_SECRET_WRITES" => Some("true".to_owned()),
            "FRONTEND_BASE_URL" | "VITE_API_BASE" => Some(site.url()),
            // The site is on this machine.
            "SAFE_LOCAL" => Some("true".to_owned()),
            "POLL_INTERVAL_SECONDS" => Some(options.poll.to_string()),
            "DATA_FILE" => Some(data_file.clone()),
            "WAIT_TIMEOUT_SECONDS" => Some(options.wait_timeout.to_string()),
            _ => None,
        };
        discord.set_interactions_endpoint(Some("https://deckhand.example.com/discord"));
        let tasks = Tasks::default();
        let app = startup::app(env, tasks.clone())?;
        let registry = startup::registry(env)?;
        discord.try_set_commands(&registration(TABLE, &registry, Scope::Global))?;

        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let endpoint = Endpoint::Http(format!("http://{}/discord", listener.local_addr()?));
        let (shutdown, stopped) = oneshot::channel();
        let until = async {
            let _ = stopped.await;
        };
        let served = serve(listener, app, tasks.clone(), until, Duration::ZERO);
        let server = tokio::spawn(served);
        // Ids have millisecond resolution. An id of this millisecond would look older than the bot.
        tokio::time::sleep(Duration::from_millis(2)).await;
        Ok(Self {
            discord,
            scenario: options.scenario,
            github,
            site,
            registry,
            endpoint,
            tasks,
            deliveries: JoinSet::new(),
            shutdown: Some(shutdown),
            server,
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

    /// Sends an interaction to the bot and returns at once. It restarts the scenario, so that a one-time
    /// failure happens once per command.
    pub(crate) fn send(&mut self, interaction: Interaction) {
        if let Some(mut scenario) = Scenario::named(&self.scenario) {
            // The bot expects the web pages at the API's address, too.
            scenario.html_base = self.github.url();
            add_workflows(&mut scenario, &self.registry);
            self.github.update(|current| *current = scenario);
            self.site.follow(&self.scenario);
        }
        let (discord, endpoint) = (self.discord.clone(), self.endpoint.clone());
        self.deliveries.spawn(async move {
            discord.deliver(&interaction, &endpoint).await;
        });
    }

    /// Waits until all interactions are answered and their work is done.
    pub(crate) async fn done(&mut self) {
        while self.deliveries.join_next().await.is_some() {}
        self.tasks.drained().await;
    }

    /// Stops the bot. Running work is told to wind up.
    pub(crate) async fn stop(&mut self) {
        if let Some(shutdown) = self.shutdown.take() {
            let _ = shutdown.send(());
            let _ = (&mut self.server).await;
        }
    }
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
