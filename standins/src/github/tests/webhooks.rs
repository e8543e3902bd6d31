//! What hooks are told, and what goes wrong with that.

use super::*;
use crate::{
    endpoint::{Endpoint, Handler},
    github::{Delivery, Fate, Happening, Hook, Mishap, signature},
    server::serve,
};
use bytes::Bytes;
use ring::hmac;

const SECRET: &str = "It's a Secret to Everybody";

/// A bot that takes deliveries after so long.
fn bot(after: Duration) -> Endpoint {
    let handler: Arc<Handler> = Arc::new(move |_| {
        Box::pin(async move {
            tokio::time::sleep(after).await;
            http::Response::builder().status(204).body(Bytes::new()).unwrap()
        })
    });
    Endpoint::Direct(handler)
}

fn hook() -> Hook {
    Hook::new(bot(Duration::ZERO), "acme/shop", SECRET)
}

async fn passes(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

fn told(deliveries: &[Delivery]) -> Vec<String> {
    let short = |one: &Delivery| format!("{} {}", one.what.event, one.what.action);
    deliveries.iter().map(short).collect()
}

/// What became of a dispatched run under a hook, without the ping.
async fn of_a_run(scenario: Scenario, hook: Hook) -> (Github, Vec<Delivery>) {
    let github = standin(scenario);
    github.add_hook(hook);
    passes(1).await;
    assert_eq!(dispatch(&github, "c-1").0.status, 200);
    passes(30).await;
    let deliveries = github.deliveries().split_off(1);
    (github, deliveries)
}

fn payload(delivery: &Delivery) -> Value {
    serde_json::from_slice(&delivery.body).unwrap()
}

fn is_signed(delivery: &Delivery, name: &str, algorithm: hmac::Algorithm, prefix: &str) -> bool {
    let header = delivery.headers.iter().find(|(known, _)| known == name);
    let given = header.and_then(|(_, value)| value.strip_prefix(prefix));
    let given = given.and_then(|given| hex::decode(given).ok()).unwrap_or_default();
    let key = hmac::Key::new(algorithm, SECRET.as_bytes());
    hmac::verify(&key, &delivery.body, &given).is_ok()
}

fn by_sha256(delivery: &Delivery) -> bool {
    is_signed(delivery, "x-hub-signature-256", hmac::HMAC_SHA256, "sha256=")
}

fn by_sha1(delivery: &Delivery) -> bool {
    let sha1 = hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY;
    is_signed(delivery, "x-hub-signature", sha1, "sha1=")
}

#[tokio::test(start_paused = true)]
async fn a_hook_hears_of_a_run_when_it_moves() {
    let (github, deliveries) = of_a_run(Scenario::default(), hook()).await;
    let ping = &github.deliveries()[0];
    assert_eq!((ping.what.event.as_str(), ping.status), ("ping", Some(204)));
    assert_eq!(payload(ping)["hook"]["events"], json!(["workflow_run", "workflow_job"]));
    let when = |one: &Delivery| (one.sent - deliveries[0].what.at).num_milliseconds();
    let all: Vec<_> = told(&deliveries).into_iter().zip(deliveries.iter().map(when)).collect();
    let expected = [
        ("workflow_run requested", 100),
        ("workflow_job queued", 100),
        ("workflow_run in_progress", 2100),
        ("workflow_job in_progress", 2100),
        ("workflow_job completed", 7100),
        ("workflow_run completed", 7100),
    ];
    assert_eq!(all, expected.map(|(what, at)| (what.to_owned(), at)));
    let run = &github.runs()[0];
    for delivery in &deliveries {
        assert_eq!((delivery.what.run_id, delivery.status), (run.id, Some(204)));
        assert!(by_sha256(delivery) && by_sha1(delivery));
        let body = payload(delivery);
        assert_eq!(body["repository"]["full_name"], "acme/shop");
        assert_eq!(body["sender"]["login"], "deckhand-bot");
    }
    let body = payload(&deliveries[5]);
    let shown = get(&github, &format!("{RUNS}/{}", run.id));
    assert_eq!(body["workflow_run"], shown, "the payload's run is the API's");
    let job = &payload(&deliveries[4])["workflow_job"];
    assert_eq!((&job["conclusion"], &job["run_attempt"]), (&json!("success"), &json!(1)));
    assert_eq!(payload(&deliveries[1])["workflow_job"]["steps"], json!([]));
}

#[tokio::test(start_paused = true)]
async fn headers_and_forms_are_as_github_sends_them() {
    let hook = Hook { form: true, ..hook() };
    let (_, deliveries) = of_a_run(Scenario::default(), hook).await;
    let delivery = &deliveries[0];
    let header = |name: &str| {
        let found = delivery.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str()).unwrap_or_default()
    };
    assert_eq!(header("content-type"), "application/x-www-form-urlencoded");
    assert_eq!(header("x-github-event"), "workflow_run");
    assert_eq!(header("x-github-delivery"), delivery.id);
    assert_eq!(header("x-github-hook-id"), delivery.hook.to_string());
    assert!(header("user-agent").starts_with("GitHub-Hookshot/"));
    assert!(uuid::Uuid::parse_str(&delivery.id).is_ok());
    assert_eq!(header("x-hub-signature-256"), signature(SECRET, &delivery.body));
    let form: Vec<_> = form_urlencoded::parse(&delivery.body).into_owned().collect();
    assert_eq!((form.len(), form[0].0.as_str()), (1, "payload"));
    let body: Value = serde_json::from_str(&form[0].1).unwrap();
    assert_eq!(body["action"], "requested");
}

