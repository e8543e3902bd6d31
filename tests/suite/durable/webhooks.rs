//! Where GitHub's webhooks arrive, waiting is free.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use rstest::rstest;
use standins::github::{Fate, Hook, Mishap, NewRun, Scenario, Timetable};
use tokio::time::Instant;

use super::{MINUTE, Typed, WAIT, ending, seconds};
use crate::world::{Lying, World, durable};

/// A world with a bot where webhooks arrive: the ping came.
async fn arriving(scenario: Scenario, change: impl FnOnce(Hook) -> Hook) -> (World, Store) {
    let (plan, store) = durable(scenario);
    let world = World::durable(plan.with_bot().with_webhooks()).await;
    world.add_hook(change(world.hook())).await;
    (world, store)
}

type Store = std::sync::Arc<Lying>;

/// When the delivery of a run's end was sent.
fn completed_at(world: &World) -> DateTime<Utc> {
    let deliveries = world.github.deliveries();
    let of_end = deliveries.iter().rev().find(|one| one.what.is("workflow_run", "completed"));
    of_end.expect("the end was delivered").sent
}

#[rstest]
#[case::in_the_wait(2)]
#[case::after_it(10)]
#[case::after_the_interaction(40)]
#[tokio::test(start_paused = true)]
async fn a_wait_costs_seconds_and_its_end_comes_at_once(#[case] minutes: u32) {
    let (world, store) = arriving(ending("success", minutes * MINUTE), |hook| hook).await;
    let start = Instant::now();
    let typed = Typed::by(&world, "ada", WAIT).await;
    world.settle().await;
    assert!(start.elapsed() < seconds(3), "{:?}", start.elapsed());
    typed.shows(&world, "🔵 **Client deploy**: queued");
    world.passes(seconds(5)).await;
    typed.shows(&world, "🔵 **Client deploy**: in progress");
    world.passes((minutes - 1) * MINUTE).await;
    assert!(world.posts().is_empty());
    world.passes(MINUTE).await;
    let told = typed.was_told(
        &world,
        "ada",
        &format!("🟢 **Client deploy** succeeded after {minutes}m 0s"),
    );
    let late = told.at - completed_at(&world);
    assert!(late <= TimeDelta::milliseconds(300), "{late}");
    typed.shows(&world, "🟢");
    assert_eq!(store.end().await, "success");
    let calls = world.github.requests();
    let counted = calls.iter().filter(|call| call.counted).count();
    assert!(counted <= 8, "{counted}: {calls:#?}");
    world.dispatch();
}

#[rstest]
#[case(200)]
#[case(700)]
#[case(1500)]
#[tokio::test(start_paused = true)]
async fn what_changes_right_after_an_edit_is_shown_without_another_delivery(
    #[case] queued_ms: u64,
) {
    let queued = Duration::from_millis(queued_ms);
    let running = ending("success", 5 * MINUTE).timetable.running;
    let timetable = Timetable { queued, running, ..Timetable::default() };
    let scenario = Scenario { timetable, ..Scenario::default() };
    let (world, _) = arriving(scenario, |hook| hook).await;
    let typed = Typed::by(&world, "ada", WAIT).await;
    // An edit, the pause after it, and what came meanwhile.
    world.passes(queued + seconds(5)).await;
    typed.shows(&world, "🔵 **Client deploy**: in progress");
    world.dispatch();
}

