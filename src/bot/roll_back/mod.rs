//! Deploys again what was deployed before: the last success of the agent and environment before a deploy. `question`
//! asks whether that is meant, `start` does it.

mod question;
mod start;

use super::context::Context;
use super::order::order;
use super::steer::Steered;
use crate::agents::{Agent, Workflow};
use crate::deploy::about::title;
use crate::deploy::correlation::Requester;
use crate::deploy::given::Given;
use crate::deploy::order::{How, RollBack};
use crate::deploy::past::Success;
use crate::deploy::stored::records;
use crate::deploy::{Deploy, DeployKey, Extra, Order};
use crate::discord::InteractionId;
use crate::discord::interaction::Caller;
use crate::store::StoreError;
use crate::telemetry;
use crate::text::UserError;

pub(crate) use question::question;
pub(crate) use start::start;

/// Who asks for a roll back, and by which interaction.
#[derive(Clone, Copy)]
pub(crate) struct By<'a> {
    pub(crate) caller: &'a Caller,
    pub(crate) id: InteractionId,
}

/// What a roll back is, as the agent is now.
struct Planned {
    /// What it goes back to.
    success: Success,
    /// By an input of the workflow, or by a re-run.
    how: How,
    /// The deploy that it becomes.
    order: Order,
}

/// What it would be. An error: it is not possible.
fn planned(context: &Context, by: By<'_>, steered: &Steered) -> Result<Planned, UserError> {
    let Steered { deploy, agent } = steered;
    let known = deploy.past.as_ref().and_then(|past| past.last_success.clone());
    let success = known.ok_or_else(|| {
        UserError::new(format!(
            "Nothing was done: no success of {} before this one is known.",
            title(deploy)
        ))
    })?;
    let how = how(agent.as_ref(), &success);
    let mut order = ordered(context, by, steered, &success, &how)?;
    let declared = agent.as_ref().and_then(Agent::workflow);
    give(&mut order, declared, &success);
    if let (How::Input { name }, Some(sha)) = (&how, &success.sha) {
        order.inputs.insert(name.clone(), sha.clone().into());
        order.given.retain(|given| given.name != *name);
        order.given.push(Given { name: name.clone(), value: sha.clone() });
    }
    order.rolls_back = Some(RollBack { to: success.clone(), how: how.clone() });
    Ok(Planned { success, how, order })
}

fn how(agent: Option<&Agent>, success: &Success) -> How {
    let input = agent.and_then(Agent::workflow).and_then(|workflow| workflow.sha_input.clone());
    match input.filter(|_| success.sha.is_some()) {
        Some(name) => How::Input { name },
        None => How::Rerun,
    }
}

/// The order of the agent as it is now, on the ref of the success. If that may not be deployed any more, a commit is
/// deployed on the agent's own ref, and a run is not run again.
fn ordered(
    context: &Context,
    by: By<'_>,
    steered: &Steered,
    success: &Success,
    how: &How,
) -> Result<Order, UserError> {
    let Steered { deploy, agent } = steered;
    let before = &deploy.order;
    let git_ref = success.git_ref.as_deref().unwrap_or(&before.git_ref);
    if agent.is_none() && deploy.watched.is_none() {
        // `agents.toml` has the agent no more: its run can be run again all the same.
        return Ok(Order {
            git_ref: git_ref.to_owned(),
            inputs: serde_json::Map::new(),
            given: Vec::new(),
            key: DeployKey { agent: before.key.agent.clone(), interaction_id: by.id },
            correlation_id: by.id.correlation_id(),
            requester: Requester::from(by.caller),
            by_admin: context.access.is_admin(by.caller),
            extra: Extra::Nothing,
            ..before.clone()
        });
    }
    let allows = |workflow: &Workflow| workflow.allows_ref(git_ref);
    let is_allowed = agent.as_ref().and_then(Agent::workflow).is_some_and(allows);
    let git_ref = Some(git_ref).filter(|_| is_allowed || *how == How::Rerun);
    let order = order(context, agent.as_ref(), by.id, by.caller, git_ref)?;
    let is_elsewhere = !order.repository.is_same(&before.repository)
        || (deploy.watched.is_none() && order.environment != before.environment)
        || (*how == How::Rerun && order.workflow != before.workflow);
    if is_elsewhere {
        return Err(UserError::new(format!(
            "Nothing was done: `agents.toml` was changed since {} ran. Its agent now has another repository, workflow \
             or environment.",
            title(deploy)
        )));
    }
    Ok(order)
}

/// The inputs of the success. What the agent does not declare any more its workflow may refuse.
fn give(order: &mut Order, declared: Option<&Workflow>, success: &Success) {
    let Some(inputs) = &success.inputs else { return };
    let Some(workflow) = declared else {
        order.inputs.clone_from(inputs);
        return;
    };
    for input in &workflow.inputs {
        if let Some(value) = inputs.get(&input.input).and_then(serde_json::Value::as_str) {
            order.give(input, value.to_owned());
        }
    }
}

/// The inputs of an order that messages show, without the one that takes the commit.
fn shown<'a>(order: &'a Order, how: &How) -> Vec<&'a Given> {
    let is_sha = |given: &&Given| matches!(how, How::Input { name } if given.name == *name);
    order.given.iter().filter(|given| !is_sha(given)).collect()
}

/// How many of an agent's latest deploys are looked at for others.
const LOOKED_AT: u16 = 50;

/// The other deploys of the same agent and environment, newest first. Of a watched run that are the other runs which
/// its channel is told of, and the deploys of the agent that dispatches its workflow.
async fn others(context: &Context, steered: &Steered) -> Result<Vec<Deploy>, StoreError> {
    let Steered { deploy, agent } = steered;
    let (own, store) = (&deploy.order.key, context.store.as_ref());
    let owner = agent.as_ref().filter(|agent| agent.id != own.agent);
    let of_owner = async {
        match owner {
            Some(agent) => records(store, &agent.id, LOOKED_AT).await,
            None => Ok(Vec::new()),
        }
    };
    let (of_own, of_owner) = tokio::try_join!(records(store, &own.agent, LOOKED_AT), of_owner)?;
    let goes_to = |environment: Option<&String>| {
        let environment = environment.cloned();
        move |one: &Deploy| one.order.environment == environment
    };
    let of_own = of_own.into_iter().filter(goes_to(deploy.order.environment.as_ref()));
    let environment = owner.and_then(|agent| agent.workflow()?.environment.as_ref());
    let of_owner = of_owner.into_iter().filter(goes_to(environment));
    let mut others: Vec<Deploy> =
        of_own.chain(of_owner).filter(|one| one.order.key != *own).collect();
    others.sort_by_key(|one| std::cmp::Reverse(one.interaction()));
    Ok(others)
}

fn store_fails(error: &StoreError) -> UserError {
    telemetry::failed(error);
    UserError::new("Nothing was done: Deckhand cannot use its store now. Try again in a minute.")
}
