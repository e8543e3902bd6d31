//! Refusals are believed by the time they last, not at first sight.

use std::time::Duration;

use rstest::rstest;
use standins::discord::User;
use standins::github::{Fault, On, Scenario};
use tokio::time::Instant;

use crate::app;
use crate::world::{Plan, World};

fn refusal(status: u16) -> Fault {
    match status {
        401 => Fault::status(401, "Bad credentials"),
        403 => Fault::forbidden(),
        _ => Fault::status(404, "Not Found"),
    }
}

fn faults(fault: Fault) -> Scenario {
    Scenario { faults: vec![fault], ..Scenario::default() }
}

async fn as_app(scenario: Scenario) -> World {
    World::of(Plan { env: app::env().await, scenario, ..Plan::default() }).await
}

fn posts(world: &World, path_ends: &str) -> usize {
    let requests = world.github.requests();
    requests.iter().filter(|r| r.method == "POST" && r.path.ends_with(path_ends)).count()
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_refusal_of_some_seconds_ends_no_wait(
    #[values(401, 403, 404)] status: u16,
    #[values(0, 1, 2)] looks_before: usize,
    #[values(true, false)] is_app: bool,
) {
    let fault = refusal(status).on(On::RunGet).skip(looks_before).lasting(Duration::from_secs(10));
    let world = if is_app { as_app(faults(fault)).await } else { World::with(faults(fault)).await };
    let told = world.types("ada", "/deploy-client wait:true").await;
    told.both_say("🟢");
    world.dispatch();
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_refusal_of_some_seconds_ends_no_search(#[values(401, 403, 404)] status: u16) {
    let fault = refusal(status).on(On::RunList).lasting(Duration::from_secs(10));
    let world = World::with(Scenario { run_details: false, ..faults(fault) }).await;
    let told = world.types("ada", "/deploy-client wait:true").await;
    told.both_say("🟢");
    world.dispatch();
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn the_failed_step_is_found_although_its_jobs_are_refused_for_a_moment(
    #[values(401, 403, 404)] status: u16,
) {
    let fault = refusal(status).on(On::Jobs).lasting(Duration::from_secs(2));
    let scenario = Scenario::named("failure").unwrap();
    let world = World::with(Scenario { faults: vec![fault], ..scenario }).await;
    let told = world.types("ada", "/deploy-client wait:true").await;
    told.both_say("Failed at **deploy** › Build");
    world.dispatch();
}

#[rstest]
#[case::permission(Fault::forbidden(), "GitHub forbids it (403)")]
#[case::revoked(Fault::status(401, "Bad credentials"), "refuses the token")]
#[case::deleted(Fault::status(404, "Not Found"), "GitHub does not know it (404)")]
#[tokio::test(start_paused = true)]
async fn a_refusal_that_stays_ends_the_wait_and_says_why(#[case] fault: Fault, #[case] why: &str) {
    let world = World::with(faults(fault.on(On::RunGet).skip(1).always())).await;
    let began = Instant::now();
    let told = world.types("ada", "/deploy-client wait:true").await;
    told.both_say(why);
    let took = began.elapsed().as_secs();
    assert!((15..45).contains(&took), "{took} s: after some seconds, and not after minutes");
    world.dispatch();
}

#[rstest]
#[case("Resource protected by organization SAML enforcement.", "single sign-on")]
#[case("the `octo-org` organization has an IP allow list enabled", "IP allow list")]
#[case("forbids access via a personal access token (classic)", "fine-grained")]
#[case("This installation has been suspended", "Unsuspend")]
#[tokio::test(start_paused = true)]
async fn a_refusal_that_names_its_cause_is_believed_at_once(
    #[case] said: &str,
    #[case] cure: &str,
) {
    let fault = Fault::status(403, said).on(On::RunGet).skip(1).always();
    let world = World::with(faults(fault)).await;
    let told = world.types("ada", "/deploy-client wait:true").await;
    told.both_say(cure);
    let looks = world.github.requests().iter().filter(|r| r.method == "GET").count();
    assert_eq!(looks, 2);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_not_doubted_past_the_deadline() {
    let env = vec![("WAIT_TIMEOUT_SECONDS", "10".to_owned())];
    let scenario = faults(Fault::forbidden().on(On::RunGet).skip(1).always());
    let world = World::of(Plan { env, scenario, ..Plan::default() }).await;
    let began = Instant::now();
    let told = world.types("ada", "/deploy-client wait:true").await;
    told.both_say("GitHub forbids it (403)");
    let took = began.elapsed().as_secs();
    assert!((10..20).contains(&took), "{took} s");
    world.dispatch();
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_new_installation_token_that_github_does_not_know_yet(
    #[values(401, 403, 404)] status: u16,
    #[values(" wait:true", "")] wait: &str,
) {
    let token_lag = Some((Duration::from_secs(4), status));
    let world = as_app(Scenario { token_lag, ..Scenario::default() }).await;
    let told = world.types("ada", &format!("/deploy-client{wait}")).await;
    if wait.is_empty() {
        assert!(told.original().content.contains("🚀"), "{}", told.transcript());
    } else {
        told.both_say("🟢");
    }
    world.dispatch();
    assert_eq!(world.github.tokens_issued(), 1, "no new token while the last one is new");
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn every_command_gives_a_new_token_time(
    #[values(401, 403, 404)] status: u16,
    #[values(
        "/status",
        "/status-digest",
        "/verify-latest",
        "/set-frontend url:https://app.example.com confirm:true",
        "/doctor"
    )]
    text: &str,
) {
    let mut env = app::env().await;
    env.push(("ADMIN_USER_IDS", User::named("ada").id));
    env.push(("ALLOW_SECRET_WRITES", "true".to_owned()));
    let token_lag = Some((Duration::from_secs(4), status));
    let scenario = Scenario { token_lag, ..Scenario::default() };
    let world = World::of(Plan { env, scenario, ..Plan::default() }).await;
    let told = world.types("ada", text).await;
    let said = told.transcript();
    for refused in ["401", "403", "404", "may not see", "lacks the permission", "❌"] {
        assert!(!said.contains(refused), "{refused}: {said}");
    }
    assert_eq!(world.github.tokens_issued(), 1);
    world.and_more();
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn what_was_seen_a_moment_ago_is_not_gone(
    #[values(401, 404)] status: u16,
    #[values(On::Workflows, On::RunList, On::Any)] on: On,
) {
    let world = World::new().await;
    let first = world.types("ada", "/status").await.original().content.clone();
    world.github.fault(refusal(status).on(on).lasting(Duration::from_secs(4)));
    let second = world.types("ada", "/status").await.original().content.clone();
    assert_eq!(first, second);
    // Long after, it may well be gone.
    world.passes(Duration::from_secs(3600)).await;
    world.github.fault(refusal(status).on(on).lasting(Duration::from_secs(4)));
    let third = world.types("ada", "/status").await.original().content.clone();
    // That the workflow's state is unknown is not shown.
    assert_eq!(third.contains('⚠'), on != On::Workflows, "{third}");
}

#[tokio::test(start_paused = true)]
async fn a_dispatch_of_a_workflow_that_was_just_dispatched_is_refused_for_some_seconds() {
    for status in [401, 403, 404] {
        let world = World::new().await;
        world.types("ada", "/deploy-client wait:true").await.both_say("🟢");
        world.github.fault(refusal(status).on(On::Dispatch).lasting(Duration::from_secs(8)));
        world.types("ada", "/deploy-client wait:true").await.both_say("🟢");
        assert_eq!(world.dispatches().len(), 2);
    }
}

#[rstest]
#[case::token(false, 1)]
#[case::new_installation_token(true, 7)]
#[tokio::test(start_paused = true)]
async fn a_mistyped_id_is_answered_soon(#[case] is_app: bool, #[case] within: u64) {
    let world = if is_app { as_app(Scenario::default()).await } else { World::new().await };
    let began = Instant::now();
    let told = world.types("ada", "/verify-run run_id:999").await;
    let took = began.elapsed();
    assert!(told.original().content.contains("no run `999`"), "{}", told.transcript());
    assert!(took <= Duration::from_secs(within), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn an_older_token_that_was_revoked_is_replaced_at_once() {
    let world = as_app(Scenario::default()).await;
    world.types("ada", "/deploy-client wait:true").await.both_say("🟢");
    world.passes(Duration::from_secs(60)).await;
    world.github.fault(refusal(401).on(On::Dispatch));
    let began = Instant::now();
    let told = world.types("ada", "/deploy-client").await;
    assert!(told.original().content.contains("🚀"), "{}", told.transcript());
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    assert_eq!((world.dispatches().len(), world.github.tokens_issued()), (2, 2));
    assert_eq!(posts(&world, "/dispatches"), 3);
}