#[rstest]
#[case::found_by_its_id(Scenario { run_details: false, ..ending("success", 2 * MINUTE) })]
#[case::listed_late(Scenario {
    run_details: false,
    timetable: Timetable { appears: seconds(10), ..ending("success", 2 * MINUTE).timetable },
    ..Scenario::default()
})]
#[tokio::test(start_paused = true)]
async fn a_run_that_must_be_found_is_waited_for_until_it_is_known(#[case] scenario: Scenario) {
    let appears = scenario.timetable.appears;
    let (world, _) = arriving(scenario, |hook| hook).await;
    let start = Instant::now();
    let typed = Typed::by(&world, "ada", WAIT).await;
    world.settle().await;
    assert!(start.elapsed() < appears + seconds(9), "{:?}", start.elapsed());
    typed.shows(&world, "matched by correlation id");
    world.passes(2 * MINUTE + seconds(5)).await;
    world.settle().await;
    let told = typed.was_told(&world, "ada", "🟢");
    let late = told.at - completed_at(&world);
    assert!(late <= TimeDelta::milliseconds(300), "{late}");
    world.dispatch();
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_told_at_once_and_its_step_by_an_edit() {
    let mut scenario = ending("failure", 2 * MINUTE);
    scenario.jobs_lag = seconds(4);
    let (world, _) = arriving(scenario, |hook| hook).await;
    let typed = Typed::by(&world, "ada", WAIT).await;
    world.passes(3 * MINUTE).await;
    world.settle().await;
    let told = typed.was_told(&world, "ada", "Failed at **");
    let late = told.at - completed_at(&world);
    assert!(late <= TimeDelta::milliseconds(300), "{late}");
    assert_eq!(told.edits, 1);
    typed.shows(&world, "Failed at **");
    world.dispatch();
}

#[rstest]
#[case::twice(vec![Mishap::new(Fate::Twice(Duration::from_millis(20)))])]
#[case::twice_much_later(vec![Mishap::new(Fate::Twice(seconds(45)))])]
#[case::out_of_order(vec![Mishap::new(Fate::OutOfOrder)])]
#[case::late(vec![Mishap::new(Fate::Late(seconds(6)))])]
#[case::all(vec![
    Mishap::new(Fate::OutOfOrder).each(2),
    Mishap::new(Fate::Twice(seconds(1))),
    Mishap::new(Fate::Late(seconds(3))).each(3),
])]
#[tokio::test(start_paused = true)]
async fn deliveries_in_any_order_and_number_are_harmless(#[case] mishaps: Vec<Mishap>) {
    let (world, store) = arriving(ending("success", MINUTE), |mut hook| {
        hook.mishaps = mishaps;
        hook
    })
    .await;
    let typed = Typed::by(&world, "ada", WAIT).await;
    world.passes(3 * MINUTE).await;
    world.settle().await;
    typed.was_told(&world, "ada", "🟢");
    assert_eq!(world.posts().len(), 1);
    typed.shows(&world, "🟢");
    assert_eq!(store.end().await, "success");
    world.dispatch();
}

#[tokio::test(start_paused = true)]
async fn a_run_that_ends_before_its_dispatch_is_answered_is_told() {
    let (world, _) = arriving(ending("success", seconds(2)), |mut hook| {
        hook.before_answer = true;
        hook.latency = seconds(3);
        hook
    })
    .await;
    let typed = Typed::by(&world, "ada", WAIT).await;
    world.passes(seconds(30)).await;
    world.settle().await;
    typed.was_told(&world, "ada", "🟢");
    typed.shows(&world, "🟢");
    world.dispatch();
}

#[tokio::test(start_paused = true)]
async fn deliveries_about_runs_of_nobody_cost_one_read_each() {
    let (world, store) = arriving(Scenario::default(), |hook| hook).await;
    let before = store.asked();
    for _ in 0..10 {
        world.github.add_run(NewRun::default());
    }
    world.passes(seconds(30)).await;
    world.settle().await;
    let deliveries = world.github.deliveries();
    assert!(deliveries.len() >= 60, "{}", deliveries.len());
    assert!(deliveries.iter().all(|one| one.status == Some(204)));
    let after = store.asked();
    assert!(after.gets - before.gets <= deliveries.len(), "{after:?}, before {before:?}");
    assert_eq!(
        (after.commits, after.lists, after.dues),
        (before.commits, before.lists, before.dues)
    );
    assert!(world.github.requests().is_empty());
    assert!(world.lines.all().is_empty());
}

#[rstest]
#[case::no_delivery_was_ever_seen(None)]
#[case::the_last_one_was_days_ago(Some(("octo-org/web-client", seconds(4 * 24 * 3600))))]
#[case::of_another_repository_only(Some(("octo-org/web-client-2", seconds(1))))]
#[tokio::test(start_paused = true)]
async fn where_none_arrive_the_invocation_looks(#[case] last: Option<(&str, Duration)>) {
    let (plan, _) = durable(ending("success", MINUTE));
    let world = World::durable(plan.with_bot().with_webhooks()).await;
    if let Some((repository, ago)) = last {
        let hook = Hook { repo: repository.to_owned(), ..world.hook() };
        let hook = world.add_hook(hook).await;
        world.github.remove_hook(hook);
        world.leaps(ago).await;
    }
    let start = Instant::now();
    let typed = Typed::by(&world, "ada", WAIT).await;
    world.settle().await;
    assert!(start.elapsed() >= MINUTE, "{:?}", start.elapsed());
    assert!(start.elapsed() < MINUTE + seconds(6), "{:?}", start.elapsed());
    typed.was_told(&world, "ada", "🟢");
    typed.shows(&world, "🟢");
    world.dispatch();
}

