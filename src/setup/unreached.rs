//! What to do if Discord or GitHub cannot be asked.

use super::stopped::Stopped;
use crate::discord::DiscordError;
use crate::github::GithubError;

/// What to do if Discord cannot be asked.
pub(super) fn discord(error: &DiscordError) -> Stopped {
    Stopped::mend(match error {
        DiscordError::NotSent(_) | DiscordError::Lost(_) | DiscordError::Proxy(_) => {
            format!("{error}. Check the network, and DISCORD_API_BASE if it is set.")
        }
        DiscordError::RateLimited(wait) => {
            format!("Discord's rate limit is used up: wait {} s.", wait.as_secs() + 1)
        }
        DiscordError::Fault(_) => {
            format!("{error}; https://discordstatus.com says how Discord is.")
        }
        _ => format!("Discord does not do what was asked: {error}."),
    })
}

/// What to do if GitHub cannot be asked.
pub(super) fn github(error: &GithubError) -> Stopped {
    Stopped::mend(match error {
        GithubError::NotSent(_) | GithubError::Lost(_) => {
            format!(
                "{error}. Check the network, and GITHUB_API_BASE if it is set; https://www.githubstatus.com says how GitHub is."
            )
        }
        _ => format!("{error}."),
    })
}
