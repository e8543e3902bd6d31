//! Dispatches without following the run, and records the result.

use super::conclusion::{self, Conclusion};
use super::follow::start;
use super::order::Order;
use super::record::Record;
use super::settings::WaitSettings;
use super::state::{Ended, Followed, Stage, Target};
use crate::github::Github;
use crate::store::Store;
use crate::telemetry;

/// Dispatches without a wait, and records the result. `None`: GitHub did not return the run.
pub(crate) async fn dispatch_only(
    github: &Github,
    store: &dyn Store,
    wait: WaitSettings,
    order: &Order,
) -> Result<Option<Target>, Ended> {
    let started = start(github, order, wait).await;
    let record = Record { store, key: &order.key };
    let now = github.now();
    match &started {
        Ok(target) => {
            tracing::info!(
                correlation_id = %order.correlation_id,
                run_id = target.as_ref().map(|target| target.run_id),
                "dispatched"
            );
            telemetry::deployed(conclusion::dispatched(target.as_ref()));
            record.end(Conclusion::Dispatched, target.as_ref(), now).await;
        }
        Err(ended) => {
            let followed = Followed { stage: Stage::Dispatching, ended: ended.clone() };
            log_end(order, &followed);
            record.end(followed.conclusion(), None, now).await;
        }
    }
    started
}

/// Records the outcome of a deploy for the summary line and in the log.
pub(crate) fn log_end(order: &Order, followed: &Followed) {
    telemetry::deployed(followed.into());
    // Without a run, the summary line already has the error.
    if let Stage::Following(target) = &followed.stage {
        tracing::info!(
            correlation_id = %order.correlation_id,
            run_id = target.run_id,
            matched = target.matched.words(),
            conclusion = target.run.as_ref().and_then(|run| run.conclusion.as_deref()),
            "the deploy ended"
        );
    }
}
