//! The stand-in without sockets, and once over HTTP.

mod app;
mod artifacts;
mod attempts;
mod digest;
mod repository;
mod waits;
mod webhooks;

use super::{
    Artifact, Fault, Gate, Github, NewRun, On, Permission, Scenario, Timetable, What, Workflow,
    standin::Shared, state::State, wire,
};
use crate::{
    clock::Clock,
    gauge::Gauge,
    request::Recorder,
    server::{Answer, Outcome, Received},
};
use chrono::TimeDelta;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

const RUNS: &str = "/repos/acme/shop/actions/runs";
const FILE: &str = "/repos/acme/shop/actions/workflows/client-deploy.yml";

/// A stand-in that is asked directly.
fn standin(scenario: Scenario) -> Github {
    let shared = Shared {
        clock: Clock::start(),
        gauge: Gauge::new(),
        recorder: Recorder::default(),
        api: OnceLock::from("http://github.test".to_owned()),
        state: Mutex::new(State::new(scenario)),
    };
    Github { shared: Arc::new(shared) }
}

fn request(method: &str, path: &str, body: Value) -> Received {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let mut headers = http::HeaderMap::new();
    headers.insert("user-agent", "test".parse().unwrap());
    let token = "Bearer ghs_standin_token".parse().unwrap();
    headers.insert("authorization", token);
    Received {
        method: method.into(),
        path: path.into(),
        query: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        headers,
        body: if body.is_null() { String::new() } else { body.to_string() }.into(),
    }
}

fn ask(github: &Github, request: &Received) -> (Answer, Value) {
    let (outcome, _) = github.shared.take(request);
    let Outcome::Answer(answer) = outcome else { panic!("not answered: {outcome:?}") };
    let body = serde_json::from_slice(&answer.body).unwrap_or_default();
    (answer, body)
}

fn get(github: &Github, path: &str) -> Value {
    ask(github, &request("GET", path, Value::Null)).1
}

fn dispatch(github: &Github, correlation_id: &str) -> (Answer, Value) {
    let body = json!({
        "ref": "main",
        "inputs": {"correlation_id": correlation_id, "requester": "ada"},
        "return_run_details": true,
    });
    ask(github, &request("POST", &format!("{FILE}/dispatches"), body))
}

fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    let mut found = answer.headers.iter().rev();
    found.find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

#[tokio::test(start_paused = true)]
async fn a_dispatched_run_goes_its_way() {
    let github = standin(Scenario::default());
    let (answer, details) = dispatch(&github, "c-1");
    assert_eq!(answer.status, 200);
    let path = format!("{RUNS}/{}", details["workflow_run_id"]);
    let run = get(&github, &path);
    assert_eq!(run["display_title"], "Client Deploy — c-1 by ada");
    assert_eq!((&run["name"], &run["status"]), (&json!("Client Deploy"), &json!("queued")));
    assert_eq!(run["html_url"], details["html_url"]);
    tokio::time::advance(Duration::from_secs(3)).await;
    assert_eq!(get(&github, &path)["status"], "in_progress");
    let jobs = get(&github, &format!("{path}/jobs"));
    assert_eq!(jobs["jobs"][0]["steps"][0]["status"], "completed");
    tokio::time::advance(Duration::from_secs(4)).await;
    assert_eq!(get(&github, &path)["conclusion"], "success");
    assert_eq!(github.dispatches()[0].inputs["correlation_id"], "c-1");
}

#[tokio::test(start_paused = true)]
async fn a_failed_run_s_jobs_name_the_step() {
    let github = standin(Scenario::named("failure").unwrap());
    let id = dispatch(&github, "c").1["workflow_run_id"].clone();
    tokio::time::advance(Duration::from_secs(7)).await;
    let jobs = get(&github, &format!("{RUNS}/{id}/jobs"));
    let ends = |step: usize| jobs["jobs"][0]["steps"][step]["conclusion"].clone();
    assert_eq!(jobs["jobs"][0]["conclusion"], "failure");
    assert_eq!(jobs["jobs"][0]["steps"][3]["name"], "Build");
    let all = [ends(2), ends(3), ends(4), ends(5), ends(6)];
    assert_eq!(all, ["success", "failure", "skipped", "skipped", "success"]);
}

