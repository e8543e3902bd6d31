//! A small world to tell stories in: somebody types a command, GitHub and Discord do what the
//! scenario says, time passes, and then one looks at what was said.
//!
//! Time is tokio's paused clock, but the sockets are real. Tokio alone would move its clock whenever
//! all tasks wait, also while bytes are on their way, and call timeouts would fire at random. So while
//! calls are under way a pacemaker keeps the runtime awake and moves the clock itself, in small steps, and
//! only when every one of them is held up by a stand-in on purpose.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use deckhand::BoxFuture;
use deckhand::agents::file;
use deckhand::app::{Deckhand, Parts};
use deckhand::aws::{Aws, Parameters};
use deckhand::clock::Clock;
use deckhand::commands::{Command, Scope, TABLE, registration};
use deckhand::config::Settings;
use deckhand::edge::http::App;
use deckhand::outbound::{CallError, Https, Transport};
use deckhand::probe::{Page, Probe, ProbeError, Prober};
use deckhand::store::{Dynamo, Memory, Store};
use deckhand::tasks::{Deadline, Tasks};
use deckhand::telemetry::{Sink, Summary};
use serde_json::Value;
use standins::discord::{Answer, Discord, Endpoint, Interaction, Message, User};
use standins::github::{Dispatch, Github, Scenario};
use standins::site::Site;
use standins::{Clock as StandinClock, Gauge};
use tokio::task::JoinHandle;

use crate::aws;

/// The moment at which every story begins.
const MORNING: &str = "2026-11-22T10:00:00Z";
/// How far the clock moves at a time.
const STEP: Duration = Duration::from_millis(50);
/// How far it moves at most while no call is under way.
const LEAP: Duration = Duration::from_secs(1);
/// How often the sockets are looked at between two moves.
const LOOKS: usize = 12;
/// A story that has not ended after this long has hung.
const STORY: Duration = Duration::from_secs(1800);

pub const TOKEN: &str = "ghs_standin_token";

pub struct World {
    pub github: Github,
    pub discord: Discord,
    pub app: App,
    pub tasks: Tasks,
    pub lines: Lines,
    parts: Plan,
    outside: Outside,
}

/// What lies outside the bot and outlives its process.
struct Outside {
    transport: Arc<Counted<Https>>,
    aws: Arc<Aws>,
    gauge: Gauge,
    clock: StandinClock,
    lines: Lines,
    _pacemaker: Pacemaker,
}

/// What a world is made of.
#[derive(Clone)]
pub struct Plan {
    pub scenario: Scenario,
    pub env: Vec<(&'static str, String)>,
    pub agents: Option<&'static str>,
    pub table: &'static [Command],
    pub remembers: Remembers,
    /// The invocation's time limit, as on Lambda.
    pub time_limit: Option<Duration>,
}

/// Where the bot remembers.
#[derive(Clone, Default)]
pub enum Remembers {
    /// In a table, if there is a stand-in of AWS; else in memory.
    #[default]
    AsWellAsItCan,
    /// In memory: a process that is replaced takes it along.
    InMemory,
    /// In this table.
    InTable(String),
    /// In a store of the story's own.
    In(Arc<dyn Store>),
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            scenario: Scenario::default(),
            env: Vec::new(),
            agents: None,
            table: TABLE,
            remembers: Remembers::default(),
            time_limit: None,
        }
    }
}

impl World {
    pub async fn new() -> Self {
        Self::of(Plan::default()).await
    }

    pub async fn with(scenario: Scenario) -> Self {
        Self::of(Plan { scenario, ..Plan::default() }).await
    }

    pub async fn named(scenario: &str) -> Self {
        Self::with(Scenario::named(scenario).unwrap()).await
    }

    pub async fn of(plan: Plan) -> Self {
        Self::with_site(plan, |_| Vec::new()).await
    }

