//! From raw HTTP to an answer.

use bytes::Bytes;
use chrono::TimeDelta;
use deckhand::host::http::Received;
use http::{Method, Request};
use rstest::rstest;
use serde_json::{Value, json};
use standins::discord::Interaction;

use crate::world::World;

async fn send(world: &World, method: Method, path: &str, body: &'static str) -> (u16, Value) {
    let body = Bytes::from_static(body.as_bytes());
    let request = Request::builder().method(method).uri(path).body(body).unwrap();
    let answer = world.app.handle(request, None).await;
    assert_eq!(answer.headers()["content-type"], "application/json");
    (answer.status().as_u16(), serde_json::from_slice(answer.body()).unwrap())
}

#[rstest]
#[case(Method::GET, "/health", 200)]
#[case(Method::HEAD, "/health", 200)]
#[case(Method::POST, "/health", 405)]
#[case(Method::HEAD, "/discord", 405)]
#[case(Method::HEAD, "/", 404)]
#[case(Method::GET, "/discord", 405)]
#[case(Method::DELETE, "/discord", 405)]
#[case(Method::POST, "/discord", 401)]
#[case(Method::GET, "/", 404)]
#[case(Method::POST, "/discord/x", 404)]
#[case(Method::POST, "/discord%2f..", 404)]
#[tokio::test(start_paused = true)]
async fn every_route_has_its_status(
    #[case] method: Method,
    #[case] path: &str,
    #[case] status: u16,
) {
    assert_eq!(send(&World::new().await, method, path, "{}").await.0, status);
}

#[tokio::test(start_paused = true)]
async fn a_ping_is_answered() {
    let world = World::new().await;
    let answer = world.deliver(&world.discord.ping()).await;
    assert!(answer.accepted(), "{answer:?}");
    assert_eq!(answer.body, json!({"type": 1}));
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_match_its_signature_is_refused() {
    let world = World::new().await;
    let mut interaction = world.interaction("ada", "/deploy-client");
    let mut body = interaction.body.to_vec();
    *body.last_mut().unwrap() = b' ';
    interaction.body = body.into();
    assert_eq!(world.post(&interaction).await.0, 401);
    assert!(world.github.requests().is_empty());
}

#[rstest]
#[case::our_clock_is_slow(-10, -10, 200)]
#[case::our_clock_is_fast(10, 10, 200)]
#[case::a_replay_while_our_clock_is_slow(0, 10, 401)]
#[case::from_the_future(0, -10, 401)]
#[tokio::test(start_paused = true)]
async fn a_request_is_as_fresh_as_the_gateway_says(
    #[case] signed: i64,
    #[case] received: i64,
    #[case] status: u16,
) {
    let world = World::new().await;
    let now = world.clock().now();
    let body = br#"{"type":1,"id":"1","application_id":"1","token":"t","version":1}"#.as_slice();
    let timestamp = (now + TimeDelta::minutes(signed)).timestamp().to_string();
    let request = Request::post("/discord")
        .header("x-signature-ed25519", world.discord.sign(&timestamp, body))
        .header("x-signature-timestamp", timestamp);
    let mut request = request.body(Bytes::from_static(body)).unwrap();
    request.extensions_mut().insert(Received(now + TimeDelta::minutes(received)));
    assert_eq!(world.app.handle(request, None).await.status(), status);
}

#[tokio::test(start_paused = true)]
async fn a_body_over_one_mebibyte_is_refused_before_its_signature_is_checked() {
    let world = World::new().await;
    let at_limit = Bytes::from(vec![b' '; 1024 * 1024]);
    let over = Bytes::from(vec![b' '; 1024 * 1024 + 1]);
    for (body, status) in [(at_limit, 401), (over, 413)] {
        let request = Request::post("/discord").body(body).unwrap();
        assert_eq!(world.app.handle(request, None).await.status(), status);
    }
}

/// A signed body that Discord never sent before.
fn signed(world: &World, change: impl FnOnce(&mut Value)) -> Interaction {
    let interaction = world.interaction("ada", "/deploy-client");
    let mut payload = serde_json::from_slice(&interaction.body).unwrap();
    change(&mut payload);
    world.discord.signed(payload)
}

#[rstest]
#[case::unknown_command(|v: &mut Value| v["data"]["name"] = json!("launch"), "unknown command `launch`")]
#[case::hostile_name(|v: &mut Value| v["data"]["name"] = json!("`@everyone`"), "unknown command `ˋ@everyoneˋ`")]
#[case::no_data(|v: &mut Value| v["data"] = json!(null), "cannot read this")]
#[case::no_member(|v: &mut Value| v["member"] = json!("ada"), "cannot read this")]
#[case::component(|v: &mut Value| v["type"] = json!(3), "knows no such interaction")]
#[case::modal(|v: &mut Value| v["type"] = json!(5), "knows no such interaction")]
#[case::from_the_future(|v: &mut Value| v["type"] = json!(250), "knows no such interaction")]
#[case::unknown_option(
    |v: &mut Value| v["data"]["options"] = json!([{"name": "speed", "type": 77, "value": 1}]),
    "has no option `speed`"
)]
#[case::wrong_type(
    |v: &mut Value| v["data"]["options"] = json!([{"name": "wait", "type": 5, "value": "yes"}]),
    "`wait` must be true or false"
)]
#[tokio::test(start_paused = true)]
async fn a_signed_but_unknown_interaction_gets_a_private_answer(
    #[case] change: fn(&mut Value),
    #[case] expected: &str,
) {
    let world = World::new().await;
    let (status, body) = world.post(&signed(&world, change)).await;
    assert_eq!((status, &body["type"], &body["data"]["flags"]), (200, &json!(4), &json!(64)));
    let content = body["data"]["content"].as_str().unwrap();
    assert!(content.contains(expected), "{content}");
    assert_eq!(body["data"]["allowed_mentions"], json!({"parse": [], "users": []}));
    assert!(world.github.requests().is_empty());
}

