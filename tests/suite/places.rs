//! Where commands are accepted: in the servers of `ALLOWED_GUILD_IDS` that added the bot, and nowhere else.

use deckhand::bot::tasks::Tasks;
use deckhand::host::startup;
use rstest::rstest;
use serde_json::{Value, json};
use standins::Scratch;
use standins::discord::{Interaction, User};

use crate::secrets::{listen, logged};
use crate::world::{Plan, World};

const OTHER: &str = "1190000000000000009";

fn without(payload: &mut Value, keys: &[&str]) {
    payload.as_object_mut().unwrap().retain(|key, _| !keys.contains(&key.as_str()));
}

/// Typed to the bot itself.
fn direct_message(payload: &mut Value) {
    payload["user"] = payload["member"]["user"].take();
    without(payload, &["member", "guild", "guild_id", "guild_locale"]);
    payload["channel"] = json!({"id": payload["channel_id"], "type": 1});
    payload["context"] = json!(1);
    payload["authorizing_integration_owners"] = json!({"0": "0"});
}

/// Typed in a chat of friends, by somebody who installed the app for themselves.
fn group_chat(payload: &mut Value) {
    direct_message(payload);
    payload["channel"]["type"] = json!(3);
    payload["context"] = json!(2);
    payload["authorizing_integration_owners"] = json!({"1": payload["user"]["id"]});
}

/// Typed in one of our servers, by somebody who installed the app for themselves.
fn own_installation(payload: &mut Value) {
    payload["authorizing_integration_owners"] = json!({"1": payload["member"]["user"]["id"]});
}

/// Typed in a stranger's server.
fn other_server(payload: &mut Value) {
    payload["guild_id"] = json!(OTHER);
    payload["guild"]["id"] = json!(OTHER);
    payload["channel"]["guild_id"] = json!(OTHER);
    payload["authorizing_integration_owners"] = json!({"0": OTHER});
}

/// As Discord never sends it: whatever else is there, no server is named.
fn no_guild_id(payload: &mut Value) {
    without(payload, &["guild_id"]);
}

const HERE: &str = "Deckhand does not take commands here";

async fn world(servers: Option<&str>) -> World {
    let mut env =
        vec![("ADMIN_USER_IDS", User::named("ada").id), ("ALLOW_SECRET_WRITES", "true".to_owned())];
    env.extend(servers.map(|servers| ("ALLOWED_GUILD_IDS", servers.to_owned())));
    World::of(Plan { env, ..Plan::default() }).await
}

/// What Discord sends when ada, an admin, types this there.
fn typed(world: &World, text: &str, place: fn(&mut Value)) -> Interaction {
    altered(world, &world.interaction("ada", text), place)
}

fn altered(
    world: &World,
    interaction: &Interaction,
    change: impl FnOnce(&mut Value),
) -> Interaction {
    let mut payload = serde_json::from_slice(&interaction.body).unwrap();
    change(&mut payload);
    world.discord.signed(payload)
}

#[rstest]
#[case::direct_message(direct_message, "only in a server that has added it")]
#[case::group_chat(group_chat, "only in a server that has added it")]
#[case::own_installation(own_installation, "only in a server that has added it")]
#[case::no_guild_id(no_guild_id, "only in a server that has added it")]
#[case::other_server(other_server, "add `1190000000000000009` to `ALLOWED_GUILD_IDS`")]
#[tokio::test(start_paused = true)]
async fn every_command_is_refused_elsewhere(#[case] place: fn(&mut Value), #[case] why: &str) {
    let world = world(None).await;
    for text in [
        "/deploy-client",
        "/deploy-client wait:true",
        "/deploy-client api_base:https://10.0.0.1",
        "/diagnose",
        "/status",
        "/status-digest",
        "/verify-latest diagnose:true",
        "/verify-run run_id:1",
        "/set-frontend url:https://app.example.com confirm:true",
        "/set-api-base url:https://api.example.com",
        "/doctor",
        "/agents",
    ] {
        let interaction = typed(&world, text, place);
        let (status, body) = world.post(&interaction).await;
        assert_eq!((status, &body["type"], &body["data"]["flags"]), (200, &json!(4), &json!(64)));
        let content = body["data"]["content"].as_str().unwrap();
        assert!(content.contains(HERE) && content.contains(why), "{text}: {content}");
        let line = world.lines.of(&interaction);
        assert_eq!(line["Outcome"], "refused", "{line}");
    }
    // Not even which commands there are.
    let unknown = altered(&world, &typed(&world, "/agents", place), |payload| {
        payload["data"]["name"] = json!("launch");
    });
    let (_, body) = world.post(&unknown).await;
    assert!(body["data"]["content"].as_str().unwrap().contains(HERE), "{body}");
    world.settle().await;
    assert!(world.github.requests().is_empty());
}

