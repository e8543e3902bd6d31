//! The icon and the words for a run's state, the same in every message.

use super::run::Run;
use crate::text::{duration, escape};

/// Icon and words for a run that has not ended. `None`: dispatched, but not seen yet.
pub(crate) fn running(run: Option<&Run>) -> (&'static str, String) {
    match run.and_then(|run| run.status.as_deref()) {
        None => ("🔵", "dispatched".to_owned()),
        Some("queued" | "requested" | "pending") => ("🔵", "queued".to_owned()),
        Some("in_progress") => ("🔵", "in progress".to_owned()),
        Some("waiting" | "action_required") => ("🟠", "waiting for approval".to_owned()),
        Some(other) => ("🔵", escape::code(other, 40)),
    }
}

/// Icon and words for a conclusion. An unknown one is shown as it is.
pub(crate) fn conclusion(conclusion: Option<&str>) -> (&'static str, String) {
    let (icon, words) = match conclusion {
        Some("success") => ("🟢", "succeeded"),
        Some("failure") => ("🔴", "failed"),
        Some("timed_out") => ("🔴", "timed out on GitHub"),
        Some("startup_failure") => ("🔴", "could not start"),
        Some("cancelled") => ("⚪", "was cancelled"),
        Some("skipped") => ("⚪", "was skipped"),
        Some("neutral") => ("⚪", "ended neutral"),
        Some("stale") => ("⚪", "went stale"),
        Some("action_required") => ("🟠", "is waiting for approval"),
        Some(_) => ("⚪", "ended"),
        None => return ("⚪", "ended without a conclusion".to_owned()),
    };
    let term = escape::code(conclusion.unwrap_or_default(), 40);
    (icon, format!("{words} ({term})"))
}

/// How long a completed run took, or how long a running one has run so far.
pub(crate) fn took(run: &Run) -> Option<String> {
    run.duration().map(duration::compact)
}