#[tokio::test(start_paused = true)]
async fn an_app_s_hook_names_the_installation_and_others_hear_of_their_repository_only() {
    let github = standin(Scenario::default());
    github.add_hook(Hook { of_app: true, ..hook() });
    let other = github.add_hook(Hook::new(bot(Duration::ZERO), "acme/other", SECRET));
    passes(1).await;
    dispatch(&github, "c");
    passes(1).await;
    let deliveries = github.deliveries();
    let of_app: Vec<_> = deliveries.iter().filter(|one| one.hook != other).collect();
    assert_eq!(payload(of_app[0])["hook"]["type"], "App");
    assert_eq!(payload(of_app[1])["installation"]["id"], github.installation_id());
    assert_eq!(deliveries.len() - of_app.len(), 1, "the other hears its ping only");
    github.remove_hook(other);
    github.update_hook(of_app[0].hook, |hook| hook.events = vec!["workflow_job".into()]);
    passes(30).await;
    github.add_run(NewRun::default());
    passes(30).await;
    let last = told(&github.deliveries()).split_off(deliveries.len());
    assert_eq!(last.iter().filter(|what| what.starts_with("workflow_run")).count(), 2);
    assert_eq!(last.iter().filter(|what| what.starts_with("workflow_job")).count(), 2 + 3);
}

#[tokio::test(start_paused = true)]
async fn deliveries_come_late_twice_or_never() {
    let late = Mishap::new(Fate::Late(Duration::from_secs(9))).of("workflow_run", "in_progress");
    let twice = Mishap::new(Fate::Twice(Duration::from_secs(1))).of("workflow_run", "requested");
    let lost = Mishap::new(Fate::Lost).when(|what| what.event == "workflow_job").each(2);
    let hook = hook().mishap(late).mishap(twice).mishap(lost);
    let (_, deliveries) = of_a_run(Scenario::default(), hook).await;
    let expected = [
        "workflow_run requested",
        "workflow_job queued",
        "workflow_run requested",
        "workflow_job in_progress",
        "workflow_job completed",
        "workflow_run completed",
        "workflow_run in_progress",
    ];
    assert_eq!(told(&deliveries), expected);
    assert_eq!((deliveries[2].again, &deliveries[2].id), (true, &deliveries[0].id));
    assert_eq!((deliveries[3].lost, deliveries[3].status), (true, None));
    assert_eq!(payload(&deliveries[6])["workflow_run"]["status"], "in_progress", "as it was then");
}

