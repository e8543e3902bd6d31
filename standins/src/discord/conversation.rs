//! The messages of the channel, and the rules by which the bot may change them.

mod callback;

use super::{
    attachments::Payload,
    choices,
    components::Components,
    limits::{self, COMPONENTS_V2, EPHEMERAL, LOADING, Refusal},
    message::{Event, EventKind, Message, pings},
    snowflake::{self, Snowflakes},
};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

/// How long after an interaction's creation its callback is accepted.
pub(super) const DEADLINE: TimeDelta = TimeDelta::seconds(3);
/// How long an interaction's token lives.
const TOKEN_LIVES: TimeDelta = TimeDelta::minutes(15);

/// Which message a request means.
#[derive(Clone, Copy, Debug)]
pub(super) enum Target<'a> {
    Original,
    Id(&'a str),
}

/// One interaction as Discord keeps it.
#[derive(Debug)]
struct Talk {
    id: String,
    token: String,
    kind: u64,
    /// The type of the option that is being typed.
    focused: u64,
    invoker: String,
    user: Value,
    channel: String,
    /// The message a component's interaction came from.
    source: Option<String>,
    phase: Phase,
    original: Option<String>,
    /// The form that answered it.
    modal: Option<Value>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    Sent,
    Answered,
    Dead,
}

/// All interactions with their messages and what happened, in order.
#[derive(Debug, Default)]
pub(super) struct Conversation {
    pub ids: Snowflakes,
    /// Which components messages can have.
    pub takes: Components,
    talks: Vec<Talk>,
    pub messages: Vec<Message>,
    /// As they were when they were deleted.
    deleted: Vec<Message>,
    events: Vec<Event>,
}

impl Conversation {
    /// Records an interaction that was sent. A replay changes nothing.
    pub fn sent(&mut self, now: DateTime<Utc>, payload: &Value, text: Option<&str>) {
        let text_of = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let id = text_of(&payload["id"]);
        if self.talks.iter().any(|talk| talk.id == id) {
            return;
        }
        let user = match &payload["member"]["user"] {
            Value::Null => &payload["user"],
            user => user,
        };
        let kind = payload["type"].as_u64().unwrap_or_default();
        self.talks.push(Talk {
            id: id.clone(),
            token: text_of(&payload["token"]),
            kind,
            focused: choices::focused(&payload["data"]["options"]).unwrap_or_default(),
            invoker: text_of(&user["id"]),
            user: user.clone(),
            channel: text_of(&payload["channel_id"]),
            source: payload["message"]["id"].as_str().map(str::to_owned),
            phase: Phase::Sent,
            original: None,
            modal: None,
        });
        let name = text_of(&payload["data"]["name"]);
        let text = text.map_or_else(|| format!("/{name}"), str::to_owned);
        let user = text_of(&user["username"]);
        let kind = match kind {
            2 => EventKind::UserTyped { user, text },
            3 => {
                let message_id = text_of(&payload["message"]["id"]);
                EventKind::UserPressed { user, label: text, message_id }
            }
            5 => EventKind::UserSubmitted { user, title: text },
            _ => return,
        };
        self.happened(now, &id, kind);
    }

    /// The form that answered an interaction.
    pub fn modal(&self, id: &str) -> Option<&Value> {
        self.talks.iter().find(|talk| talk.id == id)?.modal.as_ref()
    }

    /// Whether this user's interaction it is.
    pub fn is_by(&self, id: &str, user: &str) -> bool {
        self.talks.iter().any(|talk| talk.id == id && talk.invoker == user)
    }

    /// A message as it stands, or as it was when it was deleted.
    pub fn ever(&self, id: &str) -> Option<&Message> {
        self.messages.iter().chain(&self.deleted).find(|message| message.id == id)
    }

    /// Shows the user that no valid answer came in time. The token is dead from then on.
    pub fn no_response(&mut self, now: DateTime<Utc>, id: &str, why: &str) {
        let Some(talk) = self.talks.iter_mut().find(|talk| talk.id == id) else {
            return;
        };
        if talk.phase != Phase::Sent {
            return;
        }
        talk.phase = Phase::Dead;
        let why = why.to_owned();
        self.happened(now, id, EventKind::NoResponse { why });
    }

