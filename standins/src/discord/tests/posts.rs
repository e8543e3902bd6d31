//! Replies, edits, the history and rights, by the bot's own token.

use super::*;
use crate::discord::{GUILD_ID, Permissions};

fn path(channel: &str, rest: &str) -> String {
    format!("/channels/{channel}/messages{rest}")
}

fn post(discord: &Discord, body: Value) -> (u16, Value) {
    ask(discord, "POST", &path(CHANNEL_ID, ""), body)
}

fn posted(discord: &Discord, content: &str) -> String {
    let (status, message) = post(discord, json!({"content": content}));
    assert_eq!(status, 200);
    message["id"].as_str().unwrap().to_owned()
}

fn edit(discord: &Discord, id: &str, content: &str) -> (u16, Value) {
    let path = path(CHANNEL_ID, &format!("/{id}"));
    ask(discord, "PATCH", &path, json!({"content": content}))
}

fn history(discord: &Discord, query: &str) -> (u16, Value) {
    get(discord, &path(CHANNEL_ID, ""), query)
}

fn get(discord: &Discord, path: &str, query: &str) -> (u16, Value) {
    let agent = "DiscordBot (u, 1)".to_owned();
    let bot = format!("Bot {}", discord.bot_token());
    let mut headers = http::HeaderMap::new();
    headers.insert("user-agent", agent.parse().unwrap());
    headers.insert("authorization", bot.parse().unwrap());
    let request = Received {
        method: "GET".into(),
        path: format!("/api/v10{path}"),
        query: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        headers,
        body: Bytes::new(),
    };
    let Outcome::Answer(answer) = discord.take(&request) else { panic!("not answered") };
    (answer.status, serde_json::from_slice(&answer.body).unwrap())
}

fn code((status, body): (u16, Value)) -> (u16, u64) {
    (status, body["code"].as_u64().unwrap_or_default())
}

fn reply_to(id: &str, fails: Option<bool>) -> Value {
    let mut reference = json!({"message_id": id});
    if let Some(fails) = fails {
        reference["fail_if_not_exists"] = json!(fails);
    }
    json!({"content": "done", "message_reference": reference})
}

#[test]
fn a_reply_names_the_message_it_is_about_and_can_do_without() {
    let discord = standin();
    let card = posted(&discord, "a card");
    let (status, reply) = post(&discord, reply_to(&card, None));
    assert_eq!((status, &reply["type"]), (200, &json!(19)));
    let reference =
        json!({"type": 0, "channel_id": CHANNEL_ID, "message_id": card, "guild_id": GUILD_ID});
    assert_eq!(reply["message_reference"], reference);
    assert_eq!(reply["referenced_message"]["content"], "a card");
    assert_eq!(discord.channel_messages()[1].reply_to.as_deref(), Some(card.as_str()));
    assert_eq!(code(post(&discord, reply_to("1", None))), (400, 50035));
    assert_eq!(code(post(&discord, reply_to("1", Some(true)))), (400, 50035));
    let (status, plain) = post(&discord, reply_to("1", Some(false)));
    assert_eq!(
        (status, &plain["type"], &plain["message_reference"]),
        (200, &json!(0), &Value::Null)
    );
    assert_eq!(
        code(post(&discord, json!({"content": "x", "message_reference": {}}))),
        (400, 50035)
    );
    let mut elsewhere = reply_to(&card, Some(false));
    elsewhere["message_reference"]["channel_id"] = json!("1");
    assert_eq!(code(post(&discord, elsewhere)), (400, 50035));
}

