//! `deckhand serve`, over real sockets and in real time.

use std::time::Duration;

use chrono::{DateTime, Utc};
use deckhand::bot::tasks::Tasks;
use deckhand::host::startup;
use rstest::rstest;
use serde_json::json;
use standins::discord::{Discord, Endpoint, GUILD_ID, User};
use standins::github::{Github, Scenario, Timetable};
use standins::{Clock, Gauge, Scratch};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::world::{Unread, endpoint};

struct Server {
    github: Github,
    discord: Discord,
    address: String,
    stop: oneshot::Sender<()>,
    done: JoinHandle<()>,
    _scratch: Scratch,
    _unread: Unread,
}

async fn start(grace: Duration, timetable: Timetable) -> Server {
    let now: DateTime<Utc> = Utc::now();
    let (clock, gauge) = (Clock::start_at(now), Gauge::new());
    let scenario = Scenario { timetable, ..Scenario::default() };
    let github = Github::start(clock.clone(), gauge.clone(), scenario).await;
    let discord = Discord::start(clock, gauge).await;
    let scratch = Scratch::new().unwrap();
    let settings = [
        ("DATA_FILE", scratch.file("deckhand.redb").to_string_lossy().into_owned()),
        ("DISCORD_PUBLIC_KEY", discord.public_key()),
        ("DISCORD_APPLICATION_ID", discord.application_id()),
        ("DISCORD_API_BASE", discord.url()),
        ("GITHUB_API_BASE", github.url()),
        ("GITHUB_TOKEN", crate::world::TOKEN.to_owned()),
        ("GITHUB_REPO", "octo-org/web-client".to_owned()),
        ("ALLOWED_GUILD_IDS", GUILD_ID.to_owned()),
        ("POLL_INTERVAL_SECONDS", "0.05".to_owned()),
        ("GITHUB_WEBHOOK_SECRET", "secret".to_owned()),
    ];
    let env = move |name: &str| {
        settings.iter().find(|(given, _)| *given == name).map(|(_, value)| value.clone())
    };
    let tasks = Tasks::default();
    let app = startup::app(env, tasks.clone()).unwrap();
    let registry = startup::registry(|_| None).unwrap();
    let table = deckhand::commands::TABLE;
    let scope = deckhand::discord::registration::Scope::Guild;
    discord.set_commands(deckhand::bot::registration(table, &registry, scope));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (stop, stopped) = oneshot::channel();
    let stopped = async move {
        let _ = stopped.await;
    };
    let done = tokio::spawn(deckhand::host::serve::serve(listener, app, tasks, stopped, grace));
    let unread = Unread::of(&github, &discord);
    Server { github, discord, address, stop, done, _scratch: scratch, _unread: unread }
}

impl Server {
    async fn types(&self, text: &str) -> (String, standins::discord::Answer) {
        let interaction = self.discord.interaction(&User::named("ada"), text).unwrap();
        let endpoint = Endpoint::Http(format!("http://{}/discord", self.address));
        let answer = self.discord.deliver(&interaction, &endpoint).await;
        (interaction.id, answer)
    }

    async fn raw(&self, request: &[u8]) -> String {
        let mut stream = TcpStream::connect(&self.address).await.unwrap();
        stream.write_all(request).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }
}

#[tokio::test]
async fn a_wait_that_is_running_at_shutdown_is_followed_to_its_end() {
    let timetable = Timetable {
        queued: Duration::from_millis(50),
        running: Duration::from_millis(150),
        ..Timetable::default()
    };
    let server = start(Duration::from_secs(10), timetable).await;
    let (id, answer) = server.types("/deploy-client wait:true").await;
    assert_eq!(answer.body["type"], json!(5));
    server.stop.send(()).unwrap();
    server.done.await.unwrap();
    let messages = server.discord.messages(&id);
    assert!(messages[0].content.contains("🟢"), "{messages:#?}");
    assert_eq!(server.github.dispatches().len(), 1);
}

