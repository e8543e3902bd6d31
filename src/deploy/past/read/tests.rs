use rstest::rstest;
use serde_json::json;

use super::*;
use crate::deploy::correlation::Requester;
use crate::deploy::past::meaning;
use crate::deploy::sample::{interaction, order};
use crate::deploy::stored::EntryRun;
use crate::deploy::stored::State;

/// A deploy that ended in this word. Its run's id is its place in time; each takes as many seconds.
fn deploy(at: u64, word: &str) -> Entry {
    let key = order(at, None).key;
    let state = State::Ended { word: word.to_owned(), reason: None, untold: None };
    let requester = Requester { user_id: 1, username: "ada".to_owned() };
    let began_at = key.interaction_id.created_at();
    let run = EntryRun {
        id: at,
        number: Some(at),
        attempts: 1,
        sha: Some(format!("{at:040x}")),
        commit_title: None,
        ended_at: Some(began_at + TimeDelta::seconds(30)),
        duration: i64::try_from(at).ok().map(TimeDelta::seconds),
    };
    Entry { run: Some(run), ..Entry::bare(key, requester, began_at, state) }
}

/// Deploys in the order of time, by the first letters of their words. Newest first, as they are read.
fn deploys(words: &str) -> Vec<Entry> {
    let word = |letter| match letter {
        's' => "success",
        'f' => "failure",
        't' => "timed_out",
        'u' => "startup_failure",
        'c' => "cancelled",
        'k' => "skipped",
        'n' => "neutral",
        'o' => "other",
        'd' => "deleted",
        'N' => "not_found",
        other => panic!("{other}"),
    };
    let mut deploys: Vec<Entry> =
        (1..).zip(words.chars()).map(|(at, letter)| deploy(at, word(letter))).collect();
    deploys.reverse();
    deploys
}

fn past(words: &str, is_whole: bool) -> Past {
    Past::of(&deploys(words), &order(500, None), is_whole)
}

#[rstest]
#[case::four("ssss", None)]
#[case::five("sssss", Some((3, 5)))]
#[case::even("ssssss", Some((3, 6)))]
#[case::failures_do_not_count("fffffsscsnss", Some((9, 5)))]
#[case::none("", None)]
fn the_usual_duration_is_the_median_of_five_successes_at_least(
    #[case] words: &str,
    #[case] usual: Option<(u64, usize)>,
) {
    assert_eq!(past(words, true).usual.map(|usual| (usual.seconds, usual.of)), usual);
}

#[test]
fn only_the_latest_fifty_successes_count() {
    let usual = past(&"s".repeat(90), false).usual.unwrap();
    // The 41st to the 90th.
    assert_eq!((usual.seconds, usual.of), (65, 50));
}

#[test]
fn a_later_attempt_and_an_unknown_duration_tell_nothing_of_the_whole() {
    let mut deploys = deploys("ssssss");
    deploys[0].run.as_mut().unwrap().attempts = 2;
    assert_eq!(Past::of(&deploys, &order(500, None), true).usual.map(|usual| usual.of), Some(5));
    deploys[1].run.as_mut().unwrap().duration = None;
    let past = Past::of(&deploys, &order(500, None), true);
    assert_eq!((past.usual, past.last_success.map(|last| last.run_id)), (None, Some(6)));
}

#[rstest]
#[case::success("fss", true, Some((true, 2, false)))]
#[case::failures("sftu", true, Some((false, 3, false)))]
#[case::cancelled_counts_neither_way("fscskns", true, Some((true, 3, false)))]
#[case::unknown_ends_count_neither_way("sfodNf", true, Some((false, 2, false)))]
#[case::all_that_are_known("sss", true, Some((true, 3, false)))]
#[case::perhaps_more("sss", false, Some((true, 3, true)))]
#[case::it_began_within_the_list("fss", false, Some((true, 2, false)))]
#[case::nothing("", true, None)]
#[case::only_cancelled("cc", true, None)]
fn a_series_goes_back_as_far_as_they_ended_alike(
    #[case] words: &str,
    #[case] is_whole: bool,
    #[case] series: Option<(bool, usize, bool)>,
) {
    let found = past(words, is_whole).series;
    assert_eq!(found.map(|one| (one.success, one.count, one.or_more)), series);
}

#[test]
fn the_last_success_is_the_one_before_this_deploy() {
    let deploys = deploys("ssfcss");
    let last = Past::of(&deploys, &order(5, None), true).last_success.unwrap();
    assert_eq!((last.run_id, last.number), (2, Some(2)));
    assert_eq!(last.sha.as_deref(), Some("0000000000000000000000000000000000000002"));
    assert_eq!(
        last.at,
        Some(order(2, None).key.interaction_id.created_at() + TimeDelta::seconds(30))
    );
}

#[test]
fn other_environments_and_agents_do_not_count() {
    let mut deploys = deploys("sfsf");
    deploys[0].environment = Some("staging".to_owned());
    deploys[1].key.agent = "server".to_owned();
    let past = Past::of(&deploys, &order(500, None), true);
    assert_eq!(past.last_success.map(|last| last.run_id), Some(1));
    assert_eq!(past.series, Some(Series { success: false, count: 1, or_more: false }));
    let staging = Past::of(&deploys, &order(500, Some("staging")), true);
    assert_eq!((staging.last_success, staging.series.unwrap().success), (None, false));
}

