//! The environments that a waiting run waits for.
//!
//! <https://docs.github.com/rest/actions/workflow-runs#get-pending-deployments-for-a-workflow-run>

use super::{
    answers::Site,
    gate::Gate,
    run::Run,
    view::View,
    wire::{Found, digest},
};
use serde_json::{Value, json};
use std::time::Duration;

impl View<'_> {
    /// What a run waits for; nothing if it does not wait.
    pub(super) fn pending_deployments(&self, repo: &str, id: &str) -> Found {
        let (run, phase) = self.run(repo, id)?;
        let site = self.site(repo);
        let waits = phase.status == "waiting";
        let gates = self.state.scenario.gates.iter().filter(|_| waits);
        Ok(self.json(&gates.map(|gate| site.pending(&run, gate)).collect()))
    }
}

impl Site<'_> {
    fn pending(&self, run: &Run, gate: &Gate) -> Value {
        let reviewer = |name: &String| match name.split_once('/') {
            Some((organization, slug)) => {
                json!({"type": "Team", "reviewer": self.team(organization, slug)})
            }
            None => json!({"type": "User", "reviewer": self.user(name, "User")}),
        };
        let reviewers: Vec<Value> = gate.reviewers.iter().map(reviewer).collect();
        let started = (gate.wait_timer > 0).then(|| self.time(run, Duration::ZERO));
        json!({
            "environment": self.environment(&gate.environment),
            "wait_timer": gate.wait_timer,
            "wait_timer_started_at": started,
            "current_user_can_approve": false,
            "reviewers": reviewers,
        })
    }

    /// A team; its page's URL is what names its organization.
    fn team(&self, organization: &str, slug: &str) -> Value {
        let id = u64::from_str_radix(&digest(slug)[..7], 16).expect("a hex digest");
        let url = format!("{}/teams/{id}", self.api);
        json!({
            "id": id,
            "node_id": format!("T_{id}"),
            "url": url,
            "html_url": format!("{}/orgs/{organization}/teams/{slug}", self.scenario.html_base),
            "name": slug,
            "slug": slug,
            "description": null,
            "privacy": "closed",
            "notification_setting": "notifications_enabled",
            "permission": "push",
            "members_url": format!("{url}/members{{/member}}"),
            "repositories_url": format!("{url}/repos"),
            "type": "organization",
            "organization_id": 1,
            "parent": null,
        })
    }
}