#[tokio::test(start_paused = true)]
async fn deliveries_come_out_of_order() {
    let swapped = Mishap::new(Fate::OutOfOrder).when(|what| what.event == "workflow_run");
    let (_, deliveries) = of_a_run(Scenario::default(), hook().mishap(swapped)).await;
    let expected = [
        "workflow_job queued",
        "workflow_run requested",
        "workflow_job in_progress",
        "workflow_run in_progress",
        "workflow_job completed",
        "workflow_run completed",
    ];
    assert_eq!(told(&deliveries), expected);
}

#[tokio::test(start_paused = true)]
async fn signatures_are_wrong_or_too_weak_or_missing() {
    let of = |fate| async move {
        let (_, deliveries) = of_a_run(Scenario::default(), hook().mishap(Mishap::new(fate))).await;
        deliveries
    };
    let wrong = &of(Fate::WrongSignature).await[0];
    assert!(wrong.headers.iter().any(|(name, _)| name == "x-hub-signature-256"));
    assert!(!by_sha256(wrong) && !by_sha1(wrong));
    let weak = &of(Fate::Sha1Only).await[0];
    assert!(!by_sha256(weak) && by_sha1(weak));
    let unsigned = &of(Fate::Unsigned).await[0];
    assert!(!unsigned.headers.iter().any(|(name, _)| name.starts_with("x-hub")));
    let other = &of(Fate::OfRepository("acme/other".into())).await[0];
    assert_eq!(payload(other)["repository"]["full_name"], "acme/other");
    assert_eq!(payload(other)["workflow_run"]["repository"]["full_name"], "acme/other");
    assert!(by_sha256(other));
}

