//! What is remembered of a deploy beyond this process: its run, and how it ended.

use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::timeout;

use super::conclusion::Conclusion;
use super::state::Target;
use crate::store::{DeployKey, DeployOutcome, Store};

/// What is noted late must not hold back what is said.
const NOTED_WITHIN: Duration = Duration::from_secs(2);

/// One deploy's record in the store, where it was begun before the dispatch.
pub(crate) struct Record<'a> {
    /// Where it is.
    pub store: &'a dyn Store,
    /// Which deploy.
    pub key: &'a DeployKey,
}

impl Record<'_> {
    /// Notes which run it is. If that fails, only who looks the deploy up later misses it.
    pub(crate) async fn note_run(&self, target: &Target) {
        match timeout(NOTED_WITHIN, self.store.note_run(self.key, &target.url)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the run could not be noted"),
            Err(_) => tracing::warn!("the run could not be noted in time"),
        }
    }

    /// Notes how it ended. `false`: somebody else did before and announces it. When the
    /// store cannot tell, it is announced: once too often is better than never.
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
            Ok(Err(error)) => tracing::error!(%error, "the deploy's end could not be noted"),
            Err(_) => tracing::error!("the deploy's end could not be noted in time"),
        }
        true
    }
}
