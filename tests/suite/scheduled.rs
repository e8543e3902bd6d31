//! The digest on a schedule: posted to its channel, whatever goes wrong, and never twice.

mod retries;
mod windows;

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use deckhand::bot::tasks::Deadline;
use deckhand::host::http::App;
use deckhand::schedule::{Done, NotDone, Schedule};
use deckhand::store::Memory;
use rstest::rstest;
use serde_json::{Value, json};
use standins::discord::{CHANNEL_ID, Fault, Message, On, Permissions, What};
use standins::github::{NewRun, Scenario, Timetable, Workflow};

use crate::secrets::{listen, logged};
use crate::status::TWO_AGENTS;
use crate::world::{Lying, NO_ANSWER, Plan, Remembers, World};

const BOT_TOKEN: &str = "standin.bot-token-of-the-stories";
const NINE: &str = "2026-11-22T09:00:00Z";

/// A store that fails when a story says so.
fn lying() -> Arc<Lying> {
    Lying::around(Arc::new(Memory::default()))
}

fn plan() -> Plan {
    Plan {
        env: vec![
            ("DISCORD_BOT_TOKEN", BOT_TOKEN.to_owned()),
            ("DIGEST_CHANNEL_ID", CHANNEL_ID.to_owned()),
        ],
        remembers: Remembers::In(Arc::new(Memory::default())),
        ..Plan::default()
    }
}

async fn world(plan: Plan) -> World {
    let world = World::of(plan).await;
    world.discord.set_bot_token(BOT_TOKEN);
    // Four hours before the digest's time, and in all of the week before.
    world.github.add_run(NewRun {
        created: -TimeDelta::hours(5),
        timetable: Timetable::ending("success"),
        ..NewRun::default()
    });
    world
}

fn due(time: &str) -> Schedule {
    Schedule { time: Some(time.parse().unwrap()), ..Schedule::default() }
}

async fn sent(app: &App, schedule: Schedule) -> Result<Done, NotDone> {
    app.scheduled(schedule, Some(Deadline::from_now(Duration::from_secs(240)))).await
}

async fn nine(world: &World) -> Result<Done, NotDone> {
    sent(&world.app, due(NINE)).await
}

fn contents(world: &World) -> Vec<String> {
    world.discord.channel_messages().into_iter().map(|message| message.content).collect()
}

fn only(world: &World) -> Message {
    let mut messages = world.discord.channel_messages();
    assert_eq!(messages.len(), 1, "exactly one message: {messages:#?}");
    messages.remove(0)
}

/// The nonces of the requests that were to post.
fn nonces(world: &World) -> Vec<String> {
    let requests = world.discord.requests();
    let posts = requests.iter().filter(|request| request.method == "POST");
    posts.map(|request| request.body["nonce"].as_str().unwrap().to_owned()).collect()
}

fn looks(world: &World) -> usize {
    let requests = world.discord.requests();
    requests.iter().filter(|one| one.method == "GET" && one.path.ends_with("/messages")).count()
}

fn refused(status: u16, code: u64) -> What {
    What::Refused { status, code, message: "No".to_owned() }
}

