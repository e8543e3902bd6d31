//! A run's jobs and their steps.

use super::{
    answers::Site,
    course::{Course, Stand},
    run::{Phase, Run},
    workflow::OtherJob,
};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use std::time::Duration;

/// A job's id. Ids of runs are a thousand apart, so it says which job of the run it is.
pub(super) fn job_id(run: &Run, index: usize) -> u64 {
    run.id + 27_000_000_000 + (run.attempt - 1) * 100_000_000_000 + index as u64
}

impl Site<'_> {
    /// A run's jobs of this attempt, and those beside it: those that began, or none when it failed
    /// before a job could start.
    pub fn jobs(&self, run: &Run, phase: &Phase, now: DateTime<Utc>) -> Vec<Value> {
        if phase.conclusion.as_deref() == Some("startup_failure") {
            return Vec::new();
        }
        let workflow = self.scenario.workflow(&run.workflow);
        let others = workflow.map_or(&[][..], |workflow| &workflow.other_jobs);
        let others = others.iter().filter(|_| phase.status == "completed").zip(1..);
        let others = others.map(|(other, number)| self.other_job(run, phase, number, other));
        let matrix = self.matrix_jobs(run, phase, now);
        others.chain(self.own_jobs(run, phase, now)).chain(matrix).collect()
    }

    /// What the runner of a run's jobs must have.
    fn labels(&self, run: &Run) -> Vec<String> {
        let workflow = self.scenario.workflow(&run.workflow);
        workflow.map_or_else(Vec::new, |workflow| workflow.runs_on.clone())
    }

    /// A run's jobs of this attempt that the timetable is about.
    pub fn own_jobs(&self, run: &Run, phase: &Phase, now: DateTime<Utc>) -> Vec<Value> {
        let course = Course::of(self.scenario.workflow(&run.workflow), run);
        let age = (now - run.started).to_std().unwrap_or_default();
        let count = course.parts.len();
        (0..count).filter_map(|index| self.job(run, phase, &course, index, age)).collect()
    }

    fn job(
        &self,
        run: &Run,
        phase: &Phase,
        course: &Course<'_>,
        index: usize,
        age: Duration,
    ) -> Option<Value> {
        let stand = course.stand(index, phase, age)?;
        let id = job_id(run, index);
        if stand == Stand::Kept {
            // As it was, under a number of this attempt's.
            let before = run.earlier.as_deref()?;
            let then = before.phase(run.started)?;
            let jobs = self.own_jobs(before, &then, run.started);
            let mut job = jobs.into_iter().nth(index)?;
            job["id"] = json!(id);
            job["run_attempt"] = json!(run.attempt);
            return Some(job);
        }
        let (from, _) = course.window(index);
        let created = if index == course.first { Duration::ZERO } else { from };
        let (status, conclusion) = match &stand {
            Stand::Waits | Stand::Refused => (phase.status.clone(), phase.conclusion.clone()),
            Stand::Kept | Stand::Runs => ("in_progress".to_owned(), None),
            Stand::Ended { conclusion, .. } => ("completed".to_owned(), conclusion.clone()),
            Stand::Skipped { .. } => ("completed".to_owned(), Some("skipped".to_owned())),
        };
        let (started, completed) = match stand {
            Stand::Waits => (created, None),
            Stand::Refused => (created, Some(phase.since)),
            Stand::Kept | Stand::Runs => (from, None),
            Stand::Ended { at, .. } => (from.min(at), Some(at)),
            Stand::Skipped { at } => (at, Some(at)),
        };
        let ran = matches!(stand, Stand::Runs | Stand::Ended { .. });
        let runner = |value: Value| if ran { value } else { Value::Null };
        let steps: Vec<Value> =
            if ran { self.steps(run, course, index, &stand, age) } else { Vec::new() };
        let name = self.scenario.workflow(&run.workflow).map(|workflow| &workflow.name);
        Some(json!({
            "id": id,
            "run_id": run.id,
            "run_url": self.run_url(run.id),
            "run_attempt": run.attempt,
            "node_id": format!("CR_{id}"),
            "head_sha": run.sha,
            "head_branch": run.branch,
            "workflow_name": name,
            "url": format!("{}/repos/{}/actions/jobs/{id}", self.api, self.repo),
            "html_url": format!("{}/job/{id}", self.run_page(run.id)),
            "check_run_url": format!("{}/repos/{}/check-runs/{id}", self.api, self.repo),
            "name": course.parts[index].name,
            "status": status,
            "conclusion": conclusion,
            "created_at": self.time(run, created.min(started)),
            "started_at": self.time(run, started),
            "completed_at": completed.map(|at| self.time(run, at)),
            "labels": self.labels(run),
            "runner_id": runner(json!(1)),
            "runner_name": runner(json!("GitHub Actions 1")),
            "runner_group_id": runner(json!(0)),
            "runner_group_name": runner(json!("GitHub Actions")),
            "steps": steps,
        }))
    }

    /// A job beside those that the timetable is about.
    fn other_job(&self, run: &Run, phase: &Phase, number: u64, other: &OtherJob) -> Value {
        let course = Course::of(self.scenario.workflow(&run.workflow), run);
        let (begin, _) = course.window(course.first);
        let mut job = self.job(run, phase, &course, course.first, phase.since).unwrap_or_default();
        let id = job_id(run, 0) + 100_000_000 * number;
        let step = |(name, conclusion): &(String, String)| {
            json!({
                "name": name,
                "status": "completed",
                "conclusion": conclusion,
                "number": 1,
                "started_at": self.time(run, begin),
                "completed_at": self.time(run, begin + Duration::from_secs(1)),
            })
        };
        job["id"] = json!(id);
        job["node_id"] = json!(format!("CR_{id}"));
        job["html_url"] = json!(format!("{}/job/{id}", self.run_page(run.id)));
        job["url"] = json!(format!("{}/repos/{}/actions/jobs/{id}", self.api, self.repo));
        job["check_run_url"] = json!(format!("{}/repos/{}/check-runs/{id}", self.api, self.repo));
        job["name"] = json!(other.name);
        job["run_attempt"] = json!(other.attempt);
        job["conclusion"] = json!(other.conclusion);
        job["completed_at"] = json!(self.time(run, phase.since));
        job["steps"] = other.steps.iter().map(step).collect();
        job
    }

    fn steps(
        &self,
        run: &Run,
        course: &Course<'_>,
        index: usize,
        stand: &Stand,
        age: Duration,
    ) -> Vec<Value> {
        let names = course.parts[index].steps.iter().enumerate();
        let step = |(number, name): (usize, &String)| {
            let (from, to) = course.step_window(index, number);
            let (status, conclusion) = course.step(index, number, stand, age);
            json!({
                "name": name,
                "status": status,
                "conclusion": conclusion,
                "number": number + 1,
                "started_at": (status != "queued").then(|| self.time(run, from)),
                "completed_at": (status == "completed").then(|| self.time(run, to)),
            })
        };
        names.map(step).collect()
    }
}
