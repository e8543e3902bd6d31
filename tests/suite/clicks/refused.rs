//! Whoever may not, or presses what is not there any more: a private word, and nothing is done.

use rstest::rstest;
use serde_json::{Value, json};
use standins::discord::{ROLE_ID, User};
use standins::github::Scenario;

use super::{Story, altered, id_of, private, runs, seconds, taking};

/// Only members of a role may use the agent.
const FOR_A_ROLE: &str = client_deploy!(
    r#"allowed_roles = ["1190000000000000004"]
"#
);

/// What is left when that agent is gone.
const ANOTHER_AGENT: &str = r#"
[[agent]]
id = "another"
name = "Another"
description = "Deploys something else"
command = "deploy-other"
kind = "deploy"
workflow = "client-deploy.yml"
ref = "main"
"#;

/// A deploy of such an agent that goes on, requested by ada, who has the role.
async fn for_a_role() -> Story {
    let (plan, store) = crate::world::durable(runs(taking("success", 100)));
    let mut plan = plan.with_bot();
    plan.agents = Some(FOR_A_ROLE);
    plan.env.push(("ADMIN_USER_IDS", User::named("root").id));
    let world = crate::world::World::durable(plan).await;
    let ada = User::named("ada").with_role(ROLE_ID);
    let interaction = world.discord.interaction(&ada, super::WAIT).unwrap();
    let answer = world.deliver(&interaction).await;
    world.passes(seconds(10)).await;
    Story { world, store, interaction, answer }
}

/// Nothing was done.
async fn is_untouched(story: &Story) {
    assert!(story.asked().is_empty(), "{:#?}", story.asked());
    assert!(story.clicks().await.is_empty());
    story.world.settle().await;
    story.told().tells_once("🟢");
}

#[rstest]
#[case::a_stranger(User::named("eve"))]
#[case::another_role(User::named("eve").with_role("1190000000000000077"))]
#[case::discords_administrator(User::named("eve").administrator())]
#[case::whose_role_was_taken_away(User::named("ada"))]
#[tokio::test(start_paused = true)]
async fn who_may_not_is_told_who_may(#[case] who: User) {
    let story = for_a_role().await;
    for label in ["Cancel", "Refresh"] {
        let click = story.world.click_as(&who, label);
        let told = story.is_sent(&click).await;
        assert!(told.contains("You may not") && told.contains(&format!("<@&{ROLE_ID}>")), "{told}");
        assert_eq!(story.world.lines.of(&click)["Outcome"], "refused");
    }
    is_untouched(&story).await;
}

