//! The net under all deploys: acts for those that are due, whatever happened to whoever acted for them before.

use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::StreamExt;
use futures_util::stream;
use tokio::time::{Instant, sleep_until};

use super::actor::Mandate;
use super::advance::visit;
use super::effects::Services;
use super::key::DeployKey;
use super::stored::key_of;
use crate::store::{Body, Key, Store, StoreError, put_first};

/// How many deploys one sweep looks at at most, those first that are due longest. Some may be unreadable.
const MOST: u16 = 1000;

/// How many of them at the same time.
const AT_ONCE: usize = 8;

/// What a sweep did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Deploys that were acted for.
    pub visited: usize,
    /// Deploys that could not be read or stored.
    pub failed: usize,
}

/// The deploys that are due, those first that are due longest.
pub(crate) async fn due(
    store: &dyn Store,
    now: DateTime<Utc>,
) -> Result<Vec<DeployKey>, StoreError> {
    Ok(store.due(now, MOST).await?.iter().filter_map(key_of).collect())
}

/// Acts for one of them. `None`: there was nothing to do, or somebody else does it; `Some(false)`: it failed.
pub(crate) async fn visit_due(
    services: Services<'_>,
    key: &DeployKey,
    mandate: Mandate,
    stop: impl Future<Output = ()> + Send,
) -> Option<bool> {
    match visit(services, key, mandate, stop).await {
        Ok(visited) => visited.then_some(true),
        Err(error) => {
            tracing::warn!(%error, ?key, "a deploy that is due could not be advanced");
            Some(false)
        }
    }
}

/// Acts for the deploys that are due, until `until`. What is not reached is due in the next sweep.
pub(crate) async fn sweep(services: Services<'_>, until: Instant) -> Result<Swept, StoreError> {
    let due = due(services.store, services.clock.now()).await?;
    let visits = due.into_iter().map(|key| async move {
        if Instant::now() >= until {
            return None;
        }
        visit_due(services, &key, Mandate::Visit, sleep_until(until)).await
    });
    let mut swept = Swept::default();
    let mut visits = stream::iter(visits).buffer_unordered(AT_ONCE);
    while let Some(visited) = visits.next().await {
        match visited {
            Some(true) => swept.visited += 1,
            Some(false) => swept.failed += 1,
            None => {}
        }
    }
    Ok(swept)
}

/// A sweep is noted once in this time, so that the doctor can tell whether sweeps run.
const NOTED_EVERY: TimeDelta = TimeDelta::minutes(10);

const PARTITION: &str = "sweep";

/// What this process noted last, so that most sweeps write nothing.
#[derive(Debug, Default)]
pub struct Sweeps(Mutex<String>);

impl Sweeps {
    /// Notes that a sweep ran.
    pub(crate) async fn note(&self, store: &dyn Store, now: DateTime<Utc>) {
        let seconds = NOTED_EVERY.num_seconds();
        let slot = format!("{:012}", now.timestamp() / seconds * seconds);
        {
            let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if *noted == slot {
                return;
            }
            noted.clone_from(&slot);
        }
        let key = Key::new(PARTITION, slot);
        let kept_until = now + TimeDelta::days(1);
        if let Err(error) = put_first(store, key, Body::new(), kept_until).await {
            tracing::warn!(%error, "it could not be noted that a sweep ran");
        }
    }
}

/// When a sweep was last noted. `None`: not lately.
pub async fn last_swept(store: &dyn Store) -> Result<Option<DateTime<Utc>>, StoreError> {
    let notes = store.list(PARTITION, 1).await?;
    let slot = notes.first().and_then(|note| note.key.sort.parse().ok());
    Ok(slot.and_then(|slot| DateTime::from_timestamp(slot, 0)))
}
