//! Steering a deploy that has begun, by a button or by a command: who may, and what then is done.

use std::sync::Arc;

use super::authorize::AccessLevel;
use super::context::Context;
use super::tasks::Deadline;
use crate::agents::{Agent, Rule};
use crate::deploy::about::{run_or_runs, title};
use crate::deploy::act::{Act, act};
use crate::deploy::buttons::offered;
use crate::deploy::click::{Acted, Action, Click};
use crate::deploy::press::{Epoch, Wants};
use crate::deploy::stored::load;
use crate::deploy::{self, Deploy, DeployKey, Mandate};
use crate::discord::interaction::Caller;
use crate::discord::{InteractionId, Message};
use crate::github::explain::Audience;
use crate::telemetry;
use crate::text::UserError;

/// A deploy that somebody may steer.
pub(crate) struct Steered {
    pub(crate) deploy: Deploy,
    /// Its agent; `None` if `agents.toml` has it no more. Of a watched run the one that dispatches its workflow, if
    /// it is the only one.
    pub(crate) agent: Option<Agent>,
}

/// Finds the deploy, and decides whether the caller may steer it: whoever may use its agent's command. If there
/// is no such agent any more, only admins may. Of a run that a watch covers its agents are those that dispatch its
/// workflow.
pub(crate) async fn find(
    context: &Context,
    caller: &Caller,
    key: &DeployKey,
) -> Result<Steered, UserError> {
    context.access.decide_place(caller)?;
    let mut agent = context.registry.by_id(&key.agent).cloned();
    if !key.is_watched() {
        decide(context, caller, agent.as_ref().as_slice())?;
    }
    let stored = load(context.store.as_ref(), key).await.map_err(|error| {
        telemetry::failed(&error);
        UserError::new(
            "Nothing was done: Deckhand cannot read its store now. Try again in a minute.",
        )
    })?;
    let deploy = stored.map(|stored| stored.deploy).filter(|deploy| is_of_server(deploy, caller));
    let mut deploy = deploy.ok_or_else(|| {
        UserError::new(
            "Nothing was done: Deckhand does not know this deploy here, or not any more.",
        )
    })?;
    deploy.give_up_clicks(context.clock.now());
    if key.is_watched() {
        let default = context.github.default_repository();
        let order = &deploy.order;
        let owners = context.registry.dispatching(&order.repository, &order.workflow, default);
        decide(context, caller, &owners)?;
        agent = owners.first().filter(|_| owners.len() == 1).map(|agent| (*agent).clone());
    }
    Ok(Steered { deploy, agent })
}

/// Whether the caller may use the commands of all these agents. If there are none, only admins may.
fn decide(context: &Context, caller: &Caller, agents: &[&Agent]) -> Result<(), UserError> {
    if agents.is_empty() {
        context.access.decide(caller, AccessLevel::Admin, &Rule::default())?;
    }
    for agent in agents {
        context.access.decide(caller, AccessLevel::Agent, &agent.rule)?;
    }
    Ok(())
}

/// Whether a deploy was requested in the server where the caller is. Of a watch only the channel is known, and that is
/// in one server.
fn is_of_server(deploy: &Deploy, caller: &Caller) -> bool {
    if deploy.watched.is_some() {
        let channel_id = deploy.place.as_ref().and_then(|place| place.channel_id);
        return channel_id.is_some() && channel_id == caller.channel_id;
    }
    let guild_id = deploy.place.as_ref().and_then(|place| place.guild_id);
    guild_id.is_some() && guild_id == caller.guild_id
}

/// Whether this can be done to a deploy as it stands now.
pub(crate) fn check(context: &Context, deploy: &Deploy, wants: Wants) -> Result<(), UserError> {
    let needed = if wants == Wants::RollBackNow { Wants::Act(Action::RollBack) } else { wants };
    if wants == Wants::Refresh || offered(deploy, context.clock.now()).contains(&needed) {
        return Ok(());
    }
    Err(not_now(deploy, wants))
}

/// Whether a deploy still stands as it did when a button was made.
pub(crate) fn check_epoch(deploy: &Deploy, epoch: Epoch) -> Result<(), UserError> {
    if Epoch::of(deploy) == epoch {
        return Ok(());
    }
    Err(UserError::new(format!(
        "Nothing was done: {} has changed since this button was shown. Look at its message as it is now.",
        title(deploy)
    )))
}

