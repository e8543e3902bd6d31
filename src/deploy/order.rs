//! A requested deploy.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::correlation::Requester;
use super::given::Given;
use super::key::DeployKey;
use super::past::Success;
use crate::agents::Input;
use crate::discord::CorrelationId;
use crate::github::{BOOKKEEPING, MAX_INPUTS, Repository};
use crate::text::escape;

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
    /// Where it deploys to, as `agents.toml` says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// Whether an agent with another environment, or with other fixed inputs, dispatches the same workflow: then the runs
    /// on GitHub do not tell where they deployed to.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub shares_workflow: bool,
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
    /// What it goes back to, if it is a roll back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rolls_back: Option<RollBack>,
    /// The command that tells whether it is live, without the slash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified_by: Option<String>,
    /// Whether its requester is an admin of the bot, to whom is said what only admins can mend.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_admin: bool,
}

/// A roll back: what was deployed before is deployed again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RollBack {
    /// What it goes back to.
    pub to: Success,
    /// How that is done.
    pub how: How,
}

/// How a roll back is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum How {
    /// The workflow is dispatched with the commit.
    Input {
        /// The workflow input that takes it.
        name: String,
    },
    /// The run that deployed it is run again, as its next attempt.
    Rerun,
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
    /// The run that is run again. `None`: the workflow is dispatched.
    pub(super) fn reruns(&self) -> Option<u64> {
        let roll_back = self.rolls_back.as_ref().filter(|roll_back| roll_back.how == How::Rerun)?;
        Some(roll_back.to.run_id)
    }

    /// The inputs of its run, as far as they are known: those of a run that is run again are that run's.
    pub(super) fn known_inputs(&self) -> Option<&Map<String, Value>> {
        match &self.rolls_back {
            Some(RollBack { to, how: How::Rerun }) => to.inputs.as_ref(),
            _ => Some(&self.inputs),
        }
    }

    /// A commit's short hash, as a link to its page. `None`: it is no hash. `run_page`: of a run of the repository.
    pub(crate) fn commit_link(&self, sha: &str, run_page: Option<&str>) -> Option<String> {
        let is_hash = sha.len() >= 7 && sha.bytes().all(|b| b.is_ascii_hexdigit());
        let short = sha.get(..7).filter(|_| is_hash)?;
        let page = run_page.unwrap_or(&self.workflow_page);
        let repository_page = page.split("/actions/").next()?;
        Some(escape::link(short, &format!("{repository_page}/commit/{sha}")))
    }

    /// Adds an input. Messages and the log show it.
    pub fn give(&mut self, input: &Input, value: String) {
        let name = input.option.name.clone();
        self.given.push(Given { name, value: value.clone() });
        self.inputs.insert(input.input.clone(), value.into());
    }

    /// Adds an input with a fixed value. Messages and the log show it.
    pub fn fix(&mut self, input: &str, value: &str) {
        self.given.push(Given { name: input.to_owned(), value: value.to_owned() });
        self.inputs.insert(input.to_owned(), value.into());
    }

    /// The workflow's inputs: what the agent and the user give, and the bookkeeping inputs without those that are left
    /// out, as far as GitHub takes so many.
    pub fn all_inputs(&self, left_out: &[&str]) -> Map<String, Value> {
        let mut inputs = self.inputs.clone();
        let ours = BOOKKEEPING.map(|name| {
            let value = match name {
                "correlation_id" => Some(self.correlation_id.to_string().into()),
                "requester" => Some(self.requester.to_input().into()),
                other => inputs.remove(other),
            };
            (name, value)
        });
        for (name, value) in ours {
            if let Some(value) = value
                && !left_out.contains(&name)
                && inputs.len() < MAX_INPUTS
            {
                inputs.insert(name.to_owned(), value);
            }
        }
        inputs
    }
}

#[cfg(test)]
mod tests {
    use super::BOOKKEEPING;
    use crate::deploy::sample;
    use rstest::rstest;

    /// What is sent of the bookkeeping inputs beside so many others.
    #[rstest]
    #[case::room_for_all(22, &[], &["correlation_id", "requester", "channel"])]
    #[case::room_for_two(23, &[], &["correlation_id", "requester"])]
    #[case::room_for_one(24, &[], &["correlation_id"])]
    #[case::room_for_none(25, &[], &[])]
    #[case::left_out(0, &["requester"], &["correlation_id", "channel"])]
    #[case::what_is_left_out_makes_room(24, &["correlation_id"], &["requester"])]
    #[case::none_is_declared(3, &BOOKKEEPING, &[])]
    fn the_bookkeeping_inputs_fill_up_what_github_takes(
        #[case] others: usize,
        #[case] left_out: &[&str],
        #[case] expected: &[&str],
    ) {
        let mut order = sample::order(0, None);
        for n in 0..others {
            order.fix(&format!("input{n}"), "x");
        }
        order.inputs.insert("channel".to_owned(), "42".into());
        let sent = order.all_inputs(left_out);
        assert_eq!(sent.len(), others + expected.len());
        let ours: Vec<_> =
            BOOKKEEPING.into_iter().filter(|name| sent.contains_key(*name)).collect();
        assert_eq!(ours, expected);
    }
}
