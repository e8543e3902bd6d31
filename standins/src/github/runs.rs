//! Runs: listed, looked at, and started by a dispatch.

use super::{
    answers::COMMIT_MESSAGE,
    app::BOT,
    auth::Caller,
    dispatch,
    listing::Filter,
    run::{Phase, Run, Timetable},
    state::Dispatch,
    view::View,
    wire::{Found, Refusal, branch_sha, not_found},
    workflow::{Title, Workflow},
};
use crate::server::Answer;
use chrono::DateTime;
use serde_json::{Map, Value, json};
use std::time::Duration;

impl View<'_> {
    /// A run that can be seen, and where it stands.
    pub(super) fn run(&self, repo: &str, id: &str) -> Result<(Run, Phase), Refusal> {
        let mut runs = self.state.runs.iter();
        let run = runs.find(|run| run.id.to_string() == id && run.is_of(repo));
        let run = run.map(|run| run.current(self.now));
        run.and_then(|run| Some((run.clone(), run.phase(self.now)?))).ok_or_else(not_found)
    }

    /// A page of the runs asked for, newest first.
    pub(super) fn runs(&self, repo: &str, workflow: Option<&str>) -> Found {
        let filter = Filter::read(self.request).map_err(|why| (422, why))?;
        let skew = self.state.scenario.clock_skew;
        let lag = if filter.is_search() { self.state.scenario.filters_lag } else { Duration::ZERO };
        let mut found: Vec<(&Run, Phase)> = self
            .state
            .runs
            .iter()
            .filter(|run| run.is_of(repo) && workflow.is_none_or(|file| run.workflow == file))
            .map(|run| run.current(self.now))
            .filter(|run| run.created + lag <= self.now)
            .filter_map(|run| {
                let listed = !filter.is_search() || run.is_listed(self.now);
                Some((run, run.phase(self.now).filter(|_| listed)?))
            })
            .filter(|(run, phase)| {
                // As GitHub shows it: whole seconds of its own clock.
                let seconds = (run.created + skew).timestamp();
                let created = DateTime::from_timestamp(seconds, 0).unwrap_or_default();
                filter.takes(run, phase, created)
            })
            .collect();
        found.sort_by_key(|(run, _)| std::cmp::Reverse((run.created, run.id)));
        let site = self.site(repo);
        let reachable = filter.reachable(found.len());
        let write = |(run, phase): &(&Run, Phase)| site.run(run, phase);
        Ok(self.list("workflow_runs", found, reachable, write))
    }

    /// A run's jobs, which lag behind it: of this attempt, or of all.
    pub(super) fn jobs(&self, repo: &str, run: &Run, attempt: Option<u64>) -> Answer {
        let seen = self.now - self.state.scenario.jobs_lag;
        let site = self.site(repo);
        let mut jobs = Vec::new();
        for one in run.attempts() {
            let Some(phase) = one.phase(seen) else { continue };
            jobs.extend(if one.attempt == run.attempt {
                site.jobs(one, &phase, seen)
            } else {
                site.own_jobs(one, &phase, seen)
            });
        }
        if let Some(attempt) = attempt {
            jobs.retain(|job| job["run_attempt"] == attempt);
        }
        self.list("jobs", jobs, usize::MAX, Value::clone)
    }

    /// Starts a run, and its twins.
    pub(super) fn dispatch(&mut self, repo: &str, workflow: &Workflow) -> Found {
        let version = self.request.header("x-github-api-version");
        let scenario = &self.state.scenario;
        let accepted = dispatch::check(scenario, workflow, version, &self.request.body)?;
        let timetable = scenario.timetable.clone();
        let twins = scenario.twins;
        let account = match self.caller {
            Caller::Installation(_) | Caller::App => BOT.to_owned(),
            Caller::Account => scenario.account.clone(),
        };
        let twin_actor = scenario.twin_actor.clone().unwrap_or(account.clone());

        let ours = self.new_run(repo, workflow, &accepted.git_ref, &accepted.inputs);
        let twin = Run {
            timetable: other_ending(&timetable),
            triggered_by: twin_actor.clone(),
            actor: twin_actor,
            foreign: true,
            ..ours.clone()
        };
        let triggered_by = account.clone();
        let run_id =
            self.state.add(self.now, Run { timetable, triggered_by, actor: account, ..ours });
        for _ in 0..twins {
            let mut inputs = accepted.inputs.clone();
            let other = uuid::Uuid::new_v4().to_string();
            inputs.insert("correlation_id".into(), json!(other));
            inputs.insert("requester".into(), json!("somebody-else"));
            let titled = self.new_run(repo, workflow, &accepted.git_ref, &inputs);
            let (name, display_title) = (titled.name, titled.display_title);
            self.state.add(self.now, Run { name, display_title, ..twin.clone() });
        }
        self.state.dispatches.push(Dispatch {
            repo: repo.to_owned(),
            workflow: workflow.file.clone(),
            git_ref: accepted.git_ref,
            inputs: Value::Object(accepted.inputs),
            at: self.now,
            run_id,
        });
        if !accepted.details {
            return Ok(Answer::empty(204));
        }
        let site = self.site(repo);
        Ok(self.json(&json!({
            "workflow_run_id": run_id,
            "run_url": site.run_url(run_id),
            "html_url": site.run_page(run_id),
        })))
    }

    fn new_run(
        &self,
        repo: &str,
        workflow: &Workflow,
        git_ref: &str,
        inputs: &Map<String, Value>,
    ) -> Run {
        let plain = workflow.name.clone();
        let title = workflow.title_of_run(inputs).unwrap_or(plain.clone());
        let (name, display_title) = match self.state.scenario.title {
            Title::DisplayTitle => (plain, title),
            Title::NameOnly => (title, COMMIT_MESSAGE.to_owned()),
            Title::Neither => (plain.clone(), plain),
        };
        Run {
            id: 0,
            run_number: 0,
            repo: Some(repo.to_owned()),
            workflow: workflow.file.clone(),
            name,
            display_title,
            branch: git_ref.to_owned(),
            sha: branch_sha(git_ref),
            event: "workflow_dispatch".to_owned(),
            actor: String::new(),
            created: self.now,
            committed: self.now - self.state.scenario.committed,
            timetable: Timetable::default(),
            foreign: false,
            attempt: 1,
            started: self.now,
            triggered_by: String::new(),
            cancelled: None,
            kept: 0,
            group: None,
            alone: None,
            reviews: Vec::new(),
            earlier: None,
        }
    }
}

/// A timetable that ends in another way, so that a mix-up shows.
fn other_ending(ours: &Timetable) -> Timetable {
    let ends_well = ours.path.is_empty() && ours.conclusion == "success";
    Timetable {
        conclusion: if ends_well { "failure" } else { "success" }.to_owned(),
        listed: Duration::ZERO,
        path: Vec::new(),
        ..ours.clone()
    }
}
