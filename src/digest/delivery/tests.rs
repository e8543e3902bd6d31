use super::super::deploys::{Deploys, Earlier};
use super::super::period::tests::{at, run};
use super::*;
use crate::github::Run;
use proptest::prelude::*;
use rstest::rstest;

const HOUR: i64 = 3600;

/// Runs of one minute each, from (hours before now, conclusion).
fn runs(history: &[(i64, &str)]) -> Vec<Run> {
    let runs = (1..).zip(history);
    runs.map(|(id, (hours, word))| run(id, -hours * HOUR, 60, word)).collect()
}

/// The same, each of this commit.
fn of_commits(history: &[(i64, &str, &str)]) -> Vec<Run> {
    let short: Vec<_> = history.iter().map(|(hours, word, _)| (*hours, *word)).collect();
    let with = |(run, (.., sha)): (Run, &(i64, &str, &str))| Run {
        head_sha: Some((*sha).to_owned()),
        ..run
    };
    runs(&short).into_iter().zip(history).map(with).collect()
}

/// The measures of the last day.
fn today(workflows: &[&[Run]]) -> Delivery {
    between(workflows, 24, 0)
}

/// The measures of the day between two times, in hours before now.
fn between(workflows: &[&[Run]], from: i64, to: i64) -> Delivery {
    let all: Vec<Deploys> =
        workflows.iter().map(|runs| Deploys::of(*runs, &Earlier::new())).collect();
    let inside = |deploy: &Deploy| (at(-from * HOUR)..at(-to * HOUR)).contains(&deploy.began);
    let seen = all.iter().map(|one| {
        let until = one.all.iter().filter(|deploy| deploy.began < at(-to * HOUR));
        (1.0, until.map(|deploy| (deploy, inside(deploy))).collect::<Vec<_>>())
    });
    Delivery::of(seen)
}

#[rstest]
#[case::none(&[], 0.0, None)]
#[case::too_few_samples(&[(1, "success"), (2, "failure")], 1.0, None)]
#[case::enough(&[(1, "success"), (2, "failure"), (3, "success"), (4, "success")], 3.0, Some(0.25))]
#[case::cancelled_does_not_count(&[(1, "success"), (2, "failure"), (3, "cancelled")], 1.0, None)]
#[case::outside(&[(25, "success"), (30, "failure"), (40, "success")], 0.0, None)]
fn frequency_and_fail_rate(
    #[case] history: &[(i64, &str)],
    #[case] frequency: f64,
    #[case] rate: Option<f64>,
) {
    let delivery = today(&[&runs(history)]);
    assert_eq!(delivery.frequency.value, Some(frequency));
    assert_eq!(delivery.fail_rate.value, rate);
}

#[test]
fn a_recovery_is_from_the_first_failure_to_the_next_success() {
    let failed = [(9, "failure"), (8, "timed_out"), (7, "cancelled"), (6, "success")];
    let recovery = |history: &[(i64, &str)]| today(&[&runs(history)]).recovery.samples;
    assert_eq!(recovery(&failed), 0, "it may have failed for longer than was read");
    let history = [[(10, "success")].as_slice(), &failed].concat();
    assert_eq!(recovery(&history), 1);
    assert_eq!(recovery(&[(9, "success"), (8, "failure")]), 0, "not repaired yet");
    let three = runs(&[
        (31, "success"),
        (30, "failure"),
        (20, "success"),
        (15, "failure"),
        (14, "success"),
        (10, "failure"),
        (9, "failure"),
        (8, "success"),
    ]);
    let (now, before) = (today(&[&three]), between(&[&three], 48, 24));
    assert_eq!((now.recovery.samples, now.recovery.value), (3, Some(7200.0)));
    assert_eq!((before.recovery.samples, before.recovery.value), (0, None));
    let mut shuffled = three.clone();
    shuffled.reverse();
    assert_eq!(today(&[&shuffled]), now);
}

#[test]
fn one_workflow_does_not_repair_another() {
    let (broken, fine) = (runs(&[(10, "success"), (9, "failure")]), runs(&[(8, "success")]));
    let delivery = today(&[&broken, &fine]);
    assert_eq!((delivery.recovery.samples, delivery.rework_rate.samples), (0, 3));
    assert_eq!(delivery.rework_rate.value, Some(0.0));
}

