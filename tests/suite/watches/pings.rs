//! A role is pinged on the first failure and on recovery.

use std::time::Duration;

use rstest::rstest;
use standins::github::{Fault, NewRun, On, Timetable};

use super::{MINUTE, push, watching};
use crate::world::World;

const PING: &str = "channel = \"CHANNEL\"\nping = \"77\"";

/// What the outcomes so far say, and whom they ping.
fn pings(world: &World) -> Vec<(String, Vec<String>)> {
    let first = |text: &str| text.lines().next().unwrap_or_default().to_owned();
    world.told_of_cards().iter().map(|told| (first(&told.content), told.pings.clone())).collect()
}

#[tokio::test(start_paused = true)]
async fn the_first_failure_and_the_recovery_ping_and_nothing_between() {
    let (world, _) = watching(&[PING]).await;
    for (end, told) in [
        ("success", 0),
        ("success", 0),
        ("failure", 1),
        ("failure", 1),
        ("cancelled", 1),
        ("timed_out", 1),
        ("success", 2),
        ("success", 2),
        ("failure", 3),
    ] {
        world.runs(push(end)).await;
        assert_eq!(pings(&world).len(), told, "{end}: {:?}", pings(&world));
    }
    let pings = pings(&world);
    let said = [
        "first failure after 2 successes",
        "fixed after 3 failures",
        "first failure after 2 successes",
    ];
    for ((line, pinged), expected) in pings.iter().zip(said) {
        assert!(line.starts_with("<@&77> ") && line.contains(expected), "{expected}: {line}");
        assert_eq!(pinged, &["&77"]);
    }
    assert!(world.cards().iter().all(|card| card.pings.is_empty()));
    for request in world.discord.requests() {
        let mentions = &request.body["allowed_mentions"];
        assert!(mentions["parse"].as_array().is_none_or(Vec::is_empty), "{mentions}");
    }
}

#[rstest]
#[case::failure("failure", 1)]
#[case::success("success", 0)]
#[case::cancelled("cancelled", 0)]
#[case::skipped("skipped", 0)]
#[tokio::test(start_paused = true)]
async fn where_nothing_is_known_before_only_a_failure_pings(
    #[case] end: &str,
    #[case] told: usize,
) {
    let (world, _) = watching(&[PING]).await;
    world.runs(push(end)).await;
    assert_eq!((world.cards().len(), pings(&world).len()), (1, told));
}

#[tokio::test(start_paused = true)]
async fn with_only_failures_the_series_is_known_from_github() {
    let (world, _) =
        watching(&["channel = \"CHANNEL\"\nping = \"77\"\nonly = [\"failure\"]"]).await;
    for end in ["failure", "failure", "success", "failure"] {
        world.runs(push(end)).await;
    }
    assert_eq!((world.cards().len(), pings(&world).len()), (3, 2));
}

#[tokio::test(start_paused = true)]
async fn other_branches_and_dispatches_are_series_of_their_own() {
    let (world, _) = watching(&[PING]).await;
    world.runs(push("failure")).await;
    world.runs(NewRun { branch: "dev".to_owned(), ..push("success") }).await;
    world.runs(NewRun { event: "workflow_dispatch".to_owned(), ..push("success") }).await;
    assert_eq!(pings(&world).len(), 1);
    world.runs(NewRun { event: "schedule".to_owned(), ..push("success") }).await;
    assert_eq!(pings(&world).len(), 2);
    world.cards();
}

#[tokio::test(start_paused = true)]
async fn a_run_that_ends_while_a_later_one_goes_on_counts() {
    let (world, _) = watching(&[PING]).await;
    world.github.add_run(push("failure"));
    world.passes(Duration::from_secs(30)).await;
    world.runs(push("failure")).await;
    assert_eq!((world.cards().len(), pings(&world).len()), (2, 1), "{:?}", pings(&world));
}

#[tokio::test(start_paused = true)]
async fn a_re_run_that_succeeds_is_a_recovery() {
    let (world, _) = watching(&[PING]).await;
    world.runs(push("success")).await;
    let run = world.runs(push("failure")).await;
    for (end, told) in [("failure", 1), ("success", 2)] {
        world.github.rerun(run, "octocat", Some(Timetable::ending(end)));
        world.passes(2 * MINUTE).await;
        world.settle().await;
        assert_eq!(pings(&world).len(), told, "{end}");
    }
    assert!(pings(&world)[1].0.contains("🟢 **CI** (attempt 3) succeeded"), "{:?}", pings(&world));
    world.cards();
}

#[tokio::test(start_paused = true)]
async fn a_series_that_github_does_not_tell_is_known_from_the_cards() {
    let (world, _) = watching(&[PING]).await;
    world.runs(push("failure")).await;
    world.github.fault(Fault::status(500, "no lists").on(On::RunList).always());
    world.runs(push("failure")).await;
    assert_eq!(pings(&world).len(), 1);
    world.runs(push("success")).await;
    assert_eq!(pings(&world).len(), 2, "{:?}", pings(&world));
    world.cards();
}
