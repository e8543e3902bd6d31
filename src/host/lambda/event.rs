//! What invokes the function: an HTTP request in one of the shapes that AWS has for it, or a schedule.
//!
//! API Gateway's HTTP API (payload 2.0), its REST API (payload 1.0) and function URLs. They are read
//! by hand and tolerantly, so that another event (a test from the console) is told apart instead of
//! being an error of the runtime.
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>
//! <https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html>

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use chrono::DateTime;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, Uri};
use serde_json::{Map, Value, json};

use crate::schedule::Schedule;

/// An event, told apart.
#[derive(Debug)]
pub enum Event {
    /// An HTTP request.
    Http(Request<Bytes>),
    /// An HTTP request whose body is said to be base64 and is not.
    BadBody,
    /// A schedule's, of EventBridge Scheduler or of an EventBridge rule.
    Schedule(Schedule),
    /// Anything else.
    Unknown,
}

impl Event {
    /// Reads an event.
    pub fn read(event: &Value) -> Self {
        let context = &event["requestContext"];
        let http = &context["http"];
        let method = http["method"].as_str().or_else(|| event["httpMethod"].as_str());
        let path = event["rawPath"].as_str().or_else(|| event["path"].as_str());
        // First of all: who sends a request can make up its body, but not what AWS puts around it.
        let (Some(method), Some(path)) = (method, path) else {
            return schedule(event).map_or(Self::Unknown, Self::Schedule);
        };
        let Some(body) = body(event) else {
            return Self::BadBody;
        };
        let stage = context["stage"].as_str().unwrap_or_default();
        let mut request = Request::new(body);
        let uri = Uri::builder().path_and_query(encoded(without_stage(path, stage))).build();
        match (method.parse(), uri) {
            (Ok(method), Ok(uri)) => {
                *request.method_mut() = method;
                *request.uri_mut() = uri;
            }
            _ => return Self::Unknown,
        }
        *request.headers_mut() = headers(event);
        Self::Http(request)
    }
}

/// What a schedule asks for. `detail` is an object, or JSON in a string: Scheduler's own default is `"{}"`. An
/// input of one's own may name the task without what AWS puts around it.
fn schedule(event: &Value) -> Option<Schedule> {
    let source = event["source"].as_str().unwrap_or_default();
    let detail = match &event["detail"] {
        Value::String(text) => serde_json::from_str(text).unwrap_or_default(),
        Value::Null => event.clone(),
        detail => detail.clone(),
    };
    let is_schedule = matches!(source, "aws.scheduler" | "aws.events")
        || event["detail-type"].as_str() == Some("Scheduled Event")
        || detail.get("task").and_then(Value::as_str) == Some("digest");
    if !is_schedule {
        return None;
    }
    let word = |key: &str| match detail.get(key)? {
        Value::Null => None,
        Value::String(word) => Some(word.clone()),
        other => Some(other.to_string()),
    };
    let time = event["time"].as_str().and_then(|time| DateTime::parse_from_rfc3339(time).ok());
    Some(Schedule { task: word("task"), period: word("period"), time: time.map(|t| t.to_utc()) })
}

/// API Gateway puts the name of a stage that is not the default one before the path.
fn without_stage<'a>(path: &'a str, stage: &str) -> &'a str {
    let rest = path.strip_prefix('/').and_then(|path| path.strip_prefix(stage));
    match rest {
        Some(rest) if !stage.is_empty() && rest.starts_with('/') => rest,
        _ => path,
    }
}

/// AWS hands the path over decoded.
fn encoded(path: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"/-_.~".contains(&b);
    path.bytes()
        .map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect()
}

fn body(event: &Value) -> Option<Bytes> {
    let body = event["body"].as_str().unwrap_or_default();
    if event["isBase64Encoded"].as_bool() == Some(true) {
        return STANDARD.decode(body).ok().map(Bytes::from);
    }
    Some(Bytes::copy_from_slice(body.as_bytes()))
}

/// Every value of every header. Payload 1.0 has them twice, and only `multiValueHeaders` is complete.
fn headers(event: &Value) -> HeaderMap {
    let empty = Map::new();
    let object = |key: &str| event[key].as_object().filter(|object| !object.is_empty());
    let given = object("multiValueHeaders").or_else(|| object("headers")).unwrap_or(&empty);
    let mut headers = HeaderMap::new();
    for (name, value) in given {
        let single = std::slice::from_ref(value);
        for value in value.as_array().map_or(single, Vec::as_slice) {
            let value = value.as_str().and_then(|value| HeaderValue::from_str(value).ok());
            if let (Ok(name), Some(value)) = (HeaderName::try_from(name.as_str()), value) {
                headers.append(name, value);
            }
        }
    }
    headers
}

