//! Reads what a run with the status `waiting` waits for.
//!
//! <https://docs.github.com/en/rest/actions/workflow-runs#get-pending-deployments-for-a-workflow-run>

use http::StatusCode;
use serde_json::Value;

use super::client::Github;
use super::gates::{Gates, gate};
use super::repository::Repository;

impl Github {
    /// Reads what holds a run back, with a conditional request. It is a detail, so an error is no failure, and
    /// a refusal is not asked again.
    pub(super) async fn read_gates(&self, repository: &Repository, run_id: u64, gates: &mut Gates) {
        if gates.refused {
            return;
        }
        let path = format!("/repos/{repository}/actions/runs/{run_id}/pending_deployments");
        match self.get_detail(&path, gates.tag.as_ref()).await {
            Ok(answer) if answer.status == StatusCode::NOT_MODIFIED => {}
            Ok(answer) => {
                let pending: Vec<Value> = answer.json().unwrap_or_default();
                let now = self.github_now();
                let known = pending.iter().filter_map(|pending| gate(pending, now)).collect();
                *gates = Gates { known, tag: answer.etag, refused: false };
            }
            Err(error) => {
                tracing::debug!(%error, run_id, "GitHub does not tell what the run waits for");
                gates.refused = !error.is_passing();
            }
        }
    }
}
