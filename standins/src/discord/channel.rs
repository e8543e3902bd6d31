//! The channel as the bot sees it with its own token.
//!
//! <https://docs.discord.com/developers/resources/message>

use super::{
    attachments::Payload,
    limits::Refusal,
    message::Message,
    people::{CHANNEL_ID, GUILD_ID},
    state::State,
};
use crate::server::{Answer, Received};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

/// Answers a request below `/channels/{channel.id}`, whose token and channel are right.
pub(super) fn route(
    state: &mut State,
    now: DateTime<Utc>,
    request: &Received,
    rest: &[&str],
    payload: &Payload,
) -> Result<Answer, Refusal> {
    if !state.permissions.view {
        return Err(Refusal::new(403, 50001, "Missing Access"));
    }
    match (request.method.as_str(), rest) {
        ("GET", []) => Ok(Answer::json(200, &channel(state.conversation.messages()))),
        ("GET", ["messages"]) => list(state, request),
        ("POST", ["messages"]) => create(state, now, payload),
        _ => Err(Refusal::new(404, 0, "404: Not Found")),
    }
}

fn channel(messages: &[Message]) -> Value {
    json!({
        "id": CHANNEL_ID,
        "type": 0,
        "guild_id": GUILD_ID,
        "name": "deploys",
        "position": 0,
        "flags": 0,
        "topic": null,
        "nsfw": false,
        "parent_id": null,
        "permission_overwrites": [],
        "rate_limit_per_user": 0,
        "last_message_id": messages.last().map(|message| message.id.clone()),
    })
}

fn list(state: &State, request: &Received) -> Result<Answer, Refusal> {
    if let Some((other, _)) = request.query.iter().find(|(name, _)| name != "limit") {
        let why = format!("this stand-in does not know the parameter {other}");
        return Err(Refusal::new(400, 0, &why));
    }
    let limit = match request.query("limit").map(str::parse::<usize>) {
        None => 50,
        Some(Ok(limit)) if (1..=100).contains(&limit) => limit,
        Some(_) => {
            let why = "int value should be between 1 and 100.";
            return Err(Refusal::form("limit", "NUMBER_TYPE_COERCE", why));
        }
    };
    let seen = |message: &&Message| state.permissions.history && !message.ephemeral;
    let messages = state.conversation.messages().iter().rev().filter(seen).take(limit);
    Ok(Answer::json(200, &messages.map(Message::json).collect()))
}

fn create(state: &mut State, now: DateTime<Utc>, payload: &Payload) -> Result<Answer, Refusal> {
    let may = state.permissions;
    if !may.send || (payload.has_files() && !may.attach) {
        return Err(Refusal::new(403, 50013, "Missing Permissions"));
    }
    let (nonce, enforced) = nonce(&payload.json)?;
    if enforced
        && let Some(id) = state.nonces.known(now, &nonce)
        && let Some(there) = state.conversation.messages().iter().find(|message| message.id == id)
    {
        return Ok(Answer::json(200, &there.json()));
    }
    let mut message = state.conversation.post_to_channel(now, payload)?;
    if !nonce.is_null() {
        let id = message["id"].as_str().unwrap_or_default().to_owned();
        message["nonce"] = nonce.clone();
        state.nonces.add(now, nonce, id);
    }
    Ok(Answer::json(200, &message))
}

/// A body's nonce, and whether there may be only one message of it.
fn nonce(body: &Value) -> Result<(Value, bool), Refusal> {
    let invalid = |place, why: &str| Refusal::form(place, "BASE_TYPE_INVALID", why);
    match &body["nonce"] {
        Value::Null => {}
        Value::Number(number) if number.is_i64() => {}
        Value::String(text) if text.chars().count() <= 25 => {}
        Value::String(_) => return Err(invalid("nonce", "Must be 25 or fewer in length.")),
        _ => return Err(invalid("nonce", "A nonce is an integer or a string.")),
    }
    match &body["enforce_nonce"] {
        Value::Null => Ok((body["nonce"].clone(), false)),
        Value::Bool(enforced) => Ok((body["nonce"].clone(), *enforced && !body["nonce"].is_null())),
        _ => Err(invalid("enforce_nonce", "Must be either true or false.")),
    }
}
