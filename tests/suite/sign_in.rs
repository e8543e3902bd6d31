//! Signing in as a GitHub App is not the request itself: when it fails, not started or written.

use std::time::Duration;

use chrono::TimeDelta;
use rstest::rstest;
use standins::discord::User;
use standins::github::{Fault, On, Scenario, What};

use crate::app;
use crate::world::{Plan, World};

async fn world(scenario: Scenario) -> World {
    let mut env = app::env().await;
    env.push(("ADMIN_USER_IDS", User::named("ada").id));
    env.push(("ALLOW_SECRET_WRITES", "true".to_owned()));
    World::of(Plan { env, scenario, ..Plan::default() }).await
}

fn faults(fault: Fault) -> Scenario {
    Scenario { faults: vec![fault.on(On::App)], ..Scenario::default() }
}

#[rstest]
#[case::bad_gateway(Fault::bad_gateway().times(3))]
#[case::outage_of_some_seconds(Fault::bad_gateway().lasting(Duration::from_secs(8)))]
#[case::dropped(Fault::new(On::App, What::Reset).times(2))]
#[case::timeout(Fault::new(On::App, What::Delay(Duration::from_secs(30))))]
#[case::answer_lost(Fault::new(On::App, What::AnswerLost { status: Some(502) }))]
#[case::garbage(Fault::new(On::App, What::Garbage))]
#[case::half_an_answer(Fault::new(On::App, What::Truncated))]
#[tokio::test(start_paused = true)]
async fn a_sign_in_that_fails_for_a_moment_is_tried_again(
    #[case] fault: Fault,
    #[values("", " wait:true")] wait: &str,
) {
    let world = world(faults(fault)).await;
    let told = world.types("ada", &format!("/deploy-client{wait}")).await;
    if wait.is_empty() {
        assert!(told.original().content.contains("🚀"), "{}", told.transcript());
    } else {
        told.both_say("🟢");
    }
    assert!(!told.transcript().contains("lost"));
    world.dispatch();
}

#[rstest]
#[case::outage(Fault::bad_gateway(), "GitHub did not answer as it should. Try again in a minute")]
#[case::integration(
    Fault::status(404, "Integration not found"),
    "GitHub does not know the app or its installation (404). Check `GITHUB_APP_ID`, `GITHUB_APP_INSTALLATION_ID`"
)]
#[case::suspended(
    Fault::status(403, "This installation has been suspended"),
    "GitHub forbids it (403): This installation has been suspended. Unsuspend"
)]
#[case::key(
    Fault::status(401, "A JSON web token could not be decoded"),
    "(401): A JSON web token could not be decoded. Check `GITHUB_APP_ID` and `GITHUB_APP_PRIVATE_KEY`"
)]
#[case::refused(Fault::status(422, "Nope"), "GitHub refuses it (422): Nope. Check `GITHUB_APP_ID`")]
#[tokio::test(start_paused = true)]
async fn a_sign_in_that_fails_is_told_as_that(
    #[case] fault: Fault,
    #[case] why: &str,
    #[values("", " wait:true")] wait: &str,
) {
    let world = world(faults(fault.always())).await;
    let told = world.types("ada", &format!("/deploy-client{wait}")).await;
    let content = &told.original().content;
    let nothing = "Deckhand could not sign in to GitHub as the app: ";
    assert!(content.contains("not started. "), "{content}");
    assert!(content.contains(nothing) && content.contains(why), "{content}");
    for other in ["lost", "know the workflow", "permission"] {
        assert!(!content.contains(other), "{other}: {content}");
    }
    assert!(!told.has_follow_up(), "the same twice: {}", told.transcript());
    assert!(world.dispatches().is_empty());
    let asked = world.github.requests();
    assert!(asked.iter().all(|request| request.path.starts_with("/app/")), "{asked:?}");
}

