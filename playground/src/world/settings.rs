//! The settings of the bot, and no others.

use std::collections::BTreeMap;

use standins::Scratch;
use standins::discord::{Discord, GUILD_ID, User};
use standins::github::Github;
use standins::site::Site;

use super::{REPO, WEBHOOK_SECRET, WorldOptions, made_up};
use crate::Result;

pub(super) fn settings(
    options: &WorldOptions,
    discord: &Discord,
    github: &Github,
    site: &Site,
    token: String,
    scratch: &Scratch,
) -> Result<BTreeMap<&'static str, String>> {
    let data_file = scratch.file("deckhand.redb").to_string_lossy().into_owned();
    let agents = match &options.agents {
        Some(file) => {
            // The bot would blame its own setting.
            let text = std::fs::read_to_string(file);
            text.map_err(|error| format!("--agents {}: {error}", file.display()))?;
            file.clone()
        }
        None => {
            let file = scratch.file("agents.toml");
            std::fs::write(&file, made_up::agents())?;
            file
        }
    };
    let admins: Vec<String> = options.admins.iter().map(|name| User::named(name).id).collect();
    Ok(BTreeMap::from([
        ("DISCORD_PUBLIC_KEY", discord.public_key()),
        ("DISCORD_APPLICATION_ID", discord.application_id()),
        ("DISCORD_API_BASE", discord.url()),
        ("DISCORD_BOT_TOKEN", discord.bot_token()),
        ("GITHUB_API_BASE", github.url()),
        ("GITHUB_TOKEN", token),
        ("GITHUB_REPO", REPO.to_owned()),
        ("GITHUB_WEBHOOK_SECRET", WEBHOOK_SECRET.to_owned()),
        ("ALLOWED_GUILD_IDS", GUILD_ID.to_owned()),
        ("ADMIN_USER_IDS", admins.join(",")),
        ("ALLOW_SECRET_WRITES", "true".to_owned()),
        ("FRONTEND_BASE_URL", site.url()),
        ("VITE_API_BASE", site.url()),
        // The site is on this machine.
        ("SAFE_LOCAL", "true".to_owned()),
        ("AGENTS_FILE", agents.to_string_lossy().into_owned()),
        ("POLL_INTERVAL_SECONDS", options.poll.to_string()),
        ("DATA_FILE", data_file),
        ("WAIT_TIMEOUT_SECONDS", options.wait_timeout.to_string()),
    ]))
}