    /// The interaction of a token that may be used now.
    fn talk(&self, now: DateTime<Utc>, token: &str) -> Result<usize, Refusal> {
        let index = self.talks.iter().position(|talk| talk.token == token);
        let index = index.ok_or_else(|| Refusal::new(401, 50027, "Invalid Webhook Token"))?;
        let talk = &self.talks[index];
        let created = snowflake::created(&talk.id);
        if created.is_some_and(|created| now > created + TOKEN_LIVES) {
            return Err(Refusal::new(401, 50027, "Invalid Webhook Token"));
        }
        match talk.phase {
            Phase::Answered if talk.kind != 4 => Ok(index),
            _ => Err(Refusal::new(404, 10015, "Unknown Webhook")),
        }
    }

    fn find(&self, talk: usize, target: Target<'_>) -> Result<usize, Refusal> {
        let talk = &self.talks[talk];
        let wanted = match target {
            Target::Original => talk.original.as_deref(),
            Target::Id(id) => Some(id),
        };
        let is_it = |message: &Message| {
            Some(message.id.as_str()) == wanted
                && (message.interaction_id == talk.id || talk.source.as_deref() == wanted)
        };
        let found = self.messages.iter().position(is_it);
        found.ok_or_else(|| Refusal::new(404, 10008, "Unknown Message"))
    }

    /// A message as it stands.
    pub fn get(
        &self,
        now: DateTime<Utc>,
        token: &str,
        target: Target<'_>,
    ) -> Result<Value, Refusal> {
        let talk = self.talk(now, token)?;
        Ok(self.messages[self.find(talk, target)?].json())
    }

    /// Edits a message; a loading one is loading no more then.
    pub fn edit(
        &mut self,
        now: DateTime<Utc>,
        token: &str,
        target: Target<'_>,
        payload: &Payload,
    ) -> Result<Value, Refusal> {
        let talk = self.talk(now, token)?;
        let at = self.find(talk, target)?;
        self.change(now, at, payload)?;
        Ok(self.messages[at].json())
    }

    /// Checks a message's body. `was_v2`: an edit of a message of components.
    pub fn check(&self, body: &Value, allowed: u64, was_v2: bool) -> Result<(), Refusal> {
        limits::check(body, allowed, was_v2)?;
        let v2 = body["flags"].as_u64().is_some_and(|flags| flags & COMPONENTS_V2 != 0);
        let has_some = body["components"].as_array().is_some_and(|all| !all.is_empty());
        let (refused, field) = match self.takes {
            Components::All => (false, ""),
            Components::Buttons => (v2, "flags"),
            Components::None => (v2 || has_some, "components"),
        };
        if refused {
            let why = "This stand-in was told to refuse such components.";
            return Err(Refusal::form(field, "BASE_TYPE_INVALID", why));
        }
        Ok(())
    }

    pub fn change(
        &mut self,
        now: DateTime<Utc>,
        at: usize,
        payload: &Payload,
    ) -> Result<(), Refusal> {
        self.check(&payload.json, limits::EDIT, self.messages[at].is_v2())?;
        self.overwrite(now, at, payload)
    }

    /// Puts a body's fields over a message's, keeping who sees it.
    fn overwrite(
        &mut self,
        now: DateTime<Utc>,
        at: usize,
        payload: &Payload,
    ) -> Result<(), Refusal> {
        let body = &payload.json;
        let mut message = self.messages[at].clone();
        let seen_by = message.flags & EPHEMERAL;
        message.fill(body)?;
        message.attachments = payload.attach(&message.attachments, || self.ids.next(now))?;
        if message.is_empty(body) {
            return Err(limits::empty());
        }
        message.flags = message.flags & !(EPHEMERAL | LOADING) | seen_by;
        message.loading = false;
        message.edits += 1;
        message.edited = Some(now);
        self.messages[at] = message.clone();
        let (id, message_id) = (message.interaction_id.clone(), message.id.clone());
        let message = Box::new(message);
        self.happened(now, &id, EventKind::Edited { message_id, message });
        Ok(())
    }

