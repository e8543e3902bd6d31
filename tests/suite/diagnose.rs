//! `/diagnose`.

use rstest::rstest;
use standins::github::{Fault, On, Scenario};

use crate::world::World;

async fn told(scenario: Scenario, text: &str) -> (World, crate::world::Told) {
    let world = World::with(scenario).await;
    let told = world.types("ada", text).await;
    (world, told)
}

#[tokio::test(start_paused = true)]
async fn the_workflow_gets_the_requester_the_channel_and_the_urls() {
    let urls = "frontend_url:https://app.example.com api_base:https://api.example.com";
    let (world, told) = told(Scenario::default(), &format!("/diagnose {urls}")).await;
    assert_eq!(told.kind(), 4);
    let dispatch = world.dispatch();
    assert_eq!(dispatch.workflow, "diagnose-dispatch.yml");
    assert_eq!(dispatch.inputs["frontend_url"], "https://app.example.com");
    assert_eq!(dispatch.inputs["api_base"], "https://api.example.com");
    assert_eq!(dispatch.inputs["channel"], standins::discord::CHANNEL_ID);
    assert!(dispatch.inputs["requester"].as_str().unwrap().starts_with("ada#"));
    assert!(told.original().content.contains("🚀"), "{}", told.transcript());
}

#[tokio::test(start_paused = true)]
async fn a_wait_shows_the_checks_of_the_summary() {
    let (world, told) = told(Scenario::default(), "/diagnose wait:true").await;
    insta::assert_snapshot!(
        told.follow_up().content.replace(&standins::discord::User::named("ada").id, "ADA")
    );
    assert!(told.original().content.contains("checks failed"), "{}", told.transcript());
    world.dispatch();
}

#[rstest]
#[case::hostile(Scenario::named("hostile-artifact").unwrap())]
#[case::forbidden({
    let mut scenario = Scenario::default();
    scenario.faults.push(Fault::forbidden().on(On::Artifacts).always());
    scenario
})]
#[tokio::test(start_paused = true)]
async fn a_summary_that_cannot_be_read_does_not_hide_the_outcome(#[case] scenario: Scenario) {
    let (world, told) = told(scenario, "/diagnose wait:true").await;
    told.both_say("🟢 **Diagnose runner** succeeded");
    world.dispatch();
    let content = &told.follow_up().content;
    assert!(content.contains("**Diagnose runner** "), "{content}");
    assert!(content.contains("⚠️ "), "{content}");
    assert!(!content.contains("✅"), "{content}");
}

#[rstest]
#[case("frontend_url:https://10.0.0.1")]
#[case("api_base:http://api.example.com")]
#[tokio::test(start_paused = true)]
async fn unsafe_urls_are_refused(#[case] option: &str) {
    let (world, told) = told(Scenario::default(), &format!("/diagnose {option}")).await;
    assert!(told.original().ephemeral);
    assert!(world.github.requests().is_empty());
}
