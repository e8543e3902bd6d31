use http::HeaderMap;
use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};

use super::*;
use crate::github::webhook::signature::verified;

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

fn headers(event: &str, content_type: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in [("x-github-event", event), ("content-type", content_type)] {
        if !value.is_empty() {
            headers.insert(name, value.parse().unwrap());
        }
    }
    headers
}

fn read_as(event: &str, content_type: &str, body: &[u8]) -> Result<Delivery, NotJson> {
    read(&headers(event, content_type), &verified(body))
}

fn read_json(event: &str, payload: &Value) -> Result<Delivery, NotJson> {
    read_as(event, JSON, payload.to_string().as_bytes())
}

fn of_run() -> Value {
    json!({
        "action": "completed",
        "organization": {"login": "octo-org"},
        "repository": {"id": 7, "full_name": "octo-org/octo-repo", "private": false},
        "workflow": {"id": 1, "state": "active"},
        "workflow_run": {
            "id": 5_453_085_689_u64, "run_attempt": 2, "name": "Deploy", "display_title": "Deploy 1 by ada",
            "status": "completed", "conclusion": "success", "head_branch": "main", "run_number": 15,
        },
    })
}

fn of_job() -> Value {
    json!({
        "action": "queued",
        "repository": {"full_name": "octo-org/octo-repo"},
        "workflow_job": {"id": 289, "run_id": 5_453_085_689_u64, "run_attempt": 1, "status": "waiting", "steps": []},
    })
}

fn changed(mut payload: Value, path: &str, value: Value) -> Value {
    *payload.pointer_mut(path).unwrap() = value;
    payload
}

#[rstest]
#[case::of_the_run(json!(".github/workflows/ci.yml"), Some(".github/workflows/ci.yml"))]
#[case::of_the_workflow(json!(null), Some(".github/workflows/deploy.yml"))]
fn a_run_names_its_file(#[case] path: Value, #[case] expected: Option<&str>) {
    let mut payload = of_run();
    payload["workflow_run"]["path"] = path;
    payload["workflow"]["path"] = json!(".github/workflows/deploy.yml");
    let Ok(Delivery::Run(hint)) = read_json("workflow_run", &payload) else { panic!("no run") };
    assert_eq!(hint.run.unwrap().path.as_deref(), expected);
}

#[test]
fn a_run_is_read() {
    let Ok(Delivery::Run(hint)) = read_json("workflow_run", &of_run()) else { panic!("no run") };
    assert_eq!(hint.repository.to_string(), "octo-org/octo-repo");
    assert_eq!((hint.run_id, hint.attempt), (5_453_085_689, Some(2)));
    assert_eq!(hint.action.as_deref(), Some("completed"));
    let run = hint.run.unwrap();
    assert!(run.is_completed());
    assert_eq!((run.id, run.conclusion.as_deref()), (5_453_085_689, Some("success")));
}

#[test]
fn a_job_is_read_by_its_run() {
    let Ok(Delivery::Job(hint)) = read_json("workflow_job", &of_job()) else { panic!("no job") };
    assert_eq!((hint.run_id, hint.attempt, hint.run), (5_453_085_689, Some(1), None));
    assert_eq!(hint.action.as_deref(), Some("queued"));
    let job = &hint.jobs[0];
    assert_eq!((job.id, job.status.as_deref()), (Some(289), Some("waiting")));
}

#[test]
fn a_job_is_read_with_its_steps_and_labels() {
    let job = json!({
        "id": 289, "run_id": 7, "run_attempt": 2, "name": "deploy", "status": "in_progress", "conclusion": null,
        "created_at": "2026-11-22T10:00:00Z", "started_at": "2026-11-22T10:00:05Z", "completed_at": null,
        "labels": ["self-hosted", 5, "gpu"], "html_url": "https://github.com/o/r/actions/runs/7/job/289",
        "steps": [{"name": "S3 sync", "status": "in_progress"}, "odd"],
    });
    let read = read_json("workflow_job", &changed(of_job(), "/workflow_job", job));
    let Ok(Delivery::Job(RunHint { jobs, .. })) = read else { panic!("{read:?}") };
    let job = &jobs[0];
    assert_eq!(
        (job.run_attempt, job.labels.clone()),
        (Some(2), vec!["self-hosted".into(), "gpu".into()])
    );
    assert_eq!((job.steps.len(), job.steps[0].name.as_str()), (1, "S3 sync"));
    assert_eq!(job.started_at, Some("2026-11-22T10:00:05Z".parse().unwrap()));
}

