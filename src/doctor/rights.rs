//! The doctor's finding on what the bot may do in a channel.

use super::finding::{Finding, listed};
use crate::discord::DiscordError;
use crate::discord::guild::Rights;

/// What the bot may do in a channel that it sees. `files`: whether it posts files there.
pub(super) fn rights(
    place: &str,
    rights: Option<&Result<Rights, DiscordError>>,
    files: bool,
    about: &str,
) -> Finding {
    match rights {
        Some(Ok(Rights { permissions, in_thread })) => {
            let lacking: Vec<String> =
                permissions.lacking(*in_thread, files).into_iter().map(str::to_owned).collect();
            if lacking.is_empty() {
                return Finding::good(about, format!("The bot sees {place}, and may post there."));
            }
            let needed =
                lacking.iter().any(|one| one.starts_with("Send") || one.starts_with("View"));
            let what = format!("In {place} the bot lacks {}.", listed(&lacking));
            let fix = "Give it to the bot's role, or to the bot in the channel's own permissions.";
            if needed {
                Finding::bad(about, what, fix)
            } else {
                Finding::doubtful(about, what, fix)
            }
        }
        Some(Err(error)) => {
            let what =
                format!("The bot sees {place}. What it may do there could not be read: {error}.");
            Finding::doubtful(
                about,
                what,
                "It needs View Channel, Send Messages and Read Message History.",
            )
        }
        None => Finding::good(about, format!("The bot sees {place}.")),
    }
}
