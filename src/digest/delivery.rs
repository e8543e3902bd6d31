//! The four DORA delivery measures of the runs that deploy.
//!
//! <https://dora.dev/guides/dora-metrics-four-keys/>. The fields of `Delivery` define each one exactly.

use chrono::{DateTime, Utc};

use super::Window;
use super::sample::Sample;
use super::tally::{RunOutcome, Tally};
use crate::github::Run;

/// With fewer samples a measure has no value (`n/a`).
pub(crate) const LEAST_SAMPLES: usize = 3;

/// A relative change below this counts as none.
const STEADY: f64 = 0.05;

/// A value and the number of its samples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Measure {
    /// A number per day, a share (0 to 1), or seconds. `None`: too few samples.
    pub value: Option<f64>,
    pub samples: usize,
}

/// The change of a measure since the window before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trend {
    Up,
    Down,
    /// A change of less than 5 %.
    Steady,
}

/// The four measures in one window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Delivery {
    /// Deployment frequency: successful runs per day. It has a value even without samples.
    pub frequency: Measure,
    /// Change failure rate: failed runs among those that succeeded or failed.
    pub failure_rate: Measure,
    /// Time to restore: the median from the end of the first failure to the end of the same agent's next
    /// success. It counts in the window of that success.
    pub restore: Measure,
    /// Lead time: the median from the commit's date to the end of its successful run.
    pub lead: Measure,
}

impl Delivery {
    /// The measures of one window. `agents` has the runs of each agent, including those before the
    /// window: a failure may be older than its repair.
    pub(crate) fn of(agents: &[&[Run]], window: Window) -> Self {
        let inside = agents.iter().flat_map(|runs| runs.iter()).filter(|run| window.takes(run));
        let tally = Tally::of(inside.clone());
        let restored = agents.iter().flat_map(|runs| repairs(runs));
        let restored = restored.filter(|(_, end)| window.holds(*end));
        let succeeded = inside.filter(|run| RunOutcome::of(run) == RunOutcome::Success);
        let lead = |run: &Run| Some(run.updated_at? - run.head_commit.as_ref()?.timestamp?);
        Self {
            frequency: Measure {
                value: Some(count(tally.success) / window.days()),
                samples: tally.success,
            },
            failure_rate: Measure::with_enough_samples(tally.failure_rate(), tally.decided()),
            restore: Measure::median(&restored.map(|(begin, end)| end - begin).collect()),
            lead: Measure::median(&succeeded.filter_map(lead).collect()),
        }
    }
}

impl Measure {
    fn with_enough_samples(value: Option<f64>, samples: usize) -> Self {
        Self { value: value.filter(|_| samples >= LEAST_SAMPLES), samples }
    }

    fn median(sample: &Sample) -> Self {
        Self::with_enough_samples(
            sample.median().map(|median| median.as_seconds_f64()),
            sample.len(),
        )
    }

    /// The change since the window before. `None`: one of them has no value.
    pub(crate) fn trend(self, before: Self) -> Option<Trend> {
        let (now, before) = (self.value?, before.value?);
        Some(match now - before {
            change if change.abs() <= before.abs() * STEADY => Trend::Steady,
            change if change > 0.0 => Trend::Up,
            _ => Trend::Down,
        })
    }
}

/// The outages of an agent: the end of the first failure, and the end of the next success. A failure
/// without a known success before it does not count: the first failure may be older than the runs read.
fn repairs(runs: &[Run]) -> Vec<(DateTime<Utc>, DateTime<Utc>)> {
    let ended = runs.iter().filter(|run| RunOutcome::of(run).is_decided());
    let mut ended: Vec<_> =
        ended.filter_map(|run| Some((run.updated_at?, run.id, RunOutcome::of(run)))).collect();
    ended.sort_by_key(|(end, id, _)| (*end, *id));
    let mut failing_since = None;
    let mut worked = false;
    let mut repairs = Vec::new();
    for (end, _, outcome) in ended {
        if outcome == RunOutcome::Failure {
            if worked {
                failing_since.get_or_insert(end);
            }
            continue;
        }
        worked = true;
        if let Some(begin) = failing_since.take() {
            repairs.push((begin, end));
        }
    }
    repairs
}

#[expect(clippy::cast_precision_loss, reason = "nobody has 2^52 runs")]
fn count(runs: usize) -> f64 {
    runs as f64
}

#[cfg(test)]
mod tests {
    use super::super::period::tests::{at, run};
    use super::super::{Period, Window};
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    const HOUR: i64 = 3600;

    fn today() -> Window {
        Window::ending(at(0), Period::Daily)
    }

