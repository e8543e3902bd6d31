//! A small world to tell stories in: somebody types a command, GitHub and Discord do what the
//! scenario says, time passes, and then one looks at what was said.
//!
//! Time is tokio's paused clock, which the [`pacemaker`] moves. A story that leaves something unread
//! fails; see [`unread::Unread`].

mod clicks;
mod durable;
mod life;
mod lying;
mod pacemaker;
mod told;
mod unread;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use deckhand::agents::file;
use deckhand::aws::{Aws, Parameters};
use deckhand::bot::Settings;
use deckhand::bot::tasks::{Deadline, Tasks};
use deckhand::bot::{Command, registration};
use deckhand::bot::{Context, Parts};
use deckhand::clock::{Clock, SystemClock};
use deckhand::commands::TABLE;
use deckhand::commands::router::Router;
use deckhand::discord::registration::Scope;
use deckhand::host::http::App;
use deckhand::net::transport::{CallError, Https, Transport};
use deckhand::site::probe::{Page, Probe, ProbeError, Prober};
use deckhand::store::{Dynamo, Memory, Store};
use deckhand::telemetry::{Event, Sink, Summary};
use futures_util::future::BoxFuture;
use serde_json::Value;
use standins::discord::{Answer, Discord, Endpoint, GUILD_ID, Interaction, Message, User};
use standins::github::{Dispatch, Github, Scenario};
use standins::site::Site;
use standins::{Clock as StandinClock, Gauge};

use crate::{aws, aws_faults};
pub(crate) use durable::durable;
use life::Mortal;
pub(crate) use life::{Blow, Life};
pub(crate) use lying::{Asked, Lying, NO_ANSWER};
use pacemaker::Pacemaker;
pub(crate) use told::{Told, asks_for_approval};
pub(crate) use unread::Unread;

/// The moment at which every story begins.
const MORNING: &str = "2026-11-22T10:00:00Z";
/// A story that has not ended after this long has hung.
const STORY: Duration = Duration::from_secs(1800);

pub(crate) const TOKEN: &str = "ghs_standin_token";
const BOT_TOKEN: &str = "standin.bot-token-of-the-stories";

pub(crate) struct World {
    pub github: Github,
    pub discord: Discord,
    pub app: App,
    pub tasks: Tasks,
    pub lines: Lines,
    /// Of the process.
    pub life: Life,
    parts: Plan,
    outside: Outside,
    unread: Unread,
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
pub(crate) struct Plan {
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
pub(crate) enum Remembers {
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
    pub(crate) async fn new() -> Self {
        Self::of(Plan::default()).await
    }

    pub(crate) async fn with(scenario: Scenario) -> Self {
        Self::of(Plan { scenario, ..Plan::default() }).await
    }

    pub(crate) async fn named(scenario: &str) -> Self {
        Self::with(Scenario::named(scenario).unwrap()).await
    }

    pub(crate) async fn of(plan: Plan) -> Self {
        Self::with_site(plan, |_| Vec::new()).await
    }

    /// A world whose bot has a token of its own.
    pub(crate) async fn with_a_bot(mut plan: Plan) -> Self {
        plan.env.push(("DISCORD_BOT_TOKEN", BOT_TOKEN.to_owned()));
        let world = Self::of(plan).await;
        world.discord.set_bot_token(BOT_TOKEN);
        world
    }