#[tokio::test(start_paused = true)]
async fn it_is_posted_with_its_picture_and_pings_nobody() {
    let world = world(plan()).await;
    let evil = "@everyone <@810000000000000001>";
    let title = format!("Client Deploy — 0b3b1c8e-6a3e-4c52-9f1d-0d5f6a7b8c9d by {evil}");
    world.github.add_run(NewRun {
        created: -TimeDelta::hours(2),
        title,
        timetable: Timetable::ending("success"),
        ..NewRun::default()
    });
    assert_eq!(nine(&world).await, Ok(Done::Posted));
    let message = only(&world);
    let nine: DateTime<Utc> = NINE.parse().unwrap();
    // The last working day before that Sunday.
    let edges = [nine - TimeDelta::days(2), nine].map(|edge| edge.timestamp());
    let head = format!(
        "📊 **Daily digest**: 🟢 2 runs, none failed · <t:{0}:f> (<t:{0}:R>) to <t:{1}:f> (<t:{1}:R>)",
        edges[0], edges[1]
    );
    assert_eq!(message.content.lines().next(), Some(head.as_str()));
    assert!(message.content.contains("2 runs: 🟢 2 succeeded"), "{}", message.content);
    assert!(message.pings.is_empty() && !message.ephemeral);
    assert_eq!(message.attachments[0].filename, "digest.png");
    assert!(message.attachments[0].bytes.starts_with(b"\x89PNG\r\n\x1a\n"));
    assert_eq!(looks(&world), 0, "nothing to look for at the first try");
    let body = &world.discord.requests()[0].body;
    assert_eq!(body["enforce_nonce"], true);
    assert!(body["nonce"].as_str().is_some_and(|nonce| nonce.len() <= 25));
    assert_eq!(body["allowed_mentions"]["parse"], serde_json::json!([]));
}

#[tokio::test(start_paused = true)]
async fn a_schedules_period_overrides_the_setting() {
    let mut plan = plan();
    plan.env.push(("DIGEST_PERIOD", "weekly".to_owned()));
    let world = world(plan).await;
    nine(&world).await.unwrap();
    let daily = Schedule { period: Some("daily".to_owned()), ..due(NINE) };
    sent(&world.app, daily).await.unwrap();
    let contents = contents(&world);
    assert!(contents[0].starts_with("📊 **Weekly digest**"), "{contents:#?}");
    assert!(contents[1].starts_with("📊 **Daily digest**"), "{contents:#?}");
    let monthly = Schedule { period: Some("monthly".to_owned()), ..due(NINE) };
    assert!(matches!(sent(&world.app, monthly).await, Err(NotDone::UnknownPeriod(_))));
}

#[tokio::test(start_paused = true)]
async fn a_rate_limit_is_waited_for_within_one_invocation() {
    let world = world(plan()).await;
    let limited = What::RateLimited { retry_after: 7.5 };
    world.discord.fault(Fault::new(On::ChannelMessage, limited).times(3));
    assert_eq!(nine(&world).await, Ok(Done::Posted));
    only(&world);
    let nonces = nonces(&world);
    assert_eq!(nonces.len(), 4);
    assert!(nonces.iter().all(|nonce| *nonce == nonces[0]), "{nonces:?}");
}

