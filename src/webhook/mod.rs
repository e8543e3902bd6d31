//! What GitHub's webhooks tell of runs. A delivery is a hint: it may come late, twice, out of order, or never.

mod watch;

use std::sync::Arc;

use futures_util::future::join_all;

use crate::bot::Context;
use crate::bot::tasks::Deadline;
use crate::deploy::stored::Claim;
use crate::deploy::watching::Seen;
use crate::deploy::{self, Event};
use crate::github::Repository;
use crate::github::webhook::{Delivery, RunHint};

/// Does what a delivery asks for: notes that deliveries of its repository arrive, advances the deploy of its run, and
/// shows a run that nobody started here where a watch covers it. Any other run costs one read of the store.
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
        Delivery::Run(hint) | Delivery::Job(hint) => hint,
        Delivery::Ping { .. } | Delivery::Other => return,
    };
    // Else another task looks at this run, and takes this hint next.
    let Some(mut turn) = context.inbox.put(hint) else { return };
    while let Some(hint) = turn.next() {
        look(context, hint, deadline).await;
    }
}

async fn look(context: &Arc<Context>, hint: RunHint, deadline: Option<Deadline>) {
    // No delivery about the run says that it waits for an approval, only those about its jobs.
    let is_of_run = hint.of_run || hint.action.as_deref() == Some("waiting");
    let RunHint { repository, run_id, attempt, run, jobs, .. } = hint;
    let mut events: Vec<Event> = jobs.into_iter().map(|job| Event::SawJob(Box::new(job))).collect();
    let run = run.map(Box::new);
    if is_of_run {
        events.push(Event::Hint { attempt, run: run.clone() });
    }
    let advanced = async {
        let claim = Claim::read(context.store.as_ref(), &repository, run_id).await?;
        let is_a_deploys = claim.deploy.is_some();
        let followers = claim.followers();
        if followers.is_empty() {
            tracing::debug!(%repository, run_id, "no deploy has this run");
        }
        let learn = followers.iter().map(|key| {
            deploy::learn(context.deploys(), key, events.clone(), context.tasks.wind_up(deadline))
        });
        let mut result =
            join_all(learn).await.into_iter().find_map(Result::err).map_or(Ok(()), Err);
        if let Some(run) = run.filter(|_| !is_a_deploys) {
            let seen = Seen { repository: &repository, run: &run };
            result = result.and(watch::show(context, seen, &followers, deadline).await);
        }
        result
    };
    if let Err(error) = advanced.await {
        tracing::warn!(%error, %repository, run_id, "a run's deploy could not be advanced");
    }
}