pub(crate) fn not_now(deploy: &Deploy, wants: Wants) -> UserError {
    let title = title(deploy);
    let attempt = deploy.attempt();
    let before = |action| deploy.clicked(action, attempt).map(|click| click.user_id);
    let why = match wants {
        Wants::Act(Action::Cancel | Action::ForceCancel) if deploy.ending().is_some() => {
            "it has ended".to_owned()
        }
        Wants::RollBackNow if before(Action::RollBack).is_some() => {
            let by = before(Action::RollBack).map(|id| format!(" by <@{id}>")).unwrap_or_default();
            format!("that was done already{by}")
        }
        Wants::Act(action) if before(action).is_some() => {
            let by = before(action).map(|id| format!(" by <@{id}>")).unwrap_or_default();
            format!("that was done already{by}")
        }
        Wants::Act(Action::Cancel) => "its run is not known yet".to_owned(),
        Wants::Act(Action::ForceCancel) => {
            "a run can be forced to end five minutes after it was cancelled".to_owned()
        }
        Wants::Act(Action::Rerun) if deploy.ending().is_none() => "it goes on".to_owned(),
        Wants::Act(Action::Rerun) => {
            "only a run that did not succeed is run again, for 30 days and 50 attempts at most"
                .to_owned()
        }
        Wants::Act(Action::RollBack) | Wants::RollBackNow if deploy.ending().is_none() => {
            "it goes on; cancel it first".to_owned()
        }
        Wants::Act(Action::RollBack) | Wants::RollBackNow => {
            "no earlier success of it is known".to_owned()
        }
        Wants::Dismiss | Wants::Refresh => String::new(),
    };
    UserError::new(format!("Nothing was done to {title}: {why}. {}", run_or_runs(deploy)))
}

/// Does it, and says to the caller what came of it. Whoever follows the deploy, or a task of its own, goes on.
pub(crate) async fn steer(
    context: &Arc<Context>,
    caller: &Caller,
    id: InteractionId,
    deploy: Deploy,
    action: Action,
    deadline: Option<Deadline>,
) -> Message {
    let now = context.clock.now();
    let click = Click {
        action,
        user_id: caller.user_id,
        username: caller.username.clone(),
        at: now,
        interaction_id: id.0,
        attempt: deploy.attempt(),
        result: Acted::Asking { since: now },
        asked_at: None,
    };
    let key = deploy.order.key.clone();
    let clicker = Audience::of(context.access.is_admin(caller));
    let words = match Box::pin(act(context.deploys(), &key, click, clicker)).await {
        Ok(Some(Act::Asked(deploy, result))) => {
            follow(context, key, deadline);
            said(&deploy, action, &result)
        }
        Ok(Some(Act::NotNow(deploy))) => not_now(&deploy, Wants::Act(action)).text(),
        Ok(None) => "Nothing was done: Deckhand does not know this deploy any more.".to_owned(),
        Err(error) => {
            telemetry::failed(&error);
            "⚠️ Deckhand could not use its store, so it is unknown whether it was done. Look at the run before you \
             try again."
                .to_owned()
        }
    };
    Message::private(&words)
}

/// Looks at the deploy and shows it, as a task of its own.
pub(crate) fn follow(context: &Arc<Context>, key: DeployKey, deadline: Option<Deadline>) {
    let follower = context.clone();
    context.tasks.spawn(async move {
        let stop = follower.tasks.wind_up(deadline);
        let visit = deploy::visit(follower.deploys(), &key, Mandate::Wait, stop);
        if let Err(error) = Box::pin(visit).await {
            tracing::warn!(%error, "a deploy could not be shown after a click; the sweep goes on");
        }
    });
}

fn said(deploy: &Deploy, action: Action, result: &Acted) -> String {
    let (title, run) = (title(deploy), run_or_runs(deploy));
    let asked = match action {
        Action::Cancel => "to cancel it",
        Action::ForceCancel => "to end it by force",
        Action::Rerun => "to run its failed jobs again",
        Action::RollBack => "to roll it back",
    };
    match result {
        Acted::Done | Acted::Asking { .. } => {
            format!("{title}: GitHub was asked {asked}. Its message shows how it goes on. {run}")
        }
        Acted::NotAsked { why } => format!("⚠️ {title}: nothing was done. {why} {run}"),
        Acted::Refused { why } => {
            format!("⚠️ {title}: GitHub was asked {asked}, and refused. {why} {run}")
        }
        Acted::Unknown => format!(
            "⚠️ {title}: GitHub was asked {asked}, but its answer was lost, so it is unknown whether it does that. \
             Look at the run. {run}"
        ),
    }
}
