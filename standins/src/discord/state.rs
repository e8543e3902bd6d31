//! What the stand-in remembers.

use super::{
    commands::Commands,
    conversation::Conversation,
    fault::Fault,
    nonces::Nonces,
    people::{self, APPLICATION_ID, User},
    permissions::Permissions,
    places::Places,
    read_marks::ReadMarks,
};
use crate::request::Request;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use std::collections::HashMap;

/// What the stand-in remembers.
#[derive(Default)]
pub(super) struct State {
    pub bot_token: String,
    pub public_key: String,
    /// Where Discord sends interactions, as its pages show it.
    pub endpoint: Option<String>,
    /// The endpoint that was asked last and answered as it must.
    pub verified: Option<String>,
    /// Whether only its owner may add the bot to a server.
    pub private: bool,
    pub commands: Commands,
    pub conversation: Conversation,
    /// What the bot may do in the channel.
    pub permissions: Permissions,
    pub places: Places,
    /// Edits of old messages: in which channel, and when.
    pub old_edits: Vec<(String, DateTime<Utc>)>,
    pub nonces: Nonces,
    /// What was typed, by the interaction's id.
    pub texts: HashMap<String, String>,
    pub requests: Vec<Request>,
    pub read: ReadMarks,
    pub faults: Vec<Fault>,
}

impl State {
    /// What the bot may do in a channel.
    pub fn rights(&self, channel: &str) -> Permissions {
        self.places.rights(channel, self.permissions)
    }

    /// Says in an interaction where it was sent and what the app may do there.
    pub fn place(&self, payload: &mut Value, channel: &str) {
        self.places.place(payload, channel, self.permissions);
    }

    pub fn application(&self) -> Value {
        json!({
            "id": APPLICATION_ID,
            "name": "Deckhand",
            "icon": null,
            "description": "",
            "type": null,
            "bot": people::bot(),
            "bot_public": !self.private,
            "bot_require_code_grant": false,
            "verify_key": self.public_key,
            "flags": 0,
            "flags_new": "0",
            "redirect_uris": [],
            "interactions_endpoint_url": self.endpoint,
            "role_connections_verification_url": null,
            "owner": User::named("ada").user(),
            "approximate_guild_count": 1,
            "approximate_user_install_count": 0,
            "approximate_user_authorization_count": 0,
            "explicit_content_filter": 0,
            "team": null,
            "eligible_oauth2_scopes": [],
        })
    }
}