#[rstest]
#[case::rate_limit(Fault::too_many(Duration::from_secs(20)))]
#[case::abuse(Fault::abuse())]
#[tokio::test(start_paused = true)]
async fn a_limit_of_the_sign_in_is_waited_for(#[case] fault: Fault) {
    let world = world(faults(fault)).await;
    let told = world.types("ada", "/deploy-client wait:true").await;
    told.both_say("🟢");
    world.dispatch();
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn every_command_says_that_the_sign_in_failed(
    #[values(502, 404, 403)] status: u16,
    #[values(
        "/status",
        "/status-digest",
        "/verify-latest",
        "/verify-run run_id:5",
        "/set-frontend url:https://app.example.com confirm:true",
        "/doctor"
    )]
    text: &str,
) {
    let world = world(faults(Fault::status(status, "Nope").always())).await;
    let told = world.types("ada", text).await;
    let said = told.transcript();
    assert!(said.contains("as the app"), "{said}");
    for wrong in ["no run `5`", "not known whether", "lacks the permission", "does not exist"] {
        assert!(!said.contains(wrong), "{wrong}: {said}");
    }
    assert!(world.github.requests().iter().all(|request| request.path.starts_with("/app")));
}

/// GitHub's clock and ours apart, before the first request and between two.
#[rstest]
#[case::ours_is_behind(TimeDelta::minutes(40))]
#[case::ours_is_ahead(TimeDelta::minutes(-40))]
#[case::a_little_ahead(TimeDelta::seconds(-90))]
#[tokio::test(start_paused = true)]
async fn a_signature_refused_for_its_time_is_made_again_with_githubs_clock(
    #[case] skew: TimeDelta,
    #[values(true, false)] is_warm: bool,
) {
    let world = world(Scenario::default()).await;
    if is_warm {
        world.types("ada", "/deploy-client wait:true").await.both_say("🟢");
        world.passes(Duration::from_secs(50 * 60)).await;
    }
    world.github.update(|scenario| scenario.clock_skew = skew);
    let before = world.github.tokens_issued();
    let told = world.types("ada", "/deploy-client wait:true").await;
    told.both_say("🟢");
    assert_eq!(world.github.tokens_issued() - before, 1);
    let refused =
        |request: &&standins::Request| request.path.starts_with("/app/") && request.status == 401;
    let refused = world.github.requests().iter().filter(refused).count();
    assert_eq!(refused, 1, "once is enough");
    world.and_more();
}

#[tokio::test(start_paused = true)]
async fn a_token_that_cannot_be_renewed_is_used_while_it_is_valid() {
    let world = world(Scenario::default()).await;
    world.types("ada", "/deploy-client wait:true").await.both_say("🟢");
    world.passes(Duration::from_secs(50 * 60)).await;
    world.github.fault(Fault::bad_gateway().on(On::App).always());
    world.types("ada", "/deploy-client wait:true").await.both_say("🟢");
    assert_eq!((world.dispatches().len(), world.github.tokens_issued()), (2, 1));
    let renewals = world.github.requests().iter().filter(|r| r.path.starts_with("/app/")).count();
    assert_eq!(renewals, 2, "one that worked, one that failed");
    world.passes(Duration::from_secs(15 * 60)).await;
    let told = world.types("ada", "/deploy-client").await;
    assert!(told.original().content.contains("could not sign in"), "{}", told.transcript());
}

#[tokio::test(start_paused = true)]
async fn an_app_that_was_signed_in_is_not_gone_at_the_first_refusal() {
    for status in [401, 403, 404] {
        let world = world(Scenario::default()).await;
        world.types("ada", "/deploy-client wait:true").await.both_say("🟢");
        world.passes(Duration::from_secs(3600)).await;
        let fault = Fault::status(status, "Not now").on(On::App);
        world.github.fault(fault.lasting(Duration::from_secs(4)));
        world.types("ada", "/deploy-client wait:true").await.both_say("🟢");
        assert_eq!(world.dispatches().len(), 2);
    }
}
