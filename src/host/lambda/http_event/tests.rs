use super::*;
use futures_util::FutureExt;
use http::StatusCode;
use rstest::rstest;
use serde_json::json;

use crate::host::lambda::event::Event;

mod any_event;

fn v2() -> Value {
    json!({
        "version": "2.0", "rawPath": "/discord", "rawQueryString": "",
        "headers": {"x-signature-ed25519": "ab"},
        "requestContext": {"stage": "$default", "http": {"method": "POST", "path": "/discord"}},
        "body": "{\"type\":1}", "isBase64Encoded": false,
    })
}

fn v1() -> Value {
    json!({
        "path": "/discord", "httpMethod": "POST",
        "headers": {"X-Signature-Ed25519": "ab"},
        "multiValueHeaders": {"X-Signature-Ed25519": ["ab"]},
        "requestContext": {"stage": "prod", "httpMethod": "POST"},
        "body": "eyJ0eXBlIjoxfQ==", "isBase64Encoded": true,
    })
}

/// As AWS documents it.
fn function_url() -> Value {
    json!({
        "version": "2.0", "routeKey": "$default", "rawPath": "/discord",
        "rawQueryString": "parameter1=value1&parameter1=value2",
        "cookies": ["cookie1", "cookie2"],
        "headers": {"x-signature-ed25519": "ab", "host": "abc.lambda-url.eu-central-1.on.aws"},
        "queryStringParameters": {"parameter1": "value1,value2"},
        "requestContext": {
            "accountId": "anonymous", "apiId": "abc", "authentication": null, "authorizer": null,
            "domainName": "abc.lambda-url.eu-central-1.on.aws", "domainPrefix": "abc",
            "http": {"method": "POST", "path": "/discord", "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "agent"},
            "requestId": "id", "routeKey": "$default", "stage": "$default",
            "time": "12/Mar/2020:19:03:58 +0000", "timeEpoch": 1_583_348_638_390_i64,
        },
        "body": "eyJ0eXBlIjoxfQ==", "pathParameters": null, "isBase64Encoded": true, "stageVariables": null,
    })
}

/// As AWS documents it. A target group can also send `multiValueHeaders`.
fn load_balancer() -> Value {
    json!({
        "requestContext": {"elb": {"targetGroupArn": "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/x/y"}},
        "httpMethod": "POST", "path": "/discord", "queryStringParameters": {},
        "headers": {"x-signature-ed25519": "ab", "x-forwarded-proto": "https"},
        "body": "{\"type\":1}", "isBase64Encoded": false,
    })
}

fn many_headers(mut event: Value) -> Value {
    event["headers"] = Value::Null;
    event["multiValueHeaders"] = json!({"x-signature-ed25519": ["ab"]});
    event
}

fn with(mut event: Value, fields: Value) -> Value {
    for (key, value) in fields.as_object().unwrap() {
        event[key] = value.clone();
    }
    event
}

fn staged() -> Value {
    let mut event = v2();
    event["rawPath"] = json!("/prod/discord");
    event["requestContext"]["stage"] = json!("prod");
    event
}

fn request(mut event: Value) -> Request<Bytes> {
    plain((*read(&mut event).unwrap()).into())
}

#[rstest]
#[case::http_api(v2())]
#[case::http_api_payload_1(with(v1(), json!({"version": "1.0", "resource": "/discord"})))]
#[case::rest_api(v1())]
#[case::rest_api_with_single_headers(with(v1(), json!({"multiValueHeaders": null})))]
#[case::rest_api_with_many_headers(many_headers(v1()))]
#[case::function_url(function_url())]
#[case::load_balancer(load_balancer())]
#[case::load_balancer_with_many_headers(many_headers(load_balancer()))]
#[case::named_stage(staged())]
fn every_event_format_gives_the_same_request(#[case] event: Value) {
    let request = request(event);
    assert_eq!(request.method(), "POST");
    assert_eq!(request.uri().path(), "/discord");
    assert_eq!(request.headers()["x-signature-ed25519"], "ab");
    assert_eq!(request.body().as_ref(), br#"{"type":1}"#);
}

#[rstest]
#[case("/discord", "discord", "/discord")]
#[case("/discord/x", "discord", "/x")]
#[case("/product/x", "prod", "/product/x")]
#[case("/x", "", "/x")]
fn only_a_whole_stage_is_removed(#[case] path: &str, #[case] stage: &str, #[case] left: &str) {
    assert_eq!(without_stage(path, stage), left);
}

#[rstest]
#[case("/a b", "/a%20b")]
#[case("/ü?x", "/%C3%BC%3Fx")]
fn a_decoded_path_is_encoded_again(#[case] path: &str, #[case] expected: &str) {
    assert_eq!(request(with(v2(), json!({"rawPath": path}))).uri(), expected);
}

#[rstest]
#[case::base_path("/bot/discord", json!({"routeKey": "POST /discord"}), "/discord")]
#[case::base_path_of_two("/team/bot/discord", json!({"routeKey": "POST /discord"}), "/discord")]
#[case::any_method("/bot/discord", json!({"routeKey": "ANY /discord"}), "/discord")]
#[case::stage_and_base_path("/prod/bot/discord", json!({"routeKey": "POST /discord"}), "/discord")]
#[case::greedy("/bot/discord", json!({"routeKey": "ANY /{proxy+}", "pathParameters": {"proxy": "discord"}}), "/discord")]
#[case::greedy_deep("/bot/a/b", json!({"routeKey": "ANY /{proxy+}", "pathParameters": {"proxy": "a/b"}}), "/a/b")]
#[case::variable("/bot/discord", json!({"routeKey": "POST /{name}", "pathParameters": {"name": "discord"}}), "/discord")]
#[case::rest_api("/bot/discord", json!({"resource": "/discord"}), "/discord")]
#[case::rest_api_slash("/discord/", json!({"resource": "/discord"}), "/discord")]
#[case::rest_api_greedy("/bot/discord", json!({"resource": "/{proxy+}", "pathParameters": {"proxy": "discord"}}), "/discord")]
#[case::default_route("/discord", json!({"routeKey": "$default"}), "/discord")]
#[case::default_route_stage("/prod/discord", json!({"routeKey": "$default"}), "/discord")]
#[case::default_resource("/discord", json!({"resource": "$default"}), "/discord")]
#[case::root("/", json!({"routeKey": "GET /"}), "/")]
// Events that AWS does not send.
#[case::another_proxy("/discord", json!({"resource": "/{proxy+}", "pathParameters": {"proxy": "/path/to/resource"}}), "/discord")]
#[case::no_parameters("/discord", json!({"resource": "/{proxy+}", "pathParameters": null}), "/discord")]
#[case::odd_parameters("/discord", json!({"resource": "/{proxy+}", "pathParameters": {"proxy": 5}}), "/discord")]
#[case::list_of_parameters("/discord", json!({"resource": "/{proxy+}", "pathParameters": ["discord"]}), "/discord")]
#[case::odd_route("/discord", json!({"routeKey": 5, "resource": {}}), "/discord")]
#[case::method_only("/discord", json!({"routeKey": "POST"}), "/discord")]
#[case::no_slash("/discord", json!({"routeKey": "POST discord"}), "/discord")]
#[case::another_host("//example.com/discord", json!({}), "//example.com/discord")]
#[case::dots("/x/../discord", json!({}), "/x/../discord")]
#[case::encoded_dots("/x/%2e%2e/discord", json!({}), "/x/%252e%252e/discord")]
fn the_path_comes_from_the_matched_route(
    #[case] path: &str,
    #[case] fields: Value,
    #[case] expected: &str,
    #[values("rawPath", "path")] key: &str,
) {
    let mut event = with(if key == "path" { v1() } else { v2() }, fields);
    event[key] = json!(path);
    event["requestContext"]["stage"] = json!("prod");
    assert_eq!(request(event).uri(), expected);
}

#[rstest]
#[case::null(Value::Null, &[])]
#[case::no_object(json!([["x-a", "1"]]), &[])]
#[case::text(json!("x-a: 1"), &[])]
#[case::none(json!({}), &[])]
#[case::any_case(json!({"X-A": "1", "x-B": "2"}), &[("x-a", "1"), ("x-b", "2")])]
#[case::same_name_twice(json!({"X-A": "1", "x-a": "2"}), &[("x-a", "1"), ("x-a", "2")])]
#[case::many_values(json!({"x-a": ["1", "2"]}), &[("x-a", "1"), ("x-a", "2")])]
#[case::no_values(json!({"x-a": [], "x-b": null}), &[])]
#[case::empty_value(json!({"x-a": ""}), &[("x-a", "")])]
#[case::odd_values(json!({"x-a": 5, "x-b": {"c": "d"}, "x-c": ["1", 5, null, "line\nbreak"]}), &[("x-c", "1")])]
#[case::odd_names(json!({"bad name": "1", "": "2", "x\n": "3", "x-a": "4"}), &[("x-a", "4")])]
#[case::odd_host(json!({"Host": "a b:c:d/[", "x-a": "1"}), &[("x-a", "1")])]
#[case::odd_hosts(json!({"host": ["", "x".repeat(70_000)], "x-a": "1"}), &[("x-a", "1")])]
#[case::odd_scheme(json!({"X-Forwarded-Proto": "://", "host": "example.com", "x-a": "1"}), &[("x-a", "1")])]
fn an_invalid_header_is_dropped(
    #[case] headers: Value,
    #[case] expected: &[(&str, &str)],
    #[values(v2(), v1(), load_balancer(), function_url())] mut event: Value,
    #[values("headers", "multiValueHeaders")] key: &str,
) {
    event["headers"] = Value::Null;
    event["multiValueHeaders"] = Value::Null;
    event["cookies"] = Value::Null;
    event[key] = headers;
    let request = request(event);
    let read =
        request.headers().iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap()));
    let mut read: Vec<_> = read.collect();
    read.sort_unstable();
    assert_eq!(read, expected);
}

