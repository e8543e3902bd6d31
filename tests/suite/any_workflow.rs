//! Any workflow works unchanged: what Deckhand adds for itself is left out where the workflow does not declare it, and two
//! agents of one workflow keep apart.

use std::time::Duration;

use rstest::rstest;
use serde_json::json;
use standins::discord::User;
use standins::github::{Dispatch, Fault, On, Scenario, Workflow};

use crate::world::{Plan, Told, World};

/// Staging and production of one workflow, which knows nothing of Deckhand.
const AGENTS: &str = r#"
    [[agent]]
    id = "staging"
    name = "Staging"
    description = "Deploys to staging"
    command = "staging"
    kind = "deploy"
    workflow = "ship.yml"
    allowed_refs = ["release/*", "v*"]
    environment = "staging"

    [agent.fixed]
    STAGE = "staging"
    REPLICAS = 2
    DEBUG = true

    [[agent.inputs]]
    option = "note"
    input = "NOTE"
    kind = "string"
    description = "Why"

    [[agent]]
    id = "production"
    name = "Production"
    description = "Deploys to production"
    command = "production"
    kind = "deploy"
    workflow = "ship.yml"
    environment = "production"
    wait = true

    [agent.fixed]
    STAGE = "production"
"#;

const DAY: Duration = Duration::from_secs(24 * 3600);

fn ship() -> Workflow {
    ["STAGE", "REPLICAS", "DEBUG", "NOTE"]
        .into_iter()
        .fold(Workflow::new("ship.yml", "Ship"), |workflow, name| workflow.input(name, false))
}

async fn world(scenario: Scenario, workflow: Workflow) -> World {
    let mut scenario = scenario;
    scenario.add_workflow(workflow);
    World::of(Plan { agents: Some(AGENTS), scenario, ..Plan::default() }).await
}

/// How many dispatches GitHub was sent.
fn sent(world: &World) -> usize {
    let requests = world.github.requests();
    requests.iter().filter(|request| request.path.ends_with("/dispatches")).count()
}

fn names(dispatch: &Dispatch) -> Vec<&str> {
    dispatch.inputs.as_object().unwrap().keys().map(String::as_str).collect()
}

#[tokio::test(start_paused = true)]
async fn what_the_workflow_does_not_declare_is_left_out_and_that_is_remembered_for_a_day() {
    let world = world(Scenario::default(), ship()).await;
    world.types("ada", "/production").await.tells_once("🟢 **Production** succeeded");
    assert_eq!((sent(&world), names(&world.dispatches()[0])), (2, vec!["STAGE"]));
    world.types("ada", "/production").await.tells_once("🟢 **Production** succeeded");
    assert_eq!((sent(&world), names(&world.dispatches()[1])), (3, vec!["STAGE"]));
    // Another agent of the same workflow and ref needs not learn it.
    world.types("ada", "/staging wait:true").await.tells_once("🟢 **Staging** succeeded");
    assert_eq!((sent(&world), world.dispatches().len()), (4, 3));
    world.passes(DAY).await;
    world.types("ada", "/production").await.tells_once("🟢 **Production** succeeded");
    assert_eq!((sent(&world), world.dispatches().len()), (6, 4));
}

#[tokio::test(start_paused = true)]
async fn a_workflow_that_declares_them_later_gets_them_again() {
    let world = world(Scenario::default(), ship().input("requester", false)).await;
    world.types("ada", "/production").await.tells_once("succeeded");
    assert_eq!(names(&world.dispatches()[0]), ["STAGE", "requester"]);
    // One that requires an input says so, which is as good as a day.
    world.github.update(|scenario| {
        *scenario.workflow_mut("ship.yml") =
            ship().input("correlation_id", true).input("requester", true);
    });
    world.types("ada", "/production").await.tells_once("succeeded");
    assert_eq!(names(&world.dispatches()[1]), ["STAGE", "correlation_id", "requester"]);
    assert_eq!((sent(&world), world.dispatches().len()), (4, 2));
}

