//! Classifies the event of an invocation: an HTTP request in one of AWS's formats, or a schedule.
//! Any other event (like a test from the console) is not an error of the runtime.
//! <https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html>

use chrono::DateTime;
use lambda_http::request::LambdaRequest;
use serde_json::Value;

use super::http_event::{self, NotRead};
use crate::schedule::Schedule;

/// A classified event.
#[derive(Debug)]
pub(crate) enum Event {
    /// An HTTP request.
    Http(Box<LambdaRequest>),
    /// An HTTP request whose body is declared base64 but is not. The body is left out.
    BadBody(Box<LambdaRequest>),
    /// A schedule of EventBridge Scheduler or of an EventBridge rule.
    Schedule(Schedule),
    /// Anything else.
    Unknown,
}

impl Event {
    /// Reads an event.
    pub(crate) fn read(mut event: Value) -> Self {
        // HTTP first: the sender of a request controls its body, but not the fields that AWS adds.
        match http_event::read(&mut event) {
            Ok(request) => Self::Http(request),
            Err(NotRead::BadBody(request)) => Self::BadBody(request),
            Err(NotRead::NotARequest) => Self::Unknown,
            Err(NotRead::NotHttp) => schedule(&event).map_or(Self::Unknown, Self::Schedule),
        }
    }
}

/// Reads a schedule's event. `detail` is an object, or JSON in a string (Scheduler's default is `"{}"`).
/// A custom input may name the task without the fields that AWS adds.
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

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    #[rstest]
    #[case::another_service(json!({"source": "aws.s3", "detail-type": "Object Created"}))]
    #[case::nothing(json!({}))]
    #[case::not_an_object(json!([1]))]
    #[case::null(Value::Null)]
    fn anything_else_is_unknown(#[case] event: Value) {
        assert!(matches!(Event::read(event), Event::Unknown));
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
        let Event::Schedule(read) = Event::read(event) else { panic!("no schedule") };
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
        let Event::Schedule(read) = Event::read(with("time", time)) else { panic!("no schedule") };
        assert_eq!(read.time, "2026-11-22T09:00:00Z".parse().ok().filter(|_| is_read));
    }

    #[test]
    fn a_request_is_never_a_schedule_whatever_its_body() {
        let mut event = scheduler_s_default();
        event["body"] = json!(scheduler_s_default().to_string());
        event["rawPath"] = json!("/discord");
        event["requestContext"] = json!({"http": {"method": "POST"}});
        assert!(matches!(Event::read(event), Event::Http(_)));
    }
}