#[test]
fn more_headers_than_a_map_holds_do_not_panic() {
    let headers: Map<_, _> = (0..40_000).map(|n| (format!("x-{n}"), json!("1"))).collect();
    let request = request(with(v2(), json!({"headers": headers, "cookies": ["a=1"]})));
    assert_eq!(request.headers().len(), MAX_HEADERS + 1);
}

#[rstest]
#[case::two(json!(["a=1", "b=2"]), Some("a=1; b=2"))]
#[case::odd(json!(["a=1", "b=\n", 5, null]), Some("a=1"))]
#[case::text(json!("a=1"), None)]
#[case::null(Value::Null, None)]
fn cookies_become_one_header(#[case] cookies: Value, #[case] expected: Option<&str>) {
    let request = request(with(v2(), json!({"cookies": cookies})));
    let header = request.headers().get("cookie").map(|value| value.to_str().unwrap());
    assert_eq!(header, expected);
}

#[rstest]
#[case::null(json!({"body": null}), b"")]
#[case::empty(json!({"body": ""}), b"")]
#[case::empty_base64(json!({"body": "", "isBase64Encoded": true}), b"")]
#[case::no_body_as_base64(json!({"body": null, "isBase64Encoded": true}), b"")]
#[case::object(json!({"body": {"type": 1}, "isBase64Encoded": true}), b"")]
#[case::not_said(json!({"body": "AAAA", "isBase64Encoded": null}), b"AAAA")]
#[case::oddly_said(json!({"body": "AAAA", "isBase64Encoded": "true"}), b"AAAA")]
#[case::text(json!({"body": "ü\u{0}", "isBase64Encoded": false}), "ü\u{0}".as_bytes())]
#[case::binary(json!({"body": "/wD+", "isBase64Encoded": true}), b"\xff\x00\xfe")]
fn a_body_is_read_unchanged(
    #[case] fields: Value,
    #[case] expected: &[u8],
    #[values(v2(), v1(), load_balancer())] event: Value,
) {
    assert_eq!(request(with(event, fields)).body(), expected);
}