#[rstest]
#[case::the_role(User::named("grace").with_role(ROLE_ID))]
#[case::an_admin(User::named("root"))]
#[tokio::test(start_paused = true)]
async fn who_may_steers_it(#[case] who: User) {
    let story = for_a_role().await;
    let told = story.is_sent(&story.world.click_as(&who, "Cancel")).await;
    assert!(told.contains("GitHub was asked to cancel it"), "{told}");
    story.world.settle().await;
    story.told().both_say(&format!("cancelled by <@{}>", who.id));
    assert_eq!(story.asked().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn of_an_agent_that_is_gone_only_admins_steer_what_goes_on() {
    let mut story = for_a_role().await;
    let cancel = story.world.click_as(&User::named("grace").with_role(ROLE_ID), "Cancel");
    let by_root = story.world.click_as(&User::named("root"), "Cancel");
    story.world.restart_with(ANOTHER_AGENT);
    let told = story.is_sent(&cancel).await;
    assert!(told.contains("Only admins of the bot can"), "{told}");
    assert!(story.asked().is_empty());
    let told = story.is_sent(&by_root).await;
    assert!(told.contains("GitHub was asked to cancel it"), "{told}");
    story.world.sweeps(2).await;
    story.told().both_say("cancelled");
    assert_eq!(story.asked().len(), 1);
}

/// In a direct message.
fn direct_message(payload: &mut Value) {
    let user = payload["member"]["user"].take();
    for key in ["member", "guild", "guild_id", "guild_locale"] {
        payload.as_object_mut().unwrap().remove(key);
    }
    payload["user"] = user;
    payload["context"] = json!(1);
}

/// In a stranger's server.
fn another_server(payload: &mut Value) {
    payload["guild_id"] = json!("1190000000000000009");
    payload["guild"]["id"] = json!("1190000000000000009");
}

#[rstest]
#[case::direct_message(direct_message, "only in a server that has added it")]
#[case::another_server(another_server, "Deckhand does not take commands here")]
#[tokio::test(start_paused = true)]
async fn elsewhere_nothing_is_done(#[case] place: fn(&mut Value), #[case] words: &str) {
    let story = Story::after(runs(taking("success", 60)), 10).await;
    for label in ["Cancel", "Refresh"] {
        let click = altered(&story.world, &story.world.click("ada", label), place);
        let told = story.is_sent(&click).await;
        assert!(told.contains(words), "{told}");
    }
    is_untouched(&story).await;
}

#[tokio::test(start_paused = true)]
async fn a_deploy_of_another_allowed_server_is_not_known_here() {
    let story = Story::of(runs(taking("success", 60)), 10, |mut plan| {
        let both = format!("{},1190000000000000009", standins::discord::GUILD_ID);
        plan.env.push(("ALLOWED_GUILD_IDS", both));
        plan
    })
    .await;
    let click = altered(&story.world, &story.world.click("ada", "Cancel"), another_server);
    let told = story.is_sent(&click).await;
    assert!(told.contains("Deckhand does not know this deploy here"), "{told}");
    is_untouched(&story).await;
}

#[tokio::test(start_paused = true)]
async fn a_button_is_taken_only_on_the_message_of_its_deploy() {
    let story = Story::after(runs(taking("success", 60)), 10).await;
    let cancel = story.button("Cancel");
    let agents = story.world.interaction("eve", "/agents");
    story.world.deliver(&agents).await;
    let other = story.world.discord.messages(&agents.id)[0].id.clone();
    let forged = story.world.discord.click_forged(&User::named("eve"), &other, &cancel).unwrap();
    let told = story.is_sent(&forged).await;
    assert!(told.contains("not on the message of the deploy that it names"), "{told}");
    is_untouched(&story).await;
}

#[tokio::test(start_paused = true)]
async fn what_nobody_made_is_no_button() {
    let story = Story::after(runs(taking("success", 60)), 10).await;
    let id = &story.interaction.id;
    let forged = [
        "".to_owned(),
        "x".repeat(100),
        "\u{202e}🎉`@everyone`".to_owned(),
        "../../etc/passwd".to_owned(),
        format!("deckhand1/explode/deploy_client/{id}/r1"),
        format!("deckhand1/cancel/deploy_client/{id}/r1/"),
        format!("deckhand2/cancel/deploy_client/{id}/r1"),
        format!("deckhand1/cancel/deploy_client/{id}0000000/r1"),
        "deckhand1/cancel/deploy_client/-1/r1".to_owned(),
    ];
    for custom_id in forged {
        let told = story.forges("ada", &custom_id).await;
        assert!(
            told.contains("Nothing was done: this version of Deckhand does not know this button"),
            "{custom_id}: {told}"
        );
    }
    let unknown = [
        format!("deckhand1/cancel/deploy_client/{}/r1", id_of("ada")),
        "deckhand1/cancel/deploy_client/0/r1".to_owned(),
        format!("deckhand1/cancel/diagnose_runner/{id}/r1"),
    ];
    for custom_id in unknown {
        let told = story.forges("ada", &custom_id).await;
        assert!(told.contains("Deckhand does not know this deploy here"), "{custom_id}: {told}");
    }
    // An agent that is not there is for admins only, and they find no deploy of it.
    let told = story.forges("ada", &format!("deckhand1/cancel/agent#x/{id}/r1")).await;
    assert!(told.contains("Only admins of the bot can"), "{told}");
    let stale = [
        format!("deckhand1/cancel/deploy_client/{id}/r2"),
        format!("deckhand1/cancel/deploy_client/{id}/e1"),
        format!("deckhand1/rerun/deploy_client/{id}/e1"),
        format!("deckhand1/roll_back/deploy_client/{id}/e1"),
        format!("deckhand1/cancel/deploy_client/{id}/r18446744073709551615"),
    ];
    for custom_id in stale {
        let told = story.forges("ada", &custom_id).await;
        assert!(told.contains("has changed since this button was shown"), "{custom_id}: {told}");
    }
    let told = story.forges("ada", &format!("deckhand1/rerun/deploy_client/{id}/r1")).await;
    assert!(told.contains("Nothing was done to **Client deploy**: it goes on."), "{told}");
    let told = story.forges("ada", &format!("deckhand1/roll_back/deploy_client/{id}/r1")).await;
    assert!(told.contains("it goes on; cancel it first"), "{told}");
    let told = story.forges("ada", &format!("deckhand1/force_cancel/deploy_client/{id}/r1")).await;
    assert!(told.contains("five minutes after it was cancelled"), "{told}");
    is_untouched(&story).await;
}

#[tokio::test(start_paused = true)]
async fn an_ended_deploy_is_not_cancelled_by_its_old_button() {
    let story = Story::after(runs(taking("success", 20)), 10).await;
    let cancel = story.button("Cancel");
    story.world.settle().await;
    let told = story.forges("ada", &cancel).await;
    assert!(told.contains("has changed since this button was shown"), "{told}");
    assert!(!story.buttons().contains(&"Cancel".to_owned()));
    is_untouched(&story).await;
}

#[tokio::test(start_paused = true)]
async fn a_forged_signature_is_refused() {
    let story = Story::after(runs(taking("success", 60)), 10).await;
    let mut click = story.world.click("ada", "Cancel");
    let mut payload: Value = serde_json::from_slice(&click.body).unwrap();
    payload["member"]["user"]["id"] = json!(User::named("root").id);
    click.body = serde_json::to_vec(&payload).unwrap().into();
    let (status, body) = story.world.post(&click).await;
    assert_eq!((status, body["type"].is_null()), (401, true), "{body}");
    is_untouched(&story).await;
}

#[tokio::test(start_paused = true)]
async fn a_click_on_a_message_that_is_gone_is_done_and_told() {
    let scenario = Scenario { cancel_takes: Some(seconds(5)), ..runs(taking("success", 60)) };
    let story = Story::after(scenario, 10).await;
    let click = story.world.click("grace", "Cancel");
    story.world.discord.delete_original(&story.interaction);
    let answer = story.world.deliver(&click).await;
    let told = private(&answer);
    assert!(told.contains("GitHub was asked to cancel it"), "{told}");
    story.world.settle().await;
    assert_eq!(story.asked(), [story.run("cancel")]);
    assert_eq!(story.store.end().await, "cancelled");
    // The outcome has no message to reply to any more.
    let outcome = story.world.post_of_the_bot();
    assert!(outcome.content.contains(&format!("cancelled by <@{}>", id_of("grace"))));
    story.world.and_more();
}
