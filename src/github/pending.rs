//! Reads what a run waits for: environments while it is `waiting`, a concurrency group while it is `pending`.
//!
//! <https://docs.github.com/en/rest/actions/workflow-runs#get-pending-deployments-for-a-workflow-run>
//! <https://docs.github.com/en/rest/actions/concurrency-groups>

use http::StatusCode;
use serde_json::Value;

use super::client::Github;
use super::error::GithubError;
use super::gates::{Gates, gate};
use super::path::segment;
use super::queue::{self, Ahead, Place, Waits};
use super::repository::Repository;
use super::run::Run;

impl Github {
    /// Reads what a run waits for, as far as GitHub tells, with conditional requests. It is a detail, so an error
    /// is no failure, and a refusal is not asked again.
    pub async fn learn_gates(&self, repository: &Repository, run: &mut Run) {
        if run.gates.refused {
            return;
        }
        let (id, gates) = (run.id, &mut run.gates);
        let read = match run.status.as_deref() {
            Some("waiting") => self.read_gates(repository, id, gates).await,
            Some("pending") => self.read_place(repository, id, gates).await,
            _ => return,
        };
        if let Err(error) = read {
            tracing::debug!(%error, run_id = id, "GitHub does not tell what the run waits for");
            gates.refused = !error.is_passing();
        }
    }

    async fn read_gates(
        &self,
        repository: &Repository,
        run_id: u64,
        gates: &mut Gates,
    ) -> Result<(), GithubError> {
        let path = format!("/repos/{repository}/actions/runs/{run_id}/pending_deployments");
        let answer = self.get_detail(&path, gates.tag.as_ref()).await?;
        if answer.status != StatusCode::NOT_MODIFIED {
            let pending: Vec<Value> = answer.json().unwrap_or_default();
            let now = self.github_now();
            let known = pending.iter().filter_map(|pending| gate(pending, now)).collect();
            *gates = Gates { known, tag: answer.etag, ..Gates::default() };
        }
        Ok(())
    }

    /// The list of the run's groups holds its position, so while that is unchanged, nothing else is asked.
    async fn read_place(
        &self,
        repository: &Repository,
        run_id: u64,
        gates: &mut Gates,
    ) -> Result<(), GithubError> {
        let path =
            format!("/repos/{repository}/actions/runs/{run_id}/concurrency_groups?per_page=100");
        let answer = self.get_detail(&path, gates.tag.as_ref()).await?;
        if answer.status == StatusCode::NOT_MODIFIED {
            return Ok(());
        }
        let listed: Value = answer.json().unwrap_or_default();
        let before = gates.place.take().and_then(|place| place.ahead);
        let place = match queue::waits(&listed, run_id) {
            Some(waits) => Some(self.with_ahead(repository, run_id, waits, before).await),
            None => None,
        };
        *gates = Gates { place, tag: answer.etag, ..Gates::default() };
        Ok(())
    }

    /// The place with the run that is before it. What GitHub does not tell is left out.
    async fn with_ahead(
        &self,
        repository: &Repository,
        run_id: u64,
        waits: Waits,
        known: Option<Ahead>,
    ) -> Place {
        let group = segment(&waits.name);
        let of = match waits.job_id {
            Some(job_id) => format!("ahead_of_job={job_id}"),
            None => format!("ahead_of_run={run_id}"),
        };
        let path = format!("/repos/{repository}/actions/concurrency_groups/{group}?{of}");
        let listed = match self.get_detail(&path, None).await {
            Ok(answer) => answer.json().unwrap_or_default(),
            Err(error) => {
                tracing::debug!(%error, run_id, "GitHub does not tell which run is ahead");
                Value::Null
            }
        };
        let Some((count, mut ahead)) = queue::ahead(&listed, &waits, run_id) else {
            return waits.place;
        };
        ahead.number = match known.filter(|known| known.run_id == ahead.run_id) {
            Some(known) => known.number,
            None => self.number_of(repository, ahead.run_id).await,
        };
        let position = waits.place.position.or(Some(count));
        Place { position, ahead: Some(ahead), ..waits.place }
    }

    /// Only the run itself tells its number.
    async fn number_of(&self, repository: &Repository, run_id: u64) -> Option<u64> {
        let path = format!("/repos/{repository}/actions/runs/{run_id}");
        let run: Run = self.get_detail(&path, None).await.ok()?.json().ok()?;
        run.run_number
    }
}
