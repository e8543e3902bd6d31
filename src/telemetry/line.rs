//! Writes a summary as one line of JSON. On Lambda the line includes metrics for CloudWatch.
//!
//! Serialized here, because the line is the summary itself. The crates for this format (EMF) write only
//! metrics.
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::SecondsFormat;
use serde::Serialize;

use super::summary::{Event, Summary};

/// The CloudWatch namespace of all metrics.
const NAMESPACE: &str = "Deckhand";

#[derive(Serialize)]
struct Line<'a> {
    timestamp: String,
    level: &'static str,
    event: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    interaction_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    correlation_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    guild_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    channel_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply: Option<&'static str>,
    cold_start: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    age_ms: Option<i64>,
    duration_ms: f64,
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    git_ref: Option<&'a str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    inputs: &'a BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    run_id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    matched: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    github_not_modified: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    #[serde(flatten)]
    measured: Measured<'a>,
    #[serde(rename = "_aws", skip_serializing_if = "Option::is_none")]
    aws: Option<Aws>,
}

/// The dimensions and metrics. Each is a top-level field of the line.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Measured<'a> {
    function_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    command: Option<&'a str>,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    conclusion: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    interactions: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    time_to_answer: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deploys: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deploy_duration: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    github_calls: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    github_rate_limit_left: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    follow_up_failures: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcomes_not_told: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    overdue_deploys: Option<u64>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Aws {
    timestamp: i64,
    cloud_watch_metrics: Vec<Directive>,
}

/// A set of metrics with its dimensions.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Directive {
    namespace: &'static str,
    dimensions: [&'static [&'static str]; 1],
    metrics: Vec<Metric>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Metric {
    name: &'static str,
    unit: &'static str,
}

impl Summary {
    /// The line for this Lambda function, with its line feed.
    pub fn to_line(&self, function_name: &str) -> Vec<u8> {
        let measured = self.measured(function_name);
        let (about, notes) = (&self.about, &self.notes);
        let id = |id: Option<u64>| id.map(|id| id.to_string());
        let line = Line {
            timestamp: self.at.to_rfc3339_opts(SecondsFormat::Millis, true),
            level: self.level().as_str(),
            event: about.event.name(),
            interaction_id: id(about.interaction_id),
            correlation_id: about.correlation_id.as_deref(),
            request_id: about.request_id.as_deref(),
            user_id: id(about.user_id),
            guild_id: id(about.guild_id),
            channel_id: id(about.channel_id),
            reply: notes.reply,
            cold_start: about.cold_start,
            age_ms: about.age_ms,
            duration_ms: milliseconds(self.took),
            git_ref: notes.git_ref.as_deref(),
            inputs: &notes.inputs,
            run_id: notes.run_id,
            matched: notes.matched,
            github_not_modified: Some(notes.github_not_modified).filter(|n| *n > 0),
            error: notes.error.as_deref(),
            aws: self.aws(&measured),
            measured,
        };
        // This cannot fail: all keys are strings and all numbers finite. On a failure nothing is written.
        let mut bytes = serde_json::to_vec(&line).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    fn measured<'a>(&'a self, function_name: &'a str) -> Measured<'a> {
        let (about, notes) = (&self.about, &self.notes);
        let deployed = notes.deployed.as_ref();
        Measured {
            function_name,
            command: about.command.as_deref(),
            outcome: notes.outcome.name(),
            conclusion: deployed.map(|deployed| deployed.conclusion),
            interactions: matches!(about.event, Event::Command | Event::Click).then_some(1),
            time_to_answer: notes.time_to_answer.map(milliseconds),
            deploys: deployed.map(|_| 1),
            deploy_duration: deployed.and_then(|deployed| deployed.seconds),
            github_calls: Some(notes.github_calls).filter(|calls| *calls > 0),
            github_rate_limit_left: notes.rate_limit_left,
            follow_up_failures: notes.follow_up_failures,
            outcomes_not_told: Some(notes.outcomes_not_told).filter(|n| *n > 0),
            overdue_deploys: Some(notes.overdue_deploys).filter(|n| *n > 0),
        }
    }

    /// Declares which fields are metrics, and their dimensions. A field without a value is left out.
    fn aws(&self, measured: &Measured<'_>) -> Option<Aws> {
        if !self.about.event.is_counted() {
            return None;
        }
        let m = measured;
        let directives = [
            directive(
                &["FunctionName", "Command", "Outcome"],
                [("Interactions", "Count", m.interactions.is_some())],
            ),
            directive(
                &["FunctionName", "Command"],
                [
                    ("TimeToAnswer", "Milliseconds", m.time_to_answer.is_some()),
                    ("DeployDuration", "Seconds", m.deploy_duration.is_some()),
                ],
            ),
            directive(
                &["FunctionName", "Command", "Conclusion"],
                [("Deploys", "Count", m.deploys.is_some())],
            ),
            directive(
                &["FunctionName"],
                [
                    ("GithubCalls", "Count", m.github_calls.is_some()),
                    ("GithubRateLimitLeft", "Count", m.github_rate_limit_left.is_some()),
                    ("FollowUpFailures", "Count", m.follow_up_failures.is_some()),
                    ("OutcomesNotTold", "Count", m.outcomes_not_told.is_some()),
                    ("OverdueDeploys", "Count", m.overdue_deploys.is_some()),
                ],
            ),
        ];
        let cloud_watch_metrics: Vec<_> = directives.into_iter().flatten().collect();
        (!cloud_watch_metrics.is_empty())
            .then(|| Aws { timestamp: self.at.timestamp_millis(), cloud_watch_metrics })
    }
}

/// The metrics of these dimensions that have a value; `None` if there are none. Each entry: name, unit,
/// whether it has a value.
fn directive<const N: usize>(
    dimensions: &'static [&'static str],
    metrics: [(&'static str, &'static str, bool); N],
) -> Option<Directive> {
    let measured = metrics.into_iter().filter(|(_, _, measured)| *measured);
    let metrics: Vec<_> = measured.map(|(name, unit, _)| Metric { name, unit }).collect();
    (!metrics.is_empty()).then_some(Directive {
        namespace: NAMESPACE,
        dimensions: [dimensions],
        metrics,
    })
}

