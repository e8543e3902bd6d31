//! GitHub's webhooks: who may send them, how they are answered, and what an unknown one costs.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use deckhand::deploy::arrivals::{arrive, last_seen};
use deckhand::github::Repository;
use deckhand::store::{Body, Commit, Committed, Item, Key, Memory, Store, StoreError, put_first};
use futures_util::future::{BoxFuture, join_all};
use http::{Method, Request, Response};
use rstest::rstest;
use serde_json::{Value, json};
use standins::github::{Delivery, Fate, Hook, Mishap, NewRun, Timetable, signature};
use tokio::sync::watch;

use crate::aws;
use crate::secrets::{listen, logged};
use crate::world::{Plan, Remembers, World};

const PATH: &str = "/github/webhook";
/// The one of GitHub's documentation: a secret may be any text.
const SECRET: &str = "It's a Secret to Everybody";
const PREVIOUS: &str = "the secret before";
const REPO: &str = "octo-org/web-client";
const LIMIT: usize = 5 * 1024 * 1024;

/// A store that counts what it is asked, and does not answer while it is held.
struct Watched {
    memory: Memory,
    reads: AtomicUsize,
    lists: AtomicUsize,
    writes: AtomicUsize,
    held: watch::Sender<bool>,
}

impl Watched {
    fn new() -> Arc<Self> {
        let count = AtomicUsize::default;
        let held = watch::Sender::new(false);
        Arc::new(Self {
            memory: Memory::default(),
            reads: count(),
            lists: count(),
            writes: count(),
            held,
        })
    }

    /// Reads of items, reads of lists, and writes since the last call.
    fn counted(&self) -> (usize, usize, usize) {
        let take = |count: &AtomicUsize| count.swap(0, Ordering::Relaxed);
        (take(&self.reads), take(&self.lists), take(&self.writes))
    }

    fn later<'a, T: Send + 'a>(
        &'a self,
        count: &AtomicUsize,
        answer: BoxFuture<'a, T>,
    ) -> BoxFuture<'a, T> {
        count.fetch_add(1, Ordering::Relaxed);
        Box::pin(async move {
            self.held.subscribe().wait_for(|held| !held).await.unwrap();
            answer.await
        })
    }
}

impl Store for Watched {
    fn get<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Option<Item>, StoreError>> {
        self.later(&self.reads, self.memory.get(key))
    }

    fn commit<'a>(&'a self, commit: &'a Commit) -> BoxFuture<'a, Result<Committed, StoreError>> {
        self.later(&self.writes, self.memory.commit(commit))
    }

    fn list<'a>(
        &'a self,
        partition: &'a str,
        count: u16,
    ) -> BoxFuture<'a, Result<Vec<Item>, StoreError>> {
        self.later(&self.lists, self.memory.list(partition, count))
    }

    fn due<'a>(
        &'a self,
        until: DateTime<Utc>,
        count: u16,
    ) -> BoxFuture<'a, Result<Vec<Key>, StoreError>> {
        self.later(&self.lists, self.memory.due(until, count))
    }
}

async fn world() -> (World, Arc<Watched>) {
    let store = Watched::new();
    let env = vec![
        ("GITHUB_WEBHOOK_SECRET", SECRET.to_owned()),
        ("GITHUB_WEBHOOK_SECRET_PREVIOUS", PREVIOUS.to_owned()),
    ];
    let remembers = Remembers::In(store.clone());
    (World::of(Plan { env, remembers, ..Plan::default() }).await, store)
}

fn hook(world: &World) -> Hook {
    Hook::new(world.endpoint(), REPO, SECRET)
}

fn repository() -> Repository {
    REPO.parse().unwrap()
}

/// A delivery as GitHub signs it.
fn signed(event: &str, body: impl Into<Bytes>) -> Request<Bytes> {
    let body = body.into();
    Request::post(PATH)
        .header("content-type", "application/json")
        .header("x-github-event", event)
        .header("x-github-delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0958")
        .header("x-hub-signature-256", signature(SECRET, &body))
        .body(body)
        .unwrap()
}

fn about_run(repository: &str, run_id: u64) -> String {
    let run =
        json!({"id": run_id, "run_attempt": 1, "status": "completed", "conclusion": "success"});
    let repository = json!({"full_name": repository});
    json!({"action": "completed", "workflow_run": run, "repository": repository}).to_string()
}

