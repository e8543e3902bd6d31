//! The stand-in without sockets, and once over HTTP.

mod channel;
mod clicks;
mod faults;
mod files;
mod posts;
mod suggestions;

use super::{
    APPLICATION_ID, Answer, CHANNEL_ID, Discord, Endpoint, Fault, Interaction, On, User, What,
};
use crate::{
    clock::Clock,
    gauge::Gauge,
    server::{Outcome, Received},
};
use bytes::Bytes;
use ed25519_dalek::{Signature, VerifyingKey};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

fn standin() -> Discord {
    let discord = Discord::new(Clock::start(), Gauge::new());
    discord.set_commands(json!([{"name": "agents", "description": "Lists agents"}]));
    discord
}

fn typed(discord: &Discord) -> Interaction {
    discord.interaction(&User::named("ada"), "/agents").unwrap()
}

/// A bot that answers so, after so long.
fn bot(answer: Value, after: Duration) -> Endpoint {
    Endpoint::Direct(Arc::new(move |_| {
        let body = Bytes::from(answer.to_string());
        Box::pin(async move {
            tokio::time::sleep(after).await;
            let response = http::Response::builder().header("content-type", "application/json");
            response.body(body).unwrap()
        })
    }))
}

async fn deliver(discord: &Discord, interaction: &Interaction, answer: Value) -> Answer {
    discord.deliver(interaction, &bot(answer, Duration::ZERO)).await
}

fn ask(discord: &Discord, method: &str, path: &str, body: Value) -> (u16, Value) {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    send(discord, method, path, "application/json", body.into())
}

fn send(
    discord: &Discord,
    method: &str,
    path: &str,
    content_type: &str,
    body: Bytes,
) -> (u16, Value) {
    let mut headers = http::HeaderMap::new();
    let agent = "DiscordBot (https://example.com, 1)";
    headers.insert("user-agent", agent.parse().unwrap());
    headers.insert("content-type", content_type.parse().unwrap());
    let bot = format!("Bot {}", discord.bot_token());
    headers.insert("authorization", bot.parse().unwrap());
    let request = Received {
        method: method.into(),
        path: format!("/api/v10{path}"),
        query: Vec::new(),
        headers,
        body,
    };
    let Outcome::Answer(answer) = discord.take(&request) else { panic!("not answered") };
    let body = serde_json::from_slice(&answer.body).unwrap_or_default();
    (answer.status, body)
}

fn hook(interaction: &Interaction, rest: &str) -> String {
    format!("/webhooks/{APPLICATION_ID}/{}{rest}", interaction.token)
}

const ORIGINAL: &str = "/messages/@original";

fn kinds(discord: &Discord) -> Vec<String> {
    let events = serde_json::to_value(discord.conversation()).unwrap();
    let kind = |event: &Value| event["kind"].as_str().unwrap().to_owned();
    events.as_array().unwrap().iter().map(kind).collect()
}

#[test]
fn a_signature_verifies_over_the_timestamp_and_the_body() {
    let discord = Discord::new(Clock::start(), Gauge::new());
    let ping = discord.ping();
    let header = |wanted: &str| {
        let mut headers = ping.headers.iter();
        headers.find(|(name, _)| name == wanted).unwrap().1.clone()
    };
    let key: [u8; 32] = hex::decode(discord.public_key()).unwrap().try_into().unwrap();
    let signature: [u8; 64] =
        hex::decode(header("x-signature-ed25519")).unwrap().try_into().unwrap();
    let message = [header("x-signature-timestamp").as_bytes(), &ping.body].concat();
    let key = VerifyingKey::from_bytes(&key).unwrap();
    let signature = Signature::from_bytes(&signature);
    assert!(key.verify_strict(&message, &signature).is_ok());
    assert!(key.verify_strict(&message[1..], &signature).is_err());
}

