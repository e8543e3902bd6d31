//! Files, and messages to the channel.

use super::*;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n--b";

pub(super) fn form(payload: &Value, files: &[(&str, &str)]) -> Bytes {
    let mut body = format!(
        "--b\r\ncontent-disposition: form-data; name=\"payload_json\"\r\n\
         content-type: application/json\r\n\r\n{payload}\r\n"
    )
    .into_bytes();
    for (name, filename) in files {
        let head = format!(
            "--b\r\ncontent-disposition: form-data; name=\"{name}\"; filename=\"{filename}\"\r\n\
             content-type: image/png\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(PNG);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--b--\r\n");
    body.into()
}

fn send_form(discord: &Discord, method: &str, path: &str, body: Bytes) -> (u16, Value) {
    send(discord, method, path, "multipart/form-data; boundary=b", body)
}

#[tokio::test(start_paused = true)]
async fn a_chart_comes_with_an_edit_and_stays_until_it_is_not_listed() {
    let discord = standin();
    let interaction = typed(&discord);
    deliver(&discord, &interaction, json!({"type": 5})).await;
    let original = hook(&interaction, ORIGINAL);
    let chart = json!({"attachments": [{"id": 0, "description": "Runs a day"}]});
    let (status, body) =
        send_form(&discord, "PATCH", &original, form(&chart, &[("files[0]", "runs.png")]));
    assert_eq!((status, &body["attachments"][0]["filename"]), (200, &json!("runs.png")));
    let message = discord.messages(&interaction.id).remove(0);
    assert!(!message.loading, "a file alone is something to show");
    let attachment = &message.attachments[0];
    assert_eq!((attachment.bytes.as_ref(), attachment.size), (PNG, PNG.len()));
    assert_eq!(attachment.description.as_deref(), Some("Runs a day"));
    assert_eq!(attachment.content_type.as_deref(), Some("image/png"));
    let request = discord.requests().pop().unwrap();
    assert_eq!(request.body, chart, "of a form its payload_json is kept");
    let text = ask(&discord, "PATCH", &original, json!({"content": "x"}));
    assert_eq!(text.1["attachments"].as_array().unwrap().len(), 1);
    let id = attachment.id.clone();
    let more = json!({"attachments": [{"id": id}, {"id": "1", "description": "Durations"}]});
    send_form(&discord, "PATCH", &original, form(&more, &[("files[1]", "durations.png")]));
    let names = |discord: &Discord| -> Vec<String> {
        let message = discord.messages(&interaction.id).remove(0);
        message.attachments.into_iter().map(|attachment| attachment.filename).collect()
    };
    assert_eq!(names(&discord), ["runs.png", "durations.png"]);
    ask(&discord, "PATCH", &original, json!({"attachments": []}));
    assert_eq!(names(&discord), [""; 0]);
    let lost = send_form(&discord, "PATCH", &original, form(&chart, &[("files[7]", "a.png")]));
    assert_eq!((lost.0, &lost.1["code"]), (400, &json!(50035)));
    assert_eq!(kinds(&discord).last().unwrap(), "refused");
}

#[tokio::test(start_paused = true)]
async fn the_channel_takes_messages_from_the_bot_only() {
    let discord = standin();
    let path = format!("/channels/{CHANNEL_ID}/messages");
    let digest = json!({"content": "@everyone the week", "embeds": [{"title": "Runs"}]});
    let (status, body) =
        send_form(&discord, "POST", &path, form(&digest, &[("files[0]", "r.png")]));
    assert_eq!((status, &body["type"], &body["webhook_id"]), (200, &json!(0), &Value::Null));
    let message = discord.channel_messages().remove(0);
    assert_eq!(message.pings, ["everyone"], "that is what happens when nothing is said");
    assert_eq!(message.attachments[0].bytes.as_ref(), PNG);
    let quiet = json!({"content": "@everyone", "allowed_mentions": {"parse": []}});
    ask(&discord, "POST", &path, quiet);
    assert!(discord.channel_messages()[1].pings.is_empty());
    let secret = ask(&discord, "POST", &path, json!({"content": "x", "flags": 64}));
    assert_eq!((secret.0, &secret.1["code"]), (400, &json!(50035)));
    assert_eq!(ask(&discord, "POST", &path, json!({"content": ""})).1["code"], 50006);
    assert_eq!(ask(&discord, "POST", "/channels/1/messages", quiet_text()).1["code"], 10003);
    let message = "Missing Permissions".to_owned();
    let refused = What::Refused { status: 403, code: 50013, message };
    discord.fault(Fault::new(On::ChannelMessage, refused));
    assert_eq!(ask(&discord, "POST", &path, quiet_text()).1["code"], 50013);
    discord.state().bot_token = "another".into();
    let request = Received {
        method: "POST".into(),
        path: format!("/api/v10{path}"),
        query: Vec::new(),
        headers: [(http::header::USER_AGENT, "DiscordBot (u, 1)".parse().unwrap())]
            .into_iter()
            .collect(),
        body: Bytes::new(),
    };
    let Outcome::Answer(answer) = discord.take(&request) else { panic!("not answered") };
    assert_eq!(answer.status, 401);
    assert_eq!(kinds(&discord)[..2], ["posted", "posted"]);
}

fn quiet_text() -> Value {
    json!({"content": "x", "allowed_mentions": {"parse": []}})
}

#[test]
fn a_browser_can_see_a_file() {
    let discord = standin();
    let path = format!("/channels/{CHANNEL_ID}/messages");
    send_form(&discord, "POST", &path, form(&json!({}), &[("files[0]", "r.png")]));
    let get = |path: String| {
        let request = Received {
            method: "GET".into(),
            path,
            query: Vec::new(),
            headers: http::HeaderMap::new(),
            body: Bytes::new(),
        };
        let Outcome::Answer(answer) = discord.take(&request) else { panic!("not answered") };
        (answer.status, answer.body)
    };
    let path = discord.channel_messages()[0].attachments[0].path.clone();
    assert_eq!(get(path), (200, Bytes::from_static(PNG)));
    assert_eq!(get("/attachments/1/2/r.png".into()).0, 404);
}