#[rstest]
#[case::direct_message(direct_message)]
#[case::group_chat(group_chat)]
#[case::own_installation(own_installation)]
#[case::no_guild_id(no_guild_id)]
#[case::other_server(other_server)]
#[tokio::test(start_paused = true)]
async fn nothing_is_suggested_elsewhere(#[case] place: fn(&mut Value)) {
    let world = world(None).await;
    for text in ["/deploy-client ref:m|", "/verify-run run_id:|"] {
        let question = world.discord.autocomplete(&User::named("ada"), text).unwrap();
        let (_, body) = world.post(&altered(&world, &question, place)).await;
        assert_eq!(body, json!({"type": 8, "data": {"choices": []}}), "{text}");
    }
    assert!(world.github.requests().is_empty());
}

#[rstest]
#[case::component(3)]
#[case::modal(5)]
#[tokio::test(start_paused = true)]
async fn a_button_or_a_form_does_nothing_wherever_it_is(#[case] kind: u64) {
    let world = world(None).await;
    for place in [direct_message, group_chat, own_installation, no_guild_id, other_server] {
        let pressed = altered(&world, &typed(&world, "/deploy-client", place), |payload| {
            payload["type"] = json!(kind);
            payload["data"] = json!({"custom_id": "deploy-client", "component_type": 2});
        });
        let (status, body) = world.post(&pressed).await;
        assert_eq!((status, &body["type"], &body["data"]["flags"]), (200, &json!(4), &json!(64)));
    }
    world.settle().await;
    assert!(world.github.requests().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_star_accepts_every_server_and_still_no_direct_message() {
    let world = world(Some("*")).await;
    let (_, body) = world.post(&typed(&world, "/deploy-client", other_server)).await;
    assert!(body["data"]["components"].to_string().contains("started"), "{body}");
    for place in [direct_message, group_chat, own_installation, no_guild_id] {
        let (_, body) = world.post(&typed(&world, "/deploy-client", place)).await;
        assert!(body["data"]["content"].as_str().unwrap().contains(HERE), "{body}");
    }
    world.dispatch();
}

#[tokio::test(start_paused = true)]
async fn several_servers_can_be_allowed() {
    let world = world(Some(&format!("1, {OTHER}"))).await;
    let (_, body) = world.post(&typed(&world, "/agents", other_server)).await;
    assert!(body["data"]["content"].as_str().unwrap().contains("4 agents"), "{body}");
    let told = world.types("ada", "/agents").await;
    assert!(told.original().content.contains(HERE), "{}", told.transcript());
}

pub(crate) const REQUIRED: [(&str, &str); 4] = [
    ("DISCORD_PUBLIC_KEY", "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"),
    ("DISCORD_APPLICATION_ID", "1200000000000000000"),
    ("GITHUB_TOKEN", "ghs_standin_token"),
    ("GITHUB_REPO", "octo-org/web-client"),
];

#[rstest]
#[case::missing("", "ALLOWED_GUILD_IDS is not set: set it to the ids of your servers")]
#[case::no_ids(",", "ALLOWED_GUILD_IDS is not valid")]
#[test]
fn the_server_does_not_start_without_it(#[case] servers: &str, #[case] why: &str) {
    let mut deckhand = std::process::Command::new(env!("CARGO_BIN_EXE_deckhand"));
    let folder = Scratch::new().unwrap();
    deckhand.args(["serve", "--listen", "127.0.0.1:0"]).current_dir(folder.path());
    deckhand.env_clear().envs(REQUIRED);
    let ended = deckhand.env("ALLOWED_GUILD_IDS", servers).output().unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(1), "{said}");
    assert!(said.contains(why), "{said}");
}

#[rstest]
#[case::every_server("*", true)]
#[case::ours("1190000000000000002", false)]
#[test]
fn a_star_is_warned_of_at_start(#[case] servers: &str, #[case] warned: bool) {
    listen();
    let folder = Scratch::new().unwrap();
    let file = folder.file("deckhand.redb").to_string_lossy().into_owned();
    let env = |name: &str| {
        let own = [("ALLOWED_GUILD_IDS", servers), ("DATA_FILE", file.as_str())];
        let given = REQUIRED.into_iter().chain(own);
        given.into_iter().find(|(given, _)| *given == name).map(|(_, value)| value.to_owned())
    };
    assert!(startup::app(env, Tasks::default()).is_ok());
    assert_eq!(logged().contains("ALLOWED_GUILD_IDS is *"), warned, "{}", logged());
}
