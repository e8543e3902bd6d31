//! The icon and the words for a run's state, the same in every message.

use super::gates::Gate;
use super::run::Run;
use crate::text::{duration, escape, time};

/// Icon and words for a run that has not ended. `None`: dispatched, but not seen yet.
pub(crate) fn running(run: Option<&Run>) -> (&'static str, String) {
    match run.and_then(|run| run.status.as_deref()) {
        None => ("🔵", "dispatched".to_owned()),
        Some("queued" | "requested" | "pending") => ("🔵", "queued".to_owned()),
        Some("in_progress") => ("🔵", "in progress".to_owned()),
        Some("waiting") => ("🟠", waiting(run.map_or(&[][..], |run| run.gates.known.as_slice()))),
        Some("action_required") => ("🟠", "waiting for approval".to_owned()),
        Some(other) => ("🔵", escape::code(other, 40)),
    }
}

/// The most environments that are named.
const NAMED: usize = 3;

/// What a run with the status `waiting` waits for. A wait timer is no approval: nobody can end it earlier.
fn waiting(gates: &[Gate]) -> String {
    let each = |gate: &Gate| {
        let name = escape::code(&gate.environment, 60);
        let ends = gate.opens_at.map(|at| format!(", which ends by itself {}", time::distance(at)));
        let ends = ends.unwrap_or_default();
        match (gate.approval, gate.timer) {
            (true, true) => format!("approval of {name} and its wait timer{ends}"),
            (true, false) => format!("approval of {name}"),
            (false, true) => format!("the wait timer of {name}{ends}"),
            (false, false) => format!("a protection rule of {name}"),
        }
    };
    let mut parts: Vec<String> = gates.iter().take(NAMED).map(each).collect();
    if gates.len() > NAMED {
        parts.push(format!("{} more environments", gates.len() - NAMED));
    }
    if parts.is_empty() {
        return "waiting for approval or a wait timer".to_owned();
    }
    format!("waiting for {}", parts.join("; "))
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

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;
    use rstest::rstest;

    fn gate(environment: &str, approval: bool, timer: Option<i64>) -> Gate {
        let opens_at = timer.and_then(|seconds| DateTime::from_timestamp(seconds, 0));
        Gate { environment: environment.to_owned(), approval, timer: timer.is_some(), opens_at }
    }

    #[rstest]
    #[case::unknown(&[], "waiting for approval or a wait timer")]
    #[case::approval(&[gate("prod", true, None)], "waiting for approval of `prod`")]
    #[case::timer(&[gate("prod", false, Some(7))], "waiting for the wait timer of `prod`, which ends by itself <t:7:R>")]
    #[case::timer_not_started(
        &[Gate { opens_at: None, ..gate("prod", false, Some(7)) }],
        "waiting for the wait timer of `prod`"
    )]
    #[case::both(
        &[gate("prod", true, Some(7))],
        "waiting for approval of `prod` and its wait timer, which ends by itself <t:7:R>"
    )]
    #[case::other_rule(&[gate("prod", false, None)], "waiting for a protection rule of `prod`")]
    #[case::hostile(&[gate("`<@1>", true, None)], "waiting for approval of `ˋ<@1>`")]
    #[case::many(
        &["a", "b", "c", "d", "e"].map(|name| gate(name, true, None)),
        "waiting for approval of `a`; approval of `b`; approval of `c`; 2 more environments"
    )]
    fn what_a_run_waits_for_is_named(#[case] gates: &[Gate], #[case] expected: &str) {
        assert_eq!(waiting(gates), expected);
    }
}
