//! Classifies the event of an invocation: an HTTP request in one of AWS's formats, or a schedule.
//! Any other event (like a test from the console, or of a rule that keeps the function warm) is ignored.
//! <https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html>

use chrono::{DateTime, Utc};
use lambda_http::request::LambdaRequest;
use serde_json::Value;

use super::http_event::{self, NotRead};
use crate::schedule::{DIGEST, SWEEP, Schedule};

/// The most characters of an ignored event's description.
const DESCRIBED: usize = 100;

/// A classified event.
#[derive(Debug)]
pub(crate) enum Event {
    /// An HTTP request.
    Http(Box<LambdaRequest>),
    /// An HTTP request whose body is declared base64 but is not. The body is left out.
    BadBody(Box<LambdaRequest>),
    /// An event that asks for the digest.
    Schedule(Schedule),
    /// An event that asks for a sweep, and when it was due.
    Sweep(Option<DateTime<Utc>>),
    /// Anything else, in a few words for the log.
    Other(String),
}

impl Event {
    /// Reads an event.
    pub(crate) fn read(mut event: Value) -> Self {
        // HTTP first: the sender of a request controls its body, but not the fields that AWS adds.
        match http_event::read(&mut event) {
            Ok(request) => Self::Http(request),
            Err(NotRead::BadBody(request)) => Self::BadBody(request),
            Err(NotRead::NotARequest) => {
                Self::Other("a request that HTTP does not know".to_owned())
            }
            Err(NotRead::NotHttp) => {
                scheduled(&event).unwrap_or_else(|| Self::Other(description(&event)))
            }
        }
    }

    /// When AWS received it, by AWS's clock.
    pub(crate) fn received(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Http(request) | Self::BadBody(request) => http_event::received(request),
            Self::Schedule(_) | Self::Sweep(_) | Self::Other(_) => None,
        }
    }
}

/// Reads a schedule: its `task` is "digest" or "sweep", at the top or under `detail`. `detail` is an object, or
/// JSON in a string. Whatever else invokes the function must do nothing.
fn scheduled(event: &Value) -> Option<Event> {
    let detail = match &event["detail"] {
        Value::String(text) => serde_json::from_str(text).unwrap_or_default(),
        detail => detail.clone(),
    };
    // The task at the top goes before the one under `detail`.
    match event.get("task").or_else(|| detail.get("task"))?.as_str()? {
        SWEEP => Some(Event::Sweep(time(event))),
        DIGEST => Some(Event::Schedule(digest(event, &detail))),
        _ => None,
    }
}

fn digest(event: &Value, detail: &Value) -> Schedule {
    let period = match detail.get("period").or_else(|| event.get("period")) {
        None | Some(Value::Null) => None,
        Some(Value::String(word)) => Some(word.clone()),
        Some(other) => Some(other.to_string()),
    };
    Schedule { period, time: time(event) }
}

fn time(event: &Value) -> Option<DateTime<Utc>> {
    let time = event["time"].as_str().and_then(|time| DateTime::parse_from_rfc3339(time).ok());
    time.map(|time| time.to_utc())
}

