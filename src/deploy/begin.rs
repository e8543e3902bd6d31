//! The beginning of a deploy: one conditional write.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::lease::LEASE;
use super::order::Order;
use super::place::Place;
use super::record::{Deploy, Lease, Phase};
use super::stored::{self, Entry, Stored};
use crate::store::{Commit, Committed, Store, StoreError};

/// The result of [`begin`].
#[derive(Debug)]
pub(crate) enum Begun {
    /// It is new: the caller acts for it, with the lease `me`.
    Now {
        /// The deploy as it was stored.
        stored: Box<Stored>,
        /// Who holds its lease.
        me: Uuid,
    },
    /// A replay: the same interaction began it before.
    Before(Box<Entry>),
}

impl Deploy {
    /// A deploy that is requested now. `place`: where it is shown; `waits`: whether the requester waits for it,
    /// for `wait` at most.
    pub fn requested(
        order: Order,
        place: Option<Place>,
        waits: bool,
        wait: Duration,
        now: DateTime<Utc>,
    ) -> Self {
        let wait = TimeDelta::from_std(wait).unwrap_or_default();
        Self {
            order,
            watched: None,
            place,
            waits,
            began_at: now,
            wait_until: now + wait,
            wait_seconds: wait.num_seconds(),
            phase: Phase::Requested,
            target: None,
            trouble: None,
            details: None,
            look_at: now,
            end_is_near_until: None,
            pings: true,
            reopened: false,
            shown: None,
            shown_at: None,
            shows_run: false,
            asked: None,
            asking: Vec::new(),
            progress: None,
            past: None,
            clicks: Vec::new(),
            refreshed_at: None,
            shown_in_doubt_until: None,
            lease: None,
        }
    }
}

/// Claims a deploy's interaction, so that it is dispatched once: stores the deploy as requested. A write that
/// comes to effect later than its answer leaves a deploy that is ended as never dispatched.
pub(crate) async fn begin(store: &dyn Store, mut deploy: Deploy) -> Result<Begun, StoreError> {
    let me = Uuid::new_v4();
    deploy.lease = Some(Lease { by: me, until: deploy.began_at + LEASE });
    let commit = Commit::of(vec![stored::requested(&deploy)]);
    if store.commit(&commit).await? == Committed::Done {
        let stored = Box::new(Stored { deploy, revision: commit.claim });
        return Ok(Begun::Now { stored, me });
    }
    let item = store.get(&deploy.order.key.in_store()).await?;
    item.as_ref().and_then(Entry::of).map(Box::new).map(Begun::Before).ok_or_else(|| {
        let what = "the store holds this deploy in a form that this version cannot read";
        StoreError::Unusable(what.to_owned())
    })
}