#[rstest]
fn a_body_may_be_missing_or_huge(#[values(v2(), v1(), load_balancer())] mut event: Value) {
    let huge = "x".repeat(6 * 1024 * 1024);
    event["isBase64Encoded"] = json!(false);
    let read = request(with(event.clone(), json!({"body": huge})));
    assert_eq!(read.body(), huge.as_bytes());
    event.as_object_mut().unwrap().remove("body");
    assert_eq!(request(event).body(), "");
}

#[rstest]
#[case::other_characters("%%%")]
#[case::wrong_length("eyJ0eXBlIjoxfQ=")]
#[case::url_alphabet("_-_-")]
#[case::line_break("eyJ0\neXBl")]
fn a_body_that_is_not_base64_is_told_apart(
    #[case] body: &str,
    #[values(v2(), v1(), load_balancer())] event: Value,
) {
    let event = with(event, json!({"body": body, "isBase64Encoded": true}));
    assert!(matches!(Event::read(event), Event::BadBody(_)));
}

#[rstest]
#[case::method("rawPath", json!("/discord"), json!("BAD METHOD"))]
#[case::empty_method("rawPath", json!("/discord"), json!(""))]
#[case::endless_path("rawPath", json!("x".repeat(70_000).replacen('x', "/", 1)), json!("POST"))]
#[case::relative_path("rawPath", json!("discord"), json!("POST"))]
#[case::empty_path("rawPath", json!(""), json!("POST"))]
#[case::no_method("rawPath", json!("/discord"), Value::Null)]
#[case::odd_path("rawPath", json!(5), json!("POST"))]
fn an_invalid_path_or_method_is_ignored(
    #[case] key: &str,
    #[case] path: Value,
    #[case] method: Value,
) {
    let mut event = v2();
    event[key] = path;
    event["requestContext"]["http"]["method"] = method;
    assert!(matches!(Event::read(event), Event::Other(_)));
}

