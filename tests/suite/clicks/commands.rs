//! `/cancel`, `/rerun` and `/rollback`: the same for the keyboard, with suggestions of what can be.

use rstest::rstest;
use serde_json::Value;
use standins::discord::{ROLE_ID, User};
use standins::github::Scenario;

use super::roll_back::{self, BY_INPUT};
use super::{Story, altered, id_of, private, runs, seconds, taking};
use crate::world::{World, durable};

/// Two agents: one for everyone, one for members of a role.
const TWO: &str = r#"
[[agent]]
id = "deploy_client"
name = "Client deploy"
description = "Deploys the client"
command = "deploy-client"
kind = "deploy"
workflow = "client-deploy.yml"
ref = "main"
environment = "staging"

[[agent]]
id = "deploy_prod"
name = "Production deploy"
description = "Deploys to production"
command = "deploy-prod"
kind = "deploy"
workflow = "client-deploy.yml"
ref = "main"
environment = "production"
allowed_roles = ["1190000000000000004"]
"#;

/// Names and values that are suggested to somebody who types this.
async fn suggested(world: &World, who: &User, text: &str) -> Vec<(String, String)> {
    let typing = world.discord.autocomplete(who, text).unwrap();
    let (status, body) = world.post(&typing).await;
    assert_eq!((status, &body["type"]), (200, &8.into()), "{body}");
    let choices = body["data"]["choices"].as_array().unwrap().iter();
    let text = |choice: &Value, key: &str| choice[key].as_str().unwrap().to_owned();
    choices.map(|choice| (text(choice, "name"), text(choice, "value"))).collect()
}

impl Story {
    fn value(&self) -> String {
        format!("deploy_client/{}", self.interaction.id)
    }

    /// Somebody types this command about the deploy, and reads the answer.
    async fn types(&self, who: &str, command: &str) -> String {
        let typed = self.world.interaction(who, &format!("/{command} deploy:{}", self.value()));
        private(&self.world.deliver(&typed).await)
    }
}

#[tokio::test(start_paused = true)]
async fn what_can_be_done_is_suggested() {
    let story = Story::after(runs(taking("failure", 100)), 30).await;
    let ada = User::named("ada");
    let cancel = suggested(&story.world, &ada, "/cancel deploy:|").await;
    assert_eq!(
        cancel,
        [("Client deploy on main · run #41 · 30s ago · ada".to_owned(), story.value())]
    );
    assert_eq!(suggested(&story.world, &ada, "/cancel deploy:MAIN|").await, cancel);
    assert!(suggested(&story.world, &ada, "/cancel deploy:nothing|").await.is_empty());
    for other in ["/rerun deploy:|", "/rollback deploy:|"] {
        assert!(suggested(&story.world, &ada, other).await.is_empty(), "{other}");
    }
    story.world.settle().await;
    let rerun = suggested(&story.world, &ada, "/rerun deploy:|").await;
    assert_eq!(rerun.len(), 1);
    assert_eq!(rerun[0].1, story.value());
    assert!(suggested(&story.world, &ada, "/cancel deploy:|").await.is_empty());
    story.told().both_say("🔴");
}

#[tokio::test(start_paused = true)]
async fn only_what_the_caller_may_steer_is_suggested() {
    let (plan, store) = durable(runs(taking("failure", 100)));
    let mut plan = plan.with_bot();
    plan.agents = Some(TWO);
    let world = World::durable(plan).await;
    let member = User::named("grace").with_role(ROLE_ID);
    let typed = world.discord.interaction(&member, "/deploy-prod wait:true").unwrap();
    world.deliver(&typed).await;
    let story = Story::begins(world, store, 10).await;
    let names = |all: Vec<(String, String)>| -> Vec<String> {
        all.into_iter().map(|(name, _)| name.split(" · ").next().unwrap().to_owned()).collect()
    };
    let seen = suggested(&story.world, &member, "/cancel deploy:|").await;
    assert_eq!(
        names(seen),
        ["Client deploy → staging on main", "Production deploy → production on main"]
    );
    let eve = User::named("eve");
    let seen = suggested(&story.world, &eve, "/cancel deploy:|").await;
    assert_eq!(names(seen), ["Client deploy → staging on main"]);
    // Who knows its id gains nothing.
    let text = format!("/cancel deploy:deploy_prod/{}", typed.id);
    let refused = story.world.discord.interaction(&eve, &text).unwrap();
    let told = story.is_sent(&refused).await;
    assert!(told.contains("You may not") && told.contains(&format!("<@&{ROLE_ID}>")), "{told}");
    // Elsewhere there is nothing to suggest.
    let typing = story.world.discord.autocomplete(&member, "/cancel deploy:|").unwrap();
    let elsewhere = altered(&story.world, &typing, |payload| payload["guild_id"] = "9".into());
    let (_, body) = story.world.post(&elsewhere).await;
    assert_eq!(body["data"]["choices"], serde_json::json!([]));
    assert_eq!(story.asked().len(), 1, "the other dispatch");
    story.world.settle().await;
    story.world.and_more();
}

