//! `/diagnose`: dispatches the diagnose workflow. With `wait:true` it follows the run and shows the
//! checks in the run's summary artifact.

use serde_json::Value;

use super::{refs, workflow};
use crate::agents::Kind;
use crate::bot::{Call, Command, Plan, Serves};
use crate::deploy::Extra;
use crate::discord::interaction::Caller;
use crate::github::permission::{Need, Permission, Repositories};
use crate::text::UserError;

pub(crate) const COMMAND: Command = Command {
    serves: Serves::Agents {
        name: |agent| matches!(agent.kind, Kind::Diagnose(_)).then_some(&agent.command),
        description: |agent| &agent.description,
        options: workflow::options,
    },
    needs: &[Need::write(Permission::Actions, Repositories::OfTheAgent)],
    start: |call| Box::pin(start(call)),
    complete: Some(|completion| Box::pin(refs::complete(completion))),
};

async fn start(call: Call) -> Result<Plan, UserError> {
    let inputs = inputs(&call.caller);
    workflow::start(call, inputs, Extra::Diagnosis).await
}

/// The extra input of the diagnose workflow, besides the agent's: the id of the channel.
pub(crate) fn inputs(caller: &Caller) -> Vec<(String, Value)> {
    let channel = caller.channel_id.map(|id| id.to_string()).unwrap_or_default();
    vec![("channel".to_owned(), channel.into())]
}