#[rstest]
#[case(json!({"rawQueryString": "a b ü\n%", "queryStringParameters": {"a": ["b"]}}))]
#[case(json!({"queryStringParameters": 5, "multiValueQueryStringParameters": {"a": []}}))]
#[case(json!({"multiValueQueryStringParameters": {"a": null}, "stageVariables": [], "pathParameters": {"a": []}}))]
#[case(json!({"resource": [], "version": 2, "routeKey": {}, "type": 5}))]
fn unused_fields_may_have_any_value(
    #[case] fields: Value,
    #[values(v2(), v1(), load_balancer(), function_url())] event: Value,
) {
    assert_eq!(request(with(event, fields)).uri(), "/discord");
}

fn not_allowed(_: Request<Bytes>) -> impl Future<Output = Response<Bytes>> + Send {
    let mut response = Response::new(Bytes::from_static("{\"error\":\"ü\"}".as_bytes()));
    *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
    response.headers_mut().insert("allow", HeaderValue::from_static("POST"));
    ready(response)
}

fn answered(request: LambdaRequest) -> Value {
    answer(request, Context::default(), not_allowed).now_or_never().unwrap().unwrap()
}

#[rstest]
#[case::http_api(v2(), json!({"headers": {"allow": "POST"}, "multiValueHeaders": {}, "cookies": []}))]
#[case::function_url(function_url(), json!({"headers": {"allow": "POST"}, "multiValueHeaders": {}, "cookies": []}))]
#[case::rest_api(v1(), json!({"headers": {}, "multiValueHeaders": {"allow": ["POST"]}}))]
#[case::load_balancer(load_balancer(), json!({
    "statusDescription": "405 Method Not Allowed",
    "headers": {"allow": "POST"}, "multiValueHeaders": {"allow": ["POST"]},
}))]
fn an_answer_has_the_format_of_its_sender(#[case] mut event: Value, #[case] form: Value) {
    let all = json!({"statusCode": 405, "body": "{\"error\":\"ü\"}", "isBase64Encoded": false});
    let expected = with(all, form);
    assert_eq!(answered(*read(&mut event).unwrap()), expected);
    let bad = with(event, json!({"body": "%%%", "isBase64Encoded": true}));
    let Event::BadBody(request) = Event::read(bad) else { panic!("read") };
    assert_eq!(answered(*request), expected);
}

