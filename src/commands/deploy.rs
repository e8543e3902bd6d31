//! `/deploy-client` and every other agent of kind `deploy` or `workflow`: dispatches the agent's
//! workflow; with `wait:true` follows the run that came of it and reports how it ended.

use super::{Command, Serves, workflow};
use crate::agents::{Agent, Kind};

/// The line of the table.
pub const COMMAND: Command = Command {
    serves: Serves::Agents { which, options: workflow::options },
    start: |call| Box::pin(workflow::start(call, Vec::new(), None)),
    complete: Some(|completion| Box::pin(workflow::complete(completion))),
};

fn which(agent: &Agent) -> bool {
    matches!(agent.kind, Kind::Deploy(_) | Kind::Workflow(_))
}
