//! The deployments that runs of a workflow with an environment make, and their statuses.
//!
//! <https://docs.github.com/rest/deployments/deployments>

use super::{
    answers::Site,
    run::{Phase, Run},
    view::View,
    wire::{Found, not_found},
};
use serde_json::{Value, json};
use std::time::Duration;

/// What is added to a run's id to make that of its deployment.
const OFFSET: u64 = 3_000_000_000;

impl View<'_> {
    /// Those of all runs, newest first, by `environment`, `ref` and `sha`.
    pub(super) fn deployments(&self, repo: &str) -> Found {
        let is = |name: &str, value: &str| self.request.query(name).is_none_or(|it| it == value);
        let mut found: Vec<(&Run, &str)> = self.deployed(repo).collect();
        found.retain(|(run, environment)| {
            is("environment", environment) && is("ref", &run.branch) && is("sha", &run.sha)
        });
        found.sort_by_key(|(run, _)| std::cmp::Reverse((run.created, run.id)));
        let site = self.site(repo);
        Ok(self.array(found, |(run, environment)| site.deployment(run, environment)))
    }

    /// How one of them stands, the latest status first.
    pub(super) fn deployment_statuses(&self, repo: &str, id: &str) -> Found {
        let mut all = self.deployed(repo);
        let found = all.find(|(run, _)| (run.id + OFFSET).to_string() == id);
        let (run, environment) = found.ok_or_else(not_found)?;
        let phase = run.phase(self.now).ok_or_else(not_found)?;
        let site = self.site(repo);
        Ok(self.array(vec![phase], |phase| site.deployment_status(run, environment, phase)))
    }

    /// The runs that can be seen, with their environments.
    fn deployed<'s>(&'s self, repo: &'s str) -> impl Iterator<Item = (&'s Run, &'s str)> {
        let runs = self.state.runs.iter().filter(move |run| run.is_of(repo));
        let seen = runs
            .map(move |run| run.current(self.now))
            .filter(move |run| run.phase(self.now).is_some());
        seen.filter_map(move |run| {
            let workflow = self.state.scenario.workflow(&run.workflow)?;
            Some((run, workflow.environment.as_deref()?))
        })
    }
}

impl Site<'_> {
    fn deployment_url(&self, run: &Run) -> String {
        format!("{}/repos/{}/deployments/{}", self.api, self.repo, run.id + OFFSET)
    }

    fn deployment(&self, run: &Run, environment: &str) -> Value {
        let id = run.id + OFFSET;
        let url = self.deployment_url(run);
        json!({
            "id": id,
            "node_id": format!("DE_{id}"),
            "url": url,
            "sha": run.sha,
            "ref": run.branch,
            "task": "deploy",
            "payload": {},
            "original_environment": environment,
            "environment": environment,
            "description": null,
            "creator": self.account(&run.actor),
            "created_at": self.time(run, Duration::ZERO),
            "updated_at": self.time(run, Duration::ZERO),
            "statuses_url": format!("{url}/statuses"),
            "repository_url": format!("{}/repos/{}", self.api, self.repo),
            "transient_environment": false,
            "production_environment": environment == "production",
        })
    }

    fn deployment_status(&self, run: &Run, environment: &str, phase: &Phase) -> Value {
        let state = match (phase.status.as_str(), phase.conclusion.as_deref()) {
            ("in_progress", _) => "in_progress",
            ("queued", _) => "queued",
            ("completed", Some("success")) => "success",
            ("completed", Some("cancelled")) => "inactive",
            ("completed", _) => "failure",
            _ => "pending",
        };
        let url = self.deployment_url(run);
        let page = self.run_page(run.id);
        json!({
            "id": run.id,
            "node_id": format!("DES_{}", run.id),
            "url": format!("{url}/statuses/{}", run.id),
            "state": state,
            "creator": self.account(&run.actor),
            "description": "",
            "environment": environment,
            "target_url": page,
            "log_url": page,
            "environment_url": "",
            "created_at": self.time(run, phase.since),
            "updated_at": self.time(run, phase.since),
            "deployment_url": url,
            "repository_url": format!("{}/repos/{}", self.api, self.repo),
        })
    }
}