    /// A world with what is deployed in it; what `env` makes of it is set besides the plan's.
    pub async fn with_site(
        mut plan: Plan,
        env: impl FnOnce(Site) -> Vec<(&'static str, String)>,
    ) -> Self {
        let clock = StandinClock::start_at(MORNING.parse().unwrap());
        let gauge = Gauge::new();
        let pacemaker = Pacemaker(tokio::spawn(pace(gauge.clone())));
        let github = Github::start(clock.clone(), gauge.clone(), plan.scenario.clone()).await;
        let discord = Discord::start(clock.clone(), gauge.clone()).await;
        plan.env.extend(env(Site::start(clock.clone(), gauge.clone()).await));
        let tasks = Tasks::default();
        let transport = Arc::new(Counted { inner: Https::default(), gauge: gauge.clone() });
        let aws = match aws::standin() {
            Some(url) => aws::at(&url, transport.clone()).await,
            None => Aws::new(transport.clone()),
        };
        if let (Remembers::AsWellAsItCan, Some(_)) = (&plan.remembers, aws::standin()) {
            plan.remembers = Remembers::InTable(aws::new_table(&aws).await);
        }
        let lines = Lines::default();
        let outside = Outside {
            transport,
            aws,
            gauge: gauge.clone(),
            clock: clock.clone(),
            lines: lines.clone(),
            _pacemaker: pacemaker,
        };
        let app = build(&plan, &github, &discord, &outside, &tasks);
        let world = Self { github, discord, app, tasks, lines, parts: plan, outside };
        // Interactions are created after the process was started, unless a story says otherwise.
        world.passes(Duration::from_secs(1)).await;
        world
    }

    /// The bot's process is replaced by a new one: what was in memory is gone.
    pub fn restart(&mut self) {
        self.tasks = Tasks::default();
        self.app = build(&self.parts, &self.github, &self.discord, &self.outside, &self.tasks);
    }

    /// AWS, for stories that only make sense where there is one.
    pub fn aws(&self) -> &Aws {
        &self.outside.aws
    }

    /// What Discord would send if this person typed this.
    pub fn interaction(&self, who: &str, text: &str) -> Interaction {
        self.discord.interaction(&User::named(who), text).unwrap()
    }

    /// Discord delivers an interaction; the answer is what the bot gave within three seconds.
    pub async fn deliver(&self, interaction: &Interaction) -> Answer {
        self.discord.deliver(interaction, &self.endpoint()).await
    }

    /// The same request without Discord's clients behind it: status and body of the answer.
    pub async fn post(&self, interaction: &Interaction) -> (u16, Value) {
        let mut request = http::Request::post("/discord");
        for (name, value) in &interaction.headers {
            request = request.header(name, value);
        }
        let request = request.body(interaction.body.clone()).unwrap();
        let answer = self.app.handle(request, None).await;
        let body = serde_json::from_slice(answer.body()).unwrap();
        (answer.status().as_u16(), body)
    }

    pub fn endpoint(&self) -> Endpoint {
        let (app, limit) = (self.app.clone(), self.parts.time_limit);
        Endpoint::Direct(Arc::new(move |request| {
            let app = app.clone();
            Box::pin(async move { app.handle(request, limit.map(Deadline::from_now)).await })
        }))
    }

    /// Somebody types a command, and everything that comes of it happens.
    pub async fn types(&self, who: &str, text: &str) -> Told {
        let interaction = self.interaction(who, text);
        let answer = self.deliver(&interaction).await;
        self.settle().await;
        self.told(&interaction, answer)
    }

    pub fn told(&self, interaction: &Interaction, answer: Answer) -> Told {
        Told { answer, messages: self.discord.messages(&interaction.id) }
    }

    /// Waits until nothing runs any more.
    pub async fn settle(&self) {
        tokio::time::timeout(STORY, self.tasks.drained()).await.expect("the story has an end");
    }

    /// Time passes.
    pub async fn passes(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }

    /// The time in this world.
    pub fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(StoryClock(self.outside.clock.clone()))
    }

    pub fn dispatches(&self) -> Vec<Dispatch> {
        self.github.dispatches()
    }

    /// The one dispatch that there was.
    pub fn dispatch(&self) -> Dispatch {
        let mut dispatches = self.dispatches();
        assert_eq!(dispatches.len(), 1, "exactly one dispatch");
        dispatches.remove(0)
    }
}

/// What one interaction led to.
#[derive(Debug)]
pub struct Told {
    pub answer: Answer,
    pub messages: Vec<Message>,
}

impl Told {
    /// The type of the answer: 4 message, 5 deferred.
    pub fn kind(&self) -> u64 {
        self.answer.body["type"].as_u64().unwrap()
    }

    /// The original response as it is at last.
    pub fn original(&self) -> &Message {
        self.messages.iter().find(|message| !message.follow_up).expect("an original response")
    }

    /// The one follow-up.
    pub fn follow_up(&self) -> &Message {
        let follow_ups: Vec<_> = self.messages.iter().filter(|m| m.follow_up).collect();
        assert_eq!(follow_ups.len(), 1, "exactly one follow-up: {:#?}", self.messages);
        follow_ups[0]
    }

    pub fn has_follow_up(&self) -> bool {
        self.messages.iter().any(|message| message.follow_up)
    }

    /// Everything that was said, for looking at.
    pub fn transcript(&self) -> String {
        let said = self.messages.iter().map(|message| {
            let kind = if message.follow_up { "follow-up" } else { "original" };
            let ephemeral = if message.ephemeral { ", only for the caller" } else { "" };
            let pings = match message.pings.is_empty() {
                true => String::new(),
                false => format!(", pings {}", message.pings.join(" ")),
            };
            format!("[{kind}{ephemeral}{pings}]\n{}", message.content)
        });
        said.collect::<Vec<_>>().join("\n\n")
    }
}

