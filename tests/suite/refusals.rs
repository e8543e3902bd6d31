//! Refusals are believed by the time they last, not at first sight.

use std::time::Duration;

use rstest::rstest;
use standins::discord::User;
use standins::github::{Fault, On, Scenario, Timetable};
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
#[case::permission(Fault::forbidden(), "GitHub forbids it (403)", "Actions: read")]
#[case::revoked(Fault::status(401, "Bad credentials"), "refuses the token", "Renew")]
#[case::unknown(Fault::status(404, "Not Found").on(On::Any), "GitHub does not know it (404)", "")]
#[case::single_sign_on(
    Fault::status(403, "Resource protected by organization SAML enforcement."),
    "GitHub forbids it (403)",
    "single sign-on"
)]
#[case::addresses(
    Fault::status(403, "the `octo-org` organization has an IP allow list enabled"),
    "GitHub forbids it (403)",
    "IP allow list"
)]
#[case::classic_token(
    Fault::status(403, "forbids access via a personal access token (classic)"),
    "GitHub forbids it (403)",
    "fine-grained"
)]
#[case::suspended(
    Fault::status(403, "This installation has been suspended"),
    "GitHub forbids it (403)",
    "Unsuspend"
)]
#[tokio::test(start_paused = true)]
async fn a_refusal_that_stays_is_said_after_some_seconds_and_ends_nothing(
    #[case] fault: Fault,
    #[case] why: &str,
    #[case] cure: &str,
) {
    let env = vec![("ADMIN_USER_IDS", standins::discord::User::named("ada").id)];
    let world = World::of(Plan { env, ..Plan::default() }).await;
    let interaction = world.interaction("ada", "/deploy-client wait:true");
    let answer = world.deliver(&interaction).await;
    world.passes(Duration::from_secs(1)).await;
    let fault = if fault.on == On::Any { fault } else { fault.on(On::RunGet) };
    world.github.fault(fault.lasting(Duration::from_secs(300)));
    world.passes(Duration::from_secs(10)).await;
    let told = world.told(&interaction, answer);
    told.only_shows("🔵 **Client deploy**: queued");
    world.passes(Duration::from_secs(20)).await;
    let told = world.told_since(&interaction, told);
    told.only_shows("⏱️ **Client deploy**: the run cannot be followed now. ");
    let content = &told.original().content;
    assert!(content.contains(why) && content.contains(cure), "{content}");
    assert!(content.contains("Deckhand goes on trying; the end will be told here."), "{content}");
    // The wait ends, and then what kept GitHub from showing the run.
    world.settle().await;
    world.sweeps(4).await;
    let told = world.told_since(&interaction, told);
    told.tells_once("🟢 **Client deploy** succeeded after 7s");
    assert!(!told.transcript().contains(why), "{}", told.transcript());
    world.dispatch();
}

#[tokio::test(start_paused = true)]
async fn a_run_that_was_deleted_is_told_as_that() {
    let deleted = Fault::status(404, "Not Found").on(On::RunGet).skip(1).always();
    let world = World::with(faults(deleted)).await;
    let began = Instant::now();
    let told = world.types("ada", "/deploy-client wait:true").await;
    told.tells_once(
        "⚠️ **Client deploy**: its run was deleted on GitHub before it was seen to end",
    );
    let took = began.elapsed().as_secs();
    assert!((60..120).contains(&took), "{took} s: GitHub may lag, so not at once");
    world.dispatch();
}

#[tokio::test(start_paused = true)]
async fn a_run_that_was_deleted_after_the_wait_is_told_as_that() {
    let timetable = Timetable { running: Duration::from_secs(1200), ..Timetable::default() };
    let world = World::with(Scenario { timetable, ..Scenario::default() }).await;
    let interaction = world.interaction("ada", "/deploy-client wait:true");
    let answer = world.deliver(&interaction).await;
    world.settle().await;
    let told = world.told(&interaction, answer);
    told.only_shows("⏱️ **Client deploy**: still running after 3m 0s");
    world.github.fault(Fault::status(404, "Not Found").on(On::RunGet).always());
    world.sweeps(4).await;
    let told = world.told_since(&interaction, told);
    told.tells_once(
        "⚠️ **Client deploy**: its run was deleted on GitHub before it was seen to end",
    );
    world.dispatch();
}

#[tokio::test(start_paused = true)]
async fn a_refusal_past_a_short_wait_is_said_by_the_sweep() {
    let env = vec![("WAIT_TIMEOUT_SECONDS", "10".to_owned())];
    let scenario = faults(Fault::forbidden().on(On::RunGet).skip(1).always());
    let world = World::of(Plan { env, scenario, ..Plan::default() }).await;
    let began = Instant::now();
    let interaction = world.interaction("ada", "/deploy-client wait:true");
    let answer = world.deliver(&interaction).await;
    world.settle().await;
    let took = began.elapsed().as_secs();
    assert!((10..20).contains(&took), "{took} s");
    let told = world.told(&interaction, answer);
    told.only_shows("⏱️ **Client deploy**: after 10s still queued. It goes on");
    world.sweeps(2).await;
    let told = world.told_since(&interaction, told);
    told.only_shows(
        "⏱️ **Client deploy**: the run cannot be followed now. An admin of the bot must mend it.",
    );
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
    for refused in ["(401)", "(403)", "(404)", "may not see", "lacks the permission", "❌"] {
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