#[tokio::test]
async fn a_wait_longer_than_the_grace_period_is_left_to_the_next_server() {
    let server = start(Duration::ZERO, Timetable::stuck()).await;
    let (id, _) = server.types("/deploy-client wait:true").await;
    while server.discord.messages(&id)[0].loading {
        tokio::task::yield_now().await;
    }
    server.stop.send(()).unwrap();
    server.done.await.unwrap();
    let messages = server.discord.messages(&id);
    // Nothing is said: it goes on.
    assert!(messages[0].content.starts_with("🔵 **Client deploy**: "), "{messages:#?}");
    assert_eq!(messages.len(), 1);
}

#[tokio::test]
async fn plain_http_requests_are_answered() {
    let server = start(Duration::ZERO, Timetable::default()).await;
    let health = server.raw(b"GET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    assert!(health.starts_with("HTTP/1.1 200"), "{health}");
    assert!(health.ends_with(r#""status":"ok","version":"0.1.0"}"#), "{health}");
    let head = b"POST /discord HTTP/1.1\r\nhost: x\r\nconnection: close\r\n";
    let body = vec![b' '; 1024 * 1024 + 1];
    let announced = format!("content-length: {}\r\n\r\n", body.len()).into_bytes();
    let large = server.raw(&[head, announced.as_slice(), &body].concat()).await;
    assert!(large.starts_with("HTTP/1.1 413"), "{large}");
    let chunk = format!("transfer-encoding: chunked\r\n\r\n{:x}\r\n", body.len()).into_bytes();
    let end = b"\r\n0\r\n\r\n".as_slice();
    let large = server.raw(&[head, chunk.as_slice(), &body, end].concat()).await;
    assert!(large.starts_with("HTTP/1.1 413"), "{large}");
    let garbage = server.raw(b"\x00\x01\x02\r\n\r\n").await;
    assert!(garbage.starts_with("HTTP/1.1 400"), "{garbage}");
}

/// A payload of GitHub's may be larger than Discord's, at its own path only.
#[rstest]
#[case::more_than_discords("/github/webhook", 1024 * 1024 + 1, 204)]
#[case::as_large_as_can_be("/github/webhook", 5 * 1024 * 1024, 204)]
#[case::too_large("/github/webhook", 5 * 1024 * 1024 + 1, 413)]
#[case::as_large_as_github_sends("/github/webhook", 25 * 1024 * 1024, 413)]
#[case::elsewhere("/discord", 1024 * 1024 + 1, 413)]
#[tokio::test]
async fn a_delivery_may_have_five_mebibytes(
    #[case] path: &str,
    #[case] length: usize,
    #[case] status: u16,
) {
    let server = start(Duration::ZERO, Timetable::default()).await;
    let body = [b"{}".to_vec(), vec![b' '; length - 2]].concat();
    let signature = standins::github::signature("secret", &body);
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx-github-event: ping\r\n\
         x-hub-signature-256: {signature}\r\ncontent-length: {length}\r\n\r\n"
    );
    let answer = server.raw(&[head.as_bytes(), &body].concat()).await;
    assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    assert_eq!(answer.ends_with("\r\n\r\n"), status == 204, "{answer}");
}

#[tokio::test]
async fn a_bot_that_cannot_start_says_so_and_still_answers_a_ping() {
    let (clock, gauge) = (Clock::start_at(Utc::now()), Gauge::new());
    let discord = Discord::start(clock, gauge).await;
    let key = discord.public_key();
    let env = |name: &str| (name == "DISCORD_PUBLIC_KEY").then(|| key.clone());
    assert!(startup::app(env, Tasks::default()).is_err());
    let app = startup::app_that_explains(env, Tasks::default()).unwrap();
    let endpoint = endpoint(app, None);
    let pong = discord.deliver(&discord.ping(), &endpoint).await;
    assert_eq!(pong.body, json!({"type": 1}));
    let registry = startup::registry(|_| None).unwrap();
    let table = deckhand::commands::TABLE;
    let scope = deckhand::discord::registration::Scope::Guild;
    discord.set_commands(deckhand::bot::registration(table, &registry, scope));
    let interaction = discord.interaction(&User::named("ada"), "/deploy-client").unwrap();
    let answer = discord.deliver(&interaction, &endpoint).await;
    let content = answer.body["data"]["content"].as_str().unwrap();
    for name in ["DISCORD_APPLICATION_ID", "GITHUB_TOKEN", "GITHUB_REPO", "ALLOWED_GUILD_IDS"] {
        assert!(content.contains(name), "{content}");
    }
}

/// A stranger's server learns nothing of the set-up, as far as it is known which servers are ours.
#[rstest]
#[case::ours(GUILD_ID, true)]
#[case::another("41", false)]
#[tokio::test]
async fn what_is_missing_is_told_in_the_allowed_servers_only(
    #[case] allowed: &str,
    #[case] is_told: bool,
) {
    let discord = Discord::start(Clock::start_at(Utc::now()), Gauge::new()).await;
    let key = discord.public_key();
    let env = |name: &str| match name {
        "DISCORD_PUBLIC_KEY" => Some(key.clone()),
        "ALLOWED_GUILD_IDS" => Some(allowed.to_owned()),
        _ => None,
    };
    let app = startup::app_that_explains(env, Tasks::default()).unwrap();
    let registry = startup::registry(|_| None).unwrap();
    let table = deckhand::commands::TABLE;
    let scope = deckhand::discord::registration::Scope::Guild;
    discord.set_commands(deckhand::bot::registration(table, &registry, scope));
    let interaction = discord.interaction(&User::named("ada"), "/deploy-client").unwrap();
    let answer = discord.deliver(&interaction, &endpoint(app, None)).await;
    let content = answer.body["data"]["content"].as_str().unwrap();
    assert_eq!(content.contains("GITHUB_TOKEN"), is_told, "{content}");
    assert_eq!(answer.body["data"]["flags"], 64);
}

#[rstest]
#[case::ping_and_reading("/agents", "4 agents")]
#[case::dispatching(
    "/deploy-client",
    "To fix by whoever runs Deckhand: `TABLE_NAME` is not set: on Lambda a DynamoDB table is required"
)]
#[case::dispatching_and_waiting("/deploy-client wait:true", "`TABLE_NAME` is not set")]
#[case::asking_the_doctor("/doctor", "Nothing is dispatched: \\`TABLE\\_NAME\\` is not set")]
#[case::writing(
    "/set-frontend url:https://app.example.com confirm:true",
    "`TABLE_NAME` is not set"
)]
#[tokio::test]
async fn on_lambda_without_a_table_only_what_dispatches_or_writes_is_refused(
    #[case] text: &str,
    #[case] expected: &str,
) {
    let (clock, gauge) = (Clock::start_at(Utc::now()), Gauge::new());
    let github = Github::start(clock.clone(), gauge.clone(), Scenario::default()).await;
    let discord = Discord::start(clock, gauge).await;
    let ada = User::named("ada");
    let env = |name: &str| match name {
        "DISCORD_PUBLIC_KEY" => Some(discord.public_key()),
        "DISCORD_APPLICATION_ID" => Some(discord.application_id()),
        "DISCORD_API_BASE" => Some(discord.url()),
        "GITHUB_API_BASE" => Some(github.url()),
        "GITHUB_TOKEN" => Some("ghs_standin_token".to_owned()),
        "GITHUB_REPO" => Some("octo-org/web-client".to_owned()),
        "ALLOWED_GUILD_IDS" => Some(GUILD_ID.to_owned()),
        "ADMIN_USER_IDS" => Some(ada.id.clone()),
        "ALLOW_SECRET_WRITES" => Some("true".to_owned()),
        _ => None,
    };
    let app = startup::app_that_explains(env, Tasks::default()).unwrap();
    let endpoint = endpoint(app, None);
    let pong = discord.deliver(&discord.ping(), &endpoint).await;
    assert_eq!(pong.body, json!({"type": 1}));
    let registry = startup::registry(|_| None).unwrap();
    let scope = deckhand::discord::registration::Scope::Guild;
    let table = deckhand::commands::TABLE;
    discord.set_commands(deckhand::bot::registration(table, &registry, scope));
    let interaction = discord.interaction(&ada, text).unwrap();
    let answer = discord.deliver(&interaction, &endpoint).await;
    let content = answer.body["data"]["content"].as_str().unwrap();
    assert!(content.contains(expected), "{content}");
    assert!(github.dispatches().is_empty() && github.variable("FRONTEND_BASE_URL").is_none());
}
