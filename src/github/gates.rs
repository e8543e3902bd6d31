//! What holds a run back: environments while its status is `waiting`, a concurrency group while it is `pending`.

use chrono::{DateTime, TimeDelta, Utc};
use http::HeaderValue;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::queue::Place;
use crate::text::escape;

/// The most reviewers of an environment: GitHub takes no more.
const MOST_REVIEWERS: usize = 6;

/// The most characters of a reviewer's name.
const REVIEWER: usize = 80;

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
    /// Who may approve it: `octocat`, or the team `octo-org/ops`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reviewers: Vec<String>,
}

/// The gates of one run, when they were last read.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Gates {
    /// Empty: GitHub does not tell.
    #[serde(default)]
    pub known: Vec<Gate>,
    /// Its place in a concurrency group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    #[serde(skip)]
    pub(super) tag: Option<HeaderValue>,
    /// Whether GitHub refused to tell.
    #[serde(skip)]
    pub(super) refused: bool,
}

impl Gates {
    pub(super) fn is_empty(&self) -> bool {
        self.known.is_empty() && self.place.is_none()
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
        reviewers: reviewers
            .into_iter()
            .flatten()
            .filter_map(reviewer)
            .take(MOST_REVIEWERS)
            .collect(),
    })
}

/// A user by the login; a team by its organization, which only its page's URL tells, and its slug.
fn reviewer(reviewer: &Value) -> Option<String> {
    let text = |name: &str| reviewer.pointer(name)?.as_str().filter(|text| !text.is_empty());
    let name = match text("/reviewer/login") {
        Some(login) => login.to_owned(),
        None => {
            let slug = text("/reviewer/slug").or_else(|| text("/reviewer/name"))?;
            let page = text("/reviewer/html_url").unwrap_or_default();
            let organization = page.split_once("/orgs/").and_then(|(_, rest)| rest.split_once('/'));
            match organization {
                Some((organization, _)) => format!("{organization}/{slug}"),
                None => slug.to_owned(),
            }
        }
    };
    Some(escape::clipped(&name, REVIEWER))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    fn of(approval: bool, timer: bool, opens_at: Option<&str>) -> Option<Gate> {
        let opens_at = opens_at.map(|at| at.parse().unwrap());
        let reviewers = Vec::new();
        Some(Gate { environment: "production".to_owned(), approval, timer, opens_at, reviewers })
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

    #[rstest]
    #[case::user(json!({"type": "User", "reviewer": {"login": "octocat", "id": 1}}), &["octocat"])]
    #[case::team(
        json!({"type": "Team", "reviewer": {
            "name": "Ops People", "slug": "ops", "html_url": "https://github.com/orgs/octo-org/teams/ops",
        }}),
        &["octo-org/ops"]
    )]
    #[case::team_without_a_page(json!({"type": "Team", "reviewer": {"name": "Ops", "slug": "ops"}}), &["ops"])]
    #[case::only_a_name(json!({"type": "Team", "reviewer": {"name": "Ops", "html_url": "odd"}}), &["Ops"])]
    #[case::nameless(json!({"type": "User"}), &[])]
    #[case::deleted(json!({"type": "User", "reviewer": null}), &[])]
    #[case::odd(json!("octocat"), &[])]
    fn who_may_approve_is_read_tolerantly(#[case] reviewer: Value, #[case] expected: &[&str]) {
        let pending = json!({"environment": {"name": "production"}, "reviewers": [reviewer]});
        let gate = gate(&pending, DateTime::UNIX_EPOCH).unwrap();
        assert_eq!((gate.reviewers.as_slice(), gate.approval), (&*own(expected), true));
    }

    fn own(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn reviewers_are_bounded() {
        let reviewer = json!({"reviewer": {"login": "x".repeat(5000)}});
        let pending = json!({"environment": {"name": "p"}, "reviewers": vec![reviewer; 50]});
        let gate = gate(&pending, DateTime::UNIX_EPOCH).unwrap();
        assert_eq!(gate.reviewers.len(), MOST_REVIEWERS);
        assert!(gate.reviewers.iter().all(|name| name.chars().count() == REVIEWER));
    }

    #[test]
    fn a_gate_of_before_is_read() {
        let stored =
            json!({"environment": "p", "approval": true, "timer": false, "opens_at": null});
        assert_eq!(serde_json::from_value::<Gate>(stored).unwrap().reviewers, own(&[]));
    }
}
