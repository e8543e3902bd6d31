//! What is told of each interaction when it is wholly done: one summary line, with metrics on Lambda.
//!
//! A [`Ledger`] is scoped to the interaction's future and, by [`carry`], to every task that it starts,
//! so that two interactions at once do not mix. Whoever does something worth counting notes it here,
//! without being handed the ledger. The line is written when the last one who works for the interaction
//! has let go of it: after the answer, or after what follows the answer was delivered, and also when
//! the work panics, is given up or is dropped. `docs/operations.md` describes the line.

mod deployed;
mod ledger;
mod line;
pub mod logging;
mod sink;
mod summary;

use std::fmt::Display;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::Either;
use http::{HeaderMap, StatusCode};
use tokio::time::Instant;

pub use deployed::Deployed;
pub use ledger::Ledger;
pub use sink::{Emf, Readable, Sink, sink};
pub use summary::{About, Event, InteractionOutcome, Notes, Summary};

use crate::clock::Clock;

tokio::task_local! {
    static LEDGER: Arc<Ledger>;
    static REQUEST_ID: String;
}

/// Opens ledgers, and knows where their lines go.
pub struct Telemetry {
    sink: Arc<dyn Sink>,
    clock: Arc<dyn Clock>,
    warm: AtomicBool,
}

impl Telemetry {
    /// Lines go to this sink.
    pub fn new(sink: Arc<dyn Sink>, clock: Arc<dyn Clock>) -> Self {
        Self { sink, clock, warm: AtomicBool::new(false) }
    }

    /// Where the lines go.
    pub fn sink(&self) -> Arc<dyn Sink> {
        self.sink.clone()
    }

    /// Does this work with a ledger of its own. Its line is written when the work, and every task that
    /// it has started, is done.
    pub async fn scope<F: Future>(&self, about: About, work: F) -> F::Output {
        let ledger = Ledger {
            sink: self.sink.clone(),
            clock: self.clock.clone(),
            began: Instant::now(),
            about: self.complete(about),
            notes: Default::default(),
        };
        LEDGER.scope(Arc::new(ledger), work).await
    }

    /// Writes the line of what is done at once and asks nobody, like the answer to a ping.
    pub fn at_once(&self, about: About, reply: &'static str) {
        let notes = Notes { reply: Some(reply), ..Notes::default() };
        let about = self.complete(about);
        self.sink.write(Summary { at: self.clock.now(), about, took: Default::default(), notes });
    }

    fn complete(&self, about: About) -> About {
        About {
            cold_start: !self.warm.swap(true, Ordering::Relaxed),
            request_id: REQUEST_ID.try_with(Clone::clone).ok(),
            ..about
        }
    }
}

/// Does this work as a part of the Lambda invocation with this request id, which its lines carry.
pub async fn invocation<F: Future>(request_id: String, work: F) -> F::Output {
    REQUEST_ID.scope(request_id, work).await
}

/// The same work for the same interaction, if there is one: to be wrapped around what becomes a task.
pub fn carry<F: Future>(work: F) -> impl Future<Output = F::Output> {
    match LEDGER.try_with(Arc::clone) {
        Ok(ledger) => Either::Left(LEDGER.scope(ledger, work)),
        Err(_) => Either::Right(work),
    }
}

/// Notes something; `false` if nothing is being accounted for here.
fn note(write: impl FnOnce(&mut Notes)) -> bool {
    LEDGER.try_with(|ledger| write(&mut ledger.notes())).is_ok()
}

/// The interaction was answered; it may go on after that.
pub fn answered(reply: &'static str) {
    let _ = LEDGER.try_with(|ledger| {
        let took = ledger.began.elapsed();
        let mut notes = ledger.notes();
        notes.reply = Some(reply);
        notes.time_to_answer = Some(took);
    });
}

/// What nobody waits for was done.
pub fn done(how: &'static str) {
    note(|notes| notes.reply = Some(how));
}

/// Nothing was done, for a reason that the user was shown; this is its half for the log.
pub fn refused(why: &impl Display) {
    if !note(|notes| notes.ended(InteractionOutcome::Refused, &why.to_string())) {
        tracing::info!(%why, "refused");
    }
}

/// It could not be done, or not wholly, and that is no fault of the user's.
pub fn failed(why: &impl Display) {
    if !note(|notes| notes.ended(InteractionOutcome::Failed, &why.to_string())) {
        tracing::error!(%why, "failed");
    }
}

/// Something is about to be delivered after the answer.
pub fn follows_up() {
    note(|notes| {
        notes.follow_up_failures.get_or_insert(0);
    });
}

/// Something that follows the answer could not be delivered.
pub fn not_delivered(what: &str, why: &impl Display) {
    let noted = note(|notes| {
        *notes.follow_up_failures.get_or_insert(0) += 1;
        notes.ended(InteractionOutcome::Failed, &format!("{what} could not be delivered: {why}"));
    });
    if !noted {
        tracing::error!(%why, "{what} could not be delivered");
    }
}

/// A workflow was dispatched, or should have been, and this came of it.
pub fn deployed(deployed: Deployed) {
    note(|notes| {
        if let Some(error) = &deployed.error {
            notes.ended(InteractionOutcome::Failed, error);
        }
        notes.deployed = Some(deployed);
    });
}

/// A request is about to be sent to GitHub.
pub fn asks_github() {
    note(|notes| notes.github_calls += 1);
}

/// GitHub answered a request.
pub fn github_answered(status: StatusCode, headers: &HeaderMap) {
    let text = |name| headers.get(name).and_then(|value: &http::HeaderValue| value.to_str().ok());
    // Searches, for one, have a limit of their own.
    let core = text("x-ratelimit-resource").is_none_or(|resource| resource == "core");
    let left = text("x-ratelimit-remaining").filter(|_| core).and_then(|left| left.parse().ok());
    note(|notes| {
        notes.github_not_modified += u64::from(status == StatusCode::NOT_MODIFIED);
        notes.rate_limit_left = match (notes.rate_limit_left, left) {
            (Some(least), Some(left)) => Some(std::cmp::min::<u64>(least, left)),
            (least, left) => least.or(left),
        };
    });
}
