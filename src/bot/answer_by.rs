//! Until when the store may take before an interaction is answered: one moment for all that is asked of it.

use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::{Instant, timeout_at};

use crate::discord::InteractionId;
use crate::text::UserError;

/// The least time for the store, even if the three seconds are over.
const LEAST_FOR_THE_STORE: Duration = Duration::from_secs(1);

/// The moment when the answer must be known.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AnswerBy(Instant);

impl AnswerBy {
    /// What is left of the three seconds now.
    pub(crate) fn of(id: InteractionId, now: DateTime<Utc>) -> Self {
        Self(Instant::now() + id.time_left(now).max(LEAST_FOR_THE_STORE))
    }

    /// What the store says until then. `None`: it does not answer in time.
    pub(crate) async fn hold<T>(self, asked: impl Future<Output = T>) -> Option<T> {
        timeout_at(self.0, asked).await.ok()
    }
}

/// The store did not answer in time.
pub(crate) fn late() -> UserError {
    UserError::new(
        "Nothing was done: Deckhand's store does not answer in time. Try again in a minute.",
    )
}
