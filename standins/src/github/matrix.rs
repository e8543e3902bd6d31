//! The jobs of a matrix, which run side by side with the jobs that a timetable is about.

use super::{
    answers::Site,
    course::Course,
    jobs::job_id,
    run::{Phase, Run},
};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use std::time::Duration;

/// How many runners there are for them.
const RUNNERS: usize = 20;

impl Site<'_> {
    /// Twenty at a time share the time of the run; each succeeds, or is cancelled with the run.
    pub(super) fn matrix_jobs(&self, run: &Run, phase: &Phase, now: DateTime<Utc>) -> Vec<Value> {
        let count = self.scenario.workflow(&run.workflow).map_or(0, |workflow| workflow.matrix);
        let course = Course::of(self.scenario.workflow(&run.workflow), run);
        let own = course.parts.len();
        let Some(model) = self.own_jobs(run, phase, now).into_iter().next() else {
            return Vec::new();
        };
        let (begin, _) = course.window(course.first);
        let (_, end) = course.window(own - 1);
        let rounds = u32::try_from(count.div_ceil(RUNNERS)).unwrap_or(u32::MAX).max(1);
        let round = (end - begin) / rounds;
        let age = (now - run.started).to_std().unwrap_or_default();
        let over = phase.status == "completed";
        let job = |index: usize| {
            let from = begin + round * u32::try_from(index / RUNNERS).unwrap_or(u32::MAX);
            let to = if over { (from + round).min(phase.since) } else { from + round };
            let (status, conclusion) = if phase.status != "in_progress" && !over {
                (phase.status.as_str(), None)
            } else if from + round <= age.min(if over { phase.since } else { Duration::MAX }) {
                ("completed", Some("success"))
            } else if over {
                ("completed", Some("cancelled"))
            } else if from <= age {
                ("in_progress", None)
            } else {
                ("queued", None)
            };
            let id = job_id(run, own + index);
            let began = status != "queued" && from <= age;
            let mut job = model.clone();
            job["id"] = json!(id);
            job["node_id"] = json!(format!("CR_{id}"));
            job["name"] = json!(format!("build ({})", index + 1));
            job["html_url"] = json!(format!("{}/job/{id}", self.run_page(run.id)));
            job["url"] = json!(format!("{}/repos/{}/actions/jobs/{id}", self.api, self.repo));
            let check = format!("{}/repos/{}/check-runs/{id}", self.api, self.repo);
            job["check_run_url"] = json!(check);
            (job["status"], job["conclusion"]) = (json!(status), json!(conclusion));
            job["created_at"] = json!(self.time(run, begin));
            job["started_at"] = json!(self.time(run, if began { from } else { begin }));
            let completed = (status == "completed").then(|| self.time(run, to.max(from)));
            job["completed_at"] = json!(completed);
            job["steps"] = json!([]);
            job
        };
        (0..count).map(job).collect()
    }
}
