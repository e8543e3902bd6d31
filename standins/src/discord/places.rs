//! The channels of the server, and what the bot may do in them.

use super::{
    people::{APPLICATION_ID, CHANNEL_ID, GUILD_ID},
    permissions::Permissions,
};
use serde_json::{Value, json};
use std::collections::HashMap;

/// What holds of the places where the bot is.
#[derive(Debug)]
pub(super) struct Places {
    /// Whether the bot left the server; the commands can still be there.
    pub absent: bool,
    /// Servers besides the first one: ids and names.
    pub guilds: Vec<(String, String)>,
    /// Channels besides the first one.
    pub others: Vec<String>,
    /// Which of those are in another server, and in which.
    pub abroad: HashMap<String, String>,
    /// Which of those are threads.
    pub threads: Vec<String>,
    /// Rights that differ from those in the first channel.
    pub rights: HashMap<String, Permissions>,
    /// What interactions say that the app may do; none: what it may.
    pub app_permissions: Option<String>,
    /// Which application interactions name.
    pub application_id: String,
    /// How many edits of old messages a channel takes within 20 s.
    pub old_edits: usize,
}

impl Default for Places {
    fn default() -> Self {
        Self {
            absent: false,
            guilds: Vec::new(),
            others: Vec::new(),
            abroad: HashMap::new(),
            threads: Vec::new(),
            rights: HashMap::new(),
            app_permissions: None,
            application_id: APPLICATION_ID.to_owned(),
            // As bots' authors report; Discord does not say.
            old_edits: 3,
        }
    }
}

/// What a bot has besides what [`Permissions`] says.
const ALWAYS: u64 = 2_248_473_465_835_073;
const VIEW_CHANNEL: u64 = 1 << 10;
const SEND_MESSAGES: u64 = 1 << 11;
const ATTACH_FILES: u64 = 1 << 15;
const READ_MESSAGE_HISTORY: u64 = 1 << 16;
const SEND_MESSAGES_IN_THREADS: u64 = 1 << 38;

/// The kinds of channels that there are here.
const TEXT: u64 = 0;
const PUBLIC_THREAD: u64 = 11;

impl Places {
    /// The servers that the bot is in.
    /// <https://docs.discord.com/developers/resources/user#get-current-user-guilds>
    pub fn listed(&self) -> Value {
        let first = (!self.absent).then(|| (GUILD_ID.to_owned(), "Octo".to_owned()));
        let listed = |(id, name): &(String, String)| {
            json!({
                "id": id, "name": name, "icon": null, "banner": null, "owner": false,
                "permissions": ALWAYS.to_string(), "features": [],
            })
        };
        first.iter().chain(&self.guilds).map(listed).collect()
    }

    /// Whether the server has such a channel.
    pub fn has_channel(&self, id: &str) -> bool {
        id == CHANNEL_ID || self.others.iter().any(|known| known == id)
    }

    /// A channel's kind.
    pub fn kind(&self, id: &str) -> u64 {
        if self.threads.iter().any(|known| known == id) { PUBLIC_THREAD } else { TEXT }
    }

    /// What the bot may do in a channel.
    /// `usual`: what holds where nothing else is said.
    pub fn rights(&self, channel: &str, usual: Permissions) -> Permissions {
        if self.absent {
            return Permissions { view: false, send: false, attach: false, history: false };
        }
        self.rights.get(channel).copied().unwrap_or(usual)
    }

    /// What a channel takes from the bot, as its permission overwrites say it.
    pub fn overwrites(&self, channel: &str, usual: Permissions) -> Value {
        let may = self.rights(channel, usual);
        let send = SEND_MESSAGES | SEND_MESSAGES_IN_THREADS;
        let bits = [
            (may.view, VIEW_CHANNEL),
            (may.send, send),
            (may.attach, ATTACH_FILES),
            (may.history, READ_MESSAGE_HISTORY),
        ];
        let deny = bits.iter().filter(|(allowed, _)| !allowed).fold(0, |deny, (_, bit)| deny | bit);
        json!([{"id": APPLICATION_ID, "type": 1, "allow": "0", "deny": deny.to_string()}])
    }

    /// Says in an interaction where it was sent and what the app may do there.
    pub fn place(&self, payload: &mut Value, channel: &str, usual: Permissions) {
        let may = self.rights(channel, usual);
        let kind = self.kind(channel);
        let send = if kind == TEXT { SEND_MESSAGES } else { SEND_MESSAGES_IN_THREADS };
        let mut bits = ALWAYS;
        for (allowed, bit) in [
            (may.view, VIEW_CHANNEL),
            (may.send, send),
            (may.attach, ATTACH_FILES),
            (may.history, READ_MESSAGE_HISTORY),
        ] {
            if !allowed {
                bits &= !bit;
            }
        }
        let said = self.app_permissions.clone();
        payload["app_permissions"] = json!(said.unwrap_or_else(|| bits.to_string()));
        payload["application_id"] = json!(self.application_id);
        payload["channel_id"] = json!(channel);
        payload["channel"]["id"] = json!(channel);
        payload["channel"]["type"] = json!(kind);
        if let Some(guild) = self.abroad.get(channel) {
            for at in ["/guild_id", "/guild/id", "/channel/guild_id"] {
                if let Some(id) = payload.pointer_mut(at) {
                    *id = json!(guild);
                }
            }
            payload["authorizing_integration_owners"] = json!({"0": guild});
        }
        if kind == PUBLIC_THREAD {
            payload["channel"]["parent_id"] = json!(CHANNEL_ID);
        }
    }
}