fn build(plan: &Plan, github: &Github, discord: &Discord, outside: &Outside, tasks: &Tasks) -> App {
    let env = |name: &str| {
        if let Some((_, value)) = plan.env.iter().find(|(given, _)| *given == name) {
            return Some(value.clone());
        }
        match name {
            "DISCORD_PUBLIC_KEY" => Some(discord.public_key()),
            "DISCORD_APPLICATION_ID" => Some(discord.application_id()),
            "DISCORD_API_BASE" => Some(discord.url()),
            "GITHUB_API_BASE" => Some(github.url()),
            "GITHUB_TOKEN" => Some(TOKEN.to_owned()),
            "GITHUB_REPO" => Some("octo-org/web-client".to_owned()),
            _ => None,
        }
    };
    let settings = Settings::load(env).unwrap();
    let registry = match plan.agents {
        Some(text) => file::parse("agents.toml", text).unwrap(),
        None => file::load(None).unwrap(),
    };
    discord.set_commands(registration(plan.table, &registry, Scope::Guild));
    let Outside { transport, aws, gauge, clock, lines, .. } = outside;
    let clock = Arc::new(StoryClock(clock.clone()));
    let store: Arc<dyn Store> = match &plan.remembers {
        Remembers::InTable(table) => {
            Arc::new(Dynamo::new(aws.clone(), table.clone(), clock.clone()))
        }
        Remembers::In(store) => store.clone(),
        Remembers::AsWellAsItCan | Remembers::InMemory => Arc::new(Memory::default()),
    };
    let parts = Parts {
        vault: Arc::new(Parameters(aws.clone())),
        transport: transport.clone(),
        prober: Arc::new(Counted {
            inner: Probe::new(settings.urls.clone()),
            gauge: gauge.clone(),
        }),
        clock: clock.clone(),
        store,
        tasks: tasks.clone(),
        telemetry: Arc::new(lines.clone()),
        table: plan.table,
    };
    App::new(settings.discord.public_key, clock, Deckhand::new(settings, registry, parts))
}

/// Moves the clock as long as its world is there: that of another would not know of its calls.
struct Pacemaker(JoinHandle<()>);

impl Drop for Pacemaker {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The summary lines that were written, as the function `deckhand` would have.
#[derive(Clone, Default)]
pub struct Lines(Arc<Mutex<Vec<Value>>>);

impl Lines {
    pub fn all(&self) -> Vec<Value> {
        self.0.lock().unwrap().clone()
    }

    /// The line that there must be exactly one of.
    pub fn of(&self, interaction: &Interaction) -> Value {
        let is_its = |line: &Value| line["interaction_id"] == interaction.id;
        let mut lines: Vec<_> = self.all().into_iter().filter(is_its).collect();
        assert_eq!(lines.len(), 1, "exactly one line: {lines:#?}");
        lines.remove(0)
    }
}

impl Sink for Lines {
    fn write(&self, summary: Summary) {
        let line = summary.to_line("deckhand");
        self.0.lock().unwrap().push(serde_json::from_slice(&line).unwrap());
    }
}

async fn pace(gauge: Gauge) {
    loop {
        for _ in 0..LOOKS {
            tokio::task::yield_now().await;
        }
        if gauge.idle() {
            // Nothing is on its way, so tokio may move its clock to whatever comes next.
            let _ = tokio::time::timeout(LEAP, gauge.call_began()).await;
        } else if gauge.quiet() {
            tokio::time::advance(STEP).await;
        }
    }
}

struct StoryClock(StandinClock);

impl Clock for StoryClock {
    fn now(&self) -> DateTime<Utc> {
        self.0.now()
    }
}

/// The real transport, with the calls under way counted for the pacemaker.
struct Counted<T> {
    inner: T,
    gauge: Gauge,
}

impl Transport for Counted<Https> {
    fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> BoxFuture<'_, Result<http::Response<Bytes>, CallError>> {
        let call = self.gauge.call();
        let sent = self.inner.send(request);
        Box::pin(async move {
            let answer = sent.await;
            drop(call);
            answer
        })
    }
}

impl Prober for Counted<Probe> {
    fn get(&self, url: url::Url) -> BoxFuture<'_, Result<Page, ProbeError>> {
        let call = self.gauge.call();
        let asked = self.inner.get(url);
        Box::pin(async move {
            let answer = asked.await;
            drop(call);
            answer
        })
    }
}

/// The value at a path in an answer.
pub fn at<'a>(answer: &'a Answer, path: &str) -> &'a Value {
    answer.body.pointer(path).unwrap_or(&Value::Null)
}
