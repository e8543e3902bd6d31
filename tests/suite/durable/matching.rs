//! Which run is whose: exact, or not told.

use std::time::Duration;

use deckhand::store::{Body, Change, Commit, Expect, Key, Store, Write};
use rstest::rstest;
use serde_json::json;
use standins::github::{Fault, NewRun, On, Scenario, Timetable, Title};

use super::{MINUTE, Typed, WAIT, seconds};
use crate::world::{World, durable};

/// GitHub does not say which run a dispatch began.
fn unnamed(timetable: Timetable) -> Scenario {
    Scenario { run_details: false, timetable, ..Scenario::default() }
}

/// Nor do the names of runs.
fn without_ids(timetable: Timetable) -> Scenario {
    Scenario { title: Title::Neither, ..unnamed(timetable) }
}

/// A run by our account that nobody here dispatched.
fn twin(conclusion: &str) -> NewRun {
    let timetable = Timetable::ending(conclusion);
    NewRun { actor: "deckhand-bot".to_owned(), timetable, ..NewRun::default() }
}

#[rstest]
#[case::filters_are_stale(Scenario { filters_lag: 10 * MINUTE, ..unnamed(Timetable::default()) })]
#[case::large_pages_fail(Scenario { largest_page: 99, ..unnamed(Timetable::default()) })]
#[case::both(Scenario { filters_lag: 10 * MINUTE, largest_page: 30, ..unnamed(Timetable::default()) })]
#[case::beside_others(Scenario { filters_lag: 10 * MINUTE, twins: 3, ..unnamed(Timetable::default()) })]
#[tokio::test(start_paused = true)]
async fn an_exact_id_is_found_whatever_the_lists_are_like(#[case] scenario: Scenario) {
    let (plan, _) = durable(scenario);
    let world = World::durable(plan.with_bot()).await;
    let start = tokio::time::Instant::now();
    let typed = Typed::by(&world, "ada", WAIT).await;
    world.settle().await;
    assert!(start.elapsed() < seconds(20), "{:?}", start.elapsed());
    let run = format!("/actions/runs/{}", world.dispatch().run_id);
    typed.was_told(&world, "ada", "🟢");
    typed.shows(&world, &run);
    typed.shows(&world, "matched by correlation id");
}

