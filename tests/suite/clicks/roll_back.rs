//! *Roll back*: a question first, then a deploy of its own.

use chrono::TimeDelta;
use standins::discord::Message;
use standins::github::{Commit, Fault, NewRun, On, Scenario, What};

use super::{Story, id_of, runs, seconds, taking};
use crate::world::{World, durable};

/// What was deployed before.
pub(super) const OLD: &str = "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567";

/// An agent whose workflow deploys the commit that its input `sha` names.
pub(super) const BY_INPUT: &str = client_deploy!(
    r#"environment = "production"
sha_input = "sha"
"#
);

/// The same for a workflow without such an input.
pub(super) const BY_RERUN: &str = client_deploy!(
    r#"environment = "production"
"#
);

/// The same, and it deploys other branches too.
const RELEASES: &str = client_deploy!(
    r#"allowed_refs = ["main", "release/*"]
"#
);

const REPOSITORY: &str = "https://github.com/octo-org/web-client";

/// GitHub, where an earlier commit was deployed an hour ago, and every run from now on ends so.
pub(super) fn scenario(conclusion: &str) -> Scenario {
    let mut scenario = runs(taking(conclusion, 20));
    let workflow = scenario.workflow_mut("client-deploy.yml");
    *workflow = workflow.clone().input("sha", false);
    scenario.commits =
        Commit::line(OLD, "main", &["Fix the header", "Break **@everyone**\n\nby accident"]);
    scenario.history = vec![NewRun {
        repo: Some("octo-org/web-client".to_owned()),
        created: TimeDelta::hours(-1),
        sha: Some(OLD.to_owned()),
        ..NewRun::default()
    }];
    scenario
}

/// A deploy that has failed after that.
pub(super) async fn failed(agents: &'static str, scenario: Scenario) -> Story {
    let (plan, store) = durable(scenario);
    let mut plan = plan.with_bot();
    plan.agents = Some(agents);
    let story = Story::begins(World::durable(plan).await, store, 0).await;
    story.world.settle().await;
    story.told().follow_up();
    story.shows("🔴 **Client deploy** failed");
    assert_eq!(story.buttons(), ["Re-run failed jobs", "Roll back", "Open"]);
    story
}

/// The message of the deploy that this click has begun.
pub(super) fn begun(story: &Story, click: &standins::discord::Interaction) -> Message {
    story.world.discord.messages(&click.id)[0].clone()
}

fn old_run(story: &Story) -> u64 {
    story.world.github.runs()[0].id
}

fn heads(story: &Story) -> Vec<(u64, u64)> {
    story.world.github.runs().iter().map(|run| (run.id, run.attempt)).collect()
}

