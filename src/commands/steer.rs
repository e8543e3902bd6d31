//! `/cancel`, `/rerun` and `/rollback`: what a deploy's buttons do, for the keyboard.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::agents::Agent;
use crate::agents::options::{OptionKind, OptionSpec};
use crate::bot::authorize::AccessLevel;
use crate::bot::roll_back::{By, question};
use crate::bot::steer::{Steered, check, find, steer};
use crate::bot::{Call, Command, Completion, Context, Plan, Serves};
use crate::deploy::buttons::offered;
use crate::deploy::click::Action;
use crate::deploy::press::Wants;
use crate::deploy::stored::records;
use crate::deploy::{Deploy, DeployKey};
use crate::discord::InteractionId;
use crate::discord::interaction::Caller;
use crate::discord::reply::Suggestion;
use crate::github::permission::{Need, Permission, Repositories};
use crate::github::run_reference::RunReference;
use crate::text::{UserError, escape};

pub(crate) const CANCEL: Command = Command {
    serves: Serves::Own {
        name: "cancel",
        description: "Asks GitHub to cancel the run of a deploy; five minutes later, to end it by force",
        access: AccessLevel::Agent,
        options: || vec![option("The deploy that goes on")],
    },
    needs: &[Need::write(Permission::Actions, Repositories::All)],
    start: |call| Box::pin(act(call, Action::Cancel)),
    complete: Some(|completion| Box::pin(complete(completion, Action::Cancel))),
};

pub(crate) const RERUN: Command = Command {
    serves: Serves::Own {
        name: "rerun",
        description: "Runs the failed jobs of a deploy again, as its next attempt",
        access: AccessLevel::Agent,
        options: || vec![option("The deploy that failed")],
    },
    needs: &[Need::write(Permission::Actions, Repositories::All)],
    start: |call| Box::pin(act(call, Action::Rerun)),
    complete: Some(|completion| Box::pin(complete(completion, Action::Rerun))),
};

pub(crate) const ROLLBACK: Command = Command {
    serves: Serves::Own {
        name: "rollback",
        description: "Asks whether to deploy again what was deployed before a deploy",
        access: AccessLevel::Agent,
        options: || vec![option("The deploy to undo: its last success before is deployed again")],
    },
    needs: &[Need::write(Permission::Actions, Repositories::All)],
    start: |call| Box::pin(roll_back(call)),
    complete: Some(|completion| Box::pin(complete(completion, Action::RollBack))),
};

const OPTION: &str = "deploy";

fn option(description: &str) -> OptionSpec {
    OptionSpec {
        name: OPTION.to_owned(),
        description: description.to_owned(),
        required: true,
        kind: OptionKind::Suggested,
    }
}

async fn act(call: Call, action: Action) -> Result<Plan, UserError> {
    Ok(Plan::privately(async move {
        let (Steered { deploy, .. }, action) = found(&call, action).await?;
        Ok(steer(&call.context, &call.caller, call.id, deploy, action, call.deadline).await)
    }))
}

async fn roll_back(call: Call) -> Result<Plan, UserError> {
    Ok(Plan::privately(async move {
        let (steered, _) = found(&call, Action::RollBack).await?;
        let by = By { caller: &call.caller, id: call.id };
        question(&call.context, by, steered).await
    }))
}

/// The deploy that the caller has named, if they may steer it, and what can be done to it now.
async fn found(call: &Call, action: Action) -> Result<(Steered, Action), UserError> {
    if call.is_dead {
        return Err(UserError::new(
            "Nothing was done: this command reached Deckhand after Discord's three seconds. Type it again.",
        ));
    }
    let named = call.options.text(OPTION).unwrap_or_default();
    let key = match key_of(named) {
        Some(key) => key,
        None => of_run(&call.context, &call.caller, named).await?,
    };
    let steered = find(&call.context, &call.caller, &key).await?;
    let action = by_now(action, &steered.deploy, call.context.clock.now());
    check(&call.context, &steered.deploy, Wants::Act(action))?;
    Ok((steered, action))
}

