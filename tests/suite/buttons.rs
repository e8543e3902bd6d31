//! Buttons that this version of the bot does not know.

use serde_json::json;
use standins::discord::User;

use crate::world::World;

#[tokio::test(start_paused = true)]
async fn an_unknown_button_is_answered_privately_and_nothing_is_done() {
    let world = World::new().await;
    let told = world.types("ada", "/agents").await;
    let message = told.original().clone();
    let ada = User::named("ada");
    let forged = world.discord.click_forged(&ada, &message.id, "from-the-future:1").unwrap();
    let answer = world.delivers(&forged).await;
    assert!(answer.original().ephemeral, "{}", answer.transcript());
    assert!(world.dispatches().is_empty());
    assert_eq!(world.discord.message(&message.id).unwrap().edits, 0);
}

#[tokio::test(start_paused = true)]
async fn another_component_is_answered_privately_too() {
    let world = World::new().await;
    let told = world.types("ada", "/agents").await;
    let id = told.original().id.clone();
    let click = world.discord.click_forged(&User::named("ada"), &id, "menu").unwrap();
    let mut payload: serde_json::Value = serde_json::from_slice(&click.body).unwrap();
    payload["data"] = json!({"component_type": 3, "custom_id": "menu", "values": ["a"], "id": 2});
    let answer = world.delivers(&world.discord.signed(payload)).await;
    assert!(answer.original().ephemeral, "{}", answer.transcript());
}
