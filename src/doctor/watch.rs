//! The doctor's findings on watches: whether each can show its runs. Whether deliveries arrive is `webhook`'s.

use futures_util::future::join_all;

use super::finding::Finding;
use super::rights::rights;
use crate::agents::Registry;
use crate::bot::authorize::Guilds;
use crate::discord::channel::Role;
use crate::discord::guild::Rights;
use crate::discord::{Discord, DiscordError, channel};

const ABOUT: &str = "Watches";

/// Facts about the channels that watches name.
#[derive(Debug, Clone, Default)]
pub struct WatchFacts {
    /// Each channel once.
    pub channels: Vec<ChannelFacts>,
}

/// Facts about one of them.
#[derive(Debug, Clone)]
pub struct ChannelFacts {
    pub channel_id: u64,
    /// The server that it is in, if Discord says so. `Err`: the bot does not see the channel.
    pub guild_id: Result<Option<u64>, DiscordError>,
    /// What the bot may do there. `None`: not asked, or in no server.
    pub rights: Option<Result<Rights, DiscordError>>,
    /// The roles that are pinged there.
    pub pinged: Vec<u64>,
    /// The server's roles. `None`: not asked, or not told.
    pub roles: Option<Vec<Role>>,
}

/// Asks Discord for the channels, and for the roles of their servers if some are pinged. Without watches nothing is
/// asked.
pub(crate) async fn ask(discord: &Discord, registry: &Registry) -> WatchFacts {
    let mut channels: Vec<(u64, Vec<u64>)> = Vec::new();
    for watch in registry.watches() {
        match channels.iter_mut().find(|(channel, _)| *channel == watch.channel) {
            Some((_, pinged)) => pinged.extend(watch.ping),
            None => channels.push((watch.channel, watch.ping.into_iter().collect())),
        }
    }
    let has_bot = discord.has_bot_token();
    let asked =
        channels.into_iter().filter(|_| has_bot).map(|(channel_id, mut pinged)| async move {
            pinged.sort_unstable();
            pinged.dedup();
            let guild_id = discord.guild_of(channel_id).await;
            let roles = match &guild_id {
                Ok(Some(guild_id)) if !pinged.is_empty() => discord.roles(*guild_id).await.ok(),
                _ => None,
            };
            let rights = match &guild_id {
                Ok(Some(_)) => discord.rights(channel_id).await.transpose(),
                _ => None,
            };
            ChannelFacts { channel_id, guild_id, rights, pinged, roles }
        });
    WatchFacts { channels: join_all(asked).await }
}

/// `watches`: how many there are; `has_secret`: whether deliveries are taken.
pub(super) fn findings(
    facts: Option<&WatchFacts>,
    watches: usize,
    has_secret: bool,
    guilds: Option<&Guilds>,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    if watches == 0 {
        return findings;
    }
    if !has_secret {
        let what =
            "GITHUB_WEBHOOK_SECRET is not set, so no run becomes known: the watches show nothing.";
        findings.push(Finding::bad(ABOUT, what, "Register a webhook as docs/webhooks.md tells."));
    }
    let Some(facts) = facts else { return findings };
    findings.extend(facts.channels.iter().flat_map(|channel| of_channel(channel, guilds)));
    findings
}

fn of_channel(facts: &ChannelFacts, guilds: Option<&Guilds>) -> Vec<Finding> {
    let id = facts.channel_id;
    let guild_id = match &facts.guild_id {
        Ok(guild_id) => *guild_id,
        Err(error) if error.passes() => {
            let what = format!("Whether the bot sees channel {id} is not known: {error}.");
            return vec![Finding::doubtful(ABOUT, what, "Try again in a minute.")];
        }
        Err(error) => {
            let (what, fix) = channel::refused(error);
            return vec![Finding::bad(ABOUT, format!("Channel {id}: {what}"), fix)];
        }
    };
    let mut findings = vec![rights(&format!("channel {id}"), facts.rights.as_ref(), false, ABOUT)];
    if let (Some(guild), Some(Guilds::These(allowed))) = (guild_id, guilds)
        && !allowed.contains(&guild)
    {
        let what = format!(
            "Channel {id} is in server {guild}, where the buttons of its cards are refused."
        );
        let fix = "Add the server to ALLOWED_GUILD_IDS, or correct `channel` in agents.toml.";
        findings.push(Finding::doubtful(ABOUT, what, fix));
    }
    let pinged = facts.pinged.iter().filter(|_| facts.roles.is_some());
    findings.extend(pinged.filter_map(|pinged| {
        let role = facts.roles.iter().flatten().find(|role| role.id == *pinged);
        match role {
            None => {
                let what = format!("The server of channel {id} has no role {pinged}: `ping` notifies nobody.");
                let fix = "Copy the id anew: in Discord's developer mode, the role's menu has Copy Role ID.";
                Some(Finding::bad(ABOUT, what, fix))
            }
            Some(role) if role.mentionable => None,
            Some(_) => {
                let what = format!("Not everybody may mention role {pinged}: the bot pings it only with a permission.");
                let fix = "Let anyone mention it in the role's settings, or give the bot Mention All Roles.";
                Some(Finding::doubtful(ABOUT, what, fix))
            }
        }
    }));
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Level;
    use rstest::rstest;

    const GONE: DiscordError = DiscordError::NotFound(10003);

    const GOOD: Role = Role { id: 77, mentionable: true };
    const OTHER: Role = Role { id: 7, mentionable: true };

    fn channel(
        guild_id: Result<Option<u64>, DiscordError>,
        roles: Option<Vec<Role>>,
    ) -> WatchFacts {
        let of = ChannelFacts { channel_id: 5, guild_id, rights: None, pinged: vec![77], roles };
        WatchFacts { channels: vec![of] }
    }

    #[rstest]
    #[case::well(channel(Ok(Some(41)), Some(vec![GOOD])), &[(Level::Good, "sees channel 5")])]
    #[case::roles_are_not_told(channel(Ok(None), None), &[(Level::Good, "sees channel 5")])]
    #[case::gone(channel(Err(GONE), None), &[(Level::Bad, "no channel of this id (404, code 10003)")])]
    #[case::down(channel(Err(DiscordError::Fault(503)), None), &[(Level::Doubtful, "is not known")])]
    #[case::no_role(channel(Ok(Some(41)), Some(vec![OTHER])), &[(Level::Good, "sees"), (Level::Bad, "no role 77")])]
    #[case::not_mentionable(channel(Ok(Some(41)), Some(vec![Role { mentionable: false, ..GOOD }])), &[(Level::Good, "sees"), (Level::Doubtful, "may mention role 77")])]
    #[case::elsewhere(channel(Ok(Some(42)), Some(vec![GOOD])), &[(Level::Good, "sees"), (Level::Doubtful, "in server 42")])]
    fn a_channel_is_judged(#[case] facts: WatchFacts, #[case] expected: &[(Level, &str)]) {
        let guilds = Guilds::These(vec![41]);
        let found = findings(Some(&facts), 1, true, Some(&guilds));
        assert_eq!(found.len(), expected.len(), "{found:#?}");
        for (finding, (level, what)) in found.iter().zip(expected) {
            assert_eq!(finding.level, *level, "{}", finding.what);
            assert!(finding.what.contains(what), "{}", finding.what);
        }
        assert!(findings(Some(&facts), 0, false, None).is_empty());
    }

    #[test]
    fn without_webhooks_a_watch_shows_nothing() {
        let [found] = &findings(None, 1, false, None)[..] else { panic!("one finding") };
        assert!(found.level == Level::Bad && found.what.contains("GITHUB_WEBHOOK_SECRET"));
    }
}
