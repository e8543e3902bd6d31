//! Who types commands, and the ids of the place where they do.

use super::limits::Refusal;
use crate::server::Answer;
use serde_json::{Value, json};

/// The application's id.
pub const APPLICATION_ID: &str = "1190000000000000001";
/// The guild's id.
pub const GUILD_ID: &str = "1190000000000000002";
/// The channel's id.
pub const CHANNEL_ID: &str = "1190000000000000003";
/// The id of a role that nobody has unless told.
pub const ROLE_ID: &str = "1190000000000000004";

/// Another server that the bot is in.
pub const OTHER_GUILD_ID: &str = "1190000000000000101";
/// A role of that one.
pub const OTHER_ROLE_ID: &str = "1190000000000000102";

/// The roles of a server: the one of everybody, which has the server's id, and another.
/// <https://docs.discord.com/developers/topics/permissions#role-object>
fn roles(guild: &str, other: &str) -> Value {
    let role = |id: &str, name: &str, position: u64| {
        // Everybody may do all that this stand-in knows; a channel may take it away.
        let all = 1u64 << 10 | 1 << 11 | 1 << 15 | 1 << 16 | 1 << 38;
        let permissions = if id == guild { all } else { 0 };
        json!({
            "id": id, "name": name, "color": 0, "hoist": false, "position": position,
            "colors": {"primary_color": 0, "secondary_color": null, "tertiary_color": null},
            "permissions": permissions.to_string(), "managed": false, "mentionable": id == ROLE_ID, "flags": 0,
        })
    };
    json!([role(guild, "@everyone", 0), role(other, "deployers", 1)])
}

/// What may be read of servers and users. `absent`: the bot is not in the first server.
/// <https://docs.discord.com/developers/resources/guild>
pub(super) fn route(path: &[&str], absent: bool) -> Result<Answer, Refusal> {
    let missing = || Refusal::new(403, 50001, "Missing Access");
    let roles_of = |guild: &str| match guild {
        GUILD_ID if !absent => Ok(roles(GUILD_ID, ROLE_ID)),
        OTHER_GUILD_ID => Ok(roles(OTHER_GUILD_ID, OTHER_ROLE_ID)),
        id if id.len() < 17 => Err(Refusal::new(404, 10004, "Unknown Guild")),
        _ => Err(missing()),
    };
    let found = match path {
        ["guilds", guild, "roles"] => roles_of(guild)?,
        ["guilds", guild] => {
            let roles = roles_of(guild)?;
            json!({"id": guild, "name": "a server", "owner_id": "810000000000000001", "roles": roles})
        }
        ["guilds", guild, "members", APPLICATION_ID] => {
            roles_of(guild)?;
            json!({"user": bot(), "roles": [], "flags": 0, "deaf": false, "mute": false})
        }
        ["users", APPLICATION_ID] => bot(),
        ["users", id] if id.starts_with("8100000") => {
            json!({"id": id, "username": "somebody", "discriminator": "0", "bot": false})
        }
        ["users", _] => return Err(Refusal::new(404, 10013, "Unknown User")),
        _ => return Err(Refusal::new(404, 0, "404: Not Found")),
    };
    Ok(Answer::json(200, &found))
}

/// A member of the guild.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// A snowflake.
    pub id: String,
    /// The unique name.
    pub username: String,
    /// The name shown.
    pub global_name: Option<String>,
    /// Ids of the member's roles.
    pub roles: Vec<String>,
    /// Permission bits in the channel, as a decimal string.
    pub permissions: String,
}

impl User {
    /// A plain member by name: always the same id for the same name.
    pub fn named(name: &str) -> Self {
        let id = match name {
            "ada" => 1,
            "grace" => 2,
            "linus" => 3,
            other => {
                other.bytes().fold(7, |id: u64, byte| (id * 131 + u64::from(byte)) % 1_000_000_007)
            }
        };
        let mut shown = name.to_owned();
        if let Some(first) = shown.get_mut(0..1) {
            first.make_ascii_uppercase();
        }
        Self {
            id: (810_000_000_000_000_000 + id).to_string(),
            username: name.to_owned(),
            global_name: Some(shown),
            roles: Vec::new(),
            // View channel, send messages, use application commands.
            permissions: (1u64 << 10 | 1 << 11 | 1 << 31).to_string(),
        }
    }

    /// Adds a role.
    pub fn with_role(mut self, id: &str) -> Self {
        self.roles.push(id.to_owned());
        self
    }

    /// Gives Discord's Administrator permission.
    pub fn administrator(mut self) -> Self {
        self.permissions = "2251799813685247".to_owned();
        self
    }

    /// The user as Discord shows it.
    pub(super) fn user(&self) -> Value {
        json!({
            "id": self.id,
            "username": self.username,
            "discriminator": "0",
            "global_name": self.global_name,
            "avatar": null,
            "avatar_decoration_data": null,
            "bot": false,
            "public_flags": 0,
            "flags": 0,
            "primary_guild": null,
        })
    }

    /// The member as Discord shows it.
    pub(super) fn member(&self) -> Value {
        json!({
            "user": self.user(),
            "roles": self.roles,
            "permissions": self.permissions,
            "nick": null,
            "avatar": null,
            "joined_at": "2024-01-01T00:00:00.000000+00:00",
            "premium_since": null,
            "communication_disabled_until": null,
            "deaf": false,
            "mute": false,
            "pending": false,
            "flags": 0,
        })
    }
}

/// The bot's own user.
pub(super) fn bot() -> Value {
    json!({
        "id": APPLICATION_ID,
        "username": "deckhand",
        "discriminator": "0000",
        "global_name": null,
        "avatar": null,
        "bot": true,
        "primary_guild": null,
        "public_flags": 0,
        "flags": 0,
    })
}
