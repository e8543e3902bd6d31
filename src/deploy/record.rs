//! Stores a deploy's run and outcome, beyond this process.

use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::timeout;

use super::conclusion::Conclusion;
use super::state::Target;
use crate::store::{DeployKey, DeployOutcome, Store};

/// Timeout of a write. A slow store must not delay messages.
const NOTED_WITHIN: Duration = Duration::from_secs(2);

/// A deploy's record in the store, created before the dispatch.
pub(crate) struct Record<'a> {
    /// Where it is.
    pub store: &'a dyn Store,
    /// Which deploy.
    pub key: &'a DeployKey,
}

impl Record<'_> {
    /// Stores the run's URL. On a failure only a later lookup misses it.
    pub(crate) async fn note_run(&self, target: &Target) {
        match timeout(NOTED_WITHIN, self.store.note_run(self.key, &target.url)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the run could not be stored"),
            Err(_) => tracing::warn!("the run could not be stored in time"),
        }
    }

    /// Stores the outcome. `false`: another caller did so before and announces it. If the store fails,
    /// returns true: a duplicate announcement is better than none.
    pub(crate) async fn end(
        &self,
        conclusion: Conclusion,
        target: Option<&Target>,
        at: DateTime<Utc>,
    ) -> bool {
        let run_page = target.map(|target| target.url.clone());
        let outcome = DeployOutcome { word: conclusion.name().to_owned(), run_page, at };
        match timeout(NOTED_WITHIN, self.store.end_deploy(self.key, &outcome)).await {
            Ok(Ok(won)) => return won,
            Ok(Err(error)) => tracing::error!(%error, "the deploy's outcome could not be stored"),
            Err(_) => tracing::error!("the deploy's outcome could not be stored in time"),
        }
        true
    }
}
