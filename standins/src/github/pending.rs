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
        let name = &gate.environment;
        let id = u64::from_str_radix(&digest(name)[..7], 16).expect("a hex digest");
        let page = &self.scenario.html_base;
        let reviewers: Vec<_> = gate
            .reviewers
            .iter()
            .map(|login| json!({"type": "User", "reviewer": self.user(login, "User")}))
            .collect();
        let started = (gate.wait_timer > 0).then(|| self.time(run, Duration::ZERO));
        json!({
            "environment": {
                "id": id,
                "node_id": format!("EN_{id}"),
                "name": name,
                "url": format!("{}/repos/{}/environments/{name}", self.api, self.repo),
                "html_url": format!(
                    "{page}/{}/deployments/activity_log?environments_filter={name}", self.repo
                ),
            },
            "wait_timer": gate.wait_timer,
            "wait_timer_started_at": started,
            "current_user_can_approve": false,
            "reviewers": reviewers,
        })
    }
}
