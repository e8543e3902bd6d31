//! What a roll back deploys if the success was deployed on another ref, with other inputs, or by another `agents.toml`.

use standins::github::Scenario;

use super::roll_back::{begun, scenario};
use super::{Story, taking};
use crate::world::{World, durable};

/// An agent with an input; two branches may be deployed.
const BOTH: &str = client_deploy!(
    r#"allowed_refs = ["main", "release/*"]
sha_input = "sha"

[[agent.inputs]]
option = "version"
input = "VERSION"
kind = "string"
description = "Which one"
"#
);

/// The same, and only one may be.
const ONE: &str = client_deploy!(
    r#"sha_input = "sha"

[[agent.inputs]]
option = "version"
input = "VERSION"
kind = "string"
description = "Which one"
"#
);

fn by_rerun(agents: &'static str) -> &'static str {
    agents.replace("sha_input = \"sha\"\n", "").leak()
}

/// GitHub, whose workflow takes a version and a commit.
fn github(scenario: Scenario) -> Scenario {
    let mut scenario = scenario;
    let workflow = scenario.workflow_mut("client-deploy.yml");
    *workflow = workflow.clone().input("VERSION", false);
    scenario
}

/// A deploy by the first command that has succeeded, and one by the second that has failed.
async fn failed(agents: &'static str, good: &str, bad: &str) -> Story {
    let mut scenario = github(scenario("success"));
    scenario.history.clear();
    let (plan, store) = durable(scenario);
    let mut plan = plan.with_bot();
    plan.agents = Some(agents);
    let world = World::durable(plan).await;
    let told = world.types("ada", &format!("/deploy-client wait:true {good}")).await;
    told.tells_once("🟢");
    world.passes(super::seconds(60)).await;
    world.github.update(|scenario| scenario.timetable = taking("failure", 20));
    let interaction = world.interaction("ada", &format!("/deploy-client wait:true {bad}"));
    let answer = world.deliver(&interaction).await;
    world.settle().await;
    world.github.update(|scenario| scenario.timetable = taking("success", 20));
    let story = Story { world, store, interaction, answer };
    story.told().tells_once("🔴");
    story
}

#[tokio::test(start_paused = true)]
async fn the_ref_and_the_inputs_are_those_of_the_success() {
    let story = failed(BOTH, "version:1", "version:2 ref:release/1.0").await;
    let question = story.presses("grace", "Roll back").await;
    assert!(
        question.contains("It is on `main`, not on `release/1.0` as this deploy."),
        "{question}"
    );
    assert!(
        question.contains("Inputs: `version: 1`, as in that run; this deploy has others."),
        "{question}"
    );
    let click = story.world.click("grace", "Roll back now");
    story.world.delivers(&click).await;
    let dispatches = story.world.dispatches();
    let (good, roll_back) = (&dispatches[0], &dispatches[2]);
    assert_eq!((roll_back.git_ref.as_str(), &roll_back.inputs["VERSION"]), ("main", &"1".into()));
    let sha = story.world.github.runs()[0].sha.clone();
    assert_eq!((roll_back.inputs["sha"].as_str(), good.inputs.get("sha")), (Some(&*sha), None));
    let card = begun(&story, &click).content;
    assert!(card.contains("\n`main` · ") && card.contains("`version: 1`"), "{card}");
    story.world.and_more();
}

#[tokio::test(start_paused = true)]
async fn the_same_ref_and_inputs_are_no_news() {
    let story = failed(BOTH, "version:1", "version:1").await;
    let question = story.presses("grace", "Roll back").await;
    assert!(!question.contains("Inputs") && !question.contains("It is on"), "{question}");
    story.world.clicks("grace", "Roll back now").await;
    assert_eq!(story.world.dispatches()[2].inputs["VERSION"], "1");
    story.world.and_more();
}

#[tokio::test(start_paused = true)]
async fn a_commit_of_a_ref_that_is_not_allowed_any_more_is_deployed_on_the_agents_own() {
    let mut story = failed(BOTH, "version:1 ref:release/1.0", "").await;
    story.world.restart_with(ONE);
    let question = story.presses("grace", "Roll back").await;
    let line = "It is on `main`: `release/1.0`, from which that commit was deployed, may not be deployed any more.";
    assert!(question.contains(line), "{question}");
    story.world.clicks("grace", "Roll back now").await;
    let dispatches = story.world.dispatches();
    assert_eq!(
        (dispatches[2].git_ref.as_str(), &dispatches[2].inputs["VERSION"]),
        ("main", &"1".into())
    );
    story.world.and_more();
}

#[tokio::test(start_paused = true)]
async fn a_run_of_a_ref_that_is_not_allowed_any_more_is_not_run_again() {
    let mut story = failed(by_rerun(BOTH), "ref:release/1.0", "").await;
    story.world.restart_with(by_rerun(ONE));
    let told = story.presses("grace", "Roll back").await;
    assert!(told.contains("`release/1.0` may not be deployed by this command."), "{told}");
    assert!(story.world.with_button("Roll back now").is_none());
    assert_eq!(story.world.dispatches().len(), 2);
    assert_eq!(story.asked().len(), 1, "its own dispatch only: {:?}", story.asked());
    story.world.and_more();
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_run_again_is_shown_on_its_own_ref_with_its_own_inputs() {
    let story = failed(by_rerun(BOTH), "version:1 ref:release/1.0", "version:2").await;
    let question = story.presses("grace", "Roll back").await;
    assert!(
        question.contains("It is on `release/1.0`, not on `main` as this deploy."),
        "{question}"
    );
    let click = story.world.click("grace", "Roll back now");
    story.world.delivers(&click).await;
    let card = begun(&story, &click).content;
    assert!(card.contains("\n`release/1.0` · ") && card.contains("`version: 1`"), "{card}");
    story.world.and_more();
}

#[tokio::test(start_paused = true)]
async fn inputs_that_only_github_knows_are_said_as_not_known() {
    let (plan, store) = durable(github(scenario("failure")));
    let mut plan = plan.with_bot();
    plan.agents = Some(BOTH);
    let story = Story::begins(World::durable(plan).await, store, 0).await;
    story.world.settle().await;
    let question = story.presses("grace", "Roll back").await;
    let line = "Which inputs that run had is not known, so the workflow's defaults are used.";
    assert!(question.contains(line), "{question}");
    story.world.and_more();
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_deploys_elsewhere_now_rolls_nothing_back() {
    let mut story = failed(BOTH, "", "").await;
    let elsewhere = ONE.replace("sha_input", "environment = \"eu\"\nsha_input").leak();
    story.world.restart_with(elsewhere);
    let told = story.presses("grace", "Roll back").await;
    assert!(told.contains("Nothing was done: `agents.toml` was changed since"), "{told}");
    assert_eq!(story.world.dispatches().len(), 2);
    story.world.and_more();
}