#[rstest]
#[case::no_steps("/workflow_job/steps", Value::Null)]
#[case::steps("/workflow_job/steps", json!("many"))]
#[case::status("/workflow_job/status", json!(5))]
fn an_odd_field_of_a_job_is_no_error(#[case] path: &str, #[case] value: Value) {
    let read = read_json("workflow_job", &changed(of_job(), path, value));
    let Ok(Delivery::Job(RunHint { jobs, .. })) = read else { panic!("{read:?}") };
    let job = &jobs[0];
    assert_eq!((job.id, job.steps.len()), (Some(289), 0));
}

#[rstest]
#[case::of_a_repository(json!({"zen": "…", "repository": {"full_name": "o/r"}}), Some("o/r"))]
#[case::of_an_app(json!({"zen": "…", "hook": {"type": "App"}}), None)]
#[case::odd(json!({"repository": {"full_name": "../.."}}), None)]
#[case::a_list(json!([{"repository": {"full_name": "o/r"}}]), None)]
fn a_ping_may_name_a_repository(#[case] payload: Value, #[case] repository: Option<&str>) {
    let repository = repository.map(|name| name.parse().unwrap());
    assert_eq!(read_json("ping", &payload), Ok(Delivery::Ping { repository }));
}

#[rstest]
#[case::action("/action", json!({"is": "new"}))]
#[case::no_action("/action", Value::Null)]
#[case::attempt("/workflow_run/run_attempt", json!("second"))]
#[case::status("/workflow_run/status", json!(["completed"]))]
#[case::commit("/workflow_run/conclusion", json!({"a": null}))]
#[case::organisation("/organization", json!(5))]
#[case::private("/repository/private", json!("perhaps"))]
fn an_odd_field_is_no_error(#[case] path: &str, #[case] value: Value) {
    let read = read_json("workflow_run", &changed(of_run(), path, value));
    let Ok(Delivery::Run(hint)) = read else { panic!("{read:?}") };
    assert_eq!(hint.run_id, 5_453_085_689);
    assert_eq!(hint.run.unwrap().id, 5_453_085_689);
}

#[rstest]
#[case::no_repository("workflow_run", changed(of_run(), "/repository", Value::Null))]
#[case::no_full_name("workflow_run", changed(of_run(), "/repository/full_name", json!(7)))]
#[case::not_a_name("workflow_run", changed(of_run(), "/repository/full_name", json!("octo-org")))]
#[case::no_run("workflow_run", changed(of_run(), "/workflow_run", json!("one")))]
#[case::no_id("workflow_run", changed(of_run(), "/workflow_run/id", Value::Null))]
#[case::negative("workflow_run", changed(of_run(), "/workflow_run/id", json!(-1)))]
#[case::text("workflow_run", changed(of_run(), "/workflow_run/id", json!("5453085689")))]
#[case::too_large("workflow_run", changed(of_run(), "/workflow_run/id", json!(1e30)))]
#[case::of_a_job("workflow_run", of_job())]
#[case::no_run_of_the_job("workflow_job", changed(of_job(), "/workflow_job/run_id", Value::Null))]
#[case::empty("workflow_job", json!({}))]
#[case::list("workflow_run", json!(["completed", {}]))]
#[case::null("workflow_run", Value::Null)]
#[case::text_alone("workflow_job", json!("workflow_job"))]
#[case::another_event("push", of_run())]
#[case::another_spelling("Workflow_Run", of_run())]
#[case::no_event("", of_run())]
fn what_does_not_tell_of_a_run_is_nothing(#[case] event: &str, #[case] payload: Value) {
    assert_eq!(read_json(event, &payload), Ok(Delivery::Other));
}

#[test]
fn a_field_that_is_there_twice_or_cannot_be_text_hides_nothing() {
    let twice = br#"{"workflow_run": 1, "repository": {"full_name": "o/r"}, "odd": "\ud800", "workflow_run": {"id": 7}}"#;
    let Ok(Delivery::Run(hint)) = read_as("workflow_run", JSON, twice) else { panic!("no run") };
    assert_eq!((hint.run_id, hint.attempt, hint.action), (7, None, None));
}

#[rstest]
#[case::json(JSON)]
#[case::with_a_charset("application/json; charset=utf-8")]
#[case::unknown("text/plain")]
#[case::none("")]
fn whatever_is_no_form_is_read_as_json(#[case] content_type: &str) {
    let body = of_run().to_string();
    let read = read_as("workflow_run", content_type, body.as_bytes());
    assert!(matches!(read, Ok(Delivery::Run(_))), "{read:?}");
}

