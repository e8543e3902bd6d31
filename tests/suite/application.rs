//! `DISCORD_APPLICATION_ID` is wrong: interactions are answered by the id that they carry.

use serde_json::{Value, json};
use standins::discord::APPLICATION_ID;

use crate::secrets::{listen, logged};
use crate::world::{Plan, World};

const WRONG: &str = "1190000000000000009";

async fn world() -> World {
    let env = vec![("DISCORD_APPLICATION_ID", WRONG.to_owned())];
    World::of(Plan { env, ..Plan::default() }).await
}

#[tokio::test(start_paused = true)]
async fn a_deploy_is_shown_and_told_and_the_difference_is_logged_once() {
    listen();
    let world = world().await;
    for _ in 0..2 {
        let told = world.types("ada", "/deploy-client wait:true").await;
        told.both_say("🟢");
    }
    assert_eq!(world.dispatches().len(), 2);
    let log = logged();
    assert_eq!(log.matches("DISCORD_APPLICATION_ID is not the application").count(), 1, "{log}");
    assert!(log.contains(APPLICATION_ID) && log.contains(WRONG), "{log}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_comes_late_arrives() {
    let world = world().await;
    world.github.update(|scenario| {
        let slow = standins::github::What::Delay(std::time::Duration::from_secs(4));
        let fault = standins::github::Fault::new(standins::github::On::RunList, slow);
        scenario.faults.push(fault);
    });
    let told = world.types("ada", "/status").await;
    assert_eq!(told.kind(), 5);
    assert!(told.original().content.contains("client-deploy"), "{}", told.transcript());
}

/// What is no snowflake is never a part of a path: the setting is used.
#[tokio::test(start_paused = true)]
async fn an_id_that_is_no_snowflake_is_not_used() {
    for odd in [json!("../../users/@me"), json!(null), json!("0"), json!({"id": APPLICATION_ID})] {
        let world = World::of(Plan::default()).await;
        let typed = world.interaction("ada", "/deploy-client wait:true");
        let mut payload: Value = serde_json::from_slice(&typed.body).unwrap();
        payload["application_id"] = odd;
        world.deliver(&world.discord.signed(payload)).await;
        world.settle().await;
        world.and_more();
        let own = format!("/webhooks/{APPLICATION_ID}/");
        world.dispatch();
        let requests = world.discord.requests();
        let webhooks: Vec<_> = requests.iter().filter(|r| r.path.contains("webhooks")).collect();
        assert!(!webhooks.is_empty() && webhooks.iter().all(|r| r.path.contains(&own)));
    }
}