#[tokio::test(start_paused = true)]
async fn an_answer_at_once_is_posted_and_can_be_edited() {
    let discord = standin();
    let interaction = typed(&discord);
    let payload = serde_json::from_slice(&interaction.body).unwrap();
    let now = discord.shared.clock.now();
    discord.state().conversation.sent(now, &payload, None);
    let edit = || json!({"content": format!("bye <@{}>", User::named("linus").id)});
    let early = ask(&discord, "PATCH", &hook(&interaction, ORIGINAL), edit());
    assert_eq!((early.0, &early.1["code"]), (404, &json!(10015)));
    let content = format!("hello <@{}>", User::named("grace").id);
    let answer =
        deliver(&discord, &interaction, json!({"type": 4, "data": {"content": content}})).await;
    assert!(answer.accepted(), "{answer:?}");
    assert_eq!(ask(&discord, "PATCH", &hook(&interaction, ORIGINAL), edit()).0, 200);
    let messages = discord.messages(&interaction.id);
    assert_eq!((messages.len(), messages[0].edits), (1, 1));
    assert_eq!(messages[0].pings, [User::named("grace").id], "an edit pings nobody");
    assert_eq!(kinds(&discord), ["user_typed", "refused", "posted", "edited"]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_after_three_seconds_is_none() {
    let discord = standin();
    let interaction = typed(&discord);
    tokio::time::advance(Duration::from_secs(2)).await;
    let slow = bot(json!({"type": 5}), Duration::from_millis(1001));
    let answer = discord.deliver(&interaction, &slow).await;
    assert_eq!((answer.status, answer.accepted()), (0, false));
    assert_eq!(kinds(&discord), ["user_typed", "no_response"]);
    let edit = ask(&discord, "PATCH", &hook(&interaction, ORIGINAL), json!({"content": "late"}));
    assert_eq!((edit.0, &edit.1["code"]), (404, &json!(10015)));
}

#[tokio::test(start_paused = true)]
async fn the_first_follow_up_after_a_defer_edits_the_loading_message() {
    let discord = standin();
    let interaction = typed(&discord);
    deliver(&discord, &interaction, json!({"type": 5})).await;
    assert!(discord.messages(&interaction.id)[0].loading);
    let private = json!({"content": "private", "flags": 64});
    ask(&discord, "POST", &hook(&interaction, ""), private.clone());
    let messages = discord.messages(&interaction.id);
    assert_eq!(messages.len(), 1);
    assert!(!messages[0].ephemeral && !messages[0].follow_up && !messages[0].loading);
    ask(&discord, "POST", &hook(&interaction, ""), private);
    let second = &discord.messages(&interaction.id)[1];
    assert!(second.ephemeral && second.follow_up);
}

#[tokio::test(start_paused = true)]
async fn a_public_defer_becomes_a_private_answer_by_deleting_it_first() {
    let discord = standin();
    let interaction = typed(&discord);
    deliver(&discord, &interaction, json!({"type": 5})).await;
    assert_eq!(ask(&discord, "DELETE", &hook(&interaction, ORIGINAL), Value::Null).0, 204);
    ask(&discord, "POST", &hook(&interaction, ""), json!({"content": "no", "flags": 64}));
    let messages = discord.messages(&interaction.id);
    assert!(messages.len() == 1 && messages[0].ephemeral);
    let gone = ask(&discord, "GET", &hook(&interaction, ORIGINAL), Value::Null);
    assert_eq!((gone.0, &gone.1["code"]), (404, &json!(10008)));
}

#[tokio::test(start_paused = true)]
async fn a_token_lives_fifteen_minutes() {
    let discord = standin();
    let interaction = typed(&discord);
    deliver(&discord, &interaction, json!({"type": 5, "data": {"flags": 64}})).await;
    tokio::time::advance(Duration::from_secs(15 * 60 - 1)).await;
    let edit = || ask(&discord, "PATCH", &hook(&interaction, ORIGINAL), json!({"content": "x"}));
    assert_eq!(edit().0, 200);
    tokio::time::advance(Duration::from_secs(2)).await;
    assert_eq!((edit().0, &edit().1["code"]), (401, &json!(50027)));
}

#[tokio::test(start_paused = true)]
async fn callbacks_that_discord_drops() {
    for answer in [
        json!({}),
        json!({"type": 1}),
        json!({"type": 4}),
        json!({"type": 4, "data": {"content": " "}}),
        json!({"type": 4, "data": {"content": "x".repeat(2001)}}),
        json!({"type": 5, "data": {"flags": 4}}),
        json!({"type": 5, "data": {"content": "x"}}),
        json!({"type": 7, "data": {"content": "x"}}),
    ] {
        let discord = standin();
        let interaction = typed(&discord);
        let taken = deliver(&discord, &interaction, answer.clone()).await;
        assert!(!taken.accepted(), "{answer}");
        assert_eq!(kinds(&discord), ["user_typed", "no_response"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_ping_is_answered_by_a_pong_and_a_replay_changes_nothing() {
    let discord = standin();
    let ping = discord.ping();
    assert!(deliver(&discord, &ping, json!({"type": 1})).await.accepted());
    let interaction = typed(&discord);
    let answer = json!({"type": 4, "data": {"content": "once"}});
    assert!(deliver(&discord, &interaction, answer.clone()).await.accepted());
    let replay = deliver(&discord, &interaction, answer).await;
    assert_eq!((replay.status, replay.accepted()), (200, false));
    assert_eq!(kinds(&discord), ["user_typed", "posted"]);
}

#[tokio::test(start_paused = true)]
async fn edits_that_discord_refuses() {
    let discord = standin();
    let interaction = typed(&discord);
    deliver(&discord, &interaction, json!({"type": 5})).await;
    let edit = |body: Value| {
        let (status, body) = ask(&discord, "PATCH", &hook(&interaction, ORIGINAL), body);
        (status, body["code"].as_u64().unwrap_or_default())
    };
    assert_eq!(edit(json!({"content": ""})), (400, 50006));
    assert_eq!(edit(json!({"content": "x".repeat(2001)})), (400, 50035));
    assert_eq!(edit(json!({"content": "x", "flags": 64})), (400, 50035));
    assert!(discord.messages(&interaction.id)[0].loading, "a refused edit changes nothing");
}

#[test]
fn registering_commands_needs_the_bot_s_token_and_keeps_ids() {
    let discord = standin();
    let path = format!("/applications/{APPLICATION_ID}/commands");
    let (_, before) = ask(&discord, "GET", &path, Value::Null);
    let commands = json!([
        {"name": "status", "description": "Status"},
        {"name": "agents", "description": "Agents"},
    ]);
    let (status, after) = ask(&discord, "PUT", &path, commands);
    assert_eq!((status, &after[1]["id"]), (200, &before[0]["id"]));
    let (status, wrong) =
        ask(&discord, "PUT", &path, json!([{"name": "Upper", "description": "x"}]));
    assert_eq!(status, 400);
    assert!(wrong.pointer("/errors/0/name/_errors").is_some(), "{wrong}");
    assert_eq!(
        ask(&discord, "GET", "/applications/@me", Value::Null).1["verify_key"],
        discord.public_key()
    );
    discord.state().bot_token = "another".into();
    let stranger = Received {
        method: "GET".into(),
        path: format!("/api/v10{path}"),
        query: Vec::new(),
        headers: [(http::header::USER_AGENT, "DiscordBot (u, 1)".parse().unwrap())]
            .into_iter()
            .collect(),
        body: Bytes::new(),
    };
    let Outcome::Answer(answer) = discord.take(&stranger) else { panic!("not answered") };
    assert_eq!(answer.status, 401);
}

#[test]
fn faults_befall_requests_and_tokens_are_not_kept() {
    let discord = standin();
    let interaction = typed(&discord);
    discord.fault(Fault::new(On::FollowUp, What::RateLimited { retry_after: 1.5 }));
    let path = hook(&interaction, "");
    let (status, body) = ask(&discord, "POST", &path, json!({"content": "x"}));
    assert_eq!((status, &body["retry_after"]), (429, &json!(1.5)));
    discord.fault(Fault::new(On::Any, What::UnknownWebhook));
    assert_eq!(ask(&discord, "POST", &path, json!({"content": "x"})).1["code"], 10015);
    let paths: Vec<String> = discord.requests().into_iter().map(|request| request.path).collect();
    assert_eq!(paths[0], format!("/api/v10/webhooks/{APPLICATION_ID}/{{token}}"));
}

#[tokio::test]
async fn over_http_an_unversioned_path_and_a_strange_agent_are_refused() {
    let discord = Discord::start(Clock::start(), Gauge::new()).await;
    let get = async |url: String| {
        let ping = discord.ping();
        discord.deliver(&ping, &Endpoint::Http(url)).await.status
    };
    assert_eq!(get(discord.url()).await, 403);
    assert_eq!(get(discord.url().replace("/v10", "")).await, 400);
    assert_eq!(get(discord.url().replace("/v10", "/v9")).await, 404);
    assert_eq!(get(discord.url().replace("/api/v10", "/x")).await, 404);
}
