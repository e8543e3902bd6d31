//! What a deploy would be rolled back to. The record holds what was known when its run was first seen, so it is read again
//! when somebody asks, and once more when they confirm.

use super::draft::note;
use super::effects::Services;
use super::event::Event;
use super::past::{self, Success};
use super::record::Deploy;
use crate::store::StoreError;

/// The deploy with its last success as it is known now, which is stored.
pub(crate) async fn with_last_success(
    services: Services<'_>,
    mut deploy: Deploy,
) -> Result<Deploy, StoreError> {
    let (store, github, order) = (services.store, services.github, &deploy.order);
    let run = deploy.target.as_ref().and_then(|target| target.run.as_deref());
    let read = match run.filter(|_| deploy.watched.is_some()) {
        Some(run) => past::read_watched(store, github, order, run).await?,
        None => past::read(store, github, order).await?,
    };
    let now = read.last_success;
    let known = deploy.past.get_or_insert_default();
    // What only GitHub has told stays if it does not answer now.
    let is_of_github = |before: &Success| before.inputs.is_none();
    let last = now.or_else(|| known.last_success.clone().filter(is_of_github));
    if last == known.last_success {
        return Ok(deploy);
    }
    known.last_success.clone_from(&last);
    note(services, &deploy.order.key, Event::LastSuccess(last)).await?;
    Ok(deploy)
}

/// Whether the record still tells the same last success.
pub(crate) async fn has_same_last_success(
    services: Services<'_>,
    deploy: &Deploy,
) -> Result<bool, StoreError> {
    let known = deploy.past.as_ref().and_then(|past| past.last_success.as_ref());
    if deploy.watched.is_some() {
        return Ok(known.is_some());
    }
    let now = past::recorded(services.store, &deploy.order).await?.last_success;
    Ok(match now {
        Some(now) => {
            known.is_some_and(|known| (known.run_id, &known.sha) == (now.run_id, &now.sha))
        }
        None => known.is_some_and(|known| known.inputs.is_none()),
    })
}