    /// A world with what is deployed in it; what `env` makes of it is set besides the plan's.
    pub(crate) async fn with_site(
        mut plan: Plan,
        env: impl FnOnce(Site) -> Vec<(&'static str, String)>,
    ) -> Self {
        let clock = StandinClock::start_at(MORNING.parse().unwrap());
        let gauge = Gauge::new();
        let pacemaker = Pacemaker::start(gauge.clone());
        let github = Github::start(clock.clone(), gauge.clone(), plan.scenario.clone()).await;
        let discord = Discord::start(clock.clone(), gauge.clone()).await;
        plan.env.extend(env(Site::start(clock.clone(), gauge.clone()).await));
        let tasks = Tasks::default();
        let transport = Arc::new(Counted { inner: Https::default(), gauge: gauge.clone() });
        let aws = match aws::standin() {
            Some(url) => aws::at(&url, transport.clone()).await,
            None => Aws::new(transport.clone(), Arc::new(SystemClock)),
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
        let life = Life::default();
        let app = build(&plan, &github, &discord, &outside, &tasks, &life);
        let unread = Unread::of(&github, &discord);
        let world = Self { github, discord, app, tasks, lines, life, parts: plan, outside, unread };
        // Interactions are created after the process was started, unless a story says otherwise.
        world.passes(Duration::from_secs(1)).await;
        world
    }

    /// The bot's process is replaced by a new one: what was in memory is gone. The old one goes on with its tasks.
    pub(crate) fn restart(&mut self) {
        let Self { github, discord, outside, parts, .. } = self;
        (self.tasks, self.life) = (Tasks::default(), Life::default());
        self.app = build(parts, github, discord, outside, &self.tasks, &self.life);
    }

    /// The process is killed, and the next one has another `agents.toml`.
    pub(crate) fn restart_with(&mut self, agents: &'static str) {
        self.parts.agents = Some(agents);
        self.kill();
    }

    /// The same, and the old process is killed: all its tasks end where they are.
    pub(crate) fn kill(&mut self) {
        self.life.kill();
        self.restart();
    }

    /// AWS, for stories that only make sense where there is one.
    pub(crate) fn aws(&self) -> &Arc<Aws> {
        &self.outside.aws
    }

    /// What Discord would send if this person typed this.
    pub(crate) fn interaction(&self, who: &str, text: &str) -> Interaction {
        self.discord.interaction(&User::named(who), text).unwrap()
    }

    /// Discord delivers an interaction; the answer is what the bot gave within three seconds. As the
    /// story has the answer in hand, the message in it counts as read.
    pub(crate) async fn deliver(&self, interaction: &Interaction) -> Answer {
        let answer = self.discord.deliver(interaction, &self.endpoint()).await;
        told::read_answer(&self.discord, &self.discord.peek(&interaction.id));
        answer
    }

    /// The same request without Discord's clients behind it: status and body of the answer.
    pub(crate) async fn post(&self, interaction: &Interaction) -> (u16, Value) {
        let mut request = http::Request::post("/discord");
        for (name, value) in &interaction.headers {
            request = request.header(name, value);
        }
        let request = request.body(interaction.body.clone()).unwrap();
        let answer = self.app.handle(request, None).await;
        let body = serde_json::from_slice(answer.body()).unwrap();
        (answer.status().as_u16(), body)
    }

    pub(crate) fn endpoint(&self) -> Endpoint {
        let (app, limit, life) = (self.app.clone(), self.parts.time_limit, self.life.clone());
        Endpoint::Direct(Arc::new(move |request| {
            let (app, life) = (app.clone(), life.clone());
            Box::pin(
                async move { life.lives(app.handle(request, limit.map(Deadline::from_now))).await },
            )
        }))
    }

    /// Somebody types a command, and everything that comes of it happens.
    pub(crate) async fn types(&self, who: &str, text: &str) -> Told {
        self.types_as(&User::named(who), text).await
    }

    /// The same by a member with roles or permissions of their own.
    pub(crate) async fn types_as(&self, who: &User, text: &str) -> Told {
        let interaction = self.discord.interaction(who, text).unwrap();
        let answer = self.discord.deliver(&interaction, &self.endpoint()).await;
        self.settle().await;
        self.told(&interaction, answer)
    }

    pub(crate) fn told(&self, interaction: &Interaction, answer: Answer) -> Told {
        let discord = self.discord.clone();
        let mut messages = discord.peek(&interaction.id);
        let ids: Vec<_> = messages.iter().map(|message| message.id.clone()).collect();
        let is_reply =
            |message: &Message| message.reply_to.as_ref().is_some_and(|to| ids.contains(to));
        messages.extend(discord.peek("").into_iter().filter(is_reply));
        Told { answer, messages, discord }
    }

    /// This story is about one thing only: what else the bot sent needs no look.
    pub(crate) fn and_more(&self) {
        self.unread.and_more();
    }

    /// Waits until nothing runs any more.
    pub(crate) async fn settle(&self) {
        tokio::time::timeout(STORY, self.tasks.drained()).await.expect("the story has an end");
    }

    /// Minutes pass, with a sweep at the end of each, as the schedule has it.
    pub(crate) async fn sweeps(&self, minutes: u64) {
        for _ in 0..minutes {
            self.passes(Duration::from_secs(60)).await;
            let deadline = self.parts.time_limit.map(Deadline::from_now);
            self.app.sweep(deadline).await;
        }
    }

    /// What was told of an interaction by now.
    pub(crate) fn told_since(&self, interaction: &Interaction, told: Told) -> Told {
        self.told(interaction, told.answer)
    }

    /// Time passes.
    pub(crate) async fn passes(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }

    /// The real transport, for a client of the story's own.
    pub(crate) fn transport(&self) -> Arc<dyn Transport> {
        self.outside.transport.clone()
    }

    /// The time in this world.
    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(StoryClock(self.outside.clock.clone()))
    }

    pub(crate) fn dispatches(&self) -> Vec<Dispatch> {
        self.github.dispatches()
    }

    /// The one dispatch that there was.
    pub(crate) fn dispatch(&self) -> Dispatch {
        let mut dispatches = self.dispatches();
        assert_eq!(dispatches.len(), 1, "exactly one dispatch");
        dispatches.remove(0)
    }
}

/// Hands requests to an app; each invocation is killed after `limit`.
pub(crate) fn endpoint(app: App, limit: Option<Duration>) -> Endpoint {
    Endpoint::Direct(Arc::new(move |request| {
        let app = app.clone();
        Box::pin(async move { app.handle(request, limit.map(Deadline::from_now)).await })
    }))
}

fn build(
    plan: &Plan,
    github: &Github,
    discord: &Discord,
    outside: &Outside,
    tasks: &Tasks,
    life: &Life,
) -> App {
    let env = |name: &str| {
        if let (Remembers::InTable(table), "TABLE_NAME") = (&plan.remembers, name) {
            return Some(table.clone());
        }
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
            "ALLOWED_GUILD_IDS" => Some(GUILD_ID.to_owned()),
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
        Remembers::InTable(table) => Arc::new(Dynamo::new(aws.clone(), table.clone())),
        Remembers::In(store) => store.clone(),
        Remembers::AsWellAsItCan | Remembers::InMemory => Arc::new(Memory::default()),
    };
    let parts = Parts {
        secrets: Arc::new(Parameters(aws.clone())),
        transport: Arc::new(Mortal { inner: transport.clone() as _, life: life.clone() }),
        prober: Arc::new(Counted {
            inner: Probe::new(settings.urls.clone()),
            gauge: gauge.clone(),
        }),
        clock: clock.clone(),
        store: Arc::new(Mortal { inner: store, life: life.clone() }),
        durable: matches!(plan.remembers, Remembers::InTable(_) | Remembers::In(_)),
        tasks: tasks.clone(),
        telemetry: Arc::new(lines.clone()),
    };
    let public_key = settings.discord.public_key;
    let context = Context::new(settings, registry, parts);
    App::new(public_key, clock, Router { context, table: plan.table })
}

/// The summary lines that were written, as the function `deckhand` would have.
#[derive(Clone, Default)]
pub(crate) struct Lines(Arc<Mutex<Vec<Value>>>);

impl Lines {
    pub(crate) fn all(&self) -> Vec<Value> {
        self.0.lock().unwrap().clone()
    }

    /// The line that there must be exactly one of.
    pub(crate) fn of(&self, interaction: &Interaction) -> Value {
        let is_its = |line: &Value| line["interaction_id"] == interaction.id;
        let mut lines: Vec<_> = self.all().into_iter().filter(is_its).collect();
        assert_eq!(lines.len(), 1, "exactly one line: {lines:#?}");
        lines.remove(0)
    }
}

impl Sink for Lines {
    fn write(&self, summary: Summary) {
        // Suggestions are looked at here although they are logged at `debug` only.
        if !summary.is_wanted() && summary.about.event != Event::Autocomplete {
            return;
        }
        let line = summary.to_line("deckhand");
        self.0.lock().unwrap().push(serde_json::from_slice(&line).unwrap());
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
        let fault = aws_faults::next(&request);
        let sent = self.inner.send(request);
        match fault {
            Some(what) => Box::pin(aws_faults::meets(what, sent, call)),
            None => Box::pin(async move {
                let answer = sent.await;
                drop(call);
                answer
            }),
        }
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
pub(crate) fn at<'a>(answer: &'a Answer, path: &str) -> &'a Value {
    answer.body.pointer(path).unwrap_or(&Value::Null)
}
