//! A requested deploy.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::correlation::Requester;
use super::given::Given;
use super::key::DeployKey;
use crate::agents::Input;
use crate::discord::CorrelationId;
use crate::github::Repository;

/// A requested deploy: what, where and by whom.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Order {
    /// The agent's name, for messages.
    pub title: String,
    /// The agent's command, for metrics.
    pub command: String,
    /// The repository that holds the workflow.
    pub repository: Repository,
    /// The workflow's file.
    pub workflow: String,
    /// URL of the page of the workflow's runs.
    pub workflow_page: String,
    /// The branch or tag.
    pub git_ref: String,
    /// The workflow's inputs, without the correlation id and the requester.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub inputs: Map<String, Value>,
    /// Those of them that messages and the log show.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub given: Vec<Given>,
    /// Its key in the store.
    pub key: DeployKey,
    /// Derived from the interaction, so a replay has the same one.
    pub correlation_id: CorrelationId,
    /// Who typed the command.
    pub requester: Requester,
    /// What the outcome shows besides the run.
    #[serde(default, skip_serializing_if = "Extra::is_nothing")]
    pub extra: Extra,
}

/// What the outcome of a deploy shows besides its run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Extra {
    /// Nothing.
    #[default]
    Nothing,
    /// The checks of the summary that a run of the diagnose workflow leaves.
    Diagnosis,
}

impl Extra {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    fn is_nothing(&self) -> bool {
        *self == Self::Nothing
    }
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