#[tokio::test(start_paused = true)]
async fn a_late_run_is_nowhere_until_it_appears() {
    let github = standin(Scenario::named("late-run").unwrap());
    assert_eq!(dispatch(&github, "c").0.status, 204);
    let id = github.dispatches()[0].run_id;
    assert_eq!(get(&github, RUNS)["total_count"], 0);
    assert_eq!(get(&github, &format!("{RUNS}/{id}"))["status"], "404");
    tokio::time::advance(Duration::from_secs(8)).await;
    assert_eq!(get(&github, RUNS)["total_count"], 1);
    assert_eq!(get(&github, &format!("{RUNS}/{id}"))["status"], "queued");
}

#[tokio::test(start_paused = true)]
async fn twins_are_newer_and_end_otherwise() {
    let github = standin(Scenario::named("twin-runs").unwrap());
    dispatch(&github, "ours-1");
    tokio::time::advance(Duration::from_secs(7)).await;
    let path = format!("{FILE}/runs?event=workflow_dispatch&branch=main&actor=deckhand-bot");
    let runs = get(&github, &path)["workflow_runs"].clone();
    let ours = |run: &Value| run["display_title"].as_str().unwrap().contains("ours-1");
    let found: Vec<bool> = runs.as_array().unwrap().iter().map(ours).collect();
    assert_eq!(found, [false, false, true]);
    assert_eq!(
        (&runs[0]["conclusion"], &runs[2]["conclusion"]),
        (&json!("failure"), &json!("success"))
    );
}

#[tokio::test(start_paused = true)]
async fn without_a_run_name_no_title_tells_which_run_it_is() {
    let github = standin(Scenario::named("ambiguous").unwrap());
    dispatch(&github, "ours-1");
    let runs = get(&github, RUNS);
    assert_eq!(runs["total_count"], 3);
    assert!(!runs.to_string().contains("ours-1"));
}

#[tokio::test(start_paused = true)]
async fn runs_are_filtered_by_github_s_own_clock() {
    let github = standin(Scenario { clock_skew: TimeDelta::minutes(10), ..Scenario::default() });
    let now = github.shared.clock.now();
    dispatch(&github, "c");
    github.add_run(NewRun {
        event: "push".into(),
        created: TimeDelta::days(-1),
        ..NewRun::default()
    });
    let since = |minutes: i64| {
        let from = wire::stamp(now + TimeDelta::minutes(minutes));
        get(&github, &format!("{RUNS}?created=%3E%3D{from}"))["total_count"].clone()
    };
    assert_eq!([since(10), since(11), since(-3000)], [1, 0, 2]);
    assert_eq!(get(&github, &format!("{RUNS}?event=push"))["total_count"], 1);
    assert_eq!(get(&github, &format!("{RUNS}?status=queued"))["total_count"], 1);
    assert_eq!(get(&github, &format!("{RUNS}?created=soon"))["status"], "422");
    let (answer, _) = ask(&github, &request("GET", "/user", Value::Null));
    let date = chrono::DateTime::parse_from_rfc2822(header(&answer, "date").unwrap()).unwrap();
    let ahead = (date.to_utc() - now).num_seconds();
    assert!((599..=600).contains(&ahead), "{ahead}");
}