async fn answered(world: &World, request: Request<Bytes>) -> Response<Bytes> {
    let answer = world.app.handle(request, None).await;
    world.settle().await;
    answer
}

async fn status(world: &World, request: Request<Bytes>) -> u16 {
    answered(world, request).await.status().as_u16()
}

/// What became of a hook's ping.
async fn pinged(world: &World, hook: Hook) -> Delivery {
    world.github.add_hook(hook);
    world.passes(Duration::from_secs(1)).await;
    world.settle().await;
    world.github.deliveries().pop().unwrap()
}

#[rstest]
#[case::rightly_signed(|_: &mut Hook| {}, 204, 1)]
// The ping of an App names no repository.
#[case::of_an_app(|hook: &mut Hook| hook.of_app = true, 204, 0)]
#[case::form(|hook: &mut Hook| hook.form = true, 204, 1)]
#[case::previous_secret(|hook: &mut Hook| hook.secret = Some(PREVIOUS.to_owned()), 204, 1)]
#[case::form_and_previous_secret(|hook: &mut Hook| {
    hook.form = true;
    hook.secret = Some(PREVIOUS.to_owned());
}, 204, 1)]
#[case::another_secret(|hook: &mut Hook| hook.secret = Some("another".to_owned()), 401, 0)]
#[case::no_secret(|hook: &mut Hook| hook.secret = None, 401, 0)]
#[case::wrong(|hook: &mut Hook| hook.mishaps.push(Mishap::new(Fate::WrongSignature)), 401, 0)]
#[case::sha1_only(|hook: &mut Hook| hook.mishaps.push(Mishap::new(Fate::Sha1Only)), 401, 0)]
#[case::unsigned(|hook: &mut Hook| hook.mishaps.push(Mishap::new(Fate::Unsigned)), 401, 0)]
#[tokio::test(start_paused = true)]
async fn only_what_is_rightly_signed_is_taken(
    #[case] change: fn(&mut Hook),
    #[case] expected: u16,
    #[case] notes: usize,
) {
    let (world, store) = world().await;
    let mut hook = hook(&world);
    change(&mut hook);
    let delivery = pinged(&world, hook).await;
    assert_eq!(delivery.status, Some(expected), "{delivery:?}");
    assert_eq!(store.counted(), (0, 0, notes));
    assert!(world.github.requests().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_signature_is_of_the_raw_bytes() {
    let (world, _) = world().await;
    let body = about_run(REPO, 7);
    let (parts, _) = signed("workflow_run", body.clone()).into_parts();
    // The same JSON in other bytes.
    let spaced = body.replacen(':', ": ", 1);
    assert_eq!(status(&world, Request::from_parts(parts.clone(), spaced.into())).await, 401);
    assert_eq!(status(&world, Request::from_parts(parts, body.into())).await, 204);
}

#[rstest]
#[case::push("push", json!({"ref": "refs/heads/main", "repository": {"full_name": REPO}}).to_string(), 204)]
#[case::installation("installation", json!({"action": "created"}).to_string(), 204)]
#[case::of_tomorrow("workflow_tomorrow", "null".to_owned(), 204)]
#[case::without_a_run("workflow_run", json!({"action": "completed", "workflow_run": null}).to_string(), 204)]
#[case::without_a_repository("workflow_job", json!({"workflow_job": {"run_id": 7}}).to_string(), 204)]
#[case::not_json("workflow_run", "hello".to_owned(), 400)]
#[case::half("workflow_run", about_run(REPO, 7)[..60].to_owned(), 400)]
#[case::empty("ping", String::new(), 400)]
#[case::not_json_of_an_unknown_event("push", "<push/>".to_owned(), 400)]
#[tokio::test(start_paused = true)]
async fn what_does_not_tell_of_a_run_does_nothing(
    #[case] event: &str,
    #[case] body: String,
    #[case] expected: u16,
) {
    let (world, store) = world().await;
    let answer = answered(&world, signed(event, body)).await;
    assert_eq!(answer.status(), expected);
    if expected == 400 {
        assert_eq!(&answer.body()[..], br#"{"error":"the body is not JSON"}"#);
    } else {
        assert!(answer.body().is_empty() && answer.headers().is_empty(), "{answer:?}");
    }
    assert_eq!(store.counted(), (0, 0, 0));
    assert!(world.github.requests().is_empty());
}

#[rstest]
#[case::ours(REPO)]
#[case::another("octo-org/another-repository")]
#[tokio::test(start_paused = true)]
async fn a_run_that_is_not_ours_costs_one_read(#[case] repo: &str) {
    let (world, store) = world().await;
    assert_eq!(status(&world, signed("workflow_run", about_run(repo, 7))).await, 204);
    // And once in an hour it is noted that deliveries arrive.
    assert_eq!(store.counted(), (1, 0, 1));
    for _ in 0..3 {
        assert_eq!(status(&world, signed("workflow_run", about_run(repo, 7))).await, 204);
    }
    assert_eq!(store.counted(), (3, 0, 0));
    world.passes(Duration::from_secs(3600)).await;
    assert_eq!(status(&world, signed("workflow_run", about_run(repo, 8))).await, 204);
    assert_eq!(store.counted(), (1, 0, 1));
    assert!(world.github.requests().is_empty());
}

/// All that GitHub tells of a run that somebody else started.
#[tokio::test(start_paused = true)]
async fn somebody_elses_run_is_followed_by_nobody() {
    let (world, store) = world().await;
    let (late, lost) = (Fate::Late(Duration::from_secs(20)), Fate::Lost);
    let hook = hook(&world)
        .mishap(Mishap::new(Fate::Twice(Duration::from_secs(2))).each(2))
        .mishap(Mishap::new(Fate::OutOfOrder).each(3))
        .mishap(Mishap::new(late).of("workflow_run", "requested"))
        .mishap(Mishap::new(lost).of("workflow_job", "in_progress"));
    world.github.add_hook(hook);
    world.github.add_run(NewRun { timetable: Timetable::default(), ..NewRun::default() });
    world.passes(Duration::from_secs(60)).await;
    world.settle().await;
    let deliveries = world.github.deliveries();
    let told: Vec<&Delivery> = deliveries.iter().filter(|one| !one.lost).collect();
    assert!(told.len() > 5 && told.iter().all(|one| one.status == Some(204)), "{told:#?}");
    let of_run = |event: &str| event == "workflow_run" || event == "workflow_job";
    let about_runs = told.iter().filter(|one| of_run(&one.what.event)).count();
    assert!(about_runs > 2, "{told:#?}");
    assert_eq!(store.counted(), (about_runs, 0, 1));
    assert!(world.github.requests().is_empty() && world.lines.all().is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_deploy_of_a_run_is_found_in_any_spelling_of_its_repository() {
    listen();
    let (world, store) = world().await;
    let body = json!({"agent": "deploy_client", "interaction_id": "1300000000000000000"});
    let Value::Object(body) = body else { unreachable!() };
    let until = world.clock().now() + TimeDelta::days(1);
    put_first(store.as_ref(), Key::new("run#octo-org/web-client#7", "run"), body, until)
        .await
        .unwrap();
    let odd = Key::new("run#octo-org/web-client#8", "run");
    put_first(store.as_ref(), odd, Body::new(), until).await.unwrap();
    store.counted();
    for run in [7, 8, 9] {
        let delivery = signed("workflow_run", about_run("Octo-Org/Web-Client", run));
        assert_eq!(status(&world, delivery).await, 204);
    }
    // One look for each run, and one for the deploy that has the first.
    assert_eq!(store.counted(), (4, 0, 1));
    let lines: Vec<Value> =
        logged().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |message: &str| lines.iter().filter(|line| line["message"] == message).count();
    assert_eq!(of("no deploy has this run"), 2);
}

#[tokio::test(start_paused = true)]
async fn the_answer_does_not_wait_for_the_store() {
    let (world, store) = world().await;
    store.held.send_replace(true);
    let began = tokio::time::Instant::now();
    let answer = world.app.handle(signed("workflow_run", about_run(REPO, 7)), None).await;
    assert_eq!((answer.status().as_u16(), began.elapsed()), (204, Duration::ZERO));
    store.held.send_replace(false);
    world.settle().await;
    assert_eq!(store.counted(), (1, 0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_burst_is_taken_and_discord_is_answered_meanwhile() {
    let (world, store) = world().await;
    store.held.send_replace(true);
    let burst: Vec<_> = (0..50).map(|n| signed("workflow_run", about_run(REPO, n % 3))).collect();
    let burst = burst.into_iter().map(|one| world.app.handle(one, None));
    let ping = world.discord.ping();
    let (burst, pong) = tokio::join!(join_all(burst), world.deliver(&ping));
    assert!(burst.iter().all(|answer| answer.status() == 204), "{burst:?}");
    assert_eq!(pong.body, json!({"type": 1}));
    assert!(pong.accepted(), "{pong:?}");
    store.held.send_replace(false);
    world.settle().await;
    // Of each run what came first, and then the rest at once.
    assert_eq!(store.counted(), (6, 0, 1));
    assert!(world.github.requests().is_empty());
}

#[rstest]
#[case::get(Method::GET)]
#[case::head(Method::HEAD)]
#[case::post(Method::POST)]
#[case::put(Method::PUT)]
#[tokio::test(start_paused = true)]
async fn without_a_secret_there_is_no_such_path(#[case] method: Method) {
    let without = World::new().await;
    let (with, _) = world().await;
    let request = |path: &str| {
        let mut request = signed("ping", "{}");
        *request.method_mut() = method.clone();
        *request.uri_mut() = path.parse().unwrap();
        request
    };
    let unknown = answered(&without, request("/github/nothing")).await;
    let answer = answered(&without, request(PATH)).await;
    assert_eq!((answer.status().as_u16(), answer.body()), (404, unknown.body()));
    let answer = answered(&with, request(PATH)).await;
    let (status, allow) = if method == Method::POST { (204, None) } else { (405, Some("POST")) };
    let allowed = answer.headers().get("allow").map(|allow| allow.to_str().unwrap());
    assert_eq!((answer.status().as_u16(), allowed), (status, allow));
    for path in ["/github", "/github/", "/github/webhook/", "/github/webhook/x", "/GitHub/Webhook"]
    {
        assert_eq!(answered(&with, request(path)).await.status(), 404, "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_over_five_mebibytes_is_refused() {
    let (world, _) = world().await;
    let padded = |length: usize| {
        let body = about_run(REPO, 7);
        let padding = " ".repeat(length - body.len());
        body + &padding
    };
    assert_eq!(status(&world, signed("workflow_run", padded(LIMIT))).await, 204);
    let answer = answered(&world, signed("workflow_run", padded(LIMIT + 1))).await;
    assert_eq!(answer.status(), 413);
    assert_eq!(&answer.body()[..], br#"{"error":"the body is larger than 5 MiB"}"#);
    let mut elsewhere = signed("workflow_run", padded(LIMIT));
    *elsewhere.uri_mut() = "/discord".parse().unwrap();
    assert_eq!(status(&world, elsewhere).await, 413);
}

#[tokio::test(start_paused = true)]
async fn each_delivery_is_in_the_log_and_no_secret() {
    listen();
    let (world, _) = world().await;
    let odd = Mishap::new(Fate::WrongSignature).of("workflow_job", "queued");
    world.github.add_hook(hook(&world).mishap(odd));
    world.github.add_run(NewRun { timetable: Timetable::default(), ..NewRun::default() });
    world.passes(Duration::from_secs(60)).await;
    world.settle().await;
    assert_eq!(status(&world, signed("workflow_run", "no JSON")).await, 400);
    let mut hostile = signed("workflow_run", about_run(REPO, 7));
    let long = format!("\" \\u001b[2J {}", "x".repeat(5000));
    hostile.headers_mut().insert("x-github-delivery", long.parse().unwrap());
    assert_eq!(status(&world, hostile).await, 204);
    let log = logged();
    for delivery in world.github.deliveries() {
        assert!(log.contains(&delivery.id), "{delivery:?}");
    }
    for secret in [SECRET, PREVIOUS] {
        assert!(!log.contains(secret) && !log.contains(&secret[5..]), "a secret is shown");
    }
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |message: &'static str| lines.iter().filter(move |line| line["message"] == message);
    let run = of("delivered").find(|line| line["action"] == "requested").unwrap();
    assert_eq!((&run["level"], &run["event"]), (&json!("INFO"), &json!("workflow_run")));
    assert_eq!((&run["repository"], &run["attempt"]), (&json!(REPO), &json!(1)));
    assert!(run["run_id"].is_u64(), "{run}");
    let refused = of("not signed by GitHub").next().unwrap();
    assert_eq!(refused["why"], "the signature does not verify");
    assert_eq!(of("malformed").next().unwrap()["why"], "the body is not JSON");
    let longest = lines.iter().filter_map(|line| line["delivery_id"].as_str()).map(str::len).max();
    assert!(longest.unwrap() < 100, "{longest:?}");
}

#[tokio::test(start_paused = true)]
async fn webhooks_arrive_from_the_first_ping() {
    let (world, store) = world().await;
    let now = world.clock().now();
    assert_eq!(arrive(store.as_ref(), &repository(), now).await, Ok(false));
    let wrong = hook(&world).mishap(Mishap::new(Fate::WrongSignature));
    assert_eq!(pinged(&world, wrong).await.status, Some(401));
    assert_eq!(last_seen(store.as_ref(), &repository()).await, Ok(None));
    assert_eq!(pinged(&world, hook(&world)).await.status, Some(204));
    let now = world.clock().now();
    assert_eq!(arrive(store.as_ref(), &repository(), now).await, Ok(true));
    let another = "octo-org/another".parse().unwrap();
    assert_eq!(arrive(store.as_ref(), &another, now).await, Ok(false));
    let later = now + TimeDelta::days(3);
    assert_eq!(arrive(store.as_ref(), &repository(), later).await, Ok(false));
}

#[tokio::test(start_paused = true)]
async fn the_doctor_says_whether_webhooks_arrive() {
    // In a table, if there is one.
    let env = vec![
        ("GITHUB_WEBHOOK_SECRET", SECRET.to_owned()),
        ("ADMIN_USER_IDS", "810000000000000001".to_owned()),
    ];
    let world = World::of(Plan { env, ..Plan::default() }).await;
    let told = world.types("ada", "/doctor").await;
    let missing = "⚠️ **Webhooks:** No rightly signed delivery of octo-org/web-client was seen";
    assert!(told.original().content.contains(missing), "{}", told.transcript());
    assert!(told.original().content.contains("Recent Deliveries"), "{}", told.transcript());
    assert!(told.original().content.contains("/octo-org/web-client/settings/hooks"));
    pinged(&world, hook(&world)).await;
    let told = world.types("ada", "/doctor").await;
    let there = "✅ **Webhooks:** Those of octo-org/web-client arrive, the last at 2026-11-22";
    assert!(told.original().content.contains(there), "{}", told.transcript());
}

#[tokio::test(start_paused = true)]
#[ignore = "needs a stand-in of AWS at AWS_STANDIN_URL; .ci/run starts one"]
async fn a_secret_in_ssm_is_read_when_it_is_needed() {
    let parameter = aws::new_parameter();
    let env = vec![("GITHUB_WEBHOOK_SECRET_PARAMETER", parameter.clone())];
    let world = World::of(Plan { env, ..Plan::default() }).await;
    let delivery = || signed("workflow_run", about_run(REPO, 7));
    // There is none yet: whether it is GitHub's cannot be told.
    let answer = answered(&world, delivery()).await;
    assert_eq!(answer.status(), 503);
    let said = std::str::from_utf8(answer.body()).unwrap();
    assert!(!said.contains(&parameter), "{said}");
    let mut unsigned = delivery();
    unsigned.headers_mut().remove("x-hub-signature-256");
    assert_eq!(status(&world, unsigned).await, 401);
    aws::put_parameter(&world, &parameter, SECRET).await;
    assert_eq!(status(&world, delivery()).await, 204);
    // Changed, and read again when the first delivery does not match.
    aws::put_parameter(&world, &parameter, "another").await;
    let mut changed = delivery();
    let value = signature("another", changed.body()).parse().unwrap();
    changed.headers_mut().insert("x-hub-signature-256", value);
    assert_eq!(status(&world, changed).await, 204);
    assert_eq!(status(&world, delivery()).await, 401);
}

/// A bot whose settings are not valid takes no delivery, and GitHub's page of deliveries shows why.
#[rstest]
#[case::with_a_secret(true, 503)]
#[case::without(false, 404)]
#[tokio::test(start_paused = true)]
async fn a_bot_that_is_not_set_up_takes_none(#[case] is_set: bool, #[case] expected: u16) {
    let world = World::new().await;
    let key = world.discord.public_key();
    let env = |name: &str| match name {
        "DISCORD_PUBLIC_KEY" => Some(key.clone()),
        "GITHUB_WEBHOOK_SECRET" => is_set.then(|| SECRET.to_owned()),
        _ => None,
    };
    let tasks = deckhand::bot::tasks::Tasks::default();
    let app = deckhand::host::startup::app_that_explains(env, tasks).unwrap();
    assert_eq!(app.handle(signed("ping", "{}"), None).await.status(), expected);
}
