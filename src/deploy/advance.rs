//! The only place where a deploy is loaded, acted for and stored.
//!
//! Whoever learns something about a deploy calls it: the invocation that began it, a webhook, the sweep, the loop
//! of `serve`. It takes the lease, does what `next` derives from the record, hands what came of it to `step`, and
//! stores the result if nobody else did meanwhile. What happens between two commits is repeated after a crash.
//! What must not be repeated, the dispatch and the outcome's message, is stored before it is done.

use chrono::TimeDelta;
use uuid::Uuid;

use super::actor::{Actor, Mandate};
use super::counted;
use super::draft::Draft;
use super::effects::{LANDS_WITHIN, Services};
use super::event::Event;
use super::key::DeployKey;
use super::record::Deploy;
use super::stored::{Stored, load};
use crate::store::StoreError;
use crate::telemetry;

/// A deploy that is looked at that late was forgotten by the sweeps.
const OVERDUE: TimeDelta = TimeDelta::minutes(5);

/// Acts for a deploy that the caller has just stored, with the lease `me`. Returns how it stands at the end.
pub(crate) async fn go_on(
    services: Services<'_>,
    stored: Stored,
    me: Uuid,
    mandate: Mandate,
    stop: impl Future<Output = ()> + Send,
) -> Deploy {
    Actor::new(services, Draft::new(services, stored, me), mandate, true).run(stop).await
}

/// Acts for a deploy that is due, unless somebody else does. `false`: nothing was done.
pub(crate) async fn visit(
    services: Services<'_>,
    key: &DeployKey,
    mandate: Mandate,
    stop: impl Future<Output = ()> + Send,
) -> Result<bool, StoreError> {
    take(services, key, mandate, Vec::new(), stop).await
}

/// A webhook tells of a run of this deploy. If somebody acts for it, they are left a note.
pub(crate) async fn learn(
    services: Services<'_>,
    key: &DeployKey,
    hints: Vec<Event>,
    stop: impl Future<Output = ()> + Send,
) -> Result<bool, StoreError> {
    take(services, key, Mandate::Visit, hints, stop).await
}

async fn take(
    services: Services<'_>,
    key: &DeployKey,
    mandate: Mandate,
    events: Vec<Event>,
    stop: impl Future<Output = ()> + Send,
) -> Result<bool, StoreError> {
    let me = Uuid::new_v4();
    let Some(stored) = load(services.store, key).await? else { return Ok(false) };
    let mut draft = Draft::new(services, stored, me);
    let mut has_reason = events.is_empty() && draft.is_due();
    for event in events {
        has_reason |= draft.add(event);
    }
    let ghost = draft.may_be_edited_by_a_ghost();
    let is_overdue = draft.overdue_for() > OVERDUE;
    if !has_reason || !draft.take().await? {
        return Ok(false);
    }
    if ghost {
        draft.add(Event::ShownInDoubt { until: services.clock.now() + LANDS_WITHIN });
    }
    let about = counted::about(&draft.deploy);
    let is_waited_for = draft.deploy.waits && services.clock.now() < draft.deploy.wait_until;
    let mandate = if is_waited_for { mandate } else { Mandate::Visit };
    let actor = Actor::new(services, draft, mandate, false);
    let work = async {
        counted::known(&actor.draft.deploy);
        if is_overdue {
            telemetry::deploy_was_overdue();
        }
        actor.run(stop).await;
    };
    services.telemetry.scope(about, work).await;
    Ok(true)
}
