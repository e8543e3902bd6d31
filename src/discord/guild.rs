//! Reads servers, users and what the bot may do in a channel, with the bot's token.
//!
//! <https://docs.discord.com/developers/resources/guild>

use serde::Deserialize;
use serde_json::Value;

use super::answer::DiscordError;
use super::client::Discord;
use super::interaction::snowflake;
use super::permissions::Permissions;

/// A server that the bot is in, as the list of them tells it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct GuildName {
    pub id: String,
    #[serde(default)]
    pub name: String,
}

/// A server that the bot is in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Guild {
    /// Its roles, with what each gives in all channels. The role of everybody has the server's id.
    pub roles: Vec<(u64, u64)>,
}

/// What the bot may do in a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rights {
    pub permissions: Permissions,
    /// Whether the channel is a thread: posting there needs another permission.
    pub in_thread: bool,
}

impl Discord {
    /// A server. Discord tells it to bots that are in it.
    pub async fn guild(&self, id: u64) -> Result<Guild, DiscordError> {
        let guild: Value = self.read(&format!("/guilds/{id}")).await?;
        let role = |role: &Value| {
            let bits = role.get("permissions").map_or(Some(0), bits)?;
            Some((snowflake(role.get("id"))?, bits))
        };
        Ok(Guild { roles: list(guild.get("roles")).filter_map(role).collect() })
    }

    /// Whether a user is a bot.
    pub async fn is_bot(&self, user_id: u64) -> Result<bool, DiscordError> {
        let user: Value = self.read(&format!("/users/{user_id}")).await?;
        Ok(user.get("bot").and_then(Value::as_bool) == Some(true))
    }

    /// The servers that the bot is in, at most 1,000 of them.
    ///
    /// <https://docs.discord.com/developers/resources/user#get-current-user-guilds>
    pub async fn guilds(&self) -> Result<Vec<GuildName>, DiscordError> {
        const PAGE: usize = 200;
        let mut all: Vec<GuildName> = Vec::new();
        for _ in 0..5 {
            let after = all.last().map(|last| format!("&after={}", last.id)).unwrap_or_default();
            let page: Vec<GuildName> =
                self.read(&format!("/users/@me/guilds?limit={PAGE}{after}")).await?;
            let is_last = page.len() < PAGE;
            all.extend(page);
            if is_last {
                break;
            }
        }
        Ok(all)
    }

    /// What the bot may do in a channel, as Discord computes it: by its roles, then by the channel's overwrites.
    /// `None`: the channel is in no server.
    /// <https://docs.discord.com/developers/topics/permissions#permission-hierarchy>
    pub async fn rights(&self, channel_id: u64) -> Result<Option<Rights>, DiscordError> {
        let mut channel: Value = self.read(&format!("/channels/{channel_id}")).await?;
        let Some(guild_id) = snowflake(channel.get("guild_id")) else { return Ok(None) };
        let in_thread = matches!(channel.get("type").and_then(Value::as_u64), Some(10..=12));
        if let Some(parent) = snowflake(channel.get("parent_id")).filter(|_| in_thread) {
            channel = self.read(&format!("/channels/{parent}")).await?;
        }
        let us = self.settings.application_id;
        let guild = self.guild(guild_id).await?;
        let member: Value = self.read(&format!("/guilds/{guild_id}/members/{us}")).await?;
        let own = list(member.get("roles")).filter_map(|role| snowflake(Some(role))).collect();
        let permissions = computed(guild_id, &guild, us, own, channel.get("permission_overwrites"));
        Ok(Some(Rights { permissions, in_thread }))
    }
}

/// The permissions of a member with these roles.
fn computed(
    guild_id: u64,
    guild: &Guild,
    member: u64,
    mut roles: Vec<u64>,
    overwrites: Option<&Value>,
) -> Permissions {
    roles.push(guild_id);
    let given = guild.roles.iter().filter(|(id, _)| roles.contains(id));
    let mut permissions = given.fold(0, |all, (_, bits)| all | bits);
    let of = |one: &Value| snowflake(one.get("id")).unwrap_or_default();
    // First the role of everybody, then all other roles together, then the member.
    let everybody = |one: &Value| of(one) == guild_id;
    let by_role = |one: &Value| roles.contains(&of(one)) && of(one) != guild_id;
    let own = |one: &Value| of(one) == member;
    let steps: [&dyn Fn(&Value) -> bool; 3] = [&everybody, &by_role, &own];
    for step in steps {
        let (mut allow, mut deny) = (0, 0);
        for one in list(overwrites).filter(|one| step(one)) {
            allow |= one.get("allow").and_then(bits).unwrap_or_default();
            deny |= one.get("deny").and_then(bits).unwrap_or_default();
        }
        permissions = permissions & !deny | allow;
    }
    // An administrator is above the overwrites.
    let given = guild.roles.iter().filter(|(id, _)| roles.contains(id));
    let administers = given.fold(0, |all, (_, bits)| all | bits) & Permissions::ADMINISTRATOR;
    Permissions::of_bits(permissions | administers)
}

fn list(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    value.and_then(Value::as_array).into_iter().flatten()
}

fn bits(value: &Value) -> Option<u64> {
    Permissions::read(value).map(Permissions::bits)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    const SEND: u64 = 1 << 11;
    const VIEW: u64 = 1 << 10;

    #[rstest]
    #[case::given_to_everybody(VIEW | SEND, 0, json!([]), true)]
    #[case::given_by_a_role(VIEW, SEND, json!([]), true)]
    #[case::not_given(VIEW, 0, json!([]), false)]
    #[case::taken_from_everybody(VIEW | SEND, 0, json!([{"id": "1", "deny": "2048", "allow": "0"}]), false)]
    #[case::given_back_by_a_role(VIEW | SEND, 0, json!([{"id": "5", "allow": "2048", "deny": "0"}, {"id": "1", "deny": "2048"}]), true)]
    #[case::taken_from_the_bot(VIEW | SEND, 0, json!([{"id": "9", "deny": "2048"}, {"id": "5", "allow": "2048"}]), false)]
    #[case::of_another_role(VIEW | SEND, 0, json!([{"id": "6", "deny": "2048"}]), true)]
    #[case::administrator(8, 0, json!([{"id": "1", "deny": "2048"}]), true)]
    fn rights_are_computed_as_discord_does(
        #[case] everybody: u64,
        #[case] role: u64,
        #[case] overwrites: Value,
        #[case] may: bool,
    ) {
        let guild = Guild { roles: vec![(1, everybody), (5, role), (6, 0)] };
        let permissions = computed(1, &guild, 9, vec![5], Some(&overwrites));
        assert_eq!(permissions.may_post(false), may);
    }
}
