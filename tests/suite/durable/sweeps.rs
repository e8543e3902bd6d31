//! The sweep: the net under all deploys, bounded, fair, and silent when there is nothing to do.

use std::sync::Arc;

use chrono::TimeDelta;
use deckhand::store::{Body, Change, Commit, Expect, Key, Store, Write};
use rstest::rstest;
use serde_json::{Value, json};
use standins::github::{Fault, On, Scenario, What};
use tokio::time::Instant;

use super::{MINUTE, Typed, WAIT, ending, seconds};
use crate::world::{Blow, Lying, World, durable};

const DAY: u64 = 24 * 3600;

#[tokio::test(start_paused = true)]
async fn when_the_wait_is_over_the_deploy_goes_on_and_its_end_is_told() {
    let (plan, store) = durable(ending("success", 5 * MINUTE));
    let world = World::durable(plan.with_bot()).await;
    let start = Instant::now();
    let typed = Typed::by(&world, "ada", WAIT).await;
    world.settle().await;
    assert!((180..=183).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
    typed.shows(&world, "It goes on; the end will be told here.");
    assert!(world.posts().is_empty());
    world.sweeps(4).await;
    assert_eq!(store.end().await, "success");
    typed.shows(&world, "🟢");
    typed.was_told(&world, "ada", "🟢");
    world.dispatch();
}

#[tokio::test(start_paused = true)]
async fn a_deploy_whose_process_was_killed_in_the_wait_is_taken_up_within_two_sweeps() {
    let (plan, _) = durable(ending("success", seconds(30)));
    let mut world = World::durable(plan.with_bot()).await;
    let typed = Typed::by(&world, "ada", WAIT).await;
    world.passes(seconds(10)).await;
    world.kill();
    world.sweeps(2).await;
    typed.shows(&world, "🟢");
    typed.was_told(&world, "ada", "🟢");
    world.dispatch();
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn frozen_at_any_call_of_the_end_it_is_told_once(#[values(1, 2, 3, 4, 5, 6)] call: usize) {
    let (plan, store) = durable(ending("failure", seconds(30)));
    let mut world = World::durable(plan.with_bot()).await;
    let typed = Typed::by(&world, "ada", WAIT).await;
    world.passes(seconds(28)).await;
    world.life.meets(Blow::Freezes(seconds(150)), call);
    world.life.struck().await;
    assert!(world.life.is_struck());
    let old = world.tasks.clone();
    world.restart();
    world.sweeps(5).await;
    old.drained().await;
    assert_eq!(store.end().await, "failure");
    typed.shows(&world, "Failed at **");
    typed.was_told(&world, "ada", "Failed at **");
    world.dispatch();
}

#[tokio::test(start_paused = true)]
async fn an_empty_sweep_writes_no_line_and_reads_once() {
    let (plan, store) = durable(Scenario::default());
    let world = World::durable(plan.with_bot()).await;
    world.sweeps(1).await;
    let before = store.asked();
    world.sweeps(60).await;
    let after = store.asked();
    assert_eq!(after.dues - before.dues, 60);
    assert_eq!((after.gets, after.lists), (before.gets, before.lists));
    assert_eq!(after.commits - before.commits, 6, "it is noted every ten minutes that sweeps run");
    assert!(world.lines.all().is_empty());
    assert!(world.github.requests().is_empty() && world.discord.requests().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_sweep_writes_a_line_for_an_end_only() {
    let (plan, _) = durable(ending("success", 8 * MINUTE));
    let world = World::durable(plan.with_bot()).await;
    let typed = Typed::by(&world, "ada", WAIT).await;
    world.settle().await;
    assert_eq!(world.lines.all().len(), 1);
    world.sweeps(8).await;
    let lines = world.lines.all();
    assert_eq!(lines.len(), 2, "{lines:#?}");
    assert_eq!(
        (&lines[1]["event"], &lines[1]["Conclusion"]),
        (&json!("deploy"), &json!("success"))
    );
    assert_eq!(lines[1]["interaction_id"], json!(typed.interaction.id));
    typed.was_told(&world, "ada", "🟢");
    world.and_more();
}

/// A record that this version cannot read, due since long ago.
async fn broken(store: &Arc<Lying>, world: &World, number: u64, body: Value) {
    let now = world.clock().now();
    let key = Key::new("agent#deploy_client", format!("{number:020}"));
    let body: Body = body.as_object().unwrap().clone();
    let change = Change::Put { body, expires_at: None, due: Some(now - TimeDelta::days(1)) };
    let write = Write { key, expect: Expect::Absent, change };
    store.commit(&Commit::of(vec![write])).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn records_that_cannot_be_read_starve_nobody() {
    let (plan, store) = durable(ending("success", 4 * MINUTE));
    let world = World::durable(plan.with_bot()).await;
    let bodies = [
        json!({"schema": 99, "phase": {"is": "dreaming"}}),
        json!({"schema": 2, "order": "garbage"}),
        json!({"schema": "2"}),
        json!({}),
    ];
    for (number, body) in bodies.iter().enumerate() {
        broken(&store, &world, 1_000 + number as u64, body.clone()).await;
    }
    // As after a newer version was taken back.
    for number in 0..100 {
        broken(&store, &world, 2_000 + number, json!({"schema": 99})).await;
    }
    let typed = Typed::by(&world, "ada", WAIT).await;
    world.settle().await;
    world.sweeps(1).await;
    let swept = world.app.sweep(None).await;
    assert_eq!(swept.visited, 0);
    world.sweeps(2).await;
    typed.shows(&world, "🟢");
    typed.was_told(&world, "ada", "🟢");
    world.dispatch();
    for (number, body) in bodies.iter().enumerate() {
        let key = Key::new("agent#deploy_client", format!("{:020}", 1_000 + number));
        let item = store.get(&key).await.unwrap().unwrap();
        assert_eq!(json!(item.body), *body, "it is left alone");
    }
}

#[tokio::test(start_paused = true)]
async fn a_sweep_is_bounded_in_time_and_the_next_ones_do_the_rest() {
    let mut scenario = ending("success", 4 * MINUTE);
    scenario.rate_limit = 100_000;
    let (mut plan, _) = durable(scenario);
    plan.env.push(("WAIT_TIMEOUT_SECONDS", "20".to_owned()));
    let world = World::durable(plan.with_bot()).await;
    let people: Vec<String> = (0..26).map(|n| format!("person-{n}")).collect();
    let mut all = Vec::new();
    for who in &people {
        all.push(Typed::by(&world, who, WAIT).await);
    }
    world.settle().await;
    world.leaps(5 * MINUTE).await;
    world.github.fault(Fault::new(On::RunGet, What::Delay(seconds(20))).lasting(seconds(90)));
    let start = Instant::now();
    world.app.sweep(None).await;
    assert!(start.elapsed() <= seconds(53), "{:?}", start.elapsed());
    world.sweeps(6).await;
    for (typed, who) in all.iter().zip(&people) {
        typed.was_told(&world, who, "🟢");
        typed.shows(&world, "🟢");
    }
    assert_eq!(world.dispatches().len(), 26);
}

#[rstest]
#[case::followed(34, "success", "🟢")]
#[case::given_up(36, "given_up", "has not ended for 35 days")]
#[tokio::test(start_paused = true)]
async fn a_deploy_is_followed_for_35_days(
    #[case] days: u64,
    #[case] word: &str,
    #[case] said: &str,
) {
    let (plan, store) = durable(ending("success", seconds(days * DAY)));
    let world = World::durable(plan.with_bot()).await;
    let typed = Typed::by(&world, "ada", WAIT).await;
    world.settle().await;
    for _ in 0..=days {
        world.leaps(seconds(DAY)).await;
        world.sweeps(1).await;
    }
    assert_eq!(store.end().await, word);
    typed.shows(&world, said);
    typed.was_told(&world, "ada", said);
    world.dispatch();
}

#[tokio::test(start_paused = true)]
async fn two_sweeps_at_once_tell_once() {
    let (plan, _) = durable(ending("success", 4 * MINUTE));
    let mut world = World::durable(plan.with_bot()).await;
    let typed = Typed::by(&world, "ada", WAIT).await;
    world.settle().await;
    world.passes(2 * MINUTE).await;
    let old = world.app.clone();
    world.restart();
    let sweeps = [old.sweep(None), world.app.sweep(None), old.sweep(None)];
    futures_util::future::join_all(sweeps).await;
    world.sweeps(2).await;
    typed.was_told(&world, "ada", "🟢");
    assert_eq!(world.posts().len(), 1);
    typed.shows(&world, "🟢");
    world.dispatch();
}

#[tokio::test(start_paused = true)]
async fn a_stale_index_only_delays() {
    let (plan, store) = durable(ending("success", 4 * MINUTE));
    let world = World::durable(plan.with_bot()).await;
    store.stale_due(true).await;
    let typed = Typed::by(&world, "ada", WAIT).await;
    world.settle().await;
    world.sweeps(3).await;
    typed.shows(&world, "It goes on");
    store.stale_due(false).await;
    store.stale_due(true).await;
    // It names the deploy also when that has ended.
    world.sweeps(3).await;
    typed.was_told(&world, "ada", "🟢");
    typed.shows(&world, "🟢");
    world.dispatch();
}

#[tokio::test(start_paused = true)]
async fn a_sweep_leaves_alone_what_somebody_acts_for() {
    let (plan, _) = durable(ending("success", seconds(170)));
    let world = World::durable(plan.with_bot()).await;
    let typed = Typed::by(&world, "ada", WAIT).await;
    for _ in 0..17 {
        world.passes(seconds(10)).await;
        assert_eq!(world.app.sweep(None).await.visited, 0);
    }
    world.settle().await;
    typed.was_told(&world, "ada", "🟢");
    typed.shows(&world, "🟢");
    world.dispatch();
}

/// What a table does to commits on a bad day.
fn bad_day(store: &Lying, kind: &str, times: usize) {
    match kind {
        "conflicts" => store.conflicts(times),
        "fails" => store.fails(times),
        _ => store.loses_answers(times),
    }
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_store_in_trouble_neither_doubles_nor_loses_anything(
    #[values("conflicts", "fails", "loses answers")] kind: &str,
    #[values(1, 2, 3, 4)] commits_before: usize,
) {
    let (plan, store) = durable(ending("failure", seconds(20)));
    let world = World::durable(plan.with_bot()).await;
    // The first commit decides whether there is a deploy.
    store.does(commits_before);
    bad_day(&store, kind, 5);
    let typed = Typed::by(&world, "ada", WAIT).await;
    world.settle().await;
    world.sweeps(4).await;
    world.dispatch();
    assert_eq!(store.end().await, "failure");
    typed.shows(&world, "Failed at **");
    typed.was_told(&world, "ada", "Failed at **");
    assert_eq!(world.posts().len(), 1);
}
