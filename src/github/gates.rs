//! The environments that hold a run back while its status is `waiting`.

use chrono::{DateTime, TimeDelta, Utc};
use http::HeaderValue;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// An environment that holds a run back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gate {
    /// The environment's name.
    pub environment: String,
    /// Whether somebody has to approve it.
    pub approval: bool,
    /// Whether it has a wait timer.
    pub timer: bool,
    /// When its wait timer ends.
    pub opens_at: Option<DateTime<Utc>>,
}

/// The gates of one run, when they were last read.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Gates {
    /// Empty: GitHub does not tell.
    #[serde(default)]
    pub known: Vec<Gate>,
    #[serde(skip)]
    pub(super) tag: Option<HeaderValue>,
    /// Whether GitHub refused to tell.
    #[serde(skip)]
    pub(super) refused: bool,
}

impl Gates {
    pub(super) fn is_empty(&self) -> bool {
        self.known.is_empty()
    }
}

/// Tolerant: only the environment's name must be there. A timer that has ended holds nothing back.
pub(super) fn gate(pending: &Value, now: DateTime<Utc>) -> Option<Gate> {
    let environment = pending.pointer("/environment/name")?.as_str()?.to_owned();
    let reviewers = pending.get("reviewers").and_then(Value::as_array);
    let minutes = pending.get("wait_timer").and_then(Value::as_i64).filter(|minutes| *minutes > 0);
    let started = pending.get("wait_timer_started_at").and_then(Value::as_str);
    let started: Option<DateTime<Utc>> = started.and_then(|started| started.parse().ok());
    let timer = minutes.and_then(TimeDelta::try_minutes);
    let opens_at = started.zip(timer).and_then(|(at, timer)| at.checked_add_signed(timer));
    let ended = opens_at.is_some_and(|at| at <= now);
    Some(Gate {
        environment,
        approval: reviewers.is_some_and(|reviewers| !reviewers.is_empty()),
        timer: timer.is_some() && !ended,
        opens_at: opens_at.filter(|_| !ended),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    fn of(approval: bool, timer: bool, opens_at: Option<&str>) -> Option<Gate> {
        let opens_at = opens_at.map(|at| at.parse().unwrap());
        Some(Gate { environment: "production".to_owned(), approval, timer, opens_at })
    }

    #[rstest]
    #[case::approval(json!({"wait_timer": 0, "wait_timer_started_at": null, "reviewers": [{"type": "User"}]}), of(true, false, None))]
    #[case::timer(
        json!({"wait_timer": 30, "wait_timer_started_at": "2026-11-22T10:00:00Z", "reviewers": []}),
        of(false, true, Some("2026-11-22T10:30:00Z"))
    )]
    #[case::both(
        json!({"wait_timer": 1, "wait_timer_started_at": "2026-11-22T10:00:00Z", "reviewers": [{"type": "Team"}]}),
        of(true, true, Some("2026-11-22T10:01:00Z"))
    )]
    #[case::timer_ended(
        json!({"wait_timer": 1, "wait_timer_started_at": "2026-11-22T09:59:30Z", "reviewers": [{"type": "User"}]}),
        of(true, false, None)
    )]
    #[case::timer_not_started(json!({"wait_timer": 30, "reviewers": []}), of(false, true, None))]
    #[case::other_rule(json!({"wait_timer": 0, "reviewers": []}), of(false, false, None))]
    #[case::odd(json!({"wait_timer": "soon", "wait_timer_started_at": 5, "reviewers": null}), of(false, false, None))]
    #[case::endless(
        json!({"wait_timer": i64::MAX, "wait_timer_started_at": "2026-11-22T10:00:00Z"}),
        of(false, false, None)
    )]
    fn a_gate_is_read_tolerantly(#[case] mut pending: Value, #[case] expected: Option<Gate>) {
        pending["environment"] = json!({"id": 1, "name": "production"});
        let now = "2026-11-22T10:00:30Z".parse().unwrap();
        assert_eq!(gate(&pending, now), expected);
        pending["environment"] = Value::Null;
        assert_eq!(gate(&pending, now), None);
    }
}