#[tokio::test(start_paused = true)]
async fn a_list_that_fails_once_is_no_reason_to_take_another_run() {
    let (plan, _) = durable(without_ids(Timetable::default()));
    let world = World::durable(plan.with_bot()).await;
    world.github.fault(Fault::bad_gateway().on(On::RunList).times(6));
    let typed = Typed::by(&world, "ada", WAIT).await;
    world.settle().await;
    typed.shows(&world, "matched by time");
    typed.was_told(&world, "ada", "🟢");
    world.dispatch();
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_twin_that_is_listed_first_is_never_reported_as_ours(
    #[values(7, 20, 27)] later: u64,
    #[values(true, false)] waits: bool,
) {
    let appears = seconds(later);
    let (plan, store) = durable(without_ids(Timetable { appears, ..Timetable::default() }));
    let world = World::durable(plan.with_bot()).await;
    let text = if waits { WAIT } else { "/deploy-client" };
    let typed = Typed::by(&world, "ada", text).await;
    let other = world.github.add_run(twin("failure"));
    world.settle().await;
    world.sweeps(4).await;
    assert_eq!(store.end().await, "not_found");
    let mut said = vec![typed.shows(&world, "ambiguous, 2 runs could be it")];
    if waits {
        said.push(typed.was_told(&world, "ada", "ambiguous, 2 runs could be it"));
    }
    for message in said {
        assert!(!message.content.contains(&other.to_string()), "{}", message.content);
        assert!(!message.content.contains("/actions/runs/"), "{}", message.content);
    }
    world.dispatch();
}

#[tokio::test(start_paused = true)]
async fn a_lone_run_is_declared_when_lists_had_time_to_lag() {
    let (plan, _) = durable(without_ids(Timetable::default()));
    let world = World::durable(plan.with_bot()).await;
    let typed = Typed::by(&world, "ada", WAIT).await;
    world.passes(seconds(25)).await;
    let shown = typed.shows(&world, "looking for its run");
    assert!(!shown.content.contains("/actions/runs/"), "{}", shown.content);
    world.settle().await;
    typed.was_told(&world, "ada", "🟢");
    typed.shows(&world, &format!("/actions/runs/{}", world.dispatch().run_id));
    typed.shows(&world, "matched by time");
}

#[rstest]
#[case::at_once(seconds(0), true)]
#[case::later_in_the_window(seconds(25), true)]
#[case::long_after(seconds(90), false)]
#[tokio::test(start_paused = true)]
async fn deploys_of_two_people_at_the_same_time_are_not_told_apart_by_time(
    #[case] between: Duration,
    #[case] is_ambiguous: bool,
) {
    let (plan, _) = durable(without_ids(Timetable::default()));
    let world = World::durable(plan.with_bot()).await;
    let ada = Typed::by(&world, "ada", WAIT).await;
    world.passes(between).await;
    let grace = Typed::by(&world, "grace", WAIT).await;
    world.settle().await;
    assert_eq!(world.dispatches().len(), 2);
    for (typed, who) in [(&ada, "ada"), (&grace, "grace")] {
        let expected = if is_ambiguous { "ambiguous" } else { "🟢" };
        typed.was_told(&world, who, expected);
        let shown = typed.shows(&world, expected);
        assert_eq!(shown.content.contains("/actions/runs/"), !is_ambiguous, "{}", shown.content);
    }
}

#[tokio::test(start_paused = true)]
async fn deploys_of_two_people_are_told_apart_by_their_ids() {
    let (plan, _) = durable(unnamed(Timetable::default()));
    let world = World::durable(plan.with_bot()).await;
    let ada = Typed::by(&world, "ada", WAIT).await;
    let grace = Typed::by(&world, "grace", WAIT).await;
    world.settle().await;
    let dispatches = world.dispatches();
    for (typed, who) in [(&ada, "ada"), (&grace, "grace")] {
        let is_its = |dispatch: &&standins::github::Dispatch| {
            dispatch.inputs["requester"].as_str().unwrap().starts_with(who)
        };
        let run = dispatches.iter().find(is_its).unwrap().run_id;
        typed.was_told(&world, who, "🟢");
        typed.shows(&world, &format!("/actions/runs/{run}"));
        typed.shows(&world, "matched by correlation id");
    }
}

#[rstest]
#[case::by_time(true, "its run did not show up in time")]
#[case::by_its_id(false, "its run did not show up in time")]
#[tokio::test(start_paused = true)]
async fn a_run_that_belongs_to_another_deploy_is_never_taken(
    #[case] by_time: bool,
    #[case] said: &str,
) {
    let scenario = if by_time {
        let appears = seconds(36_000);
        without_ids(Timetable { appears, ..Timetable::default() })
    } else {
        unnamed(Timetable { appears: seconds(5), ..Timetable::default() })
    };
    let (plan, store) = durable(scenario);
    let world = World::durable(plan.with_bot()).await;
    let typed = Typed::by(&world, "ada", WAIT).await;
    world.passes(seconds(2)).await;
    let run = if by_time { world.github.add_run(twin("failure")) } else { world.dispatch().run_id };
    claim(store.as_ref(), run).await;
    world.settle().await;
    world.sweeps(12).await;
    assert_eq!(store.end().await, "not_found");
    let told = typed.was_told(&world, "ada", said);
    assert!(!told.content.contains(&run.to_string()), "{}", told.content);
    typed.shows(&world, said);
    world.dispatch();
}

/// Another deploy has this run.
async fn claim(store: &dyn Store, run: u64) {
    let body = json!({"agent": "deploy_client", "interaction_id": "1190000000000000777"});
    let body: Body = body.as_object().unwrap().clone();
    let key = Key::new(format!("run#octo-org/web-client#{run}"), "run");
    let change = Change::Put { body, expires_at: None, due: None };
    let write = Write { key, expect: Expect::Absent, change };
    store.commit(&Commit::of(vec![write])).await.unwrap();
}
