//! A workflow run. Parsing is lenient.

use chrono::{DateTime, TimeDelta, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::gates::Gates;
use crate::text::mask::masked_title;

/// The fields of a workflow run that we use. Status and conclusion are plain strings, because GitHub adds
/// values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// The run's id.
    pub id: u64,
    /// The workflow's name or the run's name, depending on the server.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The run's name (`run-name`), or the commit's message.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub display_title: Option<String>,
    /// The attempt: 1 at first, one more with each re-run.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub run_attempt: Option<u64>,
    /// The run's number within its workflow.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub run_number: Option<u64>,
    /// The event that started it.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// `queued`, `in_progress`, `completed`, `waiting`, …
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Set when the run is completed.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub conclusion: Option<String>,
    /// The branch or tag.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub head_branch: Option<String>,
    /// The commit's full hash.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub head_sha: Option<String>,
    /// Path of its workflow file, like `.github/workflows/client-deploy.yml`.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// URL of the run's page.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub html_url: Option<String>,
    /// When it was created, by GitHub's clock.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub created_at: Option<DateTime<Utc>>,
    /// When this attempt started.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub run_started_at: Option<DateTime<Utc>>,
    /// When it last changed. Often, but not always, when it ended: see [`Run::ended_at`].
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<DateTime<Utc>>,
    /// What else is known of its end. Not a field of GitHub's.
    #[serde(rename = "deckhand_end", default, skip_serializing_if = "End::is_default")]
    pub end: End,
    /// The account that started it.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub actor: Option<Account>,
    /// Its commit.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub head_commit: Option<HeadCommit>,
    /// What holds it back while its status is `waiting`, if it was asked. Not a field of GitHub's.
    #[serde(rename = "deckhand_gates", default, skip_serializing_if = "Gates::is_empty")]
    pub gates: Gates,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeadCommit {
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<DateTime<Utc>>,
    /// The first line of its message, at most [`TITLE`] characters.
    #[serde(
        rename = "message",
        default,
        deserialize_with = "title",
        skip_serializing_if = "Option::is_none"
    )]
    pub title: Option<String>,
    /// Who wrote it.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub author: Option<Author>,
}

/// How a run can end, in GitHub's words.
/// <https://docs.github.com/en/rest/actions/workflow-runs#get-a-workflow-run>
pub(crate) const CONCLUSIONS: [&str; 9] = [
    "success",
    "failure",
    "cancelled",
    "timed_out",
    "startup_failure",
    "action_required",
    "neutral",
    "skipped",
    "stale",
];

/// Whether what ended so succeeded or failed: a run, a job or a step. `None`: neither, for example cancelled.
/// <https://docs.github.com/en/rest/actions/workflow-runs#get-a-workflow-run>
pub(crate) fn succeeded(conclusion: Option<&str>) -> Option<bool> {
    match conclusion? {
        "success" => Some(true),
        "failure" | "timed_out" | "startup_failure" => Some(false),
        _ => None,
    }
}

/// Who wrote a commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Author {
    /// The name in the commit.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// A commit's message may be megabytes long, and is stored.
const TITLE: usize = 200;

fn title<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let message: Option<String> = lenient(deserializer)?;
    let first = |message: String| -> String {
        message.lines().next().unwrap_or_default().chars().take(TITLE).collect()
    };
    Ok(message.map(first).filter(|title: &String| !title.trim().is_empty()))
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    pub login: String,
    /// `User` or `Bot`.
    #[serde(rename = "type", default, deserialize_with = "lenient")]
    pub kind: Option<String>,
}

/// When a completed run ended. `updated_at` of a run moves also long after its end, so it is not always that.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// When it was last updated: nothing speaks against it.
    #[default]
    AsUpdated,
    /// When the last job of its attempt ended.
    OfItsJobs(DateTime<Utc>),
    /// Not known.
    Unknown,
}

impl End {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl Run {
    /// It is run again: an attempt begins that GitHub may not show yet.
    pub(crate) fn begin_attempt(&mut self, attempt: u64) {
        self.run_attempt = Some(attempt);
        self.status = Some("queued".to_owned());
        (self.conclusion, self.updated_at, self.end) = (None, None, End::default());
        self.run_started_at = None;
    }

    /// Masks what looks like a secret in the title of its commit. For a run that is shown: it takes too long for each of
    /// a list.
    pub(crate) fn mask_title(&mut self) {
        let title = self.head_commit.as_mut().and_then(|commit| commit.title.as_mut());
        if let Some(title) = title {
            *title = masked_title(title);
        }
    }

    /// Whether it has not begun, and waits for nothing but a runner.
    pub(crate) fn is_queued(&self) -> bool {
        matches!(self.status.as_deref(), Some("queued" | "requested" | "pending"))
    }

    /// Whether it has ended.
    pub fn is_completed(&self) -> bool {
        self.status.as_deref() == Some("completed")
    }

    /// When this attempt started.
    pub fn began_at(&self) -> Option<DateTime<Utc>> {
        self.run_started_at.or(self.created_at)
    }

    /// When a completed run ended; `None` if that is not known. For a run that goes on: when it last changed.
    pub fn ended_at(&self) -> Option<DateTime<Utc>> {
        match self.end {
            End::AsUpdated => self.updated_at,
            End::OfItsJobs(end) => Some(end),
            End::Unknown => None,
        }
    }

    /// Which attempt this is, from 1.
    pub fn attempt(&self) -> u64 {
        self.run_attempt.unwrap_or(1).max(1)
    }

    /// How long it has run so far; for a completed run, how long it took. `None`: not known.
    pub fn duration(&self) -> Option<TimeDelta> {
        let duration = self.ended_at()? - self.began_at()?;
        (duration >= TimeDelta::zero()).then_some(duration)
    }
}

/// A field of another type than documented counts as missing, so one odd field does not hide the others.
pub(super) fn lenient<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    let value = Value::deserialize(deserializer)?;
    Ok(serde_json::from_value(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_commit_is_kept_by_its_title_without_secrets() {
        let run = json!({"id": 1, "head_commit": {"message": "Try PASSWORD=abc\n\nPASSWORD=abc"}});
        let mut run: Run = serde_json::from_value(run).unwrap();
        run.mask_title();
        assert_eq!(run.head_commit.unwrap().title.as_deref(), Some("Try PASSWORD=***"));
    }

    #[test]
    fn an_odd_field_counts_as_missing() {
        let run = json!({"id": 1, "actor": {"login": null}, "created_at": "soon", "status": 5, "name": null});
        let run: Run = serde_json::from_value(run).unwrap();
        assert_eq!((run.id, run.actor, run.created_at, run.status), (1, None, None, None));
        assert!(serde_json::from_value::<Run>(json!({"id": "none"})).is_err());
    }

    #[test]
    fn a_duration_that_cannot_be_is_not_known() {
        let run = json!({"id": 1, "status": "completed", "run_started_at": "2026-11-22T10:00:00Z",
                         "updated_at": "2026-11-22T09:59:59Z"});
        let mut run: Run = serde_json::from_value(run).unwrap();
        assert_eq!(run.duration(), None);
        run.end = End::OfItsJobs("2026-11-22T10:01:20Z".parse().unwrap());
        assert_eq!(run.duration(), Some(TimeDelta::seconds(80)));
        run.end = End::Unknown;
        assert_eq!((run.duration(), run.ended_at()), (None, None));
    }
}