#[rstest]
#[case::not_an_object(json!([1, 2]))]
#[case::no_type(json!({"id": "1"}))]
#[tokio::test(start_paused = true)]
async fn a_signed_body_that_is_no_interaction_is_refused(#[case] payload: Value) {
    let world = World::new().await;
    assert_eq!(world.post(&world.discord.signed(payload)).await.0, 400);
}

#[tokio::test(start_paused = true)]
async fn an_autocomplete_gets_no_choices() {
    let world = World::new().await;
    let (status, body) = world.post(&signed(&world, |v| v["type"] = json!(4))).await;
    assert_eq!((status, body), (200, json!({"type": 8, "data": {"choices": []}})));
}

#[tokio::test(start_paused = true)]
async fn unknown_and_missing_fields_are_tolerated() {
    let world = World::new().await;
    let interaction = signed(&world, |v| {
        v["brand_new"] = json!({"a": [1, {"b": null}]});
        v["data"]["options"] =
            json!([{"name": "wait", "type": 5, "value": false, "focused": false}]);
        for missing in ["entitlements", "authorizing_integration_owners", "channel", "locale"] {
            v.as_object_mut().unwrap().remove(missing);
        }
    });
    let (status, body) = world.post(&interaction).await;
    assert_eq!((status, &body["type"]), (200, &json!(4)));
    world.dispatch();
}

#[rstest]
#[case("release/", &["release/1.0"])]
#[case("rel", &["release/1.0"])]
#[case("ma", &["main"])]
#[case("", &["main", "release/1.0"])]
#[case("nothing", &[])]
#[case("release/../../../issues", &[])]
#[case("release/%2e%2e/x?y#z", &[])]
#[tokio::test(start_paused = true)]
async fn only_refs_that_the_agent_allows_are_suggested(
    #[case] typed: &str,
    #[case] expected: &[&str],
) {
    let world = World::new().await;
    let question = signed(&world, |v| {
        v["type"] = json!(4);
        v["data"]["options"] = json!([{"name": "ref", "type": 3, "value": typed, "focused": true}]);
    });
    let (status, body) = world.post(&question).await;
    let choices: Vec<_> =
        expected.iter().map(|name| json!({"name": name, "value": name})).collect();
    assert_eq!((status, body), (200, json!({"type": 8, "data": {"choices": choices}})));
    let outside = |path: &str| !path.starts_with("/repos/octo-org/web-client/git/matching-refs/");
    assert!(!world.github.requests().iter().any(|request| outside(&request.path)));
}

#[tokio::test(start_paused = true)]
async fn suggestions_come_within_the_three_seconds_or_not_at_all() {
    use standins::github::{Fault, On, What};
    let world = World::new().await;
    world
        .github
        .fault(Fault::new(On::Any, What::Delay(std::time::Duration::from_secs(9))).always());
    let question = signed(&world, |v| {
        v["type"] = json!(4);
        v["data"]["options"] = json!([{"name": "ref", "type": 3, "value": "", "focused": true}]);
    });
    let start = tokio::time::Instant::now();
    let (_, body) = world.post(&question).await;
    assert!(start.elapsed() < std::time::Duration::from_secs(3));
    // What is known without GitHub is there.
    let main = json!({"name": "main", "value": "main"});
    assert_eq!(body, json!({"type": 8, "data": {"choices": [main]}}));
}
