//! `/deploy-client` and every other agent of kind `deploy` or `workflow`: dispatches the agent's
//! workflow; with `wait:true` follows the run that came of it and reports how it ended.

use super::workflow;
use crate::agents::Kind;
use crate::bot::{Command, Serves};
use crate::github::permission::{Need, Permission, Repositories};

/// The line of the table.
pub(crate) const COMMAND: Command = Command {
    serves: Serves::Agents {
        name: |agent| {
            let deploys = matches!(agent.kind, Kind::Deploy(_) | Kind::Workflow(_));
            deploys.then_some(&agent.command)
        },
        description: |agent| &agent.description,
        options: workflow::options,
    },
    needs: &[Need::write(Permission::Actions, Repositories::OfTheAgent)],
    start: |call| Box::pin(workflow::start(call, Vec::new(), None)),
    complete: Some(|completion| Box::pin(workflow::complete(completion))),
};
