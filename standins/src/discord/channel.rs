//! The channel as the bot sees it with its own token.
//!
//! <https://docs.discord.com/developers/resources/message>

use super::{
    attachments::Payload,
    conversation::Conversation,
    limits::{self, Refusal},
    message::Message,
    people::GUILD_ID,
    state::State,
};
use crate::server::{Answer, Received};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

/// How long after its creation a message counts as old.
const OLD: TimeDelta = TimeDelta::hours(1);
/// How long an edit of an old message counts.
const OLD_EDITS_WITHIN: TimeDelta = TimeDelta::seconds(20);

/// Answers a request below `/channels/{channel.id}`, whose token and channel are right.
pub(super) fn route(
    state: &mut State,
    now: DateTime<Utc>,
    request: &Received,
    channel: &str,
    rest: &[&str],
    payload: &Payload,
) -> Result<Answer, Refusal> {
    if !state.rights(channel).view {
        return Err(Refusal::new(403, 50001, "Missing Access"));
    }
    match (request.method.as_str(), rest) {
        ("GET", []) => Ok(Answer::json(200, &document(state, channel))),
        ("GET", ["messages"]) => list(state, request, channel),
        ("POST", ["messages"]) => create(state, now, channel, payload),
        ("GET", ["messages", id]) => one(state, channel, id),
        ("PATCH", ["messages", id]) => edit(state, now, channel, id, payload),
        _ => Err(Refusal::new(404, 0, "404: Not Found")),
    }
}

fn document(state: &State, channel: &str) -> Value {
    json!({
        "id": channel,
        "type": state.places.kind(channel),
        "guild_id": GUILD_ID,
        "name": "deploys",
        "position": 0,
        "flags": 0,
        "topic": null,
        "nsfw": false,
        "parent_id": null,
        "permission_overwrites": state.places.overwrites(channel, state.permissions),
        "rate_limit_per_user": 0,
        "last_message_id": state.in_channel(channel).last().map(|message| message.id.clone()),
    })
}

impl Conversation {
    /// Posts a message to a channel, for no interaction; returns its id.
    pub fn post_to_channel(
        &mut self,
        now: DateTime<Utc>,
        channel: &str,
        reply_to: Option<String>,
        payload: &Payload,
    ) -> Result<String, Refusal> {
        self.check(&payload.json, limits::CHANNEL, false)?;
        let mut blank = Message::blank(self.ids.next(now), String::new(), now);
        blank.channel_id = channel.to_owned();
        blank.reply_to = reply_to;
        let message = self.written(now, blank, payload, "")?;
        let id = message.id.clone();
        self.post(now, message);
        Ok(id)
    }

    /// Edits a message that is there, without an interaction's token.
    pub fn edit_in_channel(
        &mut self,
        now: DateTime<Utc>,
        id: &str,
        payload: &Payload,
    ) -> Result<(), Refusal> {
        let at = self.messages.iter().position(|message| message.id == id);
        let at = at.ok_or_else(|| Refusal::new(404, 10008, "Unknown Message"))?;
        self.change(now, at, payload)
    }
}

impl State {
    /// A channel's messages as everybody sees them, oldest first.
    fn in_channel(&self, channel: &str) -> impl DoubleEndedIterator<Item = &Message> {
        let seen = move |message: &&Message| message.channel_id == channel && !message.ephemeral;
        self.conversation.messages().iter().filter(seen)
    }

    fn find(&self, channel: &str, id: &str) -> Result<&Message, Refusal> {
        let found = self.in_channel(channel).find(|message| message.id == id);
        found.ok_or_else(|| Refusal::new(404, 10008, "Unknown Message"))
    }

    /// A message as the API shows it, with the one that it replies to.
    fn shown(&self, message: &Message) -> Value {
        let mut shown = message.json();
        if let Some(id) = &message.reply_to {
            let replied = self.find(&message.channel_id, id).ok().map(Message::json);
            shown["referenced_message"] = json!(replied);
        }
        shown
    }
}

fn list(state: &State, request: &Received, channel: &str) -> Result<Answer, Refusal> {
    let limit = match request.query("limit").map(str::parse::<usize>) {
        None => 50,
        Some(Ok(limit)) if (1..=100).contains(&limit) => limit,
        Some(_) => {
            let why = "int value should be between 1 and 100.";
            return Err(Refusal::form("limit", "NUMBER_TYPE_COERCE", why));
        }
    };
    let mut ends = request.query.iter().filter(|(name, _)| name != "limit");
    let end = ends.next().map(|(name, id)| (name.as_str(), id.parse::<u64>()));
    if ends.next().is_some() {
        let why = "Only one of before, after and around may be given.";
        return Err(Refusal::form("", "BASE_TYPE_INVALID", why));
    }
    let mut all: Vec<&Message> = state.in_channel(channel).collect();
    if !state.rights(channel).history {
        all.clear();
    }
    let number = |message: &&Message| message.id.parse::<u64>().unwrap_or_default();
    let page: Vec<&Message> = match end {
        None => all.into_iter().rev().take(limit).collect(),
        Some(("before", Ok(id))) => {
            all.into_iter().rev().filter(|message| number(message) < id).take(limit).collect()
        }
        Some(("after", Ok(id))) => {
            let mut page: Vec<_> =
                all.into_iter().filter(|message| number(message) > id).take(limit).collect();
            page.reverse();
            page
        }
        Some(("around", Ok(id))) => {
            let at = all.iter().filter(|message| number(message) < id).count();
            let from = at.saturating_sub(limit / 2);
            let mut page: Vec<_> = all.into_iter().skip(from).take(limit).collect();
            page.reverse();
            page
        }
        Some((name, Err(_))) => {
            let why = "Value is not snowflake.";
            return Err(Refusal::form(name, "NUMBER_TYPE_COERCE", why));
        }
        Some((other, _)) => {
            let why = format!("this stand-in does not know the parameter {other}");
            return Err(Refusal::new(400, 0, &why));
        }
    };
    Ok(Answer::json(200, &page.into_iter().map(|message| state.shown(message)).collect()))
}

