//! Suggestions, and who sees which command.

use super::*;

fn standin() -> Discord {
    let discord = Discord::new(Clock::start(), Gauge::new());
    discord.set_commands(json!([
        {"name": "agents", "description": "Agents"},
        {"name": "deploy-client", "description": "Deploys", "options": [
            {"name": "ref", "description": "Ref", "type": 3, "autocomplete": true},
        ]},
        {"name": "set-frontend", "description": "Sets", "default_member_permissions": "0"},
        {"name": "verify", "description": "V", "default_member_permissions": "2048"},
    ]));
    discord
}

#[tokio::test(start_paused = true)]
async fn choices_answer_an_option_that_is_being_typed() {
    let discord = standin();
    let typed = || discord.autocomplete(&User::named("ada"), "/deploy-client ref:rel|").unwrap();
    let interaction = typed();
    let payload: Value = serde_json::from_slice(&interaction.body).unwrap();
    assert_eq!(payload["type"], 4);
    let focused = json!([{"name": "ref", "type": 3, "value": "rel", "focused": true}]);
    assert_eq!(payload["data"]["options"], focused);
    let choices = json!([{"name": "release/1.0", "value": "release/1.0"}]);
    let good = json!({"type": 8, "data": {"choices": choices}});
    assert!(deliver(&discord, &interaction, good).await.accepted());
    assert_eq!(kinds(&discord), ["choices"]);
    let follow_up = ask(&discord, "POST", &hook(&interaction, ""), json!({"content": "x"}));
    assert_eq!((follow_up.0, &follow_up.1["code"]), (404, &json!(10015)));
    for wrong in [
        json!({"type": 4, "data": {"content": "x"}}),
        json!({"type": 5}),
        json!({"type": 8}),
        json!({"type": 8, "data": {"choices": [{"name": "a", "value": 1}]}}),
        json!({"type": 8, "data": {"choices": vec![json!({"name": "a", "value": "a"}); 26]}}),
    ] {
        assert!(!deliver(&discord, &typed(), wrong.clone()).await.accepted(), "{wrong}");
    }
}

#[tokio::test(start_paused = true)]
async fn choices_that_come_too_late_are_none() {
    let discord = standin();
    let interaction = discord.autocomplete(&User::named("ada"), "/deploy-client ref:|").unwrap();
    let slow = bot(json!({"type": 8, "data": {"choices": []}}), Duration::from_millis(3001));
    assert_eq!(discord.deliver(&interaction, &slow).await.status, 0);
}

#[test]
fn a_command_is_shown_to_whom_its_permissions_name() {
    let discord = standin();
    let ada = User::named("ada");
    assert_eq!(discord.shown(&ada), ["agents", "deploy-client", "verify"]);
    assert_eq!(discord.shown(&ada.clone().administrator()).len(), 4);
    let guest = User { permissions: "0".into(), ..ada.clone() };
    assert_eq!(discord.shown(&guest), ["agents", "deploy-client"]);
    assert!(discord.interaction(&ada, "/set-frontend").is_ok(), "the bot must refuse it itself");
}

#[test]
fn the_application_shows_its_endpoint() {
    let discord = standin();
    let shown = || {
        ask(&discord, "GET", "/applications/@me", Value::Null).1["interactions_endpoint_url"]
            .clone()
    };
    assert_eq!(shown(), Value::Null);
    discord.set_interactions_endpoint(Some("https://bot.example/discord"));
    assert_eq!(shown(), "https://bot.example/discord");
}