#[tokio::test(start_paused = true)]
async fn the_question_names_the_commit_and_what_would_be_undone() {
    let story = failed(BY_INPUT, scenario("failure")).await;
    let click = story.world.click("grace", "Roll back");
    let told = story.is_sent(&click).await;
    let lines: Vec<&str> = told.lines().collect();
    let head = story.world.github.runs()[1].sha.clone();
    let ended = "<t:1795338007:R>";
    assert_eq!(
        lines,
        [
            &format!(
                "Roll back **Client deploy** to [0a1b2c3](<{REPOSITORY}/commit/{OLD}>) ([Run #{}](<{REPOSITORY}\
                 /actions/runs/{}>) {ended})?",
                story.world.github.runs()[0].run_number,
                old_run(&story)
            ),
            "Undone would be 2 commits:",
            &format!("- `{}` Break \\*\\*@\u{200b}everyone\\*\\*", &head[..7]),
            lines[3],
            "It dispatches the workflow with `sha` set to this commit.",
        ]
    );
    assert!(lines[3].ends_with("` Fix the header"), "{}", lines[3]);
    let question = begun(&story, &click);
    let labels: Vec<_> = question.buttons().into_iter().map(|button| button.label).collect();
    assert_eq!(labels, ["Roll back now", "Do not roll back"]);
    assert!(question.ephemeral && story.asked().is_empty() && story.clicks().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn through_its_input_the_commit_is_dispatched() {
    let story = failed(BY_INPUT, scenario("failure")).await;
    story.presses("grace", "Roll back").await;
    story.world.github.update(|scenario| scenario.timetable = taking("success", 20));
    let click = story.world.click("grace", "Roll back now");
    let answer = story.world.deliver(&click).await;
    assert_eq!(answer.body["type"], 5, "a message of its own, for all: {answer:?}");
    assert_eq!(answer.body["data"]["flags"].as_u64().unwrap_or_default() & 64, 0);
    story.world.settle().await;
    let dispatches = story.world.github.dispatches();
    assert_eq!(dispatches.len(), 2);
    let roll_back = &dispatches[1];
    assert_eq!(
        (roll_back.workflow.as_str(), roll_back.git_ref.as_str()),
        ("client-deploy.yml", "main")
    );
    assert_eq!(roll_back.inputs["sha"], OLD);
    assert!(
        roll_back.inputs["requester"].as_str().unwrap().contains("grace"),
        "{}",
        roll_back.inputs
    );
    assert_ne!(roll_back.inputs["correlation_id"], dispatches[0].inputs["correlation_id"]);
    let shown = begun(&story, &click);
    let grace = id_of("grace");
    assert!(shown.content.starts_with("🟢 **Client deploy** succeeded"), "{}", shown.content);
    assert!(shown.content.contains(&format!("By <@{grace}>")), "{}", shown.content);
    // GitHub starts the run on the branch, and cannot tell what the workflow does with its input.
    let expected = format!(
        "Roll back to [0a1b2c3](<{REPOSITORY}/commit/{OLD}>) by the input `sha`. The run itself is on another commit: \
         that it deploys this one is up to the workflow, and GitHub does not tell."
    );
    assert!(shown.content.contains(&expected), "{}", shown.content);
    let told = story.world.told(&click, answer);
    assert!(told.follow_up().content.starts_with(&format!("<@{grace}> 🟢")));
    assert_eq!(told.follow_up().pings, [grace.to_string()]);
    // The deploy that was rolled back says so.
    story.shows(&format!("Roll back by <@{grace}> <t:"));
    assert_eq!(story.clicks().await, [("roll_back", grace, 1)]);
    assert_eq!(story.store.deploys().await.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_run_on_that_very_commit_raises_no_doubt() {
    let mut scenario = scenario("failure");
    // The branch was set back meanwhile.
    let head = scenario.commits.last().unwrap().sha.clone();
    scenario.history[0].sha = Some(head);
    let story = failed(BY_INPUT, scenario).await;
    let told = story.presses("grace", "Roll back").await;
    assert!(told.contains("It is the same commit: nothing of the code would be undone."), "{told}");
    let click = story.world.click("grace", "Roll back now");
    story.world.delivers(&click).await;
    let shown = begun(&story, &click).content;
    assert!(shown.contains("by the input `sha`\n"), "{shown}");
    assert!(!shown.contains("another commit"), "{shown}");
    story.world.and_more();
}

#[tokio::test(start_paused = true)]
async fn without_an_input_the_last_green_run_is_run_again() {
    let story = failed(BY_RERUN, scenario("failure")).await;
    let told = story.presses("grace", "Roll back").await;
    assert!(
        told.contains("The agent has no `sha_input`, so that run is run again as it was, with the same commit and inputs."),
        "{told}"
    );
    story.world.github.update(|scenario| scenario.reruns = vec![taking("success", 20)]);
    let click = story.world.click("grace", "Roll back now");
    let answer = story.world.deliver(&click).await;
    story.world.settle().await;
    let old = old_run(&story);
    assert_eq!(story.asked(), [("POST".to_owned(), format!("actions/runs/{old}/rerun"))]);
    assert_eq!(story.world.dispatches().len(), 1, "nothing is dispatched");
    assert_eq!(heads(&story)[0], (old, 2));
    let shown = begun(&story, &click).content;
    assert!(shown.starts_with("🟢 **Client deploy** (attempt 2) succeeded"), "{shown}");
    let line = format!(
        "Roll back to [0a1b2c3](<{REPOSITORY}/commit/{OLD}>): run #41 is run again, as it was"
    );
    assert!(shown.contains(&line), "{shown}");
    let told = story.world.told(&click, answer);
    assert_eq!(told.follow_up().pings, [id_of("grace").to_string()]);
    story.shows(&format!("Roll back by <@{}> <t:", id_of("grace")));
}

#[tokio::test(start_paused = true)]
async fn without_an_earlier_success_there_is_nothing_to_go_back_to() {
    let story = Story::ended("failure").await;
    assert_eq!(story.buttons(), ["Re-run failed jobs", "Open"]);
    let forged = format!("deckhand1/roll_back/deploy_client/{}/e1", story.interaction.id);
    let told = story.forges("grace", &forged).await;
    assert!(
        told.contains("Nothing was done to **Client deploy**: no earlier success of it is known."),
        "{told}"
    );
    assert!(story.asked().is_empty());
    story.told().follow_up();
}

#[tokio::test(start_paused = true)]
async fn a_success_in_the_record_is_gone_back_to() {
    let mut scenario = scenario("success");
    scenario.history.clear();
    let (plan, store) = durable(scenario);
    let mut plan = plan.with_bot();
    plan.agents = Some(RELEASES);
    let world = World::durable(plan).await;
    let first = world.types("ada", "/deploy-client wait:true ref:release/1.0").await;
    first.tells_once("🟢");
    let green = world.dispatch().run_id;
    let second = Story::begins(world, store, 0).await;
    second.world.settle().await;
    second.told().tells_once("🟢");
    assert_eq!(second.buttons(), ["Roll back", "Open"], "also a success may be wrong");
    second.presses("grace", "Roll back").await;
    second.world.clicks("grace", "Roll back now").await;
    let (_, path) = second.asked().pop().unwrap();
    assert_eq!(path, format!("actions/runs/{green}/rerun"));
    second.world.and_more();
}

#[tokio::test(start_paused = true)]
async fn what_github_cannot_compare_is_said_as_that() {
    for (what, words) in [
        (Fault::status(404, "Not Found").on(On::Compare), "GitHub cannot compare the two commits"),
        (
            Fault::new(On::Compare, What::Delay(seconds(30))),
            "GitHub did not compare the two commits in time",
        ),
    ] {
        let story = failed(BY_INPUT, scenario("failure")).await;
        story.world.github.fault(what.always());
        let click = story.world.click("grace", "Roll back");
        let answer = story.world.deliver(&click).await;
        assert!(answer.accepted() && answer.elapsed < seconds(3), "{answer:?}");
        story.world.settle().await;
        let question = begun(&story, &click);
        assert!(question.content.contains(words), "{}", question.content);
        assert!(question.ephemeral && question.buttons().len() == 2);
        story.world.and_more();
    }
}