#[rstest]
#[case::alone(ship().input("correlation_id", false).input("requester", false))]
#[case::beside_ours(ship())]
#[tokio::test(start_paused = true)]
async fn what_was_given_is_never_left_out(#[case] mut workflow: Workflow) {
    workflow.inputs.retain(|input| input.name != "NOTE");
    let world = world(Scenario::default(), workflow).await;
    let told = world.types("ada", "/staging note:why").await;
    let said = &told.original().content;
    assert!(said.contains("not started"), "{said}");
    assert!(said.contains("Unexpected inputs provided: \\[\"NOTE\"\\]"), "{said}");
    assert!(said.contains("Declare it in the workflow's `on.workflow_dispatch.inputs`"), "{said}");
    assert_eq!((sent(&world), world.dispatches().len()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_second_try_whose_answer_is_lost_is_not_followed_by_a_third() {
    let world = world(Scenario::default(), ship()).await;
    world.github.fault(Fault::bad_gateway().on(On::Dispatch).skip(1));
    let told = world.types("ada", "/production").await;
    let said = &told.original().content;
    assert!(said.contains("GitHub's answer was lost"), "{said}");
    assert_eq!(sent(&world), 2);
    world.and_more();
}

#[rstest]
#[case::the_run_is_not_named(Scenario { run_details: false, ..Scenario::default() }, 2)]
#[case::the_field_is_not_known(Scenario { enterprise_server: Some(422), run_details: false, ..Scenario::default() }, 3)]
#[tokio::test(start_paused = true)]
async fn a_run_that_nobody_names_is_matched_by_time(
    #[case] scenario: Scenario,
    #[case] requests: usize,
) {
    let world = world(scenario, ship()).await;
    let told = world.types("ada", "/production").await;
    told.tells_once("🟢 **Production** succeeded");
    assert!(told.original().content.contains("matched by time"), "{}", told.transcript());
    assert_eq!((sent(&world), world.dispatches().len()), (requests, 1));
}

#[tokio::test(start_paused = true)]
async fn fixed_inputs_are_sent_as_texts_and_shown_but_no_option() {
    let world = world(Scenario::default(), ship()).await;
    let told = world.types("ada", "/staging note:why").await;
    let inputs = json!({"STAGE": "staging", "REPLICAS": "2", "DEBUG": "true", "NOTE": "why"});
    assert_eq!(world.dispatch().inputs, inputs);
    let said = &told.original().content;
    assert!(
        said.contains("`STAGE: staging` · `REPLICAS: 2` · `DEBUG: true` · `note: why`"),
        "{said}"
    );
    let listed = world.types("ada", "/agents").await;
    assert!(listed.original().content.contains("`STAGE: production`"), "{}", listed.transcript());
}

#[rstest]
#[case::by_default("/production", true)]
#[case::as_asked("/production wait:true", true)]
#[case::overruled("/production wait:false", false)]
#[case::other_default("/staging", false)]
#[tokio::test(start_paused = true)]
async fn an_agent_may_wait_by_itself(#[case] text: &str, #[case] waits: bool) {
    let world = world(Scenario::default(), ship()).await;
    let told: Told = world.types("ada", text).await;
    assert_eq!(told.has_follow_up(), waits, "{}", told.transcript());
    assert_eq!(world.dispatches().len(), 1);
    let said = &told.original().content;
    assert!(!said.contains("wait:"), "no hint that makes people deploy twice: {said}");
    world.and_more();
}

#[tokio::test(start_paused = true)]
async fn refs_are_suggested_newest_first_wherever_what_was_typed_stands() {
    let refs = [
        "main",
        "release/2024.9",
        "release/2024.40",
        "v1.9.0",
        "v1.10.0-rc.1",
        "v1.10.0",
        "feature/2024",
    ];
    let refs = refs.map(str::to_owned).to_vec();
    let world = world(Scenario { refs, ..Scenario::default() }, ship()).await;
    for (typed, expected) in [
        ("2024", &["release/2024.40", "release/2024.9"][..]),
        ("V1", &["v1.10.0", "v1.10.0-rc.1", "v1.9.0", "v1.0.0"]),
        (
            "",
            &[
                "main",
                "release/2024.40",
                "release/2024.9",
                "v1.10.0",
                "v1.10.0-rc.1",
                "v1.9.0",
                "v1.0.0",
            ],
        ),
    ] {
        let question =
            world.discord.autocomplete(&User::named("ada"), &format!("/staging ref:{typed}|"));
        let (_, body) = world.post(&question.unwrap()).await;
        let choices = body["data"]["choices"].as_array().unwrap();
        let names: Vec<_> =
            choices.iter().map(|choice| choice["value"].as_str().unwrap()).collect();
        assert_eq!(names, expected, "{typed}");
    }
}
