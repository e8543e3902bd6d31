//! Interactions as Discord sends them.
//!
//! <https://docs.discord.com/developers/interactions/receiving-and-responding>

use super::people::{APPLICATION_ID, CHANNEL_ID, GUILD_ID, User};
use bytes::Bytes;
use serde_json::{Value, json};

/// A signed interaction, ready to be sent.
#[derive(Clone, Debug)]
pub struct Interaction {
    /// Its id.
    pub id: String,
    /// Its token.
    pub token: String,
    /// The exact bytes that were signed.
    pub body: Bytes,
    /// Signature, timestamp and content type.
    pub headers: Vec<(String, String)>,
}

impl Interaction {
    /// One that was sent before, by its id and the channel it was sent in.
    pub fn opened(id: &str, channel: &str) -> Self {
        let body = json!({"id": id, "channel_id": channel}).to_string();
        Self { id: id.to_owned(), token: String::new(), body: body.into(), headers: Vec::new() }
    }
}

/// An interaction's token: long and opaque.
pub(super) fn new_token() -> String {
    let part = || uuid::Uuid::new_v4().simple().to_string();
    format!("aW50ZXJhY3Rpb246{}{}", part(), part())
}

/// The payload of a command that a member of the guild typed.
pub(super) fn command_payload(id: &str, by: &User, data: Value) -> Value {
    json!({
        "app_permissions": "2248473465835073",
        "application_id": APPLICATION_ID,
        "attachment_size_limit": 10_485_760,
        "authorizing_integration_owners": {"0": GUILD_ID},
        "channel": {
            "flags": 0,
            "guild_id": GUILD_ID,
            "id": CHANNEL_ID,
            "last_message_id": null,
            "name": "deploys",
            "nsfw": false,
            "parent_id": null,
            "permissions": by.permissions,
            "position": 0,
            "rate_limit_per_user": 0,
            "topic": null,
            "type": 0,
        },
        "channel_id": CHANNEL_ID,
        "context": 0,
        "data": data,
        "entitlement_sku_ids": [],
        "entitlements": [],
        "guild": {"features": [], "id": GUILD_ID, "locale": "en-US"},
        "guild_id": GUILD_ID,
        "guild_locale": "en-US",
        "id": id,
        "locale": "en-US",
        "member": by.member(),
        "token": new_token(),
        "type": 2,
        "version": 1,
    })
}
