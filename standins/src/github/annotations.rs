//! The annotations of a job's check run, which has the job's id.
//!
//! <https://docs.github.com/rest/checks/runs#list-check-run-annotations>

use super::{
    annotation::Annotation,
    view::View,
    wire::{Found, not_found},
};
use serde_json::json;

impl View<'_> {
    /// The annotations of a job that failed: those of its workflow, and the one that the runner makes.
    pub(super) fn annotations(&self, repo: &str, id: &str) -> Found {
        let (run, job) = self.find_job(repo, id)?;
        if job["status"] != "completed" {
            return Err(not_found());
        }
        let workflow = self.state.scenario.workflow(&run.workflow);
        let mut all = workflow.map(|workflow| workflow.annotations.clone()).unwrap_or_default();
        let failed = job["conclusion"] == "failure";
        all.retain(|_| failed);
        if failed {
            all.push(Annotation::failure("Process completed with exit code 1."));
        }
        let blob = format!("https://github.com/{repo}/blob/{}", run.sha);
        Ok(self.array(all, |one| {
            let (path, line) = one.place.clone().unwrap_or((".github".into(), 1));
            json!({
                "path": path,
                "blob_href": format!("{blob}/{path}"),
                "start_line": line,
                "start_column": null,
                "end_line": line,
                "end_column": null,
                "annotation_level": one.level,
                "title": "",
                "message": one.message,
                "raw_details": "",
            })
        }))
    }
}
