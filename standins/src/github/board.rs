//! Runs as the page *Actions* of a repository shows them: with their jobs and steps, as they stand now.

use super::{answers::Site, run::Run, standin::Github};
use serde_json::{Value, json};

impl Github {
    /// The newest runs that can be seen, newest first, with the jobs and steps of their latest attempt.
    pub fn board(&self, most: usize) -> Vec<Value> {
        let now = self.shared.clock.now();
        let state = self.shared.state();
        let mut runs: Vec<&Run> = state.runs.iter().map(|run| run.current(now)).collect();
        runs.retain(|run| run.created <= now);
        runs.sort_by_key(|run| std::cmp::Reverse((run.created, run.id)));
        let shown = runs.into_iter().filter_map(|run| {
            let phase = run.phase(now)?;
            let workflow = state.scenario.workflow(&run.workflow);
            let repo = run.repo.as_deref().unwrap_or_default();
            let jobs = Site::new(&state.scenario, self.shared.api(), repo).jobs(run, &phase, now);
            Some(json!({
                "id": run.id.to_string(),
                "number": run.run_number,
                "attempt": run.attempt,
                "workflow": workflow.map_or(&run.workflow, |workflow| &workflow.name),
                "file": run.workflow,
                "title": run.display_title,
                "branch": run.branch,
                "event": run.event,
                "actor": run.triggered_by,
                "created": run.created.timestamp_millis(),
                "status": phase.status,
                "conclusion": phase.conclusion,
                "jobs": jobs.iter().map(job).collect::<Vec<Value>>(),
            }))
        });
        shown.take(most).collect()
    }
}

/// Of a job what the page shows.
fn job(job: &Value) -> Value {
    let state = |of: &Value| json!({"name": of["name"], "status": of["status"], "conclusion": of["conclusion"]});
    let mut shown = state(job);
    shown["steps"] = job["steps"].as_array().into_iter().flatten().map(state).collect();
    shown
}
