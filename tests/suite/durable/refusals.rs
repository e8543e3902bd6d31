//! Refusals are believed by the time they last.

use std::time::Duration;

use rstest::rstest;
use standins::github::{Fault, On, Renamed, Scenario, Timetable};

use super::{MINUTE, Typed, WAIT, ending, seconds};
use crate::world::{World, durable};

fn refusal(status: u16) -> Fault {
    match status {
        404 => Fault::status(404, "Not Found"),
        401 => Fault::status(401, "Bad credentials"),
        _ => Fault::forbidden(),
    }
}

/// A world whose run ends well after 40 s, in the middle of a wait.
async fn waiting() -> (World, Typed) {
    let (plan, _) = durable(ending("success", seconds(40)));
    let world = World::durable(plan.with_bot()).await;
    let typed = Typed::by(&world, "ada", WAIT).await;
    world.passes(seconds(10)).await;
    typed.shows(&world, "in progress");
    (world, typed)
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_refusal_of_some_seconds_ends_no_wait(
    #[values(404, 401, 403)] status: u16,
    #[values(8, 14)] lasts: u64,
) {
    let (world, typed) = waiting().await;
    world.github.fault(refusal(status).on(On::RunGet).lasting(seconds(lasts)));
    world.passes(seconds(lasts)).await;
    typed.shows(&world, "🔵 **Client deploy**: in progress");
    world.settle().await;
    typed.shows(&world, "🟢");
    typed.was_told(&world, "ada", "🟢");
    world.dispatch();
}

#[tokio::test(start_paused = true)]
async fn a_repository_that_is_renamed_ends_no_wait() {
    let (world, typed) = waiting().await;
    world.github.rename(Renamed::new("octo-org/web-client", "octo-org/web-app"));
    world.settle().await;
    typed.shows(&world, "🟢");
    typed.was_told(&world, "ada", "🟢");
    world.dispatch();
}

#[rstest]
#[case::token(401, "the run cannot be followed now. ")]
#[case::permission(403, "the run cannot be followed now. ")]
#[case::repository(404, "the run cannot be followed now. ")]
#[tokio::test(start_paused = true)]
async fn a_refusal_that_stays_is_said_and_when_it_is_over_the_outcome_is_told(
    #[case] status: u16,
    #[case] said: &str,
) {
    let (world, typed) = waiting().await;
    world.github.fault(refusal(status).on(On::RunGet).lasting(5 * MINUTE));
    world.github.fault(refusal(status).on(On::RunList).lasting(5 * MINUTE));
    world.passes(seconds(60)).await;
    let shown = typed.shows(&world, said);
    assert!(shown.content.contains("Deckhand goes on trying"), "{}", shown.content);
    assert!(world.posts().is_empty());
    world.settle().await;
    typed.shows(&world, "Deckhand goes on trying");
    world.sweeps(5).await;
    typed.shows(&world, "🟢");
    typed.was_told(&world, "ada", "🟢");
    world.dispatch();
}

#[tokio::test(start_paused = true)]
async fn a_conclusion_that_comes_late_is_waited_for() {
    let mut scenario = ending("success", seconds(20));
    scenario.timetable.concludes = seconds(5);
    let (plan, _) = durable(scenario);
    let world = World::durable(plan.with_bot()).await;
    let typed = Typed::by(&world, "ada", WAIT).await;
    world.passes(seconds(22)).await;
    typed.shows(&world, "🔵 **Client deploy**: in progress");
    assert!(world.posts().is_empty());
    world.settle().await;
    typed.shows(&world, "🟢");
    typed.was_told(&world, "ada", "🟢");
    world.dispatch();
}

#[rstest]
#[case::in_the_wait(20)]
#[case::after_it(200)]
#[tokio::test(start_paused = true)]
async fn a_conclusion_that_never_comes_is_told_as_that(#[case] completes: u64) {
    let timetable = Timetable::path(&[
        (Duration::ZERO, "queued", None),
        (seconds(2), "in_progress", None),
        (seconds(completes), "completed", None),
    ]);
    let (plan, store) = durable(Scenario { timetable, ..Scenario::default() });
    let world = World::durable(plan.with_bot()).await;
    let typed = Typed::by(&world, "ada", WAIT).await;
    world.settle().await;
    world.sweeps(5).await;
    assert_eq!(store.end().await, "other");
    typed.shows(&world, "⚪ **Client deploy** ended without a conclusion");
    typed.was_told(&world, "ada", "ended without a conclusion");
    world.dispatch();
}

#[rstest]
#[case::in_the_wait(seconds(10))]
#[case::after_it(4 * MINUTE)]
#[tokio::test(start_paused = true)]
async fn a_deleted_run_is_told_as_that(#[case] after: Duration) {
    let (plan, store) = durable(ending("success", 10 * MINUTE));
    let world = World::durable(plan.with_bot()).await;
    let typed = Typed::by(&world, "ada", WAIT).await;
    world.passes(after).await;
    world.github.delete_run(world.dispatch().run_id);
    world.settle().await;
    world.sweeps(4).await;
    assert_eq!(store.end().await, "deleted");
    typed.shows(&world, "its run was deleted on GitHub");
    typed.was_told(&world, "ada", "its run was deleted on GitHub");
    assert_eq!(world.posts().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_no_deletion() {
    let (world, typed) = waiting().await;
    world.github.fault(Fault::status(404, "Not Found").on(On::RunGet).lasting(2 * MINUTE));
    world.github.fault(Fault::bad_gateway().on(On::RunList).lasting(2 * MINUTE));
    world.settle().await;
    world.sweeps(3).await;
    typed.shows(&world, "🟢");
    typed.was_told(&world, "ada", "🟢");
    world.dispatch();
}