/// The fields that say where an event comes from.
fn description(event: &Value) -> String {
    let named = ["source", "detail-type", "task"].into_iter().filter_map(|key| {
        let value = event.get(key).or_else(|| event.get("detail")?.get(key))?;
        Some(format!("{key} {value}"))
    });
    let words = named.collect::<Vec<_>>().join(", ");
    words.chars().take(DESCRIBED).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    #[rstest]
    #[case::another_service(json!({"source": "aws.s3", "detail-type": "Object Created"}), r#"source "aws.s3", detail-type "Object Created""#)]
    #[case::nothing(json!({}), "")]
    #[case::not_an_object(json!([1]), "")]
    #[case::null(Value::Null, "")]
    #[case::text(json!("digest"), "")]
    #[case::kept_warm_by_the_scheduler(
        scheduler_s_default(),
        r#"source "aws.scheduler", detail-type "Scheduled Event""#
    )]
    #[case::kept_warm_by_a_rule(with("source", json!("aws.events")), r#"source "aws.events", detail-type "Scheduled Event""#)]
    #[case::kept_warm_with_input(json!({"warmer": true, "concurrency": 1}), "")]
    #[case::no_task(with("detail", json!({"period": "weekly"})), r#"source "aws.scheduler", detail-type "Scheduled Event""#)]
    #[case::no_json(with("detail", json!("digest, please")), r#"source "aws.scheduler", detail-type "Scheduled Event""#)]
    #[case::list(with("detail", json!(["task", "digest"])), r#"source "aws.scheduler", detail-type "Scheduled Event""#)]
    #[case::another_task(json!({"task": "report"}), r#"task "report""#)]
    #[case::another_task_at_the_top(
        json!({"task": "report", "detail": {"task": "sweep"}}),
        r#"task "report""#
    )]
    #[case::odd_sweep(json!({"task": ["sweep"]}), r#"task ["sweep"]"#)]
    #[case::another_spelling(json!({"detail": {"task": "Digest"}}), r#"task "Digest""#)]
    #[case::odd_task(json!({"task": ["digest"], "detail": {"task": true}}), r#"task ["digest"]"#)]
    #[case::too_deep(json!({"detail": {"detail": {"task": "digest"}}}), "")]
    #[case::long(json!({"task": "x".repeat(5000)}), &format!("task \"{}", "x".repeat(94)))]
    fn anything_but_a_known_task_is_ignored(#[case] event: Value, #[case] described: &str) {
        let Event::Other(what) = Event::read(event) else { panic!("not ignored") };
        assert_eq!(what, described);
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
    #[case::template(with("detail", json!({"task": "digest"})), None)]
    #[case::object(with("detail", json!({"task": "digest", "period": "weekly"})), Some("weekly"))]
    #[case::text(with("detail", json!("{\"task\": \"digest\", \"period\": \"daily\"}")), Some("daily"))]
    #[case::rule(own(json!({"source": "aws.events", "detail": {"task": "digest"}})), None)]
    #[case::another_source(own(json!({"source": "our.scheduler", "detail": {"task": "digest"}})), None)]
    #[case::odd_period(with("detail", json!({"task": "digest", "period": 5})), Some("5"))]
    #[case::no_period(with("detail", json!({"task": "digest", "period": null})), None)]
    #[case::an_input_of_one_s_own(own(json!({"task": "digest", "period": "weekly"})), Some("weekly"))]
    #[case::nothing_but_detail(own(json!({"detail": {"task": "digest"}})), None)]
    #[case::at_the_top_beside_a_detail(with("task", json!("digest")), None)]
    fn a_digest_s_schedule_is_read(#[case] event: Value, #[case] period: Option<&str>) {
        let Event::Schedule(read) = Event::read(event) else { panic!("no schedule") };
        let time = "2026-11-22T09:00:00Z".parse().ok();
        assert_eq!(read, Schedule { period: period.map(str::to_owned), time });
    }

    #[rstest]
    #[case::an_input_of_one_s_own(json!({"task": "sweep"}))]
    #[case::template(with("detail", json!({"task": "sweep"})))]
    #[case::text(with("detail", json!("{\"task\": \"sweep\"}")))]
    fn a_sweep_is_read(#[case] event: Value) {
        assert!(matches!(Event::read(event), Event::Sweep(_)));
    }

    #[rstest]
    #[case(json!("2026-11-22T10:00:00+01:00"), true)]
    #[case(json!("<aws.scheduler.scheduled-time>"), false)]
    #[case(Value::Null, false)]
    #[case(json!(1_795_341_600), false)]
    fn a_time_that_cannot_be_read_is_none(#[case] time: Value, #[case] is_read: bool) {
        let event = json!({"task": "digest", "time": time});
        let Event::Schedule(read) = Event::read(event) else { panic!("no schedule") };
        assert_eq!(read.time, "2026-11-22T09:00:00Z".parse().ok().filter(|_| is_read));
    }

    #[test]
    fn a_request_is_never_a_schedule_whatever_its_body() {
        let mut event = with("task", json!("digest"));
        event["body"] = json!(scheduler_s_default().to_string());
        event["rawPath"] = json!("/discord");
        event["requestContext"] = json!({"http": {"method": "POST"}});
        assert!(matches!(Event::read(event), Event::Http(_)));
    }
}