#[tokio::test(start_paused = true)]
async fn a_cancel_by_command_is_the_same() {
    let scenario = Scenario { cancel_takes: Some(seconds(20)), ..runs(taking("success", 600)) };
    let story = Story::after(scenario, 10).await;
    let told = story.types("grace", "cancel").await;
    assert!(
        told.starts_with("**Client deploy**: GitHub was asked to cancel it. Its message shows"),
        "{told}"
    );
    let told = story.types("linus", "cancel").await;
    assert!(told.contains(&format!("that was done already by <@{}>", id_of("grace"))), "{told}");
    story.world.settle().await;
    story.told().both_say(&format!("cancelled by <@{}>", id_of("grace")));
    assert_eq!(story.asked(), [story.run("cancel")]);
    assert_eq!(story.clicks().await, [("cancel", id_of("grace"), 1)]);
    let told = story.types("linus", "cancel").await;
    assert!(told.contains("it has ended"), "{told}");
}

#[tokio::test(start_paused = true)]
async fn a_cancel_that_does_not_come_through_is_forced_by_the_same_command() {
    let scenario = Scenario { cancel_takes: None, ..runs(taking("success", 1000)) };
    let story = Story::after(scenario, 10).await;
    story.types("grace", "cancel").await;
    story.world.settle().await;
    story.world.sweeps(4).await;
    assert!(story.buttons().contains(&"Force cancel".to_owned()));
    let ada = User::named("ada");
    assert_eq!(suggested(&story.world, &ada, "/cancel deploy:|").await.len(), 1);
    let told = story.types("linus", "cancel").await;
    assert!(told.contains("GitHub was asked to end it by force"), "{told}");
    assert_eq!(story.asked(), [story.run("cancel"), story.run("force-cancel")]);
    assert!(suggested(&story.world, &ada, "/cancel deploy:|").await.is_empty());
    story.world.settle().await;
    story.world.sweeps(1).await;
    story.shows("⚪ **Client deploy** was cancelled");
    story.world.and_more();
}

#[tokio::test(start_paused = true)]
async fn a_re_run_by_command_is_the_same() {
    let reruns = vec![taking("success", 30)];
    let story = Story::after(Scenario { reruns, ..runs(taking("failure", 20)) }, 0).await;
    story.world.settle().await;
    let told = story.types("grace", "rerun").await;
    assert!(told.contains("GitHub was asked to run its failed jobs again"), "{told}");
    let told = story.types("grace", "rerun").await;
    assert!(told.contains("Nothing was done"), "{told}");
    story.world.settle().await;
    story.world.sweeps(1).await;
    story.shows("🟢 **Client deploy** (attempt 2) succeeded");
    assert_eq!(story.asked(), [story.run("rerun-failed-jobs")]);
    assert_eq!(story.world.posts().last().unwrap().pings, [id_of("grace").to_string()]);
}

#[tokio::test(start_paused = true)]
async fn a_roll_back_by_command_asks_first_too() {
    let story = roll_back::failed(BY_INPUT, roll_back::scenario("failure")).await;
    let ada = User::named("ada");
    let suggestions = suggested(&story.world, &ada, "/rollback deploy:|").await;
    assert_eq!(suggestions[0].1, story.value());
    let told = story.types("grace", "rollback").await;
    assert!(told.starts_with("Roll back **Client deploy** to [0a1b2c3]"), "{told}");
    assert!(story.asked().is_empty());
    let click = story.world.click("grace", "Roll back now");
    story.world.delivers(&click).await;
    let dispatches = story.world.github.dispatches();
    assert_eq!((dispatches.len(), &dispatches[1].inputs["sha"]), (2, &roll_back::OLD.into()));
    assert_eq!(story.clicks().await, [("roll_back", id_of("grace"), 1)]);
    story.world.and_more();
}

#[rstest]
#[case::nothing("deploy_client")]
#[case::garbage("💥/../`x`")]
#[case::a_number("7")]
#[case::too_large("deploy_client/99999999999999999999999")]
#[tokio::test(start_paused = true)]
async fn what_is_no_deploy_is_refused(#[case] value: &str) {
    let world = World::new().await;
    for command in ["cancel", "rerun", "rollback"] {
        let typed = world.interaction("ada", &format!("/{command} deploy:{value}"));
        let told = private(&world.deliver(&typed).await);
        assert!(told.contains("Nothing was done: none of the latest deploys"), "{told}");
        assert!(told.contains("`#41`"), "{told}");
    }
    let typed = world.interaction("ada", "/cancel deploy:deploy_client/7");
    let told = private(&world.deliver(&typed).await);
    assert!(told.contains("Deckhand does not know this deploy here"), "{told}");
    assert!(world.github.requests().is_empty());
}

/// Whoever chooses no suggestion names the run as GitHub shows it.
#[rstest]
#[case::number("#41")]
#[case::number_as_messages_show_it("Run #41")]
#[case::id("RUN")]
#[case::url("GITHUB/repos/octo-org/web-client/actions/runs/RUN")]
#[tokio::test(start_paused = true)]
async fn a_run_is_named_as_github_shows_it(#[case] named: &str) {
    let story = Story::after(runs(taking("failure", 100)), 30).await;
    let named = named.replace("RUN", &story.run_id().to_string());
    let named = named.replace("GITHUB", &story.world.github.url());
    for (typed, said) in [
        ("#4711".to_owned(), "none of the latest deploys"),
        (named, "GitHub was asked to cancel it"),
    ] {
        let typed = story.world.interaction("ada", &format!("/cancel deploy:\"{typed}\""));
        let told = private(&story.world.deliver(&typed).await);
        assert!(told.contains(said), "{told}");
    }
    assert_eq!(story.clicks().await, [("cancel", id_of("ada"), 1)]);
    story.world.and_more();
}
