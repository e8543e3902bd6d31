//! A requested deploy.

use serde_json::{Map, Value};

use super::correlation::Requester;
use crate::discord::CorrelationId;
use crate::github::Repository;
use crate::store::DeployKey;

/// A requested deploy: what, where and by whom.
#[derive(Debug, Clone)]
pub struct Order {
    /// The agent's name, for messages.
    pub title: String,
    /// The repository that holds the workflow.
    pub repository: Repository,
    /// The workflow's file.
    pub workflow: String,
    /// The branch or tag.
    pub git_ref: String,
    /// The inputs from the user, under the workflow's names.
    pub inputs: Map<String, Value>,
    /// Its key in the store.
    pub key: DeployKey,
    /// Derived from the interaction, so a replay has the same one.
    pub correlation_id: CorrelationId,
    /// Who typed the command.
    pub requester: Requester,
}

impl Order {
    /// The workflow's inputs: what the user passed on, the correlation id and the requester.
    pub fn all_inputs(&self) -> Map<String, Value> {
        let mut inputs = self.inputs.clone();
        inputs.insert("correlation_id".to_owned(), self.correlation_id.to_string().into());
        inputs.insert("requester".to_owned(), self.requester.to_input().into());
        inputs
    }
}