/// The answer in the shape that all three take.
pub fn to_lambda(response: &Response<Bytes>) -> Value {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers: Map<String, Value> = (response.headers().iter())
        .map(|(name, value)| (name.as_str().to_owned(), text(value).into()))
        .collect();
    json!({
        "statusCode": response.status().as_u16(),
        "headers": headers,
        "body": String::from_utf8_lossy(response.body()),
        "isBase64Encoded": false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

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

    fn no_headers_but_single() -> Value {
        let mut event = v1();
        event["multiValueHeaders"] = Value::Null;
        event
    }

    fn staged() -> Value {
        let mut event = v2();
        event["rawPath"] = json!("/prod/discord");
        event["requestContext"]["stage"] = json!("prod");
        event
    }

    #[rstest]
    #[case::http_api(v2())]
    #[case::rest_api(v1())]
    #[case::rest_api_with_single_headers(no_headers_but_single())]
    #[case::named_stage(staged())]
    fn every_shape_is_the_same_request(#[case] event: Value) {
        let Event::Http(request) = Event::read(&event) else { panic!("not HTTP") };
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
    fn only_a_whole_stage_is_taken_off(
        #[case] path: &str,
        #[case] stage: &str,
        #[case] left: &str,
    ) {
        assert_eq!(without_stage(path, stage), left);
    }

    #[rstest]
    #[case("/a b", "/a%20b")]
    #[case("/ü?x", "/%C3%BC%3Fx")]
    fn a_decoded_path_is_encoded_again(#[case] path: &str, #[case] expected: &str) {
        let mut event = v2();
        event["rawPath"] = json!(path);
        let Event::Http(request) = Event::read(&event) else { panic!("not HTTP") };
        assert_eq!(request.uri(), expected);
    }

    #[rstest]
    #[case::another_service(json!({"source": "aws.s3", "detail-type": "Object Created"}))]
    #[case::nothing(json!({}))]
    #[case::not_an_object(json!([1]))]
    #[case::null(Value::Null)]
    fn anything_else_is_unknown(#[case] event: Value) {
        assert!(matches!(Event::read(&event), Event::Unknown));
    }

    /// As AWS documents it.
    fn scheduler_s_default() -> Value {
        json!({
            "version": "0", "id": "d32c5kddcf5bb8c3", "detail-type": "Scheduled Event",
            "source": "aws.scheduler", "account": "123456789012", "time": "2026-11-22T09:00:00Z",
            "region": "us-east-1", "resources": ["arn:aws:scheduler:us-east-1:123456789012:schedule/default/x"],
            "detail": "{}",
        })
    }

    fn with(key: &str, value: Value) -> Value {
        let mut event = scheduler_s_default();
        event[key] = value;
        event
    }

    fn own(mut event: Value) -> Value {
        event["time"] = json!("2026-11-22T09:00:00Z");
        event
    }

    #[rstest]
    #[case::scheduler_s_default(scheduler_s_default(), None, None)]
    #[case::rule(with("source", json!("aws.events")), None, None)]
    #[case::other_type(with("detail-type", json!("Our digest")), None, None)]
    #[case::other_source(with("source", json!("our.scheduler")), None, None)]
    #[case::object(with("detail", json!({"task": "digest", "period": "weekly"})), Some("digest"), Some("weekly"))]
    #[case::text(with("detail", json!("{\"period\": \"daily\"}")), None, Some("daily"))]
    #[case::odd(with("detail", json!({"task": 5, "period": null})), Some("5"), None)]
    #[case::no_json(with("detail", json!("digest, please")), None, None)]
    #[case::list(with("detail", json!([1])), None, None)]
    #[case::no_detail(with("detail", Value::Null), None, None)]
    #[case::an_input_of_one_s_own(own(json!({"task": "digest", "period": "weekly"})), Some("digest"), Some("weekly"))]
    #[case::nothing_but_detail(own(json!({"detail": {"task": "digest"}})), Some("digest"), None)]
    fn a_schedule_is_read(
        #[case] event: Value,
        #[case] task: Option<&str>,
        #[case] period: Option<&str>,
    ) {
        let Event::Schedule(read) = Event::read(&event) else { panic!("no schedule") };
        let time = "2026-11-22T09:00:00Z".parse().ok();
        let (task, period) = (task.map(str::to_owned), period.map(str::to_owned));
        assert_eq!(read, Schedule { task, period, time });
    }

    #[rstest]
    #[case(json!("2026-11-22T10:00:00+01:00"), true)]
    #[case(json!("<aws.scheduler.scheduled-time>"), false)]
    #[case(Value::Null, false)]
    #[case(json!(1_795_341_600), false)]
    fn a_time_that_cannot_be_read_is_none(#[case] time: Value, #[case] is_read: bool) {
        let Event::Schedule(read) = Event::read(&with("time", time)) else { panic!("no schedule") };
        assert_eq!(read.time, "2026-11-22T09:00:00Z".parse().ok().filter(|_| is_read));
    }

    #[test]
    fn a_request_is_no_schedule_whatever_it_says() {
        let mut event = v2();
        event["body"] = json!(scheduler_s_default().to_string());
        event["source"] = json!("aws.scheduler");
        assert!(matches!(Event::read(&event), Event::Http(_)));
    }

    #[test]
    fn a_body_that_is_not_base64_is_told_apart() {
        let mut event = v1();
        event["body"] = json!("%%%");
        assert!(matches!(Event::read(&event), Event::BadBody));
    }

    #[test]
    fn a_header_that_http_does_not_allow_is_dropped() {
        let mut event = v2();
        event["headers"] = json!({"bad name": "x", "x-a": "line\nbreak", "x-b": 5, "x-c": "fine"});
        let Event::Http(request) = Event::read(&event) else { panic!("not HTTP") };
        assert_eq!(request.headers().len(), 1);
    }
}