/// What an action comes to for a deploy as it stands: once a run can be forced to end, to cancel it is to force it.
fn by_now(action: Action, deploy: &Deploy, now: DateTime<Utc>) -> Action {
    match action {
        Action::Cancel if offered(deploy, now).contains(&Wants::Act(Action::ForceCancel)) => {
            Action::ForceCancel
        }
        other => other,
    }
}

/// The deploy whose run the caller has typed, instead of choosing a suggestion: `#41`, its id, or its URL.
async fn of_run(context: &Context, caller: &Caller, typed: &str) -> Result<DeployKey, UserError> {
    let has_run = |deploy: &Deploy| {
        let target = deploy.target.as_ref()?;
        let reference = context.github.run_reference(&deploy.order.repository, typed).ok()?;
        Some(match reference {
            RunReference::Id(id) => target.run_id == id,
            RunReference::Number(number) => target.run.as_ref()?.run_number == Some(number),
        })
    };
    let deploys = latest(context, caller).await;
    let mut fitting = deploys.iter().filter(|deploy| has_run(deploy) == Some(true));
    let first = fitting.next().map(|deploy| deploy.order.key.clone());
    let why = match (first, fitting.next()) {
        (Some(key), None) => return Ok(key),
        (Some(_), Some(_)) => "several deploys have such a run",
        (None, _) => "none of the latest deploys in this server that you may steer has this run",
    };
    Err(UserError::new(format!(
        "Nothing was done: {why}. Choose one of the suggestions, or type the run's number (`#41`), id or URL."
    )))
}

/// A suggestion's value: `AGENT/INTERACTION`.
fn key_of(named: &str) -> Option<DeployKey> {
    let (agent, interaction_id) = named.trim().split_once('/')?;
    let interaction_id = InteractionId(interaction_id.parse().ok()?);
    Some(DeployKey { agent: agent.to_owned(), interaction_id })
}

/// How many of an agent's latest deploys are looked at.
const LOOKED_AT: u16 = 10;

/// The latest deploys in the caller's server, of the agents that they may use, newest first.
async fn latest(context: &Context, caller: &Caller) -> Vec<Deploy> {
    let may = |agent: &&Agent| {
        agent.workflow().is_some()
            && context.access.decide(caller, AccessLevel::Agent, &agent.rule).is_ok()
    };
    let mut deploys = Vec::new();
    for agent in context.registry.agents().iter().filter(may) {
        match records(context.store.as_ref(), &agent.id, LOOKED_AT).await {
            Ok(latest) => deploys.extend(latest),
            Err(error) => tracing::warn!(%error, "the latest deploys could not be read"),
        }
    }
    deploys
        .retain(|deploy| deploy.place.as_ref().and_then(|place| place.guild_id) == caller.guild_id);
    deploys.sort_by_key(|deploy| std::cmp::Reverse(deploy.interaction()));
    let now = context.clock.now();
    deploys.iter_mut().for_each(|deploy| deploy.give_up_clicks(now));
    deploys
}

/// Suggests those to which this can be done now.
async fn complete(completion: Completion, action: Action) -> Vec<Suggestion> {
    let Completion { context, caller, typed, .. } = completion;
    let (deploys, now) = (latest(&context, &caller).await, context.clock.now());
    let fits =
        |deploy: &&Deploy| offered(deploy, now).contains(&Wants::Act(by_now(action, deploy, now)));
    let typed = typed.to_lowercase();
    let suggested = deploys.iter().filter(fits).map(|deploy| suggestion(&context, deploy));
    suggested.filter(|one| one.name.to_lowercase().contains(&typed)).collect()
}

fn suggestion(context: &Arc<Context>, deploy: &Deploy) -> Suggestion {
    let order = &deploy.order;
    let run = deploy.target.as_ref().and_then(|target| target.run.as_ref()?.run_number);
    let run = run.map(|number| format!(" · run #{number}")).unwrap_or_default();
    let ago = crate::text::duration::compact(context.clock.now() - deploy.began_at);
    let environment =
        order.environment.as_ref().map(|name| format!(" → {name}")).unwrap_or_default();
    let git_ref = escape::clipped(&order.git_ref, 30);
    Suggestion {
        name: format!(
            "{}{environment} on {git_ref}{run} · {ago} ago · {}",
            order.title, order.requester.username
        ),
        value: format!("{}/{}", order.key.agent, order.key.interaction_id),
    }
}