    /// Posts a follow-up; while the answer is still loading it edits that one instead, and its
    /// ephemeral flag does nothing.
    pub fn follow_up(
        &mut self,
        now: DateTime<Utc>,
        token: &str,
        payload: &Payload,
    ) -> Result<Value, Refusal> {
        let talk = self.talk(now, token)?;
        self.check(&payload.json, limits::NEW, false)?;
        if let Ok(at) = self.find(talk, Target::Original)
            && self.messages[at].loading
        {
            self.overwrite(now, at, payload)?;
            return Ok(self.messages[at].json());
        }
        let mut message = self.new_message(now, talk, payload)?;
        message.follow_up = true;
        message.metadata["original_response_message_id"] = json!(self.talks[talk].original);
        let json = message.json();
        self.post(now, message);
        Ok(json)
    }

    /// Deletes a message.
    pub fn delete(
        &mut self,
        now: DateTime<Utc>,
        token: &str,
        target: Target<'_>,
    ) -> Result<(), Refusal> {
        let talk = self.talk(now, token)?;
        let message = self.messages.remove(self.find(talk, target)?);
        let (id, message_id) = (message.interaction_id.clone(), message.id.clone());
        self.deleted.push(message);
        self.happened(now, &id, EventKind::Deleted { message_id });
        Ok(())
    }

    /// Records that a request with this token was refused.
    pub fn refused(&mut self, now: DateTime<Utc>, token: &str, refusal: &Refusal) {
        let talk = self.talks.iter().find(|talk| talk.token == token);
        let id = talk.map_or_else(String::new, |talk| talk.id.clone());
        let kind =
            EventKind::Refused { status: refusal.status, code: refusal.code, why: refusal.why() };
        self.happened(now, &id, kind);
    }

    pub fn events(&self) -> &[Event] {
        &self.events
    }

    pub fn messages(&self) -> &[Message] {
        &self.messages
    }

    fn blank(&mut self, now: DateTime<Utc>, talk: usize) -> Message {
        let talk = &self.talks[talk];
        let mut message = Message::blank(self.ids.next(now), talk.id.clone(), now);
        message.channel_id.clone_from(&talk.channel);
        message.metadata = json!({
            "id": talk.id,
            "type": talk.kind,
            "user": talk.user,
            "authorizing_integration_owners": {},
        });
        if let Some(source) = &talk.source {
            message.metadata["interacted_message_id"] = json!(source);
        }
        message
    }

    fn new_message(
        &mut self,
        now: DateTime<Utc>,
        talk: usize,
        payload: &Payload,
    ) -> Result<Message, Refusal> {
        let blank = self.blank(now, talk);
        let invoker = self.talks[talk].invoker.clone();
        self.written(now, blank, payload, &invoker)
    }

    /// A blank message with a body put on it.
    pub fn written(
        &mut self,
        now: DateTime<Utc>,
        mut message: Message,
        payload: &Payload,
        invoker: &str,
    ) -> Result<Message, Refusal> {
        let body = &payload.json;
        message.fill(body)?;
        message.attachments = payload.attach(&[], || self.ids.next(now))?;
        message.ephemeral = message.flags & EPHEMERAL != 0;
        if message.is_empty(body) {
            return Err(limits::empty());
        }
        message.pings = pings(&message, &body["allowed_mentions"], invoker);
        Ok(message)
    }

    pub fn post(&mut self, now: DateTime<Utc>, message: Message) {
        self.messages.push(message.clone());
        let id = message.interaction_id.clone();
        let kind = EventKind::Posted {
            message_id: message.id.clone(),
            ephemeral: message.ephemeral,
            follow_up: message.follow_up,
            message: Box::new(message),
        };
        self.happened(now, &id, kind);
    }

    fn happened(&mut self, now: DateTime<Utc>, id: &str, kind: EventKind) {
        self.events.push(Event { at: now, interaction_id: id.to_owned(), kind });
    }
}
