//! A workflow run, and a page of a list of runs. Parsing is lenient.

use chrono::{DateTime, TimeDelta, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

/// The fields of a workflow run that we use. Status and conclusion are plain strings, because GitHub adds
/// values.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Run {
    /// The run's id.
    pub id: u64,
    /// The workflow's name or the run's name, depending on the server.
    #[serde(default, deserialize_with = "lenient")]
    pub name: Option<String>,
    /// The run's name (`run-name`), or the commit's message.
    #[serde(default, deserialize_with = "lenient")]
    pub display_title: Option<String>,
    /// The run's number within its workflow.
    #[serde(default, deserialize_with = "lenient")]
    pub run_number: Option<u64>,
    /// The event that started it.
    #[serde(default, deserialize_with = "lenient")]
    pub event: Option<String>,
    /// `queued`, `in_progress`, `completed`, `waiting`, …
    #[serde(default, deserialize_with = "lenient")]
    pub status: Option<String>,
    /// Set when the run is completed.
    #[serde(default, deserialize_with = "lenient")]
    pub conclusion: Option<String>,
    /// The branch or tag.
    #[serde(default, deserialize_with = "lenient")]
    pub head_branch: Option<String>,
    /// Path of its workflow file, like `.github/workflows/client-deploy.yml`.
    #[serde(default, deserialize_with = "lenient")]
    pub path: Option<String>,
    /// URL of the run's page.
    #[serde(default, deserialize_with = "lenient")]
    pub html_url: Option<String>,
    /// When it was created, by GitHub's clock.
    #[serde(default, deserialize_with = "lenient")]
    pub created_at: Option<DateTime<Utc>>,
    /// When this attempt started.
    #[serde(default, deserialize_with = "lenient")]
    pub run_started_at: Option<DateTime<Utc>>,
    /// When it last changed; for a completed run, when it ended.
    #[serde(default, deserialize_with = "lenient")]
    pub updated_at: Option<DateTime<Utc>>,
    /// The account that started it.
    #[serde(default, deserialize_with = "lenient")]
    pub actor: Option<Account>,
    /// Its commit.
    #[serde(default, deserialize_with = "lenient")]
    pub head_commit: Option<HeadCommit>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct HeadCommit {
    #[serde(default, deserialize_with = "lenient")]
    pub timestamp: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Account {
    pub login: String,
    /// `User` or `Bot`.
    #[serde(rename = "type", default, deserialize_with = "lenient")]
    pub kind: Option<String>,
}

impl Run {
    /// Whether it has ended.
    pub fn is_completed(&self) -> bool {
        self.status.as_deref() == Some("completed")
    }

    /// How long it has run so far; for a completed run, how long it took.
    pub fn duration(&self) -> Option<TimeDelta> {
        Some(self.updated_at? - self.run_started_at.or(self.created_at)?)
    }
}

/// A field of another type than documented counts as missing, so one odd run does not hide the others.
fn lenient<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    let value = Value::deserialize(deserializer)?;
    Ok(serde_json::from_value(value).ok())
}

#[derive(Deserialize)]
pub(super) struct Page {
    #[serde(default, deserialize_with = "lenient")]
    pub(super) total_count: Option<usize>,
    pub(super) workflow_runs: Vec<Box<RawValue>>,
}

impl Page {
    /// The runs of the page. Skips entries without an id.
    pub(super) fn runs(self) -> impl Iterator<Item = Run> {
        self.workflow_runs.into_iter().filter_map(|run| serde_json::from_str(run.get()).ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_odd_run_does_not_hide_the_others() {
        let page = json!({"total_count": 3, "workflow_runs": [
            {"id": 1, "actor": {"login": null}, "created_at": "soon", "status": 5, "name": null},
            {"id": "none"},
            {"id": 2, "created_at": "2026-11-22T10:00:00Z", "actor": {"login": "ada", "type": "User"}},
        ]});
        let page: Page = serde_json::from_value(page).unwrap();
        let runs: Vec<_> = page.runs().collect();
        assert_eq!(runs.iter().map(|run| run.id).collect::<Vec<_>>(), [1, 2]);
        assert_eq!((&runs[0].actor, &runs[0].created_at), (&None, &None));
        assert!(runs[1].created_at.is_some());
    }
}
