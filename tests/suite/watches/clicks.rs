//! Buttons on a watched run obey the rule of the agent that dispatches its workflow, else only admins may.

use std::time::Duration;

use standins::discord::User;
use standins::github::{NewRun, Timetable};

use super::{ALL, MINUTE, agents, of, push, watching};
use crate::world::{Plan, World};

const ROLE: &str = "1190000000000000099";

fn admin(plan: Plan) -> Plan {
    let mut plan = plan;
    plan.env.push(("ADMIN_USER_IDS", User::named("root").id));
    plan
}

/// The agents, where only a role may deploy the client.
fn with_rule(plan: Plan) -> Plan {
    let rule = format!("command = \"deploy-client\"\nallowed_roles = [\"{ROLE}\"]");
    let text = agents(&[ALL]).replace("command = \"deploy-client\"", &rule);
    Plan { agents: Some(Box::leak(text.into_boxed_str())), ..admin(plan) }
}

fn long(workflow: &str) -> NewRun {
    let timetable = Timetable { running: 10 * MINUTE, ..Timetable::default() };
    NewRun { workflow: workflow.to_owned(), timetable, ..push("success") }
}

async fn begun(world: &World, run: NewRun) {
    world.github.add_run(run);
    world.passes(Duration::from_secs(20)).await;
    assert!(world.card().content.starts_with("🔵"), "{}", world.card().content);
}

fn cancels(world: &World) -> usize {
    world.github.requests().iter().filter(|request| request.path.ends_with("/cancel")).count()
}

#[tokio::test(start_paused = true)]
async fn without_an_agent_only_admins_may() {
    let (world, _) = of(&[ALL], admin, |hook| hook).await;
    begun(&world, long("ci.yml")).await;
    let refused = world.clicks("ada", "Cancel").await;
    assert!(refused.original().ephemeral, "{}", refused.transcript());
    assert!(
        refused.original().content.contains("You may not use this"),
        "{}",
        refused.transcript()
    );
    assert_eq!(cancels(&world), 0);
    let done = world.clicks("root", "Cancel").await;
    assert!(
        done.original().ephemeral && done.original().content.contains("was asked to cancel it")
    );
    world.passes(MINUTE).await;
    world.settle().await;
    assert_eq!(cancels(&world), 1);
    let card = world.card();
    assert!(card.content.contains("⚪ **CI** was cancelled"), "{}", card.content);
    assert!(
        card.content.contains(&format!("Cancel by <@{}>", User::named("root").id)),
        "{}",
        card.content
    );
}

#[tokio::test(start_paused = true)]
async fn with_an_agent_its_rule_holds() {
    let (world, _) = of(&[ALL], with_rule, |hook| hook).await;
    begun(&world, long("client-deploy.yml")).await;
    let refused = world.clicks("ada", "Cancel").await;
    assert!(
        refused.original().content.contains("You may not use this"),
        "{}",
        refused.transcript()
    );
    let grace = User::named("grace").with_role(ROLE);
    let done = world.delivers(&world.click_as(&grace, "Cancel")).await;
    assert!(done.original().content.contains("was asked to cancel it"), "{}", done.transcript());
    world.passes(MINUTE).await;
    world.settle().await;
    assert_eq!(cancels(&world), 1);
    world.card();
}

#[tokio::test(start_paused = true)]
async fn whoever_re_runs_it_is_told_how_that_ended() {
    let (world, _) = watching(&[ALL]).await;
    world.runs(NewRun { workflow: "client-deploy.yml".to_owned(), ..push("failure") }).await;
    let done = world.clicks("ada", "Re-run failed jobs").await;
    assert!(
        done.original().content.contains("to run its failed jobs again"),
        "{}",
        done.transcript()
    );
    world.passes(3 * MINUTE).await;
    world.settle().await;
    assert!(world.card().content.contains("(attempt 2)"), "{}", world.card().content);
    let told = world.told_of_cards();
    assert_eq!(told.len(), 1, "{told:#?}");
    assert_eq!(told[0].pings, [User::named("ada").id]);
    assert_eq!(
        world
            .github
            .requests()
            .iter()
            .filter(|one| one.path.ends_with("/rerun-failed-jobs"))
            .count(),
        1
    );
}

#[tokio::test(start_paused = true)]
async fn roll_back_is_offered_only_where_one_agent_owns_the_workflow() {
    for (workflow, offered) in [("ci.yml", false), ("client-deploy.yml", true)] {
        let (world, _) = watching(&[ALL]).await;
        world.runs(NewRun { workflow: workflow.to_owned(), ..push("success") }).await;
        world.runs(NewRun { workflow: workflow.to_owned(), ..push("failure") }).await;
        assert_eq!(world.with_button("Roll back").is_some(), offered, "{workflow}");
        world.cards();
    }
}

#[tokio::test(start_paused = true)]
async fn what_its_agent_deploys_meanwhile_makes_the_question_void() {
    let (world, _) = watching(&[ALL]).await;
    let run = |end| NewRun { workflow: "client-deploy.yml".to_owned(), ..push(end) };
    world.runs(run("success")).await;
    world.runs(run("failure")).await;
    world.clicks("grace", "Roll back").await;
    let click = world.click("grace", "Roll back now");
    world.types("linus", "/deploy-client wait:true").await.messages();
    let told = world.delivers(&click).await;
    let words = "began since this question was asked";
    assert!(told.original().content.contains(words), "{}", told.transcript());
    assert_eq!(world.dispatches().len(), 1);
    world.and_more();
}

#[tokio::test(start_paused = true)]
async fn a_later_run_is_named_by_what_started_it() {
    let (world, _) = watching(&[ALL]).await;
    let run = |end| NewRun { workflow: "client-deploy.yml".to_owned(), ..push(end) };
    world.runs(run("success")).await;
    world.runs(run("failure")).await;
    let card = world.with_button("Roll back").unwrap();
    let button = card.buttons().into_iter().find(|button| button.label == "Roll back").unwrap();
    world.runs(run("failure")).await;
    let pressed = button.custom_id.unwrap();
    let click = world.discord.click_forged(&User::named("grace"), &card.id, &pressed).unwrap();
    let told = world.delivers(&click).await;
    let words = "It is not the latest: another run, pushed by octocat, began <t:";
    assert!(told.original().content.contains(words), "{}", told.transcript());
    world.and_more();
}

#[tokio::test(start_paused = true)]
async fn a_click_from_another_channel_or_server_is_refused() {
    let (world, _) = of(&[ALL], admin, |hook| hook).await;
    begun(&world, long("ci.yml")).await;
    let click = world.click("root", "Cancel");
    for (field, value) in
        [("channel_id", "1190000000000000088"), ("guild_id", "1190000000000000089")]
    {
        let mut payload: serde_json::Value = serde_json::from_slice(&click.body).unwrap();
        payload[field] = value.into();
        if field == "channel_id" {
            payload["channel"]["id"] = value.into();
        }
        let told = world.delivers(&world.discord.signed(payload)).await;
        assert!(told.original().ephemeral, "{}", told.transcript());
    }
    assert_eq!(cancels(&world), 0);
    world.and_more();
}
