//! Collects what is known about one interaction while it runs.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use super::summary::{About, Event, InteractionOutcome, Notes, Summary};
use crate::clock::Clock;
use crate::telemetry::Sink;

/// The notes about one interaction. Writes its summary line when dropped, so exactly once.
pub struct Ledger {
    pub(super) sink: Arc<dyn Sink>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) began: Instant,
    pub(super) about: About,
    pub(super) notes: Mutex<Notes>,
}

impl Ledger {
    pub(super) fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        let mut notes = std::mem::take(&mut *self.notes());
        let is_answered = !matches!(self.about.event, Event::Digest | Event::Deploy);
        if notes.reply.is_none() && is_answered {
            notes.ended(InteractionOutcome::Failed, "it was never answered");
        }
        self.sink.write(Summary {
            at: self.clock.now(),
            about: std::mem::take(&mut self.about),
            took: self.began.elapsed(),
            notes,
        });
    }
}
