//! Why the commands could not be registered, and what to do about it. The token is in none of the texts.

use serde_json::Value;

use super::plan::Place;
use crate::discord::registration::reasons;
use crate::discord::{DiscordError, NotOverwritten};
use crate::text::escape;

/// The token is one of another application.
const NOT_THIS_APPLICATION: u64 = 20012;
/// Discord does not know the server.
const UNKNOWN_GUILD: u64 = 10004;

const BASE: &str = "Check DISCORD_API_BASE.";
const STATUS_PAGE: &str =
    "Try again in a few minutes; https://discordstatus.com says how Discord is.";

/// Why the list of commands could not be read.
pub(super) fn unread(error: &DiscordError, place: Place, application: u64) -> String {
    match error {
        DiscordError::NoSignIn(why) => format!("there is no bot's token: {why}"),
        DiscordError::NotSent(_) => {
            format!("{error}. Check the network and DISCORD_API_BASE.")
        }
        DiscordError::Refused { status: 401, .. } => {
            "Discord refuses the token (401): DISCORD_BOT_TOKEN is wrong, or was reset since. In Discord's \
             developer portal, on the application's page Bot, choose Reset Token and copy the new one. Discord \
             shows it only once."
                .to_owned()
        }
        DiscordError::Refused { status: 403, code } => forbidden(*code, place, application),
        DiscordError::NotFound(UNKNOWN_GUILD) => format!(
            "Discord does not know {place} (404): copy the id again (right-click the server, Copy Server ID)"
        ),
        DiscordError::NotFound(_) => format!(
            "Discord does not know application {application} (404): copy DISCORD_APPLICATION_ID from the page \
             General Information of Discord's developer portal"
        ),
        DiscordError::RateLimited(wait) | DiscordError::EditLimit(wait) => {
            let seconds = wait.as_secs_f64().ceil();
            format!("Discord's rate limit asks to wait {seconds} s. Try again then.")
        }
        DiscordError::Fault(_) => format!("{error}. {STATUS_PAGE}"),
        DiscordError::Lost(_) => format!("{error}. Run this again. {BASE}"),
        DiscordError::Proxy(_) => format!("{error}. Check the network's proxy, and DISCORD_API_BASE."),
        DiscordError::Refused { status, code } => {
            format!("Discord refuses the request (status {status}, code {code}). {BASE}")
        }
        DiscordError::NotShown | DiscordError::RefusedComponents(_) => format!("{error}. {BASE}"),
    }
}

/// Why the commands could not be replaced. `sent` is the body of the request.
pub(super) fn unregistered(
    NotOverwritten { error, said }: &NotOverwritten,
    place: Place,
    application: u64,
    sent: &Value,
) -> String {
    let (status, code) = match error {
        DiscordError::Refused { status: status @ (400 | 413), code } => (*status, *code),
        DiscordError::RefusedComponents(code) => (400, *code),
        _ => return unread(error, place, application),
    };
    let mut text = format!("Discord refuses the commands (status {status}, code {code})");
    for reason in reasons(sent, said).iter().take(10) {
        text.push_str(&format!("\n- {}", escape::clipped(reason, 300)));
    }
    text
}

fn forbidden(code: u64, place: Place, application: u64) -> String {
    match place {
        Place::Server(id) if code != NOT_THIS_APPLICATION => format!(
            "Discord forbids it (403). Either the bot is not in server {id}, or it was added without the scope \
             applications.commands. Add it with this link, then run this again:\n\
             https://discord.com/oauth2/authorize?client_id={application}&scope=bot+applications.commands\
             &guild_id={id}"
        ),
        _ => format!(
            "Discord forbids it (403): DISCORD_BOT_TOKEN is not a token of application {application}. Copy \
             DISCORD_APPLICATION_ID and the token from the same application in Discord's developer portal."
        ),
    }
}
