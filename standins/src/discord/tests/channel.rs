//! The channel, by the bot's own token.

use super::*;
use crate::discord::Permissions;

fn path() -> String {
    format!("/channels/{CHANNEL_ID}/messages")
}

fn text(content: &str, nonce: Value, enforced: bool) -> Value {
    json!({"content": content, "nonce": nonce, "enforce_nonce": enforced})
}

fn listed(discord: &Discord, limit: &str) -> (u16, Value) {
    let query = (!limit.is_empty()).then(|| ("limit".to_owned(), limit.to_owned()));
    get(discord, &path(), query.into_iter().collect())
}

fn get(discord: &Discord, path: &str, query: Vec<(String, String)>) -> (u16, Value) {
    let mut headers = http::HeaderMap::new();
    headers.insert("user-agent", "DiscordBot (u, 1)".parse().unwrap());
    let bot = format!("Bot {}", discord.bot_token());
    headers.insert("authorization", bot.parse().unwrap());
    let path = format!("/api/v10{path}");
    let request = Received { method: "GET".into(), path, query, headers, body: Bytes::new() };
    let Outcome::Answer(answer) = discord.take(&request) else { panic!("not answered") };
    (answer.status, serde_json::from_slice(&answer.body).unwrap())
}

#[tokio::test(start_paused = true)]
async fn of_a_nonce_there_is_one_message_within_a_few_minutes() {
    let discord = standin();
    let post = |body: Value| ask(&discord, "POST", &path(), body).1;
    let first = post(text("one", json!("n-1"), true));
    assert_eq!(first["nonce"], "n-1");
    assert_eq!(post(text("two", json!("n-1"), true))["id"], first["id"]);
    assert_eq!(post(text("two", json!("n-1"), true))["content"], "one");
    assert_ne!(post(text("other", json!("n-2"), true))["id"], first["id"]);
    assert_ne!(post(text("not enforced", json!("n-1"), false))["id"], first["id"]);
    assert_ne!(post(text("none", Value::Null, true))["id"], first["id"]);
    assert_eq!(discord.channel_messages().len(), 4);
    tokio::time::advance(Duration::from_secs(3 * 60)).await;
    assert_ne!(post(text("later", json!("n-1"), true))["id"], first["id"]);
    for wrong in [json!("x".repeat(26)), json!(1.5), json!([])] {
        assert_eq!(post(text("x", wrong, true))["code"], 50035);
    }
    assert_eq!(post(json!({"content": "x", "nonce": 1, "enforce_nonce": "yes"}))["code"], 50035);
    assert_eq!(discord.channel_messages().len(), 5);
}

#[tokio::test(start_paused = true)]
async fn messages_are_listed_newest_first_and_private_ones_not_at_all() {
    let discord = standin();
    for content in ["one", "two"] {
        ask(&discord, "POST", &path(), json!({"content": content}));
    }
    for (content, flags) in [("an answer", 0), ("a secret", 64)] {
        let data = json!({"content": content, "flags": flags});
        deliver(&discord, &typed(&discord), json!({"type": 4, "data": data})).await;
    }
    let (status, all) = listed(&discord, "");
    let contents: Vec<_> =
        all.as_array().unwrap().iter().map(|one| one["content"].as_str().unwrap()).collect();
    assert_eq!((status, contents), (200, vec!["an answer", "two", "one"]));
    assert_eq!(all[0]["webhook_id"], APPLICATION_ID);
    assert_eq!(
        (&all[1]["author"]["id"], &all[1]["webhook_id"]),
        (&json!(APPLICATION_ID), &Value::Null)
    );
    assert_eq!(listed(&discord, "1").1.as_array().unwrap().len(), 1);
    for wrong in ["0", "101", "x"] {
        assert_eq!(listed(&discord, wrong).0, 400, "{wrong}");
    }
    let (status, channel) = get(&discord, &format!("/channels/{CHANNEL_ID}"), Vec::new());
    assert_eq!((status, &channel["id"]), (200, &json!(CHANNEL_ID)));
}

#[test]
fn what_the_bot_may_do_is_up_to_its_permissions() {
    let discord = standin();
    let post = |with_file: bool| {
        let body = json!({"content": "x"});
        let files: &[(&str, &str)] = if with_file { &[("files[0]", "r.png")] } else { &[] };
        let body = files::form(&body, files);
        let sent = send(&discord, "POST", &path(), "multipart/form-data; boundary=b", body);
        (sent.0, sent.1["code"].as_u64())
    };
    let all = Permissions::default();
    discord.permit(Permissions { attach: false, ..all });
    assert_eq!((post(true), post(false).0), ((403, Some(50013)), 200));
    discord.permit(Permissions { history: false, ..all });
    assert_eq!((post(true).0, listed(&discord, "")), (200, (200, json!([]))));
    discord.permit(Permissions { send: false, ..all });
    assert_eq!((post(false), listed(&discord, "").0), ((403, Some(50013)), 200));
    discord.permit(Permissions { view: false, ..all });
    assert_eq!((post(false), listed(&discord, "").0), ((403, Some(50001)), 403));
    let channel =
        |id: &str| get(&discord, &format!("/channels/{id}"), Vec::new()).1["code"].clone();
    assert_eq!((channel(CHANNEL_ID), channel("1")), (json!(50001), json!(10003)));
}

#[test]
fn a_message_can_be_there_although_the_bot_is_told_nothing_or_otherwise() {
    let discord = standin();
    discord.fault(Fault::new(On::ChannelMessage, What::FailedAfter(502)));
    assert_eq!(ask(&discord, "POST", &path(), json!({"content": "one"})).0, 502);
    discord.fault(Fault::new(On::ChannelMessage, What::Status(502)));
    assert_eq!(ask(&discord, "POST", &path(), json!({"content": "not there"})).0, 502);
    discord.fault(Fault::new(On::ChannelMessage, What::Lost));
    let mut headers = http::HeaderMap::new();
    headers.insert("user-agent", "DiscordBot (u, 1)".parse().unwrap());
    headers.insert("content-type", "application/json".parse().unwrap());
    let bot = format!("Bot {}", discord.bot_token());
    headers.insert("authorization", bot.parse().unwrap());
    let body = Bytes::from(json!({"content": "two"}).to_string());
    let path = format!("/api/v10{}", path());
    let request = Received { method: "POST".into(), path, query: Vec::new(), headers, body };
    assert!(matches!(discord.take(&request), Outcome::Drop));
    let contents = discord.channel_messages().into_iter().map(|message| message.content);
    assert_eq!(contents.collect::<Vec<_>>(), ["one", "two"]);
    let statuses: Vec<_> = discord.requests().iter().map(|request| request.status).collect();
    assert_eq!(statuses, [502, 502, 0]);
}
