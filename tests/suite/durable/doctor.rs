//! The doctor says when the net under deploys has a hole.

use standins::discord::User;

use super::{MINUTE, Typed, WAIT, ending};
use crate::world::{World, durable};

async fn world(minutes: u64) -> World {
    let (mut plan, _) = durable(ending("success", MINUTE * u32::try_from(minutes).unwrap()));
    plan.env.push(("ADMIN_USER_IDS", User::named("grace").id));
    // A message holds only so many findings.
    plan.env.push(("FRONTEND_BASE_URL", "https://example.com".to_owned()));
    plan.env.push(("VITE_API_BASE", "https://api.example.com".to_owned()));
    World::durable(plan.with_bot()).await
}

/// What the doctor says of the store.
async fn said(world: &World) -> String {
    let told = world.types("grace", "/doctor").await;
    told.original().content.clone()
}

#[tokio::test(start_paused = true)]
async fn where_sweeps_run_all_is_well() {
    let world = world(5).await;
    let typed = Typed::by(&world, "ada", WAIT).await;
    world.settle().await;
    world.sweeps(1).await;
    let during = said(&world).await;
    assert!(during.contains("Interactions and deploys are remembered"), "{during}");
    world.sweeps(4).await;
    typed.was_told(&world, "ada", "🟢");
    let after = said(&world).await;
    assert!(after.contains("Interactions and deploys are remembered"), "{after}");
    world.and_more();
}

#[tokio::test(start_paused = true)]
async fn a_deploy_that_nobody_goes_on_with_and_a_missing_sweep_are_named() {
    let world = world(30).await;
    let typed = Typed::by(&world, "ada", WAIT).await;
    world.settle().await;
    world.passes(MINUTE).await;
    let early = said(&world).await;
    assert!(!early.contains("Nobody goes on with"), "{early}");
    world.leaps(10 * MINUTE).await;
    let late = said(&world).await;
    assert!(late.contains("Nobody goes on with a deploy of"), "{late}");
    assert!(late.contains(&typed_id(&world)), "{late}");
    assert!(late.contains("No sweep has run lately"), "{late}");
    // The sweep comes back.
    world.sweeps(2).await;
    let mended = said(&world).await;
    assert!(!mended.contains("Nobody goes on with"), "{mended}");
    assert!(!mended.contains("No sweep has run"), "{mended}");
    typed.shows(&world, "It goes on");
    world.and_more();
}

fn typed_id(world: &World) -> String {
    world.dispatch().inputs["correlation_id"].as_str().unwrap().to_owned()
}

#[tokio::test(start_paused = true)]
async fn sweeps_that_stopped_are_named_with_their_last_time() {
    let world = world(1).await;
    let typed = Typed::by(&world, "ada", WAIT).await;
    world.settle().await;
    typed.was_told(&world, "ada", "🟢");
    world.sweeps(3).await;
    world.leaps(40 * MINUTE).await;
    let said = said(&world).await;
    assert!(said.contains("No sweep has run since 2026-11-22 10:00 UTC"), "{said}");
    world.and_more();
}
