//! A requested deploy.

use serde_json::{Map, Value};

use super::correlation::Requester;
use super::given::Given;
use super::key::DeployKey;
use crate::agents::Input;
use crate::discord::CorrelationId;
use crate::github::Repository;

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
    /// The workflow's inputs, without the correlation id and the requester.
    pub inputs: Map<String, Value>,
    /// Those of them that messages and the log show.
    pub given: Vec<Given>,
    /// Its key in the store.
    pub key: DeployKey,
    /// Derived from the interaction, so a replay has the same one.
    pub correlation_id: CorrelationId,
    /// Who typed the command.
    pub requester: Requester,
}

impl Order {
    /// Adds an input. Messages and the log show it.
    pub fn give(&mut self, input: &Input, value: String) {
        let name = input.option.name.clone();
        self.given.push(Given { name, value: value.clone() });
        self.inputs.insert(input.input.clone(), value.into());
    }

    /// The workflow's inputs: what the user passed on, the correlation id and the requester.
    pub fn all_inputs(&self) -> Map<String, Value> {
        let mut inputs = self.inputs.clone();
        inputs.insert("correlation_id".to_owned(), self.correlation_id.to_string().into());
        inputs.insert("requester".to_owned(), self.requester.to_input().into());
        inputs
    }
}
