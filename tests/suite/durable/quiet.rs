//! Deploys that nobody waits for, and runs that are started again on GitHub: followed all the same, without noise.

use std::sync::Arc;

use chrono::TimeDelta;
use rstest::rstest;
use standins::discord::Message;
use standins::github::{Fate, Mishap, Scenario, Timetable};

use super::{MINUTE, Typed, WAIT, ending, seconds};
use crate::world::{Lying, World, durable};

const DEPLOY: &str = "/deploy-client";

async fn world(scenario: Scenario, hooked: bool) -> (World, Arc<Lying>) {
    let (plan, store) = durable(scenario);
    let plan = plan.with_bot();
    let world = World::durable(if hooked { plan.with_webhooks() } else { plan }).await;
    if hooked {
        world.add_hook(world.hook()).await;
    }
    (world, store)
}

/// Asserts that nobody was pinged, and that all is in one message.
fn is_quiet(world: &World, typed: &Typed) -> Message {
    assert!(world.posts().is_empty(), "{:#?}", world.posts());
    let told = typed.told(world);
    assert!(!told.has_follow_up(), "{}", told.transcript());
    assert!(told.original().pings.is_empty());
    told.original().clone()
}

#[rstest]
#[case::success("success", "🟢 **Client deploy** succeeded")]
#[case::failure("failure", "Failed at **")]
#[tokio::test(start_paused = true)]
async fn without_wait_the_sweep_edits_the_answer(#[case] conclusion: &str, #[case] said: &str) {
    let (world, store) = world(ending(conclusion, seconds(90)), false).await;
    let typed = Typed::by(&world, "ada", DEPLOY).await;
    assert!(typed.answer.elapsed < seconds(1), "{:?}", typed.answer.elapsed);
    typed.shows(&world, "🚀 **Client deploy** started");
    world.settle().await;
    assert_eq!(world.github.requests().len(), 1, "the invocation does not poll");
    world.sweeps(1).await;
    let shown = is_quiet(&world, &typed);
    assert!(shown.content.contains("in progress"), "{}", shown.content);
    world.sweeps(2).await;
    let shown = is_quiet(&world, &typed);
    assert!(shown.content.contains(said), "{}", shown.content);
    assert_eq!(store.end().await, conclusion);
    world.dispatch();
}

#[tokio::test(start_paused = true)]
async fn without_wait_a_webhook_edits_the_answer_at_once() {
    let (world, store) = world(ending("success", 2 * MINUTE), true).await;
    let typed = Typed::by(&world, "ada", DEPLOY).await;
    world.settle().await;
    assert_eq!(world.github.requests().len(), 1, "the invocation does not poll");
    world.passes(3 * MINUTE).await;
    world.settle().await;
    let shown = is_quiet(&world, &typed);
    assert!(shown.content.contains("🟢"), "{}", shown.content);
    let ended = world.github.deliveries().last().unwrap().sent;
    let late = shown.edited.unwrap() - ended;
    assert!(late <= TimeDelta::milliseconds(300), "{late}");
    assert_eq!(store.end().await, "success");
    world.dispatch();
}

#[rstest]
#[case::long(ending("success", 40 * MINUTE), 46, "🟢")]
#[case::unnamed(Scenario { run_details: false, ..ending("success", 2 * MINUTE) }, 4, "matched by correlation id")]
#[case::lost(Scenario::named("lost-answer").unwrap(), 2, "matched by correlation id")]
#[tokio::test(start_paused = true)]
async fn without_wait_the_end_of_any_deploy_is_shown(
    #[case] scenario: Scenario,
    #[case] minutes: u64,
    #[case] said: &str,
) {
    let (world, store) = world(scenario, false).await;
    let typed = Typed::by(&world, "ada", DEPLOY).await;
    world.settle().await;
    world.sweeps(minutes).await;
    assert_eq!(store.end().await, "success");
    let shown = is_quiet(&world, &typed);
    assert!(shown.content.contains(said), "{}", shown.content);
    world.dispatch();
}

#[tokio::test(start_paused = true)]
async fn without_wait_and_bot_a_late_end_is_in_the_record_at_least() {
    let (plan, store) = durable(ending("success", 40 * MINUTE));
    let world = World::durable(plan).await;
    let typed = Typed::by(&world, "ada", DEPLOY).await;
    world.settle().await;
    world.sweeps(2).await;
    world.leaps(40 * MINUTE).await;
    world.sweeps(4).await;
    assert_eq!(store.end().await, "success");
    is_quiet(&world, &typed);
    let not_told = world.lines.all().iter().any(|line| line["OutcomesNotTold"].is_u64());
    assert!(!not_told, "nobody was to be told");
    world.dispatch();
}

/// Somebody starts a run again; it takes a minute and ends so.
fn again(world: &World, conclusion: &str) {
    let timetable = ending(conclusion, MINUTE).timetable;
    let attempt = world.github.rerun(world.dispatch().run_id, "grace", Some(timetable));
    assert!(attempt > 1);
}