#[tokio::test(start_paused = true)]
async fn a_filtered_search_ends_at_a_thousand() {
    let github = standin(Scenario::default());
    for _ in 0..1001 {
        github.add_run(NewRun::default());
    }
    let tenth = format!("{RUNS}?event=workflow_dispatch&per_page=100&page=10");
    let (answer, body) = ask(&github, &request("GET", &tenth, Value::Null));
    assert_eq!(body["workflow_runs"].as_array().unwrap().len(), 100);
    assert!(!header(&answer, "link").unwrap().contains("next"));
    let open = get(&github, &format!("{RUNS}?per_page=100&page=11"));
    assert_eq!(open["workflow_runs"].as_array().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_unchanged_run_is_answered_304_and_costs_nothing() {
    let github = standin(Scenario::default());
    let id = dispatch(&github, "c").1["workflow_run_id"].clone();
    let mut again = request("GET", &format!("{RUNS}/{id}"), Value::Null);
    let (first, _) = ask(&github, &again);
    let remaining = |answer: &Answer| header(answer, "x-ratelimit-remaining").unwrap().to_owned();
    assert_eq!(remaining(&first), "4998");
    let etag = header(&first, "etag").unwrap().to_owned();
    for tag in [etag.clone(), etag.replace("W/", ""), format!("\"x\", {etag}")] {
        again.headers.insert("if-none-match", tag.parse().unwrap());
        let (same, _) = ask(&github, &again);
        assert_eq!((same.status, remaining(&same).as_str()), (304, "4998"));
        assert!(same.body.is_empty());
    }
    assert!(!github.requests().last().unwrap().counted);
    tokio::time::advance(Duration::from_secs(2)).await;
    assert_eq!(ask(&github, &again).0.status, 200);
}

#[tokio::test(start_paused = true)]
async fn the_rate_limit_runs_out_and_comes_back() {
    let github = standin(Scenario { rate_limit: 2, ..Scenario::default() });
    let ask_user = || ask(&github, &request("GET", "/user", Value::Null)).0;
    assert_eq!([ask_user().status, ask_user().status], [200, 200]);
    let spent = ask_user();
    assert_eq!(spent.status, 403);
    assert_eq!(header(&spent, "x-ratelimit-remaining"), Some("0"));
    tokio::time::advance(Duration::from_secs(3600)).await;
    assert_eq!(ask_user().status, 200);
}

#[test]
fn who_may_not_ask() {
    let github = standin(Scenario { repo: Some("acme/shop".into()), ..Scenario::default() });
    let mut nameless = request("GET", "/user", Value::Null);
    nameless.headers.remove("user-agent");
    assert_eq!(ask(&github, &nameless).0.status, 403);
    let mut stranger = request("GET", "/user", Value::Null);
    stranger.headers.insert("authorization", "Bearer x".parse().unwrap());
    let (answer, body) = ask(&github, &stranger);
    assert_eq!((answer.status, &body["message"]), (401, &json!("Bad credentials")));
    assert_eq!(get(&github, "/repos/acme/other")["status"], "404");
    assert_eq!(get(&github, "/repos/acme/shop")["full_name"], "acme/shop");
    assert_eq!(get(&github, "/nowhere")["status"], "404");
}

#[test]
fn faults_befall_requests() {
    let github = standin(Scenario::default());
    let user = request("GET", "/user", Value::Null);
    github.fault(Fault::new(On::User, What::Reset));
    assert!(matches!(github.shared.take(&user).0, Outcome::Drop));
    github.fault(Fault::secondary(Duration::from_secs(7)));
    let (limited, _) = ask(&github, &user);
    assert_eq!((limited.status, header(&limited, "retry-after")), (403, Some("7")));
    github.fault(Fault::new(On::Any, What::Garbage));
    assert_eq!(ask(&github, &user).1, Value::Null);
    github.fault(Fault::new(On::Dispatch, What::AnswerLost { status: Some(502) }));
    assert_eq!(dispatch(&github, "c").0.status, 502);
    assert_eq!(github.dispatches().len(), 1, "an answer lost is a run started");
    github.fault(Fault::bad_gateway().on(On::Dispatch));
    assert_eq!(dispatch(&github, "d").0.status, 502);
    assert_eq!(github.dispatches().len(), 1, "a 502 is no run started");
    let statuses: Vec<u16> = github.requests().iter().map(|request| request.status).collect();
    assert_eq!(statuses, [0, 403, 200, 502, 502]);
}

#[tokio::test]
async fn over_http_an_answer_arrives_half_or_not_at_all() {
    let gauge = Gauge::new();
    let github = Github::start(Clock::start(), gauge, Scenario::default()).await;
    let raw = async |github: &Github| {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let address = github.url().replace("http://", "");
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let request = "GET /user HTTP/1.1\r\nhost: x\r\nuser-agent: t\r\nauthorization: Bearer ghs_standin_token\r\nconnection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    };
    let whole = raw(&github).await;
    assert!(whole.starts_with("HTTP/1.1 200") && whole.ends_with('}'), "{whole}");
    github.fault(Fault::new(On::User, What::Reset));
    assert_eq!(raw(&github).await, "");
    github.fault(Fault::new(On::User, What::Truncated));
    let half = raw(&github).await;
    assert!(half.starts_with("HTTP/1.1 200") && !half.ends_with('}'), "{half}");
}

#[tokio::test]
async fn who_hangs_up_ends_the_holding_back() {
    use tokio::io::AsyncWriteExt;
    let gauge = Gauge::new();
    let github = Github::start(Clock::start(), gauge.clone(), Scenario::default()).await;
    let hour = Duration::from_secs(3600);
    github.fault(Fault::new(On::User, What::Delay(hour)));
    let _call = gauge.call();
    let address = github.url().replace("http://", "");
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = "GET /user HTTP/1.1\r\nhost: x\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let becomes = async |quiet: bool| {
        while gauge.quiet() != quiet {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    becomes(true).await;
    drop(stream);
    let limit = Duration::from_secs(5);
    tokio::time::timeout(limit, becomes(false)).await.unwrap();
}