#[test]
fn lead_time_is_counted_once_for_a_commit_at_its_first_success() {
    let history = of_commits(&[
        (9, "failure", "a"),
        (8, "success", "a"),
        (7, "success", "a"),
        (6, "success", "b"),
        (5, "success", "c"),
        (4, "success", "a"),
    ]);
    // Of a from its commit ten minutes before its first success, not of when it was deployed again.
    let lead = today(&[&history]).lead;
    assert_eq!((lead.value, lead.samples), (Some(660.0), 3));
    let out_before = of_commits(&[(30, "success", "a"), (8, "success", "a")]);
    assert_eq!(today(&[&out_before]).lead.samples, 0);
    let mut unknown = history.clone();
    unknown[3].head_commit = None;
    assert_eq!(today(&[&unknown]).lead.samples, 2);
}

#[test]
fn a_negative_time_is_left_out() {
    let mut history = runs(&[(4, "success"), (3, "success"), (2, "success"), (1, "success")]);
    // The commit's clock was wrong.
    history[0].head_commit.as_mut().unwrap().timestamp = Some(at(HOUR));
    assert_eq!(today(&[&history]).lead.samples, 3);
    let mut failed = runs(&[(4, "success"), (3, "failure"), (2, "success")]);
    assert_eq!(today(&[&failed]).recovery.samples, 1);
    failed[1].updated_at = Some(at(-HOUR));
    assert_eq!(today(&[&failed]).recovery.samples, 0);
}

#[test]
fn each_workflow_is_divided_by_its_own_days() {
    let (two, one) = (runs(&[(40, "success"), (4, "success")]), runs(&[(3, "success")]));
    let [two, one] = [&two, &one].map(|runs| Deploys::of(runs, &Earlier::new()));
    let seen = [(2.0, two), (1.0, one)];
    let seen =
        seen.iter().map(|(days, deploys)| (*days, deploys.all.iter().map(|one| (one, true))));
    assert_eq!(Delivery::of(seen).frequency.value, Some(2.0));
}

#[rstest]
#[case::steady(&[(4, "success", "a"), (3, "success", "b"), (2, "success", "c")], 0)]
#[case::the_same_again(&[(4, "success", "a"), (3, "success", "a"), (2, "success", "a")], 0)]
#[case::after_a_failure(&[(4, "success", "a"), (3, "failure", "b"), (2, "success", "c")], 1)]
#[case::two_tries(&[(4, "failure", "a"), (3, "failure", "a"), (2, "success", "a")], 2)]
#[case::roll_back(&[(4, "success", "a"), (3, "success", "b"), (2, "success", "a")], 1)]
#[case::roll_back_after_a_failure(&[(4, "success", "a"), (3, "failure", "b"), (2, "success", "a")], 1)]
#[case::the_failure_is_older(&[(30, "failure", "x"), (4, "success", "a"), (3, "success", "b"), (2, "success", "c")], 1)]
fn rework_is_what_follows_a_failure_or_goes_back(
    #[case] history: &[(i64, &str, &str)],
    #[case] rework: usize,
) {
    let rate = today(&[&of_commits(history)]).rework_rate;
    assert_eq!((rate.value, rate.samples), (Some(rework as f64 / 3.0), 3));
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
    fn no_deploy_is_counted_twice_or_lost(history in prop::collection::vec((1i64..48, "success|failure|cancelled"), 0..80)) {
        let history: Vec<_> = history.iter().map(|(hours, word)| (*hours, word.as_str())).collect();
        let all = runs(&history);
        let decided = history.iter().filter(|(_, word)| *word != "cancelled").count();
        let both = [between(&[&all], 48, 24), today(&[&all])];
        prop_assert_eq!(both.iter().map(|d| d.fail_rate.samples).sum::<usize>(), decided);
        let whole = between(&[&all], 48, 0);
        prop_assert_eq!(both.iter().map(|d| d.recovery.samples).sum::<usize>(), whole.recovery.samples);
        prop_assert!(whole.rework_rate.value.is_none_or(|rate| (0.0..=1.0).contains(&rate)));
    }
}