#[rstest]
#[case::soon(seconds(30))]
#[case::after_hours(120 * MINUTE)]
#[tokio::test(start_paused = true)]
async fn a_rerun_reopens_a_deploy_that_had_ended(
    #[case] after: std::time::Duration,
    #[values(WAIT, DEPLOY)] text: &str,
) {
    let (world, store) = world(ending("failure", MINUTE), true).await;
    let typed = Typed::by(&world, "ada", text).await;
    world.passes(2 * MINUTE).await;
    world.settle().await;
    assert_eq!(store.end().await, "failure");
    let before = world.posts();
    assert_eq!(before.len(), usize::from(text == WAIT));
    world.passes(after).await;
    again(&world, "success");
    world.passes(seconds(20)).await;
    world.settle().await;
    typed.shows(&world, "🔵 **Client deploy** (attempt 2): in progress");
    world.passes(MINUTE).await;
    world.settle().await;
    assert_eq!(store.end().await, "success");
    let shown = typed.shows(&world, "🟢 **Client deploy** (attempt 2) succeeded");
    assert!(!shown.content.contains("Failed at"), "{}", shown.content);
    let posts = world.posts();
    if text == WAIT {
        assert_eq!(posts.len(), 2);
        assert!(posts[0].content.contains("🔴"), "{}", posts[0].content);
        assert!(
            posts[1].content.contains("🟢 **Client deploy** (attempt 2)"),
            "{}",
            posts[1].content
        );
        assert!(posts[1].pings.is_empty(), "{:?}", posts[1].pings);
        assert_eq!(posts[1].reply_to, Some(shown.id));
    } else {
        assert!(posts.is_empty());
    }
    world.sweeps(3).await;
    assert_eq!(world.posts().len(), posts.len());
}

#[tokio::test(start_paused = true)]
async fn a_rerun_while_the_deploy_is_followed_is_its_end() {
    // The end of the first attempt is never seen.
    let (plan, store) = durable(ending("failure", MINUTE));
    let world = World::durable(plan.with_bot().with_webhooks()).await;
    let lost = Mishap::new(Fate::Lost).of("workflow_run", "completed").times(1);
    let of_its_jobs = Mishap::new(Fate::Lost).of("workflow_job", "completed");
    world.add_hook(world.hook().mishap(lost).mishap(of_its_jobs)).await;
    let typed = Typed::by(&world, "ada", WAIT).await;
    world.settle().await;
    world.passes(seconds(61)).await;
    again(&world, "success");
    world.passes(2 * MINUTE).await;
    world.settle().await;
    assert_eq!(store.end().await, "success");
    typed.shows(&world, "🟢 **Client deploy** (attempt 2) succeeded");
    typed.was_told(&world, "ada", "🟢 **Client deploy** (attempt 2)");
    assert_eq!(world.posts().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_rerun_that_is_noticed_by_polling_is_followed_to_its_end() {
    let second = seconds(1);
    let timetable = Timetable::path(&[
        (std::time::Duration::ZERO, "queued", None),
        (2 * second, "in_progress", None),
        (200 * second, "completed", Some("failure")),
        (210 * second, "queued", None),
        (212 * second, "in_progress", None),
        (400 * second, "completed", Some("success")),
    ]);
    let (world, store) = world(Scenario { timetable, ..Scenario::default() }, false).await;
    let typed = Typed::by(&world, "ada", WAIT).await;
    world.settle().await;
    world.sweeps(6).await;
    assert_eq!(store.end().await, "success");
    typed.shows(&world, "🟢 **Client deploy** (attempt 2) succeeded");
    typed.was_told(&world, "ada", "🟢");
    world.dispatch();
}

#[tokio::test(start_paused = true)]
async fn three_attempts_are_three_outcomes_and_one_ping() {
    let (world, store) = world(ending("failure", MINUTE), true).await;
    let typed = Typed::by(&world, "ada", WAIT).await;
    world.passes(2 * MINUTE).await;
    again(&world, "cancelled");
    world.passes(2 * MINUTE).await;
    again(&world, "success");
    world.passes(2 * MINUTE).await;
    world.settle().await;
    assert_eq!(store.end().await, "success");
    let posts = world.posts();
    let icons: Vec<_> =
        posts.iter().map(|p| ["🔴", "⚪", "🟢"].map(|i| p.content.contains(i))).collect();
    assert_eq!(icons, [[true, false, false], [false, true, false], [false, false, true]]);
    let pings: Vec<_> = posts.iter().map(|post| post.pings.len()).collect();
    assert_eq!(pings, [1, 0, 0]);
    typed.shows(&world, "🟢 **Client deploy** (attempt 3)");
}

#[tokio::test(start_paused = true)]
async fn what_is_told_late_of_an_earlier_attempt_changes_nothing() {
    let (plan, store) = durable(ending("failure", MINUTE));
    let world = World::durable(plan.with_bot().with_webhooks()).await;
    let late = Mishap::new(Fate::Late(seconds(100))).when(|what| what.attempt == 1);
    let twice = Mishap::new(Fate::Twice(seconds(150)));
    world.add_hook(world.hook().mishap(late).mishap(twice)).await;
    let typed = Typed::by(&world, "ada", WAIT).await;
    world.sweeps(3).await;
    assert_eq!(store.end().await, "failure");
    again(&world, "success");
    for _ in 0..8 {
        world.passes(seconds(30)).await;
        let shown = typed.shown(&world).content;
        assert!(shown.contains("(attempt 2)"), "{shown}");
    }
    world.settle().await;
    assert_eq!(store.end().await, "success");
    typed.shows(&world, "🟢 **Client deploy** (attempt 2) succeeded");
    let posts = world.posts();
    assert_eq!(posts.len(), 2);
    assert_eq!((posts[0].pings.len(), posts[1].pings.len()), (1, 0));
}