#[tokio::test(start_paused = true)]
async fn who_answers_after_ten_seconds_has_not_answered() {
    let hook = |seconds| Hook::new(bot(Duration::from_secs(seconds)), "acme/shop", SECRET);
    let (_, slow) = of_a_run(Scenario::default(), hook(9)).await;
    assert_eq!((slow[0].status, slow[0].elapsed), (Some(204), Duration::from_secs(9)));
    let (_, slower) = of_a_run(Scenario::default(), hook(11)).await;
    assert_eq!(slower[0].status, None);
    assert_eq!(slower[0].why.as_deref(), Some("no answer within 10 s"));
    let broken = Hook::new(Endpoint::Direct(Arc::new(|_| panic!("broken"))), "acme/shop", SECRET);
    let github = standin(Scenario::default());
    github.add_hook(broken);
    passes(1).await;
    assert!(github.deliveries()[0].why.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_delivery_under_way_is_known_and_the_clock_moves_with_it() {
    let github = standin(Scenario::default());
    let gauge = github.shared.gauge.clone();
    let id = github.add_hook(Hook::new(bot(Duration::from_secs(3)), "acme/shop", SECRET));
    passes(1).await;
    assert_eq!((gauge.deliveries(), gauge.idle()), (1, true));
    assert!(github.deliveries()[0].under_way);
    passes(3).await;
    assert_eq!(gauge.deliveries(), 0);
    let odd = github.deliver(id, "star", &json!({"action": "created"})).await;
    assert_eq!((odd.what.event.as_str(), odd.status), ("star", Some(204)));
    assert!(by_sha256(&odd));
    let again = github.redeliver(&odd.id).await;
    assert_eq!((&again.id, again.again, again.status), (&odd.id, true, Some(204)));
}

#[tokio::test(start_paused = true)]
async fn jobs_are_told_one_after_the_other_and_what_a_failure_skips_too() {
    let mut scenario = Scenario::named("failure").unwrap();
    let workflow = scenario.workflow_mut("client-deploy.yml");
    *workflow = workflow.clone().job_before("test", &[("Set up job", 1), ("Lint", 19)]);
    let jobs = |deliveries: &[Delivery]| -> Vec<String> {
        let jobs = deliveries.iter().filter(|one| one.what.event == "workflow_job");
        jobs.map(|one| format!("{} {}", one.what.job.as_deref().unwrap(), one.what.action))
            .collect()
    };
    let (github, deliveries) = of_a_run(scenario.clone(), hook()).await;
    let expected = [
        "test queued",
        "test in_progress",
        "test completed",
        "deploy queued",
        "deploy in_progress",
        "deploy completed",
    ];
    assert_eq!(jobs(&deliveries), expected);
    let id = github.runs()[0].id;
    let listed = get(&github, &format!("{RUNS}/{id}/jobs"));
    let conclusion = |job: usize| listed["jobs"][job]["conclusion"].clone();
    assert_eq!((conclusion(0), conclusion(1)), (json!("success"), json!("failure")));
    assert_eq!(listed["jobs"][0]["completed_at"], listed["jobs"][1]["started_at"]);
    scenario.timetable.fails_at = "Lint".into();
    let (github, deliveries) = of_a_run(scenario, hook()).await;
    let expected = ["test queued", "test in_progress", "test completed", "deploy completed"];
    assert_eq!(jobs(&deliveries), expected);
    let id = github.runs()[0].id;
    let listed = get(&github, &format!("{RUNS}/{id}/jobs"));
    assert_eq!(listed["jobs"][0]["steps"][1]["conclusion"], "failure");
    assert_eq!(listed["jobs"][1]["conclusion"], "skipped");
}

#[tokio::test(start_paused = true)]
async fn a_run_that_waits_or_never_begins_is_told_as_that() {
    let waiting = Scenario { timetable: Timetable::waiting(), ..Scenario::default() };
    let (_, deliveries) = of_a_run(waiting, hook()).await;
    let expected = ["workflow_run requested", "workflow_job queued", "workflow_job waiting"];
    assert_eq!(told(&deliveries), expected);
    let failing = Scenario { timetable: Timetable::startup_failure(), ..Scenario::default() };
    let (_, deliveries) = of_a_run(failing, hook()).await;
    let expected = ["workflow_run requested", "workflow_job queued", "workflow_run completed"];
    assert_eq!(told(&deliveries), expected);
    let at_once = Timetable::path(&[(Duration::ZERO, "completed", Some("failure"))]);
    let at_once = Scenario { timetable: at_once, ..Scenario::default() };
    let (_, deliveries) = of_a_run(at_once, hook()).await;
    assert_eq!(told(&deliveries)[0], "workflow_run requested");
    assert_eq!(payload(&deliveries[0])["workflow_run"]["status"], "completed");
}

#[tokio::test]
async fn over_http_a_delivery_comes_before_the_dispatch_is_answered() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let keeps = Arc::clone(&seen);
    let address = serve(0, move |received: Received| {
        let keeps = Arc::clone(&keeps);
        async move {
            let event = received.header("x-github-event").unwrap_or_default().to_owned();
            let right = signature(SECRET, &received.body);
            assert_eq!(received.header("x-hub-signature-256"), Some(right.as_str()));
            keeps.lock().unwrap().push((event, received.path.clone()));
            Outcome::Answer(Answer::empty(202))
        }
    })
    .await;
    let github = Github::start(Clock::start(), Gauge::new(), Scenario::default()).await;
    let to = Endpoint::Http(format!("http://{address}/github/webhook"));
    let hook = Hook { before_answer: true, ..Hook::new(to, "acme/shop", SECRET) };
    github.add_hook(Hook { events: vec!["workflow_run".into()], ..hook });
    let body = json!({"ref": "main", "inputs": {"correlation_id": "c", "requester": "ada"}});
    let headers = [("user-agent", "t"), ("authorization", "Bearer ghs_standin_token")];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let to = Endpoint::Http(format!("{}{FILE}/dispatches", github.url()));
    let answer = crate::endpoint::post(&to, "/", &headers, body.to_string().into()).await.unwrap();
    assert_eq!(answer.status(), 204);
    let seen = seen.lock().unwrap().clone();
    let path = "/github/webhook".to_owned();
    assert!(seen.contains(&("workflow_run".to_owned(), path)), "{seen:?}");
    let status = |one: &Delivery| (one.what.is("workflow_run", "requested"), one.status);
    assert!(github.deliveries().iter().map(status).any(|one| one == (true, Some(202))));
}

#[test]
fn a_happening_says_what_it_is() {
    let ping = Happening::ping("acme/shop", chrono::DateTime::UNIX_EPOCH);
    assert!(ping.is("ping", "") && !ping.is("ping", "created"));
}