#[rstest]
#[case::of_the_end(Mishap::new(Fate::Lost).of("workflow_run", "completed"))]
#[case::all(Mishap::new(Fate::Lost).when(|what| what.event != "ping"))]
#[case::refused_for_its_signature(Mishap::new(Fate::WrongSignature).when(|what| what.event != "ping"))]
#[tokio::test(start_paused = true)]
async fn a_lost_delivery_is_mended_by_the_sweep(#[case] mishap: Mishap) {
    let (world, store) =
        arriving(ending("success", seconds(150)), |hook| hook.mishap(mishap)).await;
    let typed = Typed::by(&world, "ada", WAIT).await;
    world.settle().await;
    world.sweeps(2).await;
    assert!(world.posts().is_empty());
    world.sweeps(2).await;
    assert_eq!(store.end().await, "success");
    typed.was_told(&world, "ada", "🟢");
    typed.shows(&world, "🟢");
    world.dispatch();
}

#[tokio::test(start_paused = true)]
async fn waits_at_once_hold_nothing() {
    let (world, _) = arriving(ending("success", 3 * MINUTE), |hook| hook).await;
    let people: Vec<String> = (0..5).map(|n| format!("person-{n}")).collect();
    let start = Instant::now();
    let mut all = Vec::new();
    for who in &people {
        all.push(Typed::by(&world, who, WAIT).await);
    }
    world.settle().await;
    assert!(start.elapsed() < seconds(6), "{:?}", start.elapsed());
    world.passes(4 * MINUTE).await;
    world.settle().await;
    for (typed, who) in all.iter().zip(&people) {
        typed.was_told(&world, who, "🟢");
        typed.shows(&world, "🟢");
    }
    assert_eq!(world.dispatches().len(), 5);
    assert_eq!(world.posts().len(), 5);
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_delivery_while_somebody_else_acts_is_left_as_a_note(
    #[values(true, false)] in_another_process: bool,
) {
    // The look of the invocation hangs while the run ends, and the delivery comes.
    let (plan, _) = durable(ending("success", seconds(4)));
    let mut world = World::durable(plan.with_bot().with_webhooks()).await;
    let hook = world.add_hook(world.hook()).await;
    use standins::github::{Fault, On, What};
    world.github.fault(Fault::new(On::RunGet, What::Delay(seconds(8))));
    let typed = Typed::by(&world, "ada", WAIT).await;
    let tasks = world.tasks.clone();
    if in_another_process {
        world.restart();
        let to = world.endpoint();
        world.github.update_hook(hook, |hook| hook.to = to);
    }
    world.passes(seconds(30)).await;
    tasks.drained().await;
    world.settle().await;
    typed.was_told(&world, "ada", "🟢");
    typed.shows(&world, "🟢");
    world.dispatch();
}

#[tokio::test(start_paused = true)]
async fn an_end_that_github_does_not_show_yet_is_not_believed_from_the_payload() {
    let (world, _) = arriving(ending("success", MINUTE), |hook| hook).await;
    use standins::github::{Fault, On};
    let typed = Typed::by(&world, "ada", WAIT).await;
    world.settle().await;
    world.passes(seconds(30)).await;
    world.github.fault(Fault::bad_gateway().on(On::RunGet).lasting(seconds(40)));
    world.passes(seconds(31)).await;
    assert!(world.posts().is_empty());
    world.sweeps(3).await;
    typed.was_told(&world, "ada", "🟢");
    typed.shows(&world, "🟢");
    world.dispatch();
}

#[tokio::test(start_paused = true)]
async fn deliveries_while_the_store_is_down_are_mended_by_the_sweep() {
    let (world, store) = arriving(ending("success", 2 * MINUTE), |hook| hook).await;
    let typed = Typed::by(&world, "ada", WAIT).await;
    world.settle().await;
    world.passes(MINUTE).await;
    store.is_down(true);
    world.passes(2 * MINUTE).await;
    store.is_down(false);
    assert!(world.github.deliveries().iter().all(|one| one.status == Some(204)));
    assert!(world.posts().is_empty());
    world.sweeps(2).await;
    typed.was_told(&world, "ada", "🟢");
    typed.shows(&world, "🟢");
    world.dispatch();
}
