//! `/deploy-client` and the command of every other agent of kind `deploy` or `workflow`.
//!
//! It dispatches the agent's workflow. With `wait:true` it follows the run and reports its conclusion.

use super::{refs, workflow};
use crate::agents::Kind;
use crate::bot::{Command, Serves};
use crate::deploy::Extra;
use crate::github::permission::{Need, Permission, Repositories};

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
    start: |call| Box::pin(workflow::start(call, Vec::new(), Extra::Nothing)),
    complete: Some(|completion| Box::pin(refs::complete(completion))),
};