/// Milliseconds, rounded to a microsecond.
fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1_000_000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::telemetry::{About, Deployed, InteractionOutcome, Notes};
    use rstest::rstest;
    use serde_json::{Value, json};

    fn interaction() -> Summary {
        let about = About {
            event: Event::Command,
            interaction_id: Some(1_300_000_000_000_000_000),
            correlation_id: Some("0fb8dd02-4fe3-541e-ab56-d5e6408fec1f".to_owned()),
            command: Some("deploy-client".to_owned()),
            user_id: Some(7),
            guild_id: Some(41),
            channel_id: Some(42),
            age_ms: Some(180),
            cold_start: true,
            request_id: Some("8f5e".to_owned()),
        };
        let notes = Notes {
            reply: Some("deferred"),
            time_to_answer: Some(Duration::from_micros(1_234)),
            github_calls: 4,
            github_not_modified: 2,
            rate_limit_left: Some(4_990),
            follow_up_failures: Some(0),
            git_ref: Some("main".to_owned()),
            inputs: [("stage".to_owned(), "production".to_owned())].into(),
            run_id: Some(77),
            matched: Some("matched by run id"),
            deployed: Some(Deployed { conclusion: "failure", seconds: Some(31.0), error: None }),
            ..Notes::default()
        };
        let at = "2026-11-22T10:00:31.5Z".parse().unwrap();
        Summary { at, about, took: Duration::from_millis(31_500), notes }
    }

    fn line(summary: &Summary) -> Value {
        let bytes = summary.to_line("deckhand");
        assert_eq!(bytes.iter().filter(|byte| **byte == b'\n').count(), 1);
        serde_json::from_slice(&bytes).unwrap()
    }

    /// Checks the rules of the specification's JSON schema that our lines could break.
    fn assert_valid(line: &Value) {
        let aws = line["_aws"].as_object().unwrap();
        let keys: Vec<&str> = aws.keys().map(String::as_str).collect();
        assert_eq!(keys, ["CloudWatchMetrics", "Timestamp"]);
        // Milliseconds: a value in seconds would be a date in 1970, one in microseconds after the year 50000.
        assert!(
            (1_600_000_000_000..4_000_000_000_000).contains(&aws["Timestamp"].as_u64().unwrap())
        );
        for directive in aws["CloudWatchMetrics"].as_array().unwrap() {
            assert_eq!(directive["Namespace"], "Deckhand");
            for set in directive["Dimensions"].as_array().unwrap() {
                let names = set.as_array().unwrap();
                assert!((1..=30).contains(&names.len()));
                for name in names {
                    let value = line[name.as_str().unwrap()].as_str().unwrap();
                    assert!((1..=1024).contains(&value.len()), "{name}: {value}");
                }
            }
            let metrics = directive["Metrics"].as_array().unwrap();
            assert!((1..=100).contains(&metrics.len()));
            for metric in metrics {
                assert!(line[metric["Name"].as_str().unwrap()].is_number(), "{metric} of {line}");
                let unit = metric["Unit"].as_str().unwrap();
                assert!(["Count", "Milliseconds", "Seconds"].contains(&unit));
            }
        }
    }

    #[test]
    fn a_deploys_line_has_every_field() {
        let mut line = line(&interaction());
        assert_valid(&line);
        let aws = line.as_object_mut().unwrap().remove("_aws").unwrap();
        assert_eq!(
            line,
            json!({
                "timestamp": "2026-11-22T10:00:31.500Z",
                "level": "INFO",
                "event": "interaction",
                "interaction_id": "1300000000000000000",
                "correlation_id": "0fb8dd02-4fe3-541e-ab56-d5e6408fec1f",
                "request_id": "8f5e",
                "user_id": "7",
                "guild_id": "41",
                "channel_id": "42",
                "reply": "deferred",
                "cold_start": true,
                "age_ms": 180,
                "duration_ms": 31_500.0,
                "ref": "main",
                "inputs": {"stage": "production"},
                "run_id": 77,
                "matched": "matched by run id",
                "github_not_modified": 2,
                "FunctionName": "deckhand",
                "Command": "deploy-client",
                "Outcome": "answered",
                "Conclusion": "failure",
                "Interactions": 1,
                "TimeToAnswer": 1.234,
                "Deploys": 1,
                "DeployDuration": 31.0,
                "GithubCalls": 4,
                "GithubRateLimitLeft": 4990,
                "FollowUpFailures": 0,
            })
        );
        assert_eq!(
            aws,
            json!({
                "Timestamp": 1_795_341_631_500_i64,
                "CloudWatchMetrics": [
                    {
                        "Namespace": "Deckhand",
                        "Dimensions": [["FunctionName", "Command", "Outcome"]],
                        "Metrics": [{"Name": "Interactions", "Unit": "Count"}],
                    },
                    {
                        "Namespace": "Deckhand",
                        "Dimensions": [["FunctionName", "Command"]],
                        "Metrics": [
                            {"Name": "TimeToAnswer", "Unit": "Milliseconds"},
                            {"Name": "DeployDuration", "Unit": "Seconds"},
                        ],
                    },
                    {
                        "Namespace": "Deckhand",
                        "Dimensions": [["FunctionName", "Command", "Conclusion"]],
                        "Metrics": [{"Name": "Deploys", "Unit": "Count"}],
                    },
                    {
                        "Namespace": "Deckhand",
                        "Dimensions": [["FunctionName"]],
                        "Metrics": [
                            {"Name": "GithubCalls", "Unit": "Count"},
                            {"Name": "GithubRateLimitLeft", "Unit": "Count"},
                            {"Name": "FollowUpFailures", "Unit": "Count"},
                        ],
                    },
                ],
            })
        );
    }

    #[test]
    fn a_field_without_a_value_is_not_a_metric() {
        let mut summary = interaction();
        summary.notes = Notes {
            reply: Some("message"),
            time_to_answer: Some(Duration::ZERO),
            ..Notes::default()
        };
        let line = line(&summary);
        assert_valid(&line);
        let directives = line["_aws"]["CloudWatchMetrics"].as_array().unwrap();
        let metrics = directives.iter().flat_map(|one| one["Metrics"].as_array().unwrap());
        let names: Vec<_> = metrics.map(|metric| metric["Name"].as_str().unwrap()).collect();
        assert_eq!(names, ["Interactions", "TimeToAnswer"]);
        for absent in ["Deploys", "DeployDuration", "GithubCalls", "FollowUpFailures", "error"] {
            assert!(line.get(absent).is_none(), "{absent}");
        }
    }

    #[rstest]
    #[case::ping(Event::Other)]
    #[case(Event::Autocomplete)]
    fn an_uncounted_event_has_no_metrics(#[case] event: Event) {
        let mut summary = interaction();
        summary.about.event = event;
        let line = line(&summary);
        assert_eq!(line["event"], "interaction");
        assert!(line.get("_aws").is_none());
    }

    #[test]
    fn a_digest_counts_its_requests_but_not_as_an_interaction() {
        let mut summary = interaction();
        summary.about = About::digest_of_nobody();
        summary.notes.time_to_answer = None;
        summary.notes.deployed = None;
        let line = line(&summary);
        assert_valid(&line);
        assert_eq!(line["event"], "digest");
        assert!(line.get("Interactions").is_none());
        assert_eq!(line["_aws"]["CloudWatchMetrics"].as_array().unwrap().len(), 1);
        assert_eq!(line["FollowUpFailures"], 0);
    }

    #[test]
    fn a_digest_that_did_nothing_has_no_metrics() {
        let mut summary = interaction();
        summary.about = About::digest_of_nobody();
        summary.notes = Notes::default();
        assert!(line(&summary).get("_aws").is_none());
    }

    #[test]
    fn text_from_outside_is_escaped_in_its_string() {
        let mut summary = interaction();
        summary
            .notes
            .ended(InteractionOutcome::Failed, "\"}\n{\"event\":\"interaction\",\u{7}\u{2028}");
        let line = line(&summary);
        assert_eq!(line["level"], "ERROR");
        assert_eq!(line["error"], "\"}\n{\"event\":\"interaction\",\u{7}\u{2028}");
    }
}
