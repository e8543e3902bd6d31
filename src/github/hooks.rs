//! A repository's webhooks: finds ours by its URL, makes it, changes it, deletes it.
//!
//! <https://docs.github.com/en/rest/repos/webhooks>

use serde_json::{Value, json};

use super::client::Github;
use super::error::GithubError;
use super::repository::Repository;
use crate::secrets::Secret;

/// The events that tell what becomes of runs. No others are asked for.
pub(super) const EVENTS: [&str; 2] = ["workflow_run", "workflow_job"];

/// A repository's webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    pub id: u64,
    /// Where it delivers to.
    pub url: String,
    /// Whether it is switched on, has these events only, JSON bodies and a checked certificate.
    pub is_right: bool,
}

impl Github {
    /// The repository's webhooks, at most 100. An error if the token may not see them.
    pub async fn hooks(&self, repository: &Repository) -> Result<Vec<Hook>, GithubError> {
        let path = format!("/repos/{repository}/hooks?per_page=100");
        let body: Value = self.get_detail_with_retry(&path).await?.json()?;
        Ok(body.as_array().into_iter().flatten().filter_map(hook).collect())
    }

    /// Makes a webhook. Twice makes two; GitHub refuses a second one with the same URL and events.
    pub async fn make_hook(
        &self,
        repository: &Repository,
        url: &str,
        secret: &Secret,
    ) -> Result<(), GithubError> {
        let mut hook = written(url, secret);
        if let Some(hook) = hook.as_object_mut() {
            hook.insert("name".to_owned(), json!("web"));
        }
        self.post(&format!("/repos/{repository}/hooks"), &hook).await.map(drop)
    }

    /// Puts a webhook right, with this address and secret.
    pub async fn mend_hook(
        &self,
        repository: &Repository,
        hook: &Hook,
        url: &str,
        secret: &Secret,
    ) -> Result<(), GithubError> {
        let path = format!("/repos/{repository}/hooks/{}", hook.id);
        self.patch(&path, &written(url, secret)).await.map(drop)
    }

    /// Deletes a webhook.
    pub async fn delete_hook(
        &self,
        repository: &Repository,
        hook: &Hook,
    ) -> Result<(), GithubError> {
        self.delete(&format!("/repos/{repository}/hooks/{}", hook.id)).await.map(drop)
    }
}

fn written(url: &str, secret: &Secret) -> Value {
    json!({"active": true, "events": EVENTS, "config": config(url, secret)})
}

/// Where deliveries go, of what form, and what they are signed with: of a repository's hook or an App's.
pub(super) fn config(url: &str, secret: &Secret) -> Value {
    json!({"url": url, "content_type": "json", "secret": secret.expose(), "insecure_ssl": "0"})
}

fn hook(one: &Value) -> Option<Hook> {
    let text = |path: &str| one.pointer(path).and_then(Value::as_str);
    let events: Vec<&str> =
        one.get("events")?.as_array()?.iter().filter_map(Value::as_str).collect();
    let insecure = one.pointer("/config/insecure_ssl");
    let is_right = one.get("active") != Some(&Value::Bool(false))
        && events.len() == EVENTS.len()
        && EVENTS.iter().all(|event| events.contains(event))
        && text("/config/content_type") == Some("json")
        && insecure.is_none_or(|insecure| *insecure == "0" || *insecure == 0);
    Some(Hook {
        id: one.get("id")?.as_u64()?,
        url: text("/config/url").unwrap_or_default().to_owned(),
        is_right,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn listed(change: impl FnOnce(&mut Value)) -> Value {
        let mut one = json!({"id": 7, "active": true, "events": ["workflow_job", "workflow_run"],
            "config": {"url": "https://x.example.com/github/webhook", "content_type": "json", "insecure_ssl": "0"}});
        change(&mut one);
        one
    }

    #[rstest]
    #[case::right(listed(|_| ()), true)]
    #[case::off(listed(|one| one["active"] = json!(false)), false)]
    #[case::more_events(listed(|one| one["events"] = json!(["workflow_run", "workflow_job", "push"])), false)]
    #[case::all_events(listed(|one| one["events"] = json!(["*", "workflow_run"])), false)]
    #[case::form(listed(|one| one["config"]["content_type"] = json!("form")), false)]
    #[case::unchecked(listed(|one| one["config"]["insecure_ssl"] = json!("1")), false)]
    fn a_hook_is_right_with_our_events_only(#[case] one: Value, #[case] is_right: bool) {
        let hook = hook(&one).unwrap();
        assert_eq!((hook.id, hook.is_right), (7, is_right));
    }
}
