//! Begins a roll back that was confirmed.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::FutureExt;
use tokio::time::sleep;

use super::{By, Planned, others, planned, store_fails};
use crate::bot::answer_by::late;
use crate::bot::command::{Call, Plan};
use crate::bot::context::Context;
use crate::bot::steer::{Steered, follow, not_now};
use crate::deploy::about::{run_or_runs, title};
use crate::deploy::act::{Clicked, click_once, settled};
use crate::deploy::click::{Acted, Action, Click};
use crate::deploy::go_back::has_same_last_success;
use crate::deploy::outcome::Outcome;
use crate::deploy::press::Wants;
use crate::deploy::record::Phase;
use crate::deploy::stored::load;
use crate::deploy::{Deploy, DeployKey, Mandate};
use crate::github::explain::ADMINS_MEND_IT;
use crate::text::UserError;

/// How often it is looked whether it was dispatched.
const LOOKED_EVERY: Duration = Duration::from_secs(1);

/// Begins the roll back: a deploy of its own, of whoever asks for it. `asked_at`: when the question was asked that they
/// have answered. Of two answers at the same time one counts.
pub(crate) async fn start(
    call: Call,
    deploy: Deploy,
    asked_at: DateTime<Utc>,
) -> Result<Plan, UserError> {
    let context = call.context.clone();
    let by = By { caller: &call.caller, id: call.id };
    let steered = Steered { deploy, agent: call.agent.clone() };
    let Planned { order, .. } = planned(&context, by, &steered)?;
    call.answer_by
        .hold(check_it_holds(&context, &steered, asked_at))
        .await
        .unwrap_or_else(|| Err(late()))?;
    let Steered { deploy, .. } = steered;
    let claimed = call.answer_by.hold(Box::pin(claim(&call, &deploy, asked_at))).await;
    let Some(claimed) = claimed else {
        settle_later(call, deploy, late().shown);
        return Err(late());
    };
    claimed?;
    let begun = match call.begin(order, Some(call.place()), true).await {
        Ok(begun) => begun,
        Err(error) => {
            settle_later(call, deploy, error.shown.clone());
            return Err(error);
        }
    };
    Ok(Plan::Defer(Box::new(move |stop| {
        Box::pin(async move {
            let key = begun.key().clone();
            let mut followed = Box::pin(begun.go_on(&context, Mandate::Wait, stop.map(drop)));
            tokio::select! {
                ended = &mut followed => {
                    if let Some(result) = came_of(&ended) {
                        settle(&context, &call, &deploy, result).await;
                    }
                }
                result = dispatched(&context, &key) => {
                    let noted = settle(&context, &call, &deploy, result);
                    tokio::join!(noted, followed);
                }
            }
        })
    })))
}

/// Waits until it is known whether a roll back was dispatched.
async fn dispatched(context: &Context, key: &DeployKey) -> Acted {
    loop {
        sleep(LOOKED_EVERY).await;
        match load(context.store.as_ref(), key).await {
            Ok(Some(stored)) => {
                if let Some(result) = came_of(&stored.deploy) {
                    return result;
                }
            }
            Ok(None) => {}
            Err(error) => tracing::debug!(%error, "it is not known yet whether it was dispatched"),
        }
    }
}

/// Whether a roll back was dispatched. `None`: that is not known yet.
fn came_of(deploy: &Deploy) -> Option<Acted> {
    match &deploy.phase {
        Phase::Requested | Phase::Dispatching { .. } => None,
        Phase::Searching(search) => (!search.lost).then_some(Acted::Done),
        Phase::Running => Some(Acted::Done),
        Phase::Ending(ending) | Phase::Ended(ending) => Some(match &ending.outcome {
            Outcome::NotDispatched { for_admins: true, .. } => {
                Acted::Refused { why: ADMINS_MEND_IT.to_owned() }
            }
            Outcome::NothingDone { why } | Outcome::NotDispatched { why, .. } => {
                Acted::Refused { why: why.clone() }
            }
            Outcome::NotFound(_) => Acted::Unknown,
            _ => Acted::Done,
        }),
    }
}

/// Stores in the deploy that is rolled back who does that. An error: somebody else did so since it was asked for.
async fn claim(call: &Call, deploy: &Deploy, asked_at: DateTime<Utc>) -> Result<(), UserError> {
    let now = call.context.clock.now();
    let click = Click {
        action: Action::RollBack,
        user_id: call.caller.user_id,
        username: call.caller.username.clone(),
        at: now,
        interaction_id: call.id.0,
        attempt: deploy.attempt(),
        result: Acted::Asking { since: now },
        asked_at: Some(asked_at),
    };
    let claimed = click_once(call.context.deploys(), &deploy.order.key, click).await;
    match claimed.map_err(|error| store_fails(&error))? {
        Some(Clicked::Now(_)) => Ok(()),
        Some(Clicked::Not(deploy)) => Err(not_now(&deploy, Wants::RollBackNow)),
        None => {
            Err(UserError::new("Nothing was done: Deckhand does not know this deploy any more."))
        }
    }
}

/// Notes what came of it. It is for the message and the history, so an error is no failure.
async fn settle(context: &Arc<Context>, call: &Call, deploy: &Deploy, result: Acted) {
    let key = &deploy.order.key;
    match settled(context.deploys(), key, call.id.0, result).await {
        Ok(_) => follow(context, key.clone(), call.deadline),
        Err(error) => tracing::warn!(%error, "it could not be noted that a deploy was rolled back"),
    }
}

/// What was asked holds no more if another deploy began or ended since, or if something else would be gone back to.
async fn check_it_holds(
    context: &Context,
    steered: &Steered,
    asked_at: DateTime<Utc>,
) -> Result<(), UserError> {
    let deploy = &steered.deploy;
    let (others, is_same) =
        tokio::join!(others(context, steered), has_same_last_success(context.deploys(), deploy));
    let others = others.map_err(|error| store_fails(&error))?;
    let between = others.iter().find(|one| {
        one.began_at >= asked_at || one.ending().is_some_and(|ending| ending.at > asked_at)
    });
    if let Some(other) = between {
        let did = if other.began_at >= asked_at { "began" } else { "ended" };
        return Err(UserError::new(format!(
            "Nothing was done: another deploy of {} {did} since this question was asked ({}). Press *Roll back* \
             again, and see what it would be now.",
            title(deploy),
            run_or_runs(other)
        )));
    }
    if is_same.map_err(|error| store_fails(&error))? {
        return Ok(());
    }
    Err(UserError::new(format!(
        "Nothing was done: the last success of {} is another one than this question has said. Press *Roll back* \
         again, and see what it would be now.",
        title(deploy)
    )))
}

/// The same as a task of its own: nothing was begun, and the caller is answered at once.
fn settle_later(call: Call, deploy: Deploy, why: String) {
    let context = call.context.clone();
    context.clone().tasks.spawn(async move {
        settle(&context, &call, &deploy, Acted::Refused { why }).await;
    });
}