#[tokio::test(start_paused = true)]
async fn when_the_store_fails_nothing_is_posted() {
    let store = lying();
    store.is_down(true);
    let world = world(Plan { remembers: Remembers::In(store), ..plan() }).await;
    let error = nine(&world).await.unwrap_err().to_string();
    assert!(error.contains(NO_ANSWER), "{error}");
    assert!(world.discord.requests().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_an_error() {
    let store = lying();
    store.panics(true);
    let world = world(Plan { remembers: Remembers::In(store), ..plan() }).await;
    assert_eq!(nine(&world).await, Err(NotDone::Fault));
    world.settle().await;
}

#[rstest]
#[case::no_channel("DIGEST_CHANNEL_ID", "DIGEST_CHANNEL_ID is not set")]
#[case::no_token("DISCORD_BOT_TOKEN", "DISCORD_BOT_TOKEN is not set")]
#[tokio::test(start_paused = true)]
async fn a_missing_setting_is_named(#[case] missing: &str, #[case] said: &str) {
    let mut plan = plan();
    plan.env.retain(|(name, _)| *name != missing);
    let world = world(plan).await;
    let error = nine(&world).await.unwrap_err().to_string();
    assert!(error.contains(said), "{error}");
    assert!(world.discord.requests().is_empty() && world.github.requests().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_bot_that_cannot_start_names_its_wrong_settings() {
    let env = |name: &str| match name {
        "DISCORD_PUBLIC_KEY" => {
            Some("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a".to_owned())
        }
        "GITHUB_TOKEN" => Some("two words".to_owned()),
        _ => None,
    };
    let app = deckhand::host::startup::app_that_explains(env, Default::default()).unwrap();
    let error = sent(&app, due(NINE)).await.unwrap_err().to_string();
    assert!(error.contains("GITHUB_REPO is not set"), "{error}");
    assert!(error.contains("GITHUB_TOKEN is not valid") && !error.contains("two words"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn without_permission_to_attach_files_the_text_is_posted() {
    let world = world(plan()).await;
    world.discord.permit(Permissions { attach: false, ..Permissions::default() });
    assert_eq!(nine(&world).await, Ok(Done::Posted));
    let message = only(&world);
    assert!(message.attachments.is_empty() && message.content.contains("1 run:"));
    assert_eq!(nonces(&world).len(), 2, "with the picture, and without");
}

#[tokio::test(start_paused = true)]
async fn a_digest_is_posted_if_one_agent_can_be_read() {
    let mut scenario = Scenario::default();
    scenario.add_workflow(Workflow::new("other.yml", "Other"));
    let world = world(Plan { agents: Some(TWO_AGENTS), scenario, ..plan() }).await;
    assert_eq!(nine(&world).await, Ok(Done::Posted));
    let content = only(&world).content;
    assert!(content.contains("1 of 2 agents") && content.contains("(404)"), "{content}");
}

#[tokio::test(start_paused = true)]
async fn without_a_reported_agent_it_is_an_error() {
    let agents =
        Box::leak(TWO_AGENTS.replace("reported = true", "reported = false").into_boxed_str());
    let world = world(Plan { agents: Some(agents), ..plan() }).await;
    assert_eq!(nine(&world).await, Err(NotDone::NothingReported));
    assert!(contents(&world).is_empty());
}

#[tokio::test(start_paused = true)]
async fn without_a_time_it_uses_the_minute_of_its_arrival() {
    let world = world(plan()).await;
    for expected in [Done::Posted, Done::AlreadyThere] {
        assert_eq!(sent(&world.app, Schedule::default()).await, Ok(expected));
        world.passes(Duration::from_secs(20)).await;
    }
    let ten: DateTime<Utc> = "2026-11-22T10:00:00Z".parse().unwrap();
    assert!(only(&world).content.contains(&format!("to <t:{}:f>", ten.timestamp())));
}

#[tokio::test(start_paused = true)]
async fn each_outcome_is_one_log_line_without_the_token() {
    listen();
    let world = world(plan()).await;
    world.discord.fault(Fault::new(On::ChannelMessage, refused(403, 50013)).times(2));
    let error = nine(&world).await.unwrap_err();
    nine(&world).await.unwrap();
    nine(&world).await.unwrap();
    let text = format!("{error} {error:?} {} {:?}", logged(), world.lines.all());
    assert!(!text.contains(BOT_TOKEN));
    let lines: Vec<_> = world.lines.all();
    let told = |line: &Value| (line["Outcome"].clone(), line["reply"].clone());
    let outcomes: Vec<_> = lines.iter().map(told).collect();
    let (failed, answered) = (json!("failed"), json!("answered"));
    let expected = [
        (failed, json!(null)),
        (answered.clone(), json!("posted")),
        (answered, json!("already there")),
    ];
    assert_eq!(outcomes, expected);
    for line in &lines {
        assert_eq!(line["event"], "digest");
        assert_eq!(line["Command"], "scheduled-digest");
        assert_eq!(line["channel_id"], CHANNEL_ID);
        // Due at nine, and it is an hour later.
        assert!(line["age_ms"].as_i64().is_some_and(|age| age >= 3_600_000), "{line}");
    }
    assert!(lines[0]["error"].as_str().is_some_and(|error| error.contains("Send Messages")));
    only(&world);
}