#[rstest]
#[case::http_api(v2(), "timeEpoch")]
#[case::function_url(function_url(), "timeEpoch")]
#[case::rest_api(v1(), "requestTimeEpoch")]
fn the_gateways_time_is_read(#[case] mut event: Value, #[case] key: &str) {
    for (given, expected) in [
        (json!(1_583_348_638_390_i64), Some(1_583_348_638_390)),
        (json!(0), None),
        (json!(-5), None),
        (json!(i64::MAX), None),
        (json!("1583348638390"), None),
        (json!(1.5), None),
        (Value::Null, None),
    ] {
        event["requestContext"][key] = given;
        let received = Event::read(event.clone()).received();
        assert_eq!(received.map(|time| time.timestamp_millis()), expected, "{event}");
    }
}

#[test]
fn a_load_balancer_tells_no_time() {
    let mut event = load_balancer();
    event["requestContext"]["timeEpoch"] = json!(1_583_348_638_390_i64);
    assert_eq!(Event::read(event).received(), None);
}

/// As API Gateway sends a form: base64, as it does with all that is no text.
#[rstest]
#[case::http_api(v2())]
#[case::rest_api(v1())]
#[case::function_url(function_url())]
#[case::load_balancer(load_balancer())]
#[tokio::test]
async fn a_delivery_of_github_verifies_byte_for_byte(#[case] event: Value) {
    use crate::clock::SystemClock;
    use crate::github::webhook::{Delivery, Secrets, Settings, read as read_delivery};
    use crate::secrets::{NoParameters, Secret, SecretSource};
    use std::sync::Arc;

    let form = "payload=%7B%22repository%22%3A%7B%22full_name%22%3A%22o%2Fr%22%7D%2C%22note%22%3A%22a+%C3%BC%22%7D";
    // By `openssl dgst -sha256 -hmac secret`.
    let signature = "5e88b418f71cbd55c831a7bebc1a060ef2e90bd614ebe2e5179d88bfe3f288e7";
    let headers = json!({
        "content-type": "application/x-www-form-urlencoded", "X-GitHub-Event": "ping",
        "x-hub-signature-256": format!("sha256={signature}"),
    });
    let path = json!({"rawPath": "/github/webhook", "path": "/github/webhook", "headers": headers});
    let body = json!({
        "multiValueHeaders": null, "body": STANDARD.encode(form), "isBase64Encoded": true,
    });
    let Event::Http(request) = Event::read(with(with(event, path), body)) else { panic!() };
    let secret = Some(SecretSource::Given(Secret::new("secret")));
    let settings = Settings { secret, previous: None };
    let secrets = Secrets::new(settings, Arc::new(NoParameters), Arc::new(SystemClock));
    let secrets = Arc::new(secrets);
    let handle = move |request: Request<Bytes>| {
        let secrets = secrets.clone();
        async move {
            assert_eq!(
                (request.method(), request.uri().path()),
                (&Method::POST, "/github/webhook")
            );
            let body = secrets.verify(request.headers(), request.body()).await.unwrap();
            let repository = "o/r".parse().ok();
            let delivery = read_delivery(request.headers(), &body);
            assert_eq!(delivery, Ok(Delivery::Ping { repository }));
            let mut answer = Response::new(Bytes::new());
            *answer.status_mut() = StatusCode::NO_CONTENT;
            answer
        }
    };
    let answer = answer(*request, Context::default(), handle).await.unwrap();
    assert_eq!((&answer["statusCode"], &answer["body"]), (&json!(204), &json!("")));
}
