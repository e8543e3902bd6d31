//! Messages and events as a user of the channel sees them.

use super::{
    attachments::Attachment,
    components::{self, Button},
    limits::{self, COMPONENTS_V2, EPHEMERAL, Refusal, SUPPRESS_NOTIFICATIONS},
    people,
};
use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use serde_json::{Value, json};

/// A message as it stands now.
#[derive(Clone, Debug, Serialize)]
pub struct Message {
    /// Its id.
    pub id: String,
    /// The interaction it answers; empty: none, it was sent to the channel.
    pub interaction_id: String,
    /// The channel it is in.
    #[serde(skip)]
    pub channel_id: String,
    /// The message it replies to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<String>,
    /// What a person reads: the text, or all texts of a message of components, one below the other.
    pub content: String,
    /// The embeds as sent.
    pub embeds: Vec<Value>,
    /// The components as sent.
    pub components: Vec<Value>,
    /// The files that come with it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
    /// The flags as they stand.
    pub flags: u64,
    /// Whether only the requester sees it.
    pub ephemeral: bool,
    /// Whether it is a follow-up rather than the original response.
    pub follow_up: bool,
    /// Whether it still shows "thinking…".
    pub loading: bool,
    /// How often it was edited; the end of "thinking…" counts as an edit.
    pub edits: usize,
    /// Who was really notified: user ids, `&` and a role's id, `everyone`, `here`.
    pub pings: Vec<String>,
    /// When it was made.
    #[serde(serialize_with = "crate::clock::serialize")]
    pub at: DateTime<Utc>,
    /// When it was last edited.
    #[serde(serialize_with = "crate::clock::serialize_option")]
    pub edited: Option<DateTime<Utc>>,
    /// The `interaction_metadata` that the API shows; null: it answers no interaction.
    #[serde(skip)]
    pub(super) metadata: Value,
    /// The member who wrote it; none: the bot.
    #[serde(skip)]
    pub(super) author: Option<Value>,
}

impl Message {
    /// An empty message.
    pub(super) fn blank(id: String, interaction_id: String, at: DateTime<Utc>) -> Self {
        Self {
            id,
            interaction_id,
            channel_id: people::CHANNEL_ID.to_owned(),
            reply_to: None,
            content: String::new(),
            embeds: Vec::new(),
            components: Vec::new(),
            attachments: Vec::new(),
            flags: 0,
            ephemeral: false,
            follow_up: false,
            loading: false,
            edits: 0,
            pings: Vec::new(),
            at,
            edited: None,
            metadata: Value::Null,
            author: None,
        }
    }

    /// Whether it is a message of components.
    pub fn is_v2(&self) -> bool {
        self.flags & COMPONENTS_V2 != 0
    }

    /// Its buttons, in reading order.
    pub fn buttons(&self) -> Vec<Button> {
        components::buttons(&self.components)
    }

    /// Copies a body's text, embeds, components and flags. A missing field stays as it was, null clears it; a
    /// flag that is set stays. A text that a message of components had before must be cleared.
    pub(super) fn fill(&mut self, body: &Value) -> Result<(), Refusal> {
        if self.is_v2() {
            self.content.clear();
        }
        self.flags |= body["flags"].as_u64().unwrap_or_default();
        let list = |field: &str| {
            let field = body.get(field)?;
            Some(field.as_array().cloned().unwrap_or_default())
        };
        if let Some(content) = body.get("content") {
            self.content = content.as_str().unwrap_or_default().to_owned();
        }
        if let Some(embeds) = list("embeds") {
            self.embeds = embeds;
        }
        if let Some(components) = list("components") {
            self.components = components;
        }
        if self.is_v2() {
            if !self.content.is_empty() || !self.embeds.is_empty() {
                let field = if self.content.is_empty() { "embeds" } else { "content" };
                return Err(limits::legacy(field));
            }
            self.content = components::text(&self.components);
        }
        Ok(())
    }

    /// Whether it shows nothing once a body was put over it.
    pub(super) fn is_empty(&self, body: &Value) -> bool {
        self.content.trim().is_empty()
            && self.embeds.is_empty()
            && self.components.is_empty()
            && self.attachments.is_empty()
            && body["poll"].is_null()
    }

    /// Whether it was sent to the channel rather than for an interaction.
    pub(super) fn is_the_channel_s(&self) -> bool {
        self.interaction_id.is_empty()
    }

    /// The message as the API shows it.
    pub(super) fn json(&self) -> Value {
        let shown = |embed: &Value| {
            let mut embed = embed.clone();
            embed["type"] = json!("rich");
            embed
        };
        let embeds: Vec<Value> = self.embeds.iter().map(shown).collect();
        let attachments: Vec<Value> = self.attachments.iter().map(Attachment::json).collect();
        let mut shown = json!({
            "id": self.id,
            "type": if self.follow_up || self.is_the_channel_s() { 0 } else { 20 },
            "channel_id": self.channel_id,
            "application_id": people::APPLICATION_ID,
            "webhook_id": people::APPLICATION_ID,
            "author": self.author.clone().unwrap_or_else(people::bot),
            "content": if self.is_v2() { "" } else { &self.content },
            "embeds": embeds,
            "components": components::shown(&self.components),
            "attachments": attachments,
            "mentions": [],
            "mention_roles": [],
            "mention_everyone": false,
            "pinned": false,
            "tts": false,
            "flags": self.flags,
            "timestamp": stamp(self.at),
            "edited_timestamp": self.edited.map(stamp),
        });
        if let Some(id) = &self.reply_to {
            shown["type"] = json!(19);
            shown["message_reference"] = json!({
                "type": 0,
                "channel_id": self.channel_id,
                "message_id": id,
                "guild_id": people::GUILD_ID,
            });
        }
        if let Some(source) = self.metadata["interacted_message_id"].as_str()
            && !self.follow_up
        {
            // The answer to a click replies to the message with the button.
            shown["type"] = json!(19);
            let reference = json!({"type": 0, "channel_id": self.channel_id, "message_id": source});
            shown["message_reference"] = reference;
        }
        match shown.as_object_mut() {
            Some(shown) if self.is_the_channel_s() => {
                shown.remove("webhook_id");
                if self.author.is_some() {
                    shown.remove("application_id");
                }
            }
            _ => shown["interaction_metadata"] = self.metadata.clone(),
        }
        shown
    }
}