/// One message, for which the right to read the history is needed as well.
fn one(state: &State, channel: &str, id: &str) -> Result<Answer, Refusal> {
    if !state.rights(channel).history {
        return Err(Refusal::new(403, 50013, "Missing Permissions"));
    }
    Ok(Answer::json(200, &state.shown(state.find(channel, id)?)))
}

/// Edits a message of the bot's own, for which it needs no right but to see the channel.
fn edit(
    state: &mut State,
    now: DateTime<Utc>,
    channel: &str,
    id: &str,
    payload: &Payload,
) -> Result<Answer, Refusal> {
    let message = state.find(channel, id)?;
    if message.author.is_some() {
        let why = "Cannot edit a message authored by another user";
        return Err(Refusal::new(403, 50005, why));
    }
    let made = message.at;
    let old = now - made > OLD;
    if old {
        let edits = &mut state.old_edits;
        edits.retain(|(_, at)| now < *at + OLD_EDITS_WITHIN);
        let mut here = edits.iter().filter(|(known, _)| known == channel);
        if here.clone().count() >= state.places.old_edits {
            let first = here.next().map_or(now, |(_, at)| *at);
            let wait = (first + OLD_EDITS_WITHIN - now).to_std().unwrap_or_default();
            let why =
                "Maximum number of edits to messages older than 1 hour reached. Try again later";
            let retry_after = Some(wait.as_secs_f64());
            return Err(Refusal { retry_after, ..Refusal::new(429, 30046, why) });
        }
    }
    state.conversation.edit_in_channel(now, id, payload)?;
    if old {
        state.old_edits.push((channel.to_owned(), now));
    }
    Ok(Answer::json(200, &state.shown(state.find(channel, id)?)))
}

fn create(
    state: &mut State,
    now: DateTime<Utc>,
    channel: &str,
    payload: &Payload,
) -> Result<Answer, Refusal> {
    let may = state.rights(channel);
    if !may.send || (payload.has_files() && !may.attach) {
        return Err(Refusal::new(403, 50013, "Missing Permissions"));
    }
    let (nonce, enforced) = nonce(&payload.json)?;
    // A nonce holds within its channel.
    let known = json!([channel, nonce]);
    if enforced
        && let Some(id) = state.nonces.known(now, &known)
        && let Some(there) = state.conversation.messages().iter().find(|message| message.id == id)
    {
        return Ok(Answer::json(200, &state.shown(there)));
    }
    let reply_to = reply(state, channel, &payload.json["message_reference"])?;
    let id = state.conversation.post_to_channel(now, channel, reply_to, payload)?;
    let mut message = state.shown(state.find(channel, &id)?);
    if !nonce.is_null() {
        message["nonce"] = nonce;
        state.nonces.add(now, known, id);
    }
    Ok(Answer::json(200, &message))
}

/// The message that a new one replies to. Without `fail_if_not_exists: false` it must be there.
fn reply(state: &State, channel: &str, reference: &Value) -> Result<Option<String>, Refusal> {
    if reference.is_null() {
        return Ok(None);
    }
    let at = "message_reference";
    let Some(id) = reference["message_id"].as_str() else {
        let at = format!("{at}.message_id");
        return Err(Refusal::form(&at, "BASE_TYPE_REQUIRED", "This field is required"));
    };
    let elsewhere = reference["channel_id"].as_str().is_some_and(|other| other != channel);
    if elsewhere {
        let why = "Cannot reply to a message in a different channel";
        return Err(Refusal::form(at, "REPLIES_CANNOT_REFERENCE_OTHER_CHANNEL", why));
    }
    if !state.rights(channel).history {
        let why = "Cannot reply without permission to read message history";
        return Err(Refusal::new(403, 160_002, why));
    }
    match state.find(channel, id) {
        Ok(message) => Ok(Some(message.id.clone())),
        Err(_) if reference["fail_if_not_exists"] == false => Ok(None),
        Err(_) => Err(Refusal::form(at, "REPLIES_UNKNOWN_MESSAGE", "Unknown message")),
    }
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
