//! What deliveries tell: the payloads of webhooks.
//!
//! <https://docs.github.com/webhooks/webhook-events-and-payloads>

use super::{
    answers::Site,
    hook::{Happening, Hook},
    jobs::job_id,
    jwt::{APP_ID, INSTALLATION_ID},
    run::{Phase, Run},
    wire::digest,
};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

impl Site<'_> {
    /// A run, as at a moment.
    pub fn run_payload(&self, action: &str, run: &Run, phase: &Phase, now: DateTime<Utc>) -> Value {
        let mut document = self.run_alone(run, phase);
        document["repository"] = self.repository();
        document["head_repository"] = self.repository();
        let workflow = self.scenario.workflow(&run.workflow);
        self.about(
            now,
            &run.triggered_by,
            json!({
                "action": action,
                "workflow_run": document,
                "workflow": workflow.map(|workflow| self.workflow(workflow)),
            }),
        )
    }

    /// One of a run's jobs, as at a moment; none if it is not there.
    pub fn job_payload(
        &self,
        action: &str,
        run: &Run,
        index: usize,
        phase: &Phase,
        now: DateTime<Utc>,
    ) -> Option<Value> {
        let mut jobs = self.jobs(run, phase, now).into_iter();
        let mut job = jobs.find(|job| job["id"] == job_id(run, index))?;
        if action == "queued" {
            // One that begins at once is told of as queued nevertheless.
            job["status"] = json!("queued");
            job["conclusion"] = Value::Null;
            job["completed_at"] = Value::Null;
            job["steps"] = json!([]);
            for runner in ["runner_id", "runner_name", "runner_group_id", "runner_group_name"] {
                job[runner] = Value::Null;
            }
        }
        Some(self.about(now, &run.triggered_by, json!({"action": action, "workflow_job": job})))
    }

    /// The first delivery of a hook.
    pub fn ping_payload(&self, id: u64, hook: &Hook, now: DateTime<Utc>) -> Value {
        let stamp = super::wire::stamp(now + self.scenario.clock_skew);
        let url = match &hook.to {
            crate::endpoint::Endpoint::Http(url) => url.clone(),
            crate::endpoint::Endpoint::Direct(_) => "https://bot.test/github/webhook".to_owned(),
        };
        let mut config = json!({
            "content_type": if hook.form { "form" } else { "json" },
            "url": url,
            "insecure_ssl": "0",
        });
        if hook.secret.is_some() {
            config["secret"] = json!("********");
        }
        let hooks = format!("{}/repos/{}/hooks/{id}", self.api, self.repo);
        let mut told = json!({
            "type": if hook.of_app { "App" } else { "Repository" },
            "id": id,
            "name": "web",
            "active": true,
            "events": hook.events,
            "config": config,
            "updated_at": stamp,
            "created_at": stamp,
        });
        if hook.of_app {
            told["app_id"] = json!(APP_ID);
            told["deliveries_url"] = json!(format!("{}/app/hook/deliveries", self.api));
        } else {
            told["url"] = json!(hooks);
            told["test_url"] = json!(format!("{hooks}/test"));
            told["ping_url"] = json!(format!("{hooks}/pings"));
            told["deliveries_url"] = json!(format!("{hooks}/deliveries"));
            told["last_response"] = json!({"code": null, "status": "unused", "message": null});
        }
        let zen = "Anything added dilutes everything else.";
        let ping = json!({"zen": zen, "hook_id": id, "hook": told});
        if hook.of_app { ping } else { self.about(now, "ada", ping) }
    }

    /// Adds whose repository it is, and who did it.
    fn about(&self, now: DateTime<Utc>, login: &str, mut payload: Value) -> Value {
        let owner = self.repo.split_once('/').map_or("", |(owner, _)| owner);
        let mut repository = self.full_repository(now);
        repository["is_template"] = json!(false);
        repository["web_commit_signoff_required"] = json!(false);
        repository["custom_properties"] = json!({});
        payload["repository"] = repository;
        payload["organization"] = self.organization(owner);
        payload["sender"] = self.account(login);
        payload
    }

    fn organization(&self, login: &str) -> Value {
        let id = u64::from_str_radix(&digest(login)[..7], 16).expect("a hex digest");
        let url = format!("{}/orgs/{login}", self.api);
        let mut organization = json!({
            "login": login,
            "id": id,
            "node_id": format!("O_{id}"),
            "url": url,
            "members_url": format!("{url}/members{{/member}}"),
            "public_members_url": format!("{url}/public_members{{/member}}"),
            "avatar_url": format!("https://avatars.githubusercontent.com/u/{id}?v=4"),
            "description": "",
        });
        for name in ["repos", "events", "hooks", "issues"] {
            organization[format!("{name}_url")] = json!(format!("{url}/{name}"));
        }
        organization
    }
}

/// Adds what only the deliveries of an App's hook say.
pub(super) fn of_installation(mut payload: Value, what: &Happening) -> Value {
    if what.event != "ping" {
        let node_id = format!("I_{INSTALLATION_ID}");
        payload["installation"] = json!({"id": INSTALLATION_ID, "node_id": node_id});
    }
    payload
}