#[rstest]
#[case::alone("payload={}", FORM)]
#[case::among_others("a=b&payload={}&payload=x", FORM)]
#[case::upper_case("payload={}", "Application/X-WWW-Form-Urlencoded;charset=UTF-8")]
fn a_form_holds_the_same(#[case] form: &str, #[case] content_type: &str) {
    let mut payload = of_run();
    payload["workflow_run"]["display_title"] = json!("a+b & 100 % ü");
    let encoded: String = form_urlencoded::byte_serialize(payload.to_string().as_bytes()).collect();
    let body = form.replacen("{}", &encoded, 1);
    let read = read_as("workflow_run", content_type, body.as_bytes());
    assert_eq!(read, read_json("workflow_run", &payload));
    assert!(matches!(read, Ok(Delivery::Run(_))), "{read:?}");
}

#[rstest]
#[case::empty(JSON, b"", NotJson::Body)]
#[case::half(JSON, br#"{"action": "#, NotJson::Body)]
#[case::more(JSON, b"{} {}", NotJson::Body)]
#[case::not_utf_8(JSON, b"{\"a\": \"\xff\"}", NotJson::Body)]
#[case::form_as_json(JSON, b"payload=%7B%7D", NotJson::Body)]
#[case::json_as_form(FORM, b"{}", NotJson::NoPayload)]
#[case::no_field(FORM, b"body=%7B%7D", NotJson::NoPayload)]
#[case::field_without_json(FORM, b"payload=hello", NotJson::Body)]
fn a_body_that_is_not_json_is_an_error(
    #[case] content_type: &str,
    #[case] body: &[u8],
    #[case] expected: NotJson,
    #[values("workflow_run", "ping", "push")] event: &str,
) {
    assert_eq!(read_as(event, content_type, body), Err(expected));
}

#[test]
fn no_depth_overflows_the_stack() {
    let deep = "[".repeat(1_000_000);
    assert_eq!(read_as("workflow_run", JSON, deep.as_bytes()), Err(NotJson::Body));
    let deep = deep + &"]".repeat(1_000_000);
    assert_eq!(read_as("workflow_run", JSON, deep.as_bytes()), Ok(Delivery::Other));
    let inside = format!(r#"{{"repository": {{"full_name": "o/r"}}, "workflow_run": {deep}}}"#);
    assert_eq!(read_as("workflow_run", JSON, inside.as_bytes()), Ok(Delivery::Other));
    let inside = inside.replace("\"workflow_run\": ", "\"workflow_run\": {\"id\": 7}, \"x\": ");
    assert!(matches!(read_as("workflow_run", JSON, inside.as_bytes()), Ok(Delivery::Run(_))));
}

/// JSON that looks like a payload here and there.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        Just(json!("octo-org/octo-repo")),
    ];
    leaf.prop_recursive(4, 64, 6, |inner| {
        let name = prop_oneof![
            Just("repository".to_owned()),
            Just("workflow_run".to_owned()),
            Just("workflow_job".to_owned()),
            Just("full_name".to_owned()),
            Just("id".to_owned()),
            Just("run_id".to_owned()),
            any::<String>(),
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((name, inner), 0..8)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

const EVENTS: &[&str] = &["workflow_run", "workflow_job", "ping", "push", ""];

proptest! {
    #[test]
    fn no_body_panics(
        body in prop::collection::vec(any::<u8>(), 0..400),
        event in prop::sample::select(EVENTS),
        content_type in prop::sample::select(&[JSON, FORM, ""][..]),
    ) {
        let _ = read_as(event, content_type, &body);
    }

    #[test]
    fn any_json_is_read(payload in any_json(), event in prop::sample::select(EVENTS)) {
        prop_assert!(read_json(event, &payload).is_ok());
    }

    /// A payload that was cut or damaged on its way; its signature would not verify, but who knows.
    #[test]
    fn a_damaged_payload_is_read_or_refused(at in 0_usize..300, byte in any::<u8>(), cut in any::<bool>()) {
        let mut body = of_run().to_string().into_bytes();
        let at = at.min(body.len() - 1);
        if cut { body.truncate(at) } else { body[at] = byte }
        if let Ok(Delivery::Run(hint)) = read_as("workflow_run", JSON, &body) {
            prop_assert!(hint.run.is_none_or(|run| run.id == hint.run_id));
        }
    }
}