#[tokio::test(start_paused = true)]
async fn a_message_is_edited_by_the_bot_also_one_that_answers_an_interaction() {
    let discord = standin();
    let id = posted(&discord, "one");
    let (status, edited) = edit(&discord, &id, "two");
    assert_eq!((status, &edited["id"], &edited["content"]), (200, &json!(id), &json!("two")));
    assert!(edited["edited_timestamp"].is_string());
    let path = path(CHANNEL_ID, &format!("/{id}"));
    assert_eq!(get(&discord, &path, "").1["content"], "two");
    let interaction = typed(&discord);
    deliver(&discord, &interaction, json!({"type": 5})).await;
    let original = ask(&discord, "GET", &hook(&interaction, ORIGINAL), Value::Null).1["id"].clone();
    let original = original.as_str().unwrap().to_owned();
    tokio::time::advance(Duration::from_secs(16 * 60)).await;
    let dead = ask(&discord, "PATCH", &hook(&interaction, ORIGINAL), json!({"content": "x"}));
    assert_eq!(code(dead), (401, 50027));
    assert_eq!(edit(&discord, &original, "by the bot").0, 200);
    assert_eq!(discord.messages(&interaction.id)[0].content, "by the bot");
    assert_eq!(code(edit(&discord, "1", "x")), (404, 10008));
    assert_eq!(code(edit(&discord, &id, "")), (400, 50006));
    let private = typed(&discord);
    let data = json!({"content": "a secret", "flags": 64});
    deliver(&discord, &private, json!({"type": 4, "data": data})).await;
    let secret = discord.messages(&private.id)[0].id.clone();
    assert_eq!(code(edit(&discord, &secret, "x")), (404, 10008), "nobody else sees it");
    discord.fault(Fault::new(On::ChannelEdit, What::Status(500)));
    assert_eq!((edit(&discord, &id, "x").0, edit(&discord, &id, "x").0), (500, 200));
}

#[tokio::test(start_paused = true)]
async fn old_messages_take_few_edits() {
    let discord = standin();
    let id = posted(&discord, "one");
    tokio::time::advance(Duration::from_secs(60 * 60)).await;
    for _ in 0..9 {
        assert_eq!(edit(&discord, &id, "young enough").0, 200);
    }
    tokio::time::advance(Duration::from_secs(5)).await;
    for _ in 0..3 {
        assert_eq!(edit(&discord, &id, "old").0, 200);
    }
    let (status, refused) = edit(&discord, &id, "too often");
    assert_eq!(
        (status, &refused["code"], &refused["retry_after"]),
        (429, &json!(30046), &json!(20.0))
    );
    let young = posted(&discord, "two");
    assert_eq!(edit(&discord, &young, "is not concerned").0, 200);
    tokio::time::advance(Duration::from_secs(20)).await;
    assert_eq!(edit(&discord, &id, "later").0, 200);
    discord.set_old_edits(0);
    assert_eq!(code(edit(&discord, &id, "never")), (429, 30046));
}

#[test]
fn the_history_is_read_in_pieces() {
    let discord = standin();
    let ids: Vec<String> = (0..5).map(|number| posted(&discord, &number.to_string())).collect();
    let of = |query: &str| -> String {
        let all = history(&discord, query).1;
        all.as_array().unwrap().iter().map(|one| one["content"].as_str().unwrap()).collect()
    };
    assert_eq!(of(""), "43210");
    assert_eq!(of(&format!("before={}", ids[2])), "10");
    assert_eq!(of(&format!("after={}", ids[1])), "432");
    assert_eq!(of(&format!("after={}&limit=2", ids[0])), "21", "the next ones");
    assert_eq!(of(&format!("around={}&limit=3", ids[2])), "321");
    for wrong in [format!("after={}&before={}", ids[0], ids[1]), "after=x".into(), "limit=0".into()]
    {
        assert_eq!(history(&discord, &wrong).0, 400, "{wrong}");
    }
}