    /// Runs of one minute each, from (hours before now, conclusion).
    fn runs(history: &[(i64, &str)]) -> Vec<Run> {
        let runs = (1..).zip(history);
        runs.map(|(id, (hours, word))| run(id, -hours * HOUR, 60, word)).collect()
    }

    #[rstest]
    #[case::none(&[], 0.0, None)]
    #[case::too_few_samples(&[(1, "success"), (2, "failure")], 1.0, None)]
    #[case::enough(&[(1, "success"), (2, "failure"), (3, "success"), (4, "success")], 3.0, Some(0.25))]
    #[case::cancelled_does_not_count(&[(1, "success"), (2, "failure"), (3, "cancelled")], 1.0, None)]
    #[case::outside(&[(25, "success"), (30, "failure"), (40, "success")], 0.0, None)]
    fn frequency_and_failure_rate(
        #[case] history: &[(i64, &str)],
        #[case] frequency: f64,
        #[case] rate: Option<f64>,
    ) {
        let delivery = Delivery::of(&[&runs(history)], today());
        assert_eq!(delivery.frequency.value, Some(frequency));
        assert_eq!(delivery.failure_rate.value, rate);
    }

    #[test]
    fn a_repair_is_counted_from_the_first_failure_to_the_next_success() {
        let failed = [(9, "failure"), (8, "timed_out"), (7, "cancelled"), (6, "success")];
        assert_eq!(repairs(&runs(&failed)), [], "it may have failed for longer than was read");
        let history = runs(&[[(10, "success")].as_slice(), &failed].concat());
        assert_eq!(repairs(&history), [(at(-9 * HOUR + 60), at(-6 * HOUR + 60))]);
        assert_eq!(repairs(&runs(&[(9, "success"), (8, "failure")])), [], "not repaired yet");
        let mut shuffled = history.clone();
        shuffled.reverse();
        assert_eq!(repairs(&shuffled), repairs(&history));
    }

    #[test]
    fn a_repair_belongs_to_the_window_in_which_it_ended() {
        let history = runs(&[
            (31, "success"),
            (30, "failure"),
            (20, "success"),
            (15, "failure"),
            (14, "success"),
            (10, "failure"),
            (8, "success"),
        ]);
        let (now, before) =
            (Delivery::of(&[&history], today()), Delivery::of(&[&history], today().before()));
        assert_eq!((now.restore.samples, now.restore.value), (3, Some(7200.0)));
        assert_eq!((before.restore.samples, before.restore.value), (0, None));
    }

    #[test]
    fn one_agent_does_not_repair_another() {
        let (broken, fine) = (runs(&[(9, "failure")]), runs(&[(8, "success")]));
        assert_eq!(Delivery::of(&[&broken, &fine], today()).restore.samples, 0);
    }

    #[test]
    fn lead_time_is_from_the_commit_to_the_end_of_the_successful_run() {
        let mut history = runs(&[(1, "success"), (2, "success"), (3, "success"), (4, "failure")]);
        let lead = Delivery::of(&[&history], today()).lead;
        assert_eq!((lead.value, lead.samples), (Some(660.0), 3));
        history[0].head_commit = None;
        let lead = Delivery::of(&[&history], today()).lead;
        assert_eq!(
            (lead.value, lead.samples),
            (None, 2),
            "too few samples without GitHub's commit"
        );
    }

    #[rstest]
    #[case(Some(2.0), Some(1.0), Some(Trend::Up))]
    #[case(Some(1.0), Some(2.0), Some(Trend::Down))]
    #[case(Some(1.04), Some(1.0), Some(Trend::Steady))]
    #[case(Some(0.0), Some(0.0), Some(Trend::Steady))]
    #[case(Some(1.0), Some(0.0), Some(Trend::Up))]
    #[case(None, Some(1.0), None)]
    #[case(Some(1.0), None, None)]
    fn a_trend_needs_both(
        #[case] now: Option<f64>,
        #[case] before: Option<f64>,
        #[case] expected: Option<Trend>,
    ) {
        let measure = |value| Measure { value, samples: 9 };
        assert_eq!(measure(now).trend(measure(before)), expected);
    }

    proptest! {
        #[test]
        fn no_repair_is_counted_twice_or_lost(history in prop::collection::vec((1i64..48, "success|failure|cancelled"), 0..80)) {
            let history: Vec<_> = history.iter().map(|(hours, word)| (*hours, word.as_str())).collect();
            let all = runs(&history);
            let repaired = repairs(&all);
            prop_assert!(repaired.iter().all(|(begin, end)| begin <= end));
            prop_assert!(repaired.windows(2).all(|pair| pair[0].1 <= pair[1].0));
            let both = [today(), today().before()].map(|w| Delivery::of(&[&all], w).restore.samples);
            prop_assert_eq!(both.iter().sum::<usize>(), repaired.len());
        }
    }
}