fn stamp(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Micros, false)
}

/// An event that a user of the channel could see, or a refusal by Discord.
#[derive(Clone, Debug, Serialize)]
pub struct Event {
    /// When.
    #[serde(serialize_with = "crate::clock::serialize")]
    pub at: DateTime<Utc>,
    /// The interaction it belongs to; empty if none is known.
    pub interaction_id: String,
    /// What.
    #[serde(flatten)]
    pub kind: EventKind,
}

/// What happened.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum EventKind {
    /// A user sent a command.
    UserTyped {
        /// The user's name.
        user: String,
        /// What was typed.
        text: String,
    },
    /// A user pressed a button.
    UserPressed {
        /// The user's name.
        user: String,
        /// What stands on it.
        label: String,
        /// The message with the button.
        message_id: String,
    },
    /// A user sent a form off.
    UserSubmitted {
        /// The user's name.
        user: String,
        /// The form's title.
        title: String,
    },
    /// "… is thinking" shows.
    Thinking {
        /// Whether only the requester sees it.
        ephemeral: bool,
    },
    /// A message appeared.
    Posted {
        /// Its id.
        message_id: String,
        /// Whether only the requester sees it.
        ephemeral: bool,
        /// Whether it is a follow-up.
        follow_up: bool,
        /// The message as it was then.
        message: Box<Message>,
    },
    /// A message changed.
    Edited {
        /// Its id.
        message_id: String,
        /// The message as it was then.
        message: Box<Message>,
    },
    /// A message vanished.
    Deleted {
        /// Its id.
        message_id: String,
    },
    /// An option's suggestions showed.
    Choices {
        /// As sent.
        choices: Vec<Value>,
    },
    /// A form opened.
    Modal {
        /// As sent.
        modal: Value,
    },
    /// "The application did not respond".
    NoResponse {
        /// What was wrong, which a user does not see.
        why: String,
    },
    /// Discord refused a request of the bot's, which a user does not see.
    Refused {
        /// The HTTP status.
        status: u16,
        /// Discord's code.
        code: u64,
        /// Its text.
        why: String,
    },
}

/// Whom a new message notifies: the users that its text mentions and `allowed_mentions` permits.
pub(super) fn pings(message: &Message, allowed: &Value, invoker: &str) -> Vec<String> {
    if message.flags & SUPPRESS_NOTIFICATIONS != 0 {
        return Vec::new();
    }
    let permits = |kind: &str, id: &str| {
        if allowed.is_null() {
            // What Discord takes when nothing is said.
            return kind == "users" || message.is_the_channel_s();
        }
        let has = |field: &str, wanted: &str| {
            let items = allowed[field].as_array();
            items.is_some_and(|items| items.iter().any(|item| item == wanted))
        };
        has("parse", kind) || (kind != "everyone" && has(kind, id))
    };
    let text = &message.content;
    let mut found = Vec::new();
    for rest in text.split("<@").skip(1) {
        let Some((inside, _)) = rest.split_once('>') else {
            continue;
        };
        let (kind, id) = match inside.strip_prefix('&') {
            Some(id) => ("roles", id),
            None => ("users", inside.trim_start_matches('!')),
        };
        if id.parse::<u64>().is_ok() && permits(kind, id) {
            found.push(if kind == "roles" { format!("&{id}") } else { id.to_owned() });
        }
    }
    for everyone in ["everyone", "here"] {
        if text.contains(&format!("@{everyone}")) && permits("everyone", "") {
            found.push(everyone.to_owned());
        }
    }
    if message.flags & EPHEMERAL != 0 {
        found.retain(|id| id == invoker);
    }
    found.sort();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pinged(content: &str, flags: u64, allowed: Value) -> Vec<String> {
        let mut message = Message::blank("1".into(), "2".into(), Utc::now());
        message.content = content.into();
        message.flags = flags;
        pings(&message, &allowed, "7")
    }

    #[test]
    fn only_who_is_mentioned_and_permitted_is_pinged() {
        let text = "<@7> <@!8> <@&9> @everyone";
        let none: [&str; 0] = [];
        assert_eq!(pinged(text, 0, Value::Null), ["7", "8"]);
        assert_eq!(pinged(text, 0, json!({"parse": []})), none);
        assert_eq!(pinged(text, 0, json!({"parse": [], "users": ["7", "6"]})), ["7"]);
        assert_eq!(pinged(text, 0, json!({"parse": ["roles"]})), ["&9"]);
        assert_eq!(pinged(text, 0, json!({"parse": ["everyone"]})), ["everyone"]);
        assert_eq!(pinged(text, EPHEMERAL, Value::Null), ["7"]);
        assert_eq!(pinged(text, SUPPRESS_NOTIFICATIONS, Value::Null), none);
    }
}
