//! Shows a run that nobody started here in the channels that watch it.

use std::sync::Arc;

use futures_util::future::join_all;

use crate::agents::Watch;
use crate::bot::Context;
use crate::bot::tasks::Deadline;
use crate::deploy::watching::{Seen, begin, may_be_a_deploys};
use crate::deploy::{self, DeployKey, Mandate};
use crate::store::StoreError;

/// Begins a card in each channel with a watch that the run fits, but where it is shown already. Before a watch fits,
/// nothing is asked.
pub(super) async fn show(
    context: &Arc<Context>,
    seen: Seen<'_>,
    shown: &[DeployKey],
    deadline: Option<Deadline>,
) -> Result<(), StoreError> {
    let watches = fitting(context, seen);
    let is_new = |watch: &&Watch| !shown.contains(&seen.key(watch.channel));
    let watches: Vec<&Watch> = watches.into_iter().filter(is_new).collect();
    if watches.is_empty() || !seen.is_news(context.clock.now()) || !context.discord.has_bot_token()
    {
        return Ok(());
    }
    let services = context.deploys();
    if may_be_a_deploys(services, &context.registry, seen).await? {
        tracing::debug!(
            run_id = seen.run.id,
            "the run is left to the deploy that may have started it"
        );
        return Ok(());
    }
    let cards = watches.into_iter().map(|watch| async move {
        if let Some(key) = begin(services, &context.registry, watch, seen).await? {
            let stop = context.tasks.wind_up(deadline);
            deploy::visit(services, &key, Mandate::Visit, stop).await?;
        }
        Ok(())
    });
    join_all(cards).await.into_iter().collect()
}

/// The first watch of each channel that the run fits.
fn fitting<'a>(context: &'a Context, seen: Seen<'_>) -> Vec<&'a Watch> {
    let (file, default) = (seen.file(), context.github.default_repository());
    let mut fitting: Vec<&Watch> = Vec::new();
    for watch in context.registry.watches() {
        let is_known = fitting.iter().any(|known| known.channel == watch.channel);
        if !is_known && watch.fits(seen.run, file, seen.repository, default) {
            fitting.push(watch);
        }
    }
    fitting
}