#[rstest]
#[case::first_failure("ssssssssssss", true, false, Some("first failure after 12 successes"))]
#[case::one_success("s", true, false, Some("first failure after 1 success"))]
#[case::at_least("ssssssssssss", false, false, Some("first failure after at least 12 successes"))]
#[case::fixed("sff", true, true, Some("fixed after 2 failures"))]
#[case::fixed_at_once("sf", true, true, Some("fixed after 1 failure"))]
#[case::fixed_at_last("ff", false, true, Some("fixed after at least 2 failures"))]
#[case::second("sf", true, false, Some("2nd failure in a row"))]
#[case::third("sff", true, false, Some("3rd failure in a row"))]
#[case::eleventh("ffffffffff", true, false, Some("11th failure in a row"))]
#[case::twenty_first(
    "ffffffffffffffffffff",
    false,
    false,
    Some("at least the 21st failure in a row")
)]
#[case::nothing_new("ss", true, true, None)]
#[case::first("", true, false, None)]
#[case::first_that_ran("N", true, true, None)]
#[case::not_the_first("c", true, false, None)]
#[case::not_known("", false, false, None)]
fn an_end_is_seen_in_its_series(
    #[case] words: &str,
    #[case] is_whole: bool,
    #[case] succeeded: bool,
    #[case] said: Option<&str>,
) {
    let mut deploys = deploys(words);
    for one in deploys
        .iter_mut()
        .filter(|one| matches!(&one.state, State::Ended { word, .. } if word == "not_found"))
    {
        one.run = None;
    }
    let past = Past::of(&deploys, &order(500, None), is_whole);
    assert_eq!(meaning(&past, succeeded).as_deref(), said);
}

#[rstest]
#[case(0, "usually 3m 5s (median of 12)")]
#[case(185, "usually 3m 5s (median of 12)")]
#[case(186, "longer than usual (3m 5s, median of 12)")]
fn the_usual_duration_in_words(#[case] elapsed: i64, #[case] words: &str) {
    let usual = Usual { seconds: 185, of: 12 };
    assert_eq!(usual.words(TimeDelta::seconds(elapsed)), words);
}

/// A successful run on GitHub that took `took` seconds.
fn run(at: u64, took: i64) -> Run {
    let created = interaction(at).created_at();
    let run = json!({
        "id": at, "event": "workflow_dispatch", "status": "completed", "conclusion": "success",
        "head_branch": "main", "head_sha": format!("{at:040x}"), "run_number": at,
        "html_url": "https://github.com/octo-org/web/actions/runs/1",
        "created_at": created, "run_started_at": created, "updated_at": created + TimeDelta::seconds(took),
    });
    serde_json::from_value(run).unwrap()
}

#[test]
fn github_tells_what_the_record_does_not_know() {
    let runs: Vec<Run> = (1..=5).map(|at| run(at, 60)).collect();
    let mut past = past("", true);
    past.fill(&runs, &order(500, None));
    assert_eq!(past.usual, Some(Usual { seconds: 60, of: 5 }));
    assert_eq!(past.last_success.map(|last| last.run_id), Some(5));
    assert_eq!(past.series, None);
}

#[test]
fn what_the_record_knows_goes_before_github() {
    let runs: Vec<Run> = (100..=110).map(|at| run(at, 60)).collect();
    let mut past = past("sss", true);
    past.fill(&runs, &order(500, None));
    assert_eq!(past.last_success.map(|last| last.run_id), Some(3));
    assert_eq!(past.usual, Some(Usual { seconds: 60, of: 11 }));
}

#[rstest]
#[case::ours(|run: &mut Run| run.display_title = Some(order(500, None).correlation_id.to_string()))]
#[case::later(|run: &mut Run| run.created_at = Some(interaction(501).created_at()))]
#[case::failed(|run: &mut Run| run.conclusion = Some("failure".to_owned()))]
#[case::goes_on(|run: &mut Run| run.status = Some("in_progress".to_owned()))]
#[case::pushed(|run: &mut Run| run.event = Some("push".to_owned()))]
#[case::other_branch(|run: &mut Run| run.head_branch = Some("dev".to_owned()))]
fn a_run_that_does_not_fit_tells_nothing(#[case] change: fn(&mut Run)) {
    let mut run = run(7, 60);
    change(&mut run);
    let mut past = past("", true);
    past.fill(&[run], &order(500, None));
    assert_eq!(past.last_success, None);
}

#[test]
fn a_success_keeps_its_ref_and_inputs_also_through_a_re_run() {
    use crate::deploy::order::{How, RollBack};
    use crate::deploy::sample;

    let mut deploy = sample::deploy(1, "success");
    deploy.order.inputs.insert("VERSION".to_owned(), "1".into());
    deploy.order.git_ref = "release/1.0".to_owned();
    let last = |deploy: &crate::deploy::Deploy| {
        let order = order(500, Some("production"));
        Past::of(&[Entry::of_deploy(deploy)], &order, true).last_success.unwrap()
    };
    let first = last(&deploy);
    assert_eq!(first.git_ref.as_deref(), Some("release/1.0"));
    assert_eq!(first.inputs.as_ref(), Some(&deploy.order.inputs));
    // Those of a run that is run again are that run's, or not known.
    let mut rerun = sample::deploy(2, "success");
    rerun.order.rolls_back = Some(RollBack { to: first.clone(), how: How::Rerun });
    assert_eq!(last(&rerun).inputs, first.inputs);
    let unknown = Success { inputs: None, ..first };
    rerun.order.rolls_back = Some(RollBack { to: unknown, how: How::Rerun });
    assert_eq!(last(&rerun).inputs, None);
}

#[test]
fn a_success_in_another_repository_is_not_gone_back_to() {
    let mut order = order(500, Some("production"));
    let entry = Entry::of_deploy(&crate::deploy::sample::deploy(1, "success"));
    assert!(Past::of(std::slice::from_ref(&entry), &order, true).last_success.is_some());
    order.repository = "octo-org/other".parse().unwrap();
    assert_eq!(Past::of(&[entry], &order, true).last_success, None);
}
