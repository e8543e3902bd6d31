//! What an agent's command orders, as a button orders it too.

use serde_json::Map;

use super::context::Context;
use crate::agents::Agent;
use crate::deploy::correlation::Requester;
use crate::deploy::{DeployKey, Extra, Order};
use crate::discord::InteractionId;
use crate::discord::interaction::Caller;
use crate::github::git_ref::short;
use crate::text::{UserError, escape};

/// The order of an agent's command, without the inputs that users set. `git_ref` is the user's; it must be allowed.
pub(crate) fn order(
    context: &Context,
    agent: Option<&Agent>,
    id: InteractionId,
    caller: &Caller,
    git_ref: Option<&str>,
) -> Result<Order, UserError> {
    let (agent, workflow) = agent
        .and_then(|agent| Some((agent, agent.workflow()?)))
        .ok_or_else(|| UserError::new("This command has no workflow behind it."))?;
    let git_ref = git_ref.map_or(workflow.default_ref.as_str(), |name| short(name.trim()));
    if !workflow.allows_ref(git_ref) {
        let allowed: Vec<_> =
            workflow.allowed_refs.iter().map(|r| escape::code(&r.0, 100)).collect();
        return Err(UserError::new(format!(
            "Not started: {} may not be deployed by this command. Allowed: {}.",
            escape::code(git_ref, 100),
            allowed.join(", "),
        )));
    }
    let default = context.github.default_repository();
    let repository = workflow.repository.as_ref().unwrap_or(default);
    let mut order = Order {
        title: agent.name.clone(),
        command: agent.command.clone(),
        workflow_page: context.github.workflow_page(repository, &workflow.file),
        repository: repository.clone(),
        workflow: workflow.file.clone(),
        git_ref: git_ref.to_owned(),
        environment: workflow.environment.clone(),
        shares_workflow: !context.registry.sharing(agent, default).is_empty(),
        inputs: Map::new(),
        given: Vec::new(),
        key: DeployKey { agent: agent.id.clone(), interaction_id: id },
        correlation_id: id.correlation_id(),
        requester: Requester::from(caller),
        extra: Extra::Nothing,
        rolls_back: None,
        verified_by: verified_by(context, agent),
        by_admin: context.access.is_admin(caller),
    };
    for (input, value) in &workflow.fixed {
        order.fix(input, value);
    }
    Ok(order)
}

/// The command of the agent that verifies this one's deploys.
fn verified_by(context: &Context, agent: &Agent) -> Option<String> {
    let verifies = |other: &&Agent| {
        other.verification().is_some_and(|verification| verification.verifies == agent.id)
    };
    let verifier = context.registry.agents().iter().find(verifies)?;
    Some(verifier.command.clone())
}
