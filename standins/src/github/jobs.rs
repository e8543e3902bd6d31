//! A run's one job and its steps.

use super::{
    answers::Site,
    run::{Phase, Run},
    workflow::Workflow,
};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use std::time::Duration;

impl Site<'_> {
    /// A run's one job, or none when it failed before a job could start.
    pub fn jobs(&self, run: &Run, phase: &Phase, now: DateTime<Utc>) -> Vec<Value> {
        if phase.conclusion.as_deref() == Some("startup_failure") {
            return Vec::new();
        }
        let id = run.id + 27_000_000_000;
        let begin = run.timetable.queued.min(phase.since);
        let completed = phase.status == "completed";
        let started = completed || phase.status == "in_progress";
        let workflow = self.scenario.workflow(&run.workflow);
        let steps = match workflow {
            Some(workflow) if started => self.steps(workflow, run, phase, now, begin),
            _ => Vec::new(),
        };
        let runner = |value: Value| if started { value } else { Value::Null };
        vec![json!({
            "id": id,
            "run_id": run.id,
            "run_url": self.run_url(run.id),
            "run_attempt": 1,
            "node_id": format!("CR_{id}"),
            "head_sha": run.sha,
            "head_branch": run.branch,
            "workflow_name": workflow.map(|workflow| &workflow.name),
            "url": format!("{}/repos/{}/actions/jobs/{id}", self.api, self.repo),
            "html_url": format!("{}/job/{id}", self.run_page(run.id)),
            "check_run_url": format!("{}/repos/{}/check-runs/{id}", self.api, self.repo),
            "name": workflow.map_or("deploy", |workflow| &workflow.job),
            "status": phase.status,
            "conclusion": phase.conclusion,
            "created_at": self.time(run, Duration::ZERO),
            "started_at": self.time(run, if started { begin } else { Duration::ZERO }),
            "completed_at": completed.then(|| self.time(run, phase.since)),
            "labels": ["ubuntu-latest"],
            "runner_id": runner(json!(1)),
            "runner_name": runner(json!("GitHub Actions 1")),
            "runner_group_id": runner(json!(0)),
            "runner_group_name": runner(json!("GitHub Actions")),
            "steps": steps,
        })]
    }

    /// The steps share the running time by their shares; what a failure skips takes none.
    fn steps(
        &self,
        workflow: &Workflow,
        run: &Run,
        phase: &Phase,
        now: DateTime<Utc>,
        begin: Duration,
    ) -> Vec<Value> {
        let completed = phase.status == "completed";
        let count = workflow.steps.len();
        let failed = match phase.conclusion.as_deref() {
            None | Some("success") => None,
            Some(_) => workflow.failing_step(&run.timetable.fails_at),
        };
        let is_skipped = |index: usize| failed.is_some_and(|at| at < index && index + 1 < count);
        let whole = if completed { phase.since - begin } else { run.timetable.running };
        let shares = |to: usize| -> u32 {
            (0..to).filter(|&step| !is_skipped(step)).map(|step| workflow.share(step)).sum()
        };
        let all = shares(count).max(1);
        let age = (now - run.created).to_std().unwrap_or_default();
        let step = |(index, name): (usize, &String)| {
            let from = begin + whole * shares(index) / all;
            let to = begin + whole * shares(index + 1) / all;
            let last = index + 1 == count;
            let (status, conclusion) = if completed {
                let conclusion = match failed {
                    Some(at) if at == index => match phase.conclusion.as_deref() {
                        Some("cancelled" | "timed_out") => "cancelled",
                        _ => "failure",
                    },
                    _ if is_skipped(index) => "skipped",
                    _ => "success",
                };
                ("completed", Some(conclusion))
            } else if last || age < from {
                ("queued", None)
            } else if age < to {
                ("in_progress", None)
            } else {
                ("completed", Some("success"))
            };
            json!({
                "name": name,
                "status": status,
                "conclusion": conclusion,
                "number": index + 1,
                "started_at": (status != "queued").then(|| self.time(run, from)),
                "completed_at": (status == "completed").then(|| self.time(run, to)),
            })
        };
        workflow.steps.iter().enumerate().map(step).collect()
    }
}