#[tokio::test(start_paused = true)]
async fn rights_are_those_in_the_channel_and_interactions_say_them() {
    let discord = standin();
    let id = posted(&discord, "one");
    let one = path(CHANNEL_ID, &format!("/{id}"));
    let all = Permissions::default();
    let says = |typed: Interaction, field: &str| {
        let payload: Value = serde_json::from_slice(&typed.body).unwrap();
        payload[field].as_str().unwrap().to_owned()
    };
    let bits = |discord: &Discord| says(typed(discord), "app_permissions").parse::<u64>().unwrap();
    let everything = bits(&discord);
    discord.permit_in(CHANNEL_ID, Permissions { history: false, ..all });
    assert_eq!(everything - bits(&discord), 1 << 16);
    assert_eq!(history(&discord, ""), (200, json!([])));
    assert_eq!(code(get(&discord, &one, "")), (403, 50013));
    assert_eq!(code(post(&discord, reply_to(&id, Some(false)))), (403, 160_002));
    assert_eq!(edit(&discord, &id, "needs no history").0, 200);
    discord.permit_in(CHANNEL_ID, Permissions { send: false, ..all });
    assert_eq!(everything - bits(&discord), 1 << 11);
    assert_eq!(code(post(&discord, json!({"content": "x"}))), (403, 50013));
    assert_eq!(edit(&discord, &id, "needs no sending").0, 200);
    discord.permit_in(CHANNEL_ID, Permissions { view: false, ..all });
    assert_eq!(code(edit(&discord, &id, "x")), (403, 50001));
    discord.add_channel("42");
    assert_eq!(ask(&discord, "POST", &path("42", ""), json!({"content": "there"})).0, 200);
    assert_eq!(code(ask(&discord, "POST", &path("43", ""), json!({"content": "x"}))), (404, 10003));
    discord.set_in_server(false);
    assert_eq!(code(ask(&discord, "POST", &path("42", ""), json!({"content": "x"}))), (403, 50001));
    discord.set_in_server(true);
    discord.permit_in(CHANNEL_ID, all);
    let there = discord.interaction_in("42", &User::named("ada"), "/agents").unwrap();
    assert_eq!(says(there.clone(), "channel_id"), "42");
    deliver(&discord, &there, json!({"type": 4, "data": {"content": "hello"}})).await;
    let shown = get(&discord, &path("42", ""), "").1;
    assert_eq!(
        (shown[0]["content"].as_str(), shown[1]["content"].as_str()),
        (Some("hello"), Some("there"))
    );
    assert_eq!(history(&discord, "").1.as_array().unwrap().len(), 1, "channels are apart");
    discord.add_thread("44");
    discord.permit_in("44", Permissions { send: false, ..all });
    let there = discord.interaction_in("44", &User::named("ada"), "/agents").unwrap();
    let missing = everything - says(there.clone(), "app_permissions").parse::<u64>().unwrap();
    assert_eq!(missing, 1 << 38, "posting to a thread is a right of its own");
    let payload: Value = serde_json::from_slice(&there.body).unwrap();
    assert_eq!(payload["channel"]["type"], 11);
    assert_eq!(get(&discord, "/channels/44", "").1["type"], 11);
    assert_eq!(get(&discord, "/channels/42", "").1["type"], 0);
    discord.set_app_permissions(Some("2048"));
    discord.set_interactions_of("7");
    let odd = typed(&discord);
    let said = (says(odd.clone(), "app_permissions"), says(odd, "application_id"));
    assert_eq!(said, ("2048".to_owned(), "7".to_owned()));
}

#[test]
fn what_a_member_writes_is_in_the_channel_but_not_the_bot_s() {
    let discord = standin();
    let card = posted(&discord, "a card");
    let id = discord.writes(&User::named("grace"), CHANNEL_ID, "nice", Some(&card));
    let shown = history(&discord, "").1;
    assert_eq!((&shown[0]["id"], &shown[0]["content"]), (&json!(id), &json!("nice")));
    assert_eq!(shown[0]["author"]["username"], "grace");
    assert_eq!((&shown[0]["type"], &shown[0]["application_id"]), (&json!(19), &Value::Null));
    assert_eq!(shown[1]["author"]["bot"], true);
    assert_eq!(code(edit(&discord, &id, "not mine")), (403, 50005));
    assert_eq!(discord.channel_messages().len(), 1);
    let unread = discord.unread();
    assert_eq!(unread.len(), 1, "the refusal: {unread:?}");
}
