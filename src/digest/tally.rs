//! Counts runs by outcome.

use crate::github::Run;
use crate::github::run::succeeded;

use super::sample::Sample;

/// The outcome that a run counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RunOutcome {
    Success,
    /// It failed, timed out or could not start.
    Failure,
    /// Somebody cancelled it.
    Cancelled,
    /// It was skipped, or has another conclusion.
    Other,
    /// It has not ended.
    Open,
}

impl RunOutcome {
    pub(crate) fn of(run: &Run) -> Self {
        let conclusion = run.conclusion.as_deref();
        match succeeded(conclusion) {
            _ if !run.is_completed() => Self::Open,
            Some(true) => Self::Success,
            Some(false) => Self::Failure,
            None if conclusion == Some("cancelled") => Self::Cancelled,
            None => Self::Other,
        }
    }

    /// Whether it is a success or a failure.
    pub(crate) fn is_decided(self) -> bool {
        matches!(self, Self::Success | Self::Failure)
    }
}

/// Runs, counted by outcome.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub success: usize,
    pub failure: usize,
    pub cancelled: usize,
    pub other: usize,
    /// Those that have not ended.
    pub open: usize,
    /// Those that succeeded after a re-run.
    pub repeated: usize,
    /// The durations of runs that succeeded or failed. A cancelled run does not show how long the work
    /// takes.
    pub durations: Sample,
}

impl Tally {
    /// Counts these runs.
    pub(crate) fn of<'a>(runs: impl IntoIterator<Item = &'a Run> + Clone) -> Self {
        let decided = runs.clone().into_iter().filter(|run| RunOutcome::of(run).is_decided());
        let mut tally =
            Self { durations: decided.filter_map(Run::duration).collect(), ..Self::default() };
        for run in runs {
            match RunOutcome::of(run) {
                RunOutcome::Success => {
                    tally.success += 1;
                    tally.repeated += usize::from(run.attempt() > 1);
                }
                RunOutcome::Failure => tally.failure += 1,
                RunOutcome::Cancelled => tally.cancelled += 1,
                RunOutcome::Other => tally.other += 1,
                RunOutcome::Open => tally.open += 1,
            }
        }
        tally
    }

    /// The number of all runs.
    pub(crate) fn runs(&self) -> usize {
        self.decided() + self.cancelled + self.other + self.open
    }

    /// The number of runs that succeeded or failed.
    pub(crate) fn decided(&self) -> usize {
        self.success + self.failure
    }

    /// The share (0 to 1) of the decided runs that succeeded.
    pub(crate) fn success_rate(&self) -> Option<f64> {
        share(self.success, self.decided())
    }
}

#[expect(clippy::cast_precision_loss, reason = "nobody has 2^52 runs")]
pub(crate) fn share(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    use super::super::period::tests::run;
    use super::*;
    use chrono::TimeDelta;
    use proptest::prelude::*;
    use rstest::rstest;
    use serde_json::json;

    #[rstest]
    #[case("success", RunOutcome::Success)]
    #[case("failure", RunOutcome::Failure)]
    #[case("timed_out", RunOutcome::Failure)]
    #[case("startup_failure", RunOutcome::Failure)]
    #[case("cancelled", RunOutcome::Cancelled)]
    #[case("skipped", RunOutcome::Other)]
    #[case("neutral", RunOutcome::Other)]
    #[case("action_required", RunOutcome::Other)]
    #[case("stale", RunOutcome::Other)]
    #[case("exploded", RunOutcome::Other)]
    fn a_conclusion_counts_as(#[case] conclusion: &str, #[case] expected: RunOutcome) {
        assert_eq!(RunOutcome::of(&run(1, 0, 60, conclusion)), expected);
    }

    #[test]
    fn a_run_that_is_repeated_has_no_outcome_yet() {
        // While a run is repeated, GitHub keeps the conclusion of the attempt before.
        let again = json!({"id": 1, "status": "in_progress", "conclusion": "failure"});
        let again = serde_json::from_value(again).unwrap();
        assert_eq!(RunOutcome::of(&again), RunOutcome::Open);
        let tally = Tally::of([&again]);
        assert_eq!((tally.open, tally.runs()), (1, 1));
    }

    #[test]
    fn rates_and_durations_count_only_successes_and_failures() {
        let runs = [
            run(1, 0, 100, "success"),
            run(2, 0, 300, "timed_out"),
            run(3, 0, 9_000, "cancelled"),
            run(4, 0, 0, "skipped"),
        ];
        let tally = Tally::of(&runs);
        let counted = (tally.success, tally.failure, tally.cancelled, tally.other);
        assert_eq!((counted, tally.runs()), ((1, 1, 1, 1), 4));
        assert_eq!(tally.success_rate(), Some(0.5));
        assert_eq!(tally.durations.average(), Some(TimeDelta::seconds(200)));
        assert_eq!(Tally::of(&runs[2..]).success_rate(), None);
    }

    proptest! {
        #[test]
        fn every_run_is_counted_once(words in prop::collection::vec("success|failure|cancelled|stale|x", 0..60)) {
            let runs: Vec<_> = (0..).zip(&words).map(|(id, word)| run(id, 0, 5, word)).collect();
            let tally = Tally::of(&runs);
            prop_assert_eq!(tally.runs(), runs.len());
            prop_assert!(tally.success_rate().is_none_or(|rate| (0.0..=1.0).contains(&rate)));
        }
    }
}
