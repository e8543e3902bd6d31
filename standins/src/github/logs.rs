//! The logs of jobs.
//!
//! <https://docs.github.com/rest/actions/workflow-jobs#download-job-logs-for-a-workflow-run>

use super::{
    view::View,
    wire::{Found, not_found},
};
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::Value;
use std::fmt::Write;

impl View<'_> {
    /// The way to a job's log; there is none before the job ended, nor of one that was cancelled
    /// or skipped.
    pub(super) fn job_log(&mut self, repo: &str, id: &str) -> Found {
        let (run, job) = self.find_job(repo, id)?;
        let ended = time(&job["completed_at"]).ok_or_else(not_found)?;
        let scenario = &self.state.scenario;
        let comes = ended - scenario.clock_skew + scenario.logs_lag;
        if self.now < comes || matches!(job["conclusion"].as_str(), Some("cancelled" | "skipped")) {
            return Err(not_found());
        }
        let workflow = scenario.workflow(&run.workflow);
        let prints = workflow.map_or(&[][..], |workflow| &workflow.prints);
        let content = workflow.and_then(|workflow| workflow.log.clone());
        let content = content.unwrap_or_else(|| log(&job, prints).into());
        Ok(self.link("text/plain; charset=utf-8", content))
    }
}

fn time(value: &Value) -> Option<DateTime<Utc>> {
    value.as_str()?.parse().ok()
}

/// A log as GitHub writes it: a byte-order mark, then a time before each line. The lines do not
/// say which step they are of, only their times do.
fn log(job: &Value, prints: &[(String, String)]) -> String {
    let mut text = String::from("\u{feff}");
    for step in job["steps"].as_array().into_iter().flatten() {
        let name = step["name"].as_str().unwrap_or_default();
        let (Some(from), Some(to)) = (time(&step["started_at"]), time(&step["completed_at"]))
        else {
            continue;
        };
        let failed = step["conclusion"] == "failure";
        if step["conclusion"] == "skipped" {
            continue;
        }
        let mut line = |at: DateTime<Utc>, what: &str| {
            let at = at.to_rfc3339_opts(SecondsFormat::Nanos, true);
            // Seven decimals.
            let _ = writeln!(text, "{}Z {what}", &at[..27]);
        };
        line(from, &format!("##[group]Run {name}"));
        line(from, "##[endgroup]");
        for (_, printed) in prints.iter().filter(|(step, _)| step == name) {
            line(from, printed);
        }
        if failed {
            line(to, "##[error]Process completed with exit code 1.");
        }
    }
    text
}
