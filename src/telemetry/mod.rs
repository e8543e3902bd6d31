//! One summary line per interaction, written when all its work is done. On Lambda it includes metrics.
//!
//! A [`Ledger`] is bound to the interaction's future (task-local). [`carry`] passes it to each task that the
//! interaction starts, so concurrent interactions do not mix. Code records facts with the functions of this
//! module and needs no reference to the ledger. The line is written when the last holder drops the ledger:
//! after the answer, or after the follow-ups. It is also written after a panic, a timeout or a cancellation.
//! `docs/operations.md` describes the line.

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

/// Opens ledgers with a sink for their lines.
pub struct Telemetry {
    sink: Arc<dyn Sink>,
    clock: Arc<dyn Clock>,
    warm: AtomicBool,
}

impl Telemetry {
    /// Writes lines to this sink.
    pub fn new(sink: Arc<dyn Sink>, clock: Arc<dyn Clock>) -> Self {
        Self { sink, clock, warm: AtomicBool::new(false) }
    }

    /// The sink of the lines.
    pub fn sink(&self) -> Arc<dyn Sink> {
        self.sink.clone()
    }

    /// Runs `work` with a new ledger. Its line is written when `work` and every task it started are done.
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

    /// Writes the line of an event that was answered at once without other work, like a ping.
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

/// Runs `work` as part of the Lambda invocation with this request id. The id is added to its lines.
pub async fn invocation<F: Future>(request_id: String, work: F) -> F::Output {
    REQUEST_ID.scope(request_id, work).await
}

/// Passes the current ledger, if there is one, into a new task. Wrap the task's future in it.
pub fn carry<F: Future>(work: F) -> impl Future<Output = F::Output> {
    match LEDGER.try_with(Arc::clone) {
        Ok(ledger) => Either::Left(LEDGER.scope(ledger, work)),
        Err(_) => Either::Right(work),
    }
}

/// Records something; `false` if there is no current ledger.
fn note(write: impl FnOnce(&mut Notes)) -> bool {
    LEDGER.try_with(|ledger| write(&mut ledger.notes())).is_ok()
}

/// Records that the interaction was answered. Its work may go on.
pub fn answered(reply: &'static str) {
    let _ = LEDGER.try_with(|ledger| {
        let took = ledger.began.elapsed();
        let mut notes = ledger.notes();
        notes.reply = Some(reply);
        notes.time_to_answer = Some(took);
    });
}

/// Records that background work without an answer is done.
pub fn done(how: &'static str) {
    note(|notes| notes.reply = Some(how));
}

/// Records a refusal: nothing was done, and the user was told why. `why` is for the log.
pub fn refused(why: &impl Display) {
    if !note(|notes| notes.ended(InteractionOutcome::Refused, &why.to_string())) {
        tracing::info!(%why, "refused");
    }
}

/// Records a failure: it was not done completely, and not because of the user.
pub fn failed(why: &impl Display) {
    if !note(|notes| notes.ended(InteractionOutcome::Failed, &why.to_string())) {
        tracing::error!(%why, "failed");
    }
}

/// Records that a message will be delivered after the answer.
pub fn follows_up() {
    note(|notes| {
        notes.follow_up_failures.get_or_insert(0);
    });
}

/// Records that such a message could not be delivered.
pub fn not_delivered(what: &str, why: &impl Display) {
    let noted = note(|notes| {
        *notes.follow_up_failures.get_or_insert(0) += 1;
        notes.ended(InteractionOutcome::Failed, &format!("{what} could not be delivered: {why}"));
    });
    if !noted {
        tracing::error!(%why, "{what} could not be delivered");
    }
}

/// Records what a command ships: the branch or tag of its dispatch, and the inputs by the options' names. No
/// value may be a secret.
pub fn given<'a>(git_ref: Option<&str>, inputs: impl IntoIterator<Item = (&'a str, &'a str)>) {
    note(|notes| notes.given(git_ref, inputs));
}

/// Records which run a dispatch has started, and how it was matched.
pub fn run_is_known(run_id: u64, matched: &'static str) {
    note(|notes| (notes.run_id, notes.matched) = (Some(run_id), Some(matched)));
}

/// Records how a deploy ended.
pub fn deployed(deployed: Deployed) {
    note(|notes| {
        if let Some(error) = &deployed.error {
            notes.ended(InteractionOutcome::Failed, error);
        }
        notes.deployed = Some(deployed);
    });
}

/// Records that the requester of a deploy was not told its outcome, or that nobody can know it.
pub fn outcome_not_told(why: &impl Display) {
    let noted = note(|notes| {
        notes.outcomes_not_told += 1;
        *notes.follow_up_failures.get_or_insert(0) += 1;
        notes.ended(InteractionOutcome::Failed, &format!("the outcome was not told: {why}"));
    });
    if !noted {
        tracing::error!(%why, "the outcome was not told");
    }
}

/// Records that a deploy is looked at long after it was due.
pub fn deploy_was_overdue() {
    note(|notes| notes.overdue_deploys += 1);
}

/// Records a request to GitHub.
pub fn asks_github() {
    note(|notes| notes.github_calls += 1);
}

/// Records GitHub's answer to a request.
pub fn github_answered(status: StatusCode, headers: &HeaderMap) {
    let text = |name| headers.get(name).and_then(|value: &http::HeaderValue| value.to_str().ok());
    // Other resources, like search, have their own limits.
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
