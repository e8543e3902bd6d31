//! What GitHub's webhooks tell of runs. A delivery is a hint: it may come late, twice, out of order, or never.

use std::sync::Arc;

use crate::bot::Context;
use crate::bot::tasks::Deadline;
use crate::deploy::stored::owner;
use crate::deploy::{self, Event};
use crate::github::Repository;
use crate::github::webhook::{Delivery, RunHint};

/// Does what a delivery asks for: notes that deliveries of its repository arrive, and advances the deploy of its
/// run. A run that is not ours costs one read of the store.
pub(crate) async fn receive(
    context: &Arc<Context>,
    delivery: Delivery,
    deadline: Option<Deadline>,
) {
    let repository = delivery.repository().cloned();
    tokio::join!(note(context, repository.as_ref()), follow(context, delivery, deadline));
}

async fn note(context: &Context, repository: Option<&Repository>) {
    let Some(repository) = repository else { return };
    let now = context.clock.now();
    if let Err(error) = context.arrivals.note(context.store.as_ref(), repository, now).await {
        tracing::warn!(%error, %repository, "it could not be noted that webhooks arrive");
    }
}

async fn follow(context: &Arc<Context>, delivery: Delivery, deadline: Option<Deadline>) {
    let hint = match delivery {
        Delivery::Run(hint) => hint,
        // No delivery about the run says that it waits for an approval.
        Delivery::Job(hint) if hint.action.as_deref() == Some("waiting") => hint,
        // Other jobs are shown as they are when the run is looked at.
        Delivery::Job(_) | Delivery::Ping { .. } | Delivery::Other => return,
    };
    // Else another task looks at this run, and takes this hint next.
    let Some(mut turn) = context.inbox.put(hint) else { return };
    while let Some(hint) = turn.next() {
        look(context, hint, deadline).await;
    }
}

async fn look(context: &Arc<Context>, hint: RunHint, deadline: Option<Deadline>) {
    let RunHint { repository, run_id, attempt, run, .. } = hint;
    let event = Event::Hint { attempt, run: run.map(Box::new) };
    let advanced = async {
        match owner(context.store.as_ref(), &repository, run_id).await? {
            Some(key) => {
                let stop = context.tasks.wind_up(deadline);
                deploy::learn(context.deploys(), &key, event, stop).await
            }
            None => {
                tracing::debug!(%repository, run_id, "no deploy has this run");
                Ok(false)
            }
        }
    };
    if let Err(error) = advanced.await {
        tracing::warn!(%error, %repository, run_id, "a run's deploy could not be advanced");
    }
}
