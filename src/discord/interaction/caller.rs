//! Who sent an interaction, and where.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::read::{integer, list, snowflake, text};
use crate::discord::interaction_id::InteractionId;
use crate::discord::permissions::Permissions;
use crate::telemetry::{About, Event};

/// Who used a command or pressed a button, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    pub user_id: u64,
    /// The user's name, not the display name.
    pub username: String,
    /// The member's roles; empty in a direct message.
    pub roles: Vec<u64>,
    /// The server that has added the bot; `None` in a direct message, or if only the user has installed it.
    pub guild_id: Option<u64>,
    pub channel_id: Option<u64>,
    /// Whether the channel is a thread: posting there needs another permission.
    pub in_thread: bool,
    /// What the application may do in the channel; `None` if Discord did not say it.
    pub app_permissions: Option<Permissions>,
}

impl Caller {
    /// Reads the caller. `None`: it has no user.
    pub(super) fn of(value: &Value) -> Option<Self> {
        let member = value.get("member").unwrap_or(&Value::Null);
        // In a server the user is inside `member`; in a direct message it is at the top level.
        let user = member.get("user").or_else(|| value.get("user")).unwrap_or(&Value::Null);
        Some(Self {
            user_id: snowflake(user.get("id"))?,
            username: text(user.get("username")).unwrap_or_default(),
            roles: list(member.get("roles")).filter_map(|r| snowflake(Some(r))).collect(),
            guild_id: server(value),
            channel_id: snowflake(value.get("channel_id")),
            in_thread: is_thread(value.get("channel")),
            app_permissions: value.get("app_permissions").and_then(Permissions::read),
        })
    }

    /// What the summary line says about this caller's interaction. `command`: what it asks for.
    pub(super) fn about(
        &self,
        event: Event,
        id: InteractionId,
        command: &str,
        now: DateTime<Utc>,
    ) -> About {
        About {
            event,
            interaction_id: Some(id.0),
            correlation_id: Some(id.correlation_id().to_string()),
            command: Some(command.to_owned()),
            user_id: Some(self.user_id),
            guild_id: self.guild_id,
            channel_id: self.channel_id,
            age_ms: Some((now - id.created_at()).num_milliseconds()),
            ..About::default()
        }
    }
}

/// Whether this channel is a thread: of announcements, public or private.
/// <https://docs.discord.com/developers/resources/channel#channel-object-channel-types>
fn is_thread(channel: Option<&Value>) -> bool {
    let kind = channel.and_then(|channel| channel.get("type")).and_then(integer);
    matches!(kind, Some(10..=12))
}

/// The server in which a command of its own was used. A user may have installed the application for themselves
/// and use it in any server and in direct messages; then the server did not ask for it and cannot restrict it.
/// <https://docs.discord.com/developers/interactions/receiving-and-responding#interaction-object-authorizing-integration-owners-object>
fn server(value: &Value) -> Option<u64> {
    /// The interaction context `GUILD`. The others are direct messages and group chats.
    const SERVER: i64 = 0;
    let elsewhere = |context: &Value| !context.is_null() && integer(context) != Some(SERVER);
    // The key is the kind of installation: 0 is a server's. In a direct message its value is "0".
    let by_server = |owners: &Value| match owners.as_object() {
        Some(owners) if !owners.is_empty() => snowflake(owners.get("0")).is_some_and(|id| id > 0),
        _ => true,
    };
    if value.get("context").is_some_and(elsewhere)
        || !value.get("authorizing_integration_owners").is_none_or(by_server)
    {
        return None;
    }
    snowflake(value.get("guild_id"))
}
