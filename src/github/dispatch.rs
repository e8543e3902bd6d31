//! Creates a workflow dispatch event.
//!
//! <https://docs.github.com/en/rest/actions/workflows#create-a-workflow-dispatch-event>

use std::sync::atomic::Ordering;

use http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::client::Github;
use super::error::GithubError;
use super::repository::Repository;

/// The most inputs of a dispatch.
pub const MAX_INPUTS: usize = 25;

/// The inputs that Deckhand sets itself, the most important first. A workflow need not declare them.
pub const BOOKKEEPING: [&str; 3] = ["correlation_id", "requester", "channel"];

/// The run that a dispatch created. Only newer servers return it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct DispatchAnswer {
    /// The id of the run.
    #[serde(rename = "workflow_run_id")]
    pub run_id: u64,
    /// URL of the run's page.
    pub html_url: Option<String>,
}

impl Github {
    /// Whether to send `return_run_details`: true until this server refused the field.
    pub fn asks_for_the_run(&self) -> bool {
        self.takes_run_details.load(Ordering::Relaxed)
    }

    /// Stops sending `return_run_details`: Enterprise Server up to 3.20 does not know the field.
    pub fn do_not_ask_for_the_run(&self) {
        self.takes_run_details.store(false, Ordering::Relaxed);
    }

    /// Sends one dispatch. `return_run_details` asks for the run's id; an older server refuses the field with
    /// 400 or 422. `Ok(None)`: accepted, but the run is not known.
    pub async fn dispatch(
        &self,
        repository: &Repository,
        workflow: &str,
        git_ref: &str,
        inputs: &Map<String, Value>,
        return_run_details: bool,
    ) -> Result<Option<DispatchAnswer>, GithubError> {
        let path = format!("/repos/{repository}/actions/workflows/{workflow}/dispatches");
        let mut body = json!({"ref": git_ref, "inputs": inputs});
        if let (true, Some(body)) = (return_run_details, body.as_object_mut()) {
            body.insert("return_run_details".to_owned(), json!(true));
        }
        let answer = self.post(&path, &body).await?;
        match answer.status {
            // GitHub accepted the dispatch. If the body is not readable, do not send it again.
            StatusCode::OK => Ok(answer.json().ok()),
            _ => Ok(None),
        }
    }
}
