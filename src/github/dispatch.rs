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

/// What GitHub says of the run it made, if the server is new enough to say.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct DispatchAnswer {
    /// The run's id.
    #[serde(rename = "workflow_run_id")]
    pub run_id: u64,
    /// The run's page.
    pub html_url: Option<String>,
}

impl Github {
    /// Whether to ask for the run's id: yes, until this server was found not to know the field.
    pub fn asks_for_the_run(&self) -> bool {
        self.takes_run_details.load(Ordering::Relaxed)
    }

    /// Remembers that this server does not know the field, as Enterprise Server up to 3.20.
    pub fn do_not_ask_for_the_run(&self) {
        self.takes_run_details.store(false, Ordering::Relaxed);
    }

    /// Sends one dispatch. `return_run_details` asks for the run's id, which a server that does not know
    /// the field refuses with a 400 or 422. `Ok(None)`: taken, but not told which run.
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
            // Taken in any case; a body that does not tell the run is no reason to send it again.
            StatusCode::OK => Ok(answer.json().ok()),
            _ => Ok(None),
        }
    }
}
