//! Posts a digest once, however often it is retried (idempotency).
//!
//! Three things prevent a duplicate:
//! - The store records a post when it begins and when it ends.
//! - If a post began but did not end, the channel's history shows whether it is there.
//! - All tries send the same nonce. Discord accepts a nonce once within a few minutes. This covers two
//!   tries at the same time, and a channel whose history the bot may not read.

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};

use super::{Done, NotDone};
use crate::bot::Context;
use crate::digest::message::head;
use crate::digest::{self, Period, Window};
use crate::discord::DiscordError;
use crate::discord::channel::NotPosted;
use crate::github::explain::{Subject, explain_plainly};
use crate::store::Post;

/// Bytes of a nonce. Discord allows 25 characters; these are 24 in hexadecimal.
const NONCE_BYTES: usize = 12;

/// Posts the digest of the period that ends at `time`, unless an earlier try posted it.
pub(super) async fn digest(
    context: &Context,
    period: Period,
    time: DateTime<Utc>,
) -> Result<Done, NotDone> {
    let channel_id = context.digest.channel_id.ok_or(NotDone::NoChannel)?;
    if !context.discord.has_bot_token() {
        return Err(NotDone::NoBotToken);
    }
    let window = Window::ending(time, period);
    let key = key(channel_id, period, window);
    let begun = context.store.begin_post(&key).await?;
    if begun == Post::Done {
        return Ok(Done::AlreadyThere);
    }
    let head = head(period, window);
    if begun != Post::First && is_there(context, channel_id, &head, begun == Post::Unsure).await? {
        end(context, &key, true).await;
        return Ok(Done::AlreadyThere);
    }
    let posted = read_and_post(context, channel_id, period, window, &nonce(&key)).await;
    match posted {
        Ok(()) => {
            end(context, &key, true).await;
            Ok(Done::Posted)
        }
        Err((error, surely_not_posted)) => {
            // This try posted nothing, but an earlier one may have.
            if surely_not_posted && begun == Post::First {
                end(context, &key, false).await;
            }
            Err(error)
        }
    }
}

/// Reads and posts the digest. The error's flag is true if the digest surely was not posted.
async fn read_and_post(
    context: &Context,
    channel_id: u64,
    period: Period,
    window: Window,
    nonce: &str,
) -> Result<(), (NotDone, bool)> {
    let digest = digest::read(&context.github, &context.registry, period, window).await;
    match digest.errors.first() {
        _ if digest.agents == 0 => return Err((NotDone::NothingReported, true)),
        // Nothing could be read, so a retry may do better.
        Some(error) if digest.errors.len() == digest.agents => {
            return Err((
                {
                    let (what, fix) =
                        explain_plainly(error, Subject::ThisWorkflow, "Actions: read");
                    NotDone::NothingRead(format!("{what} {fix}"))
                },
                true,
            ));
        }
        _ => {}
    }
    let posted = context.discord.post(channel_id, &digest.message, nonce).await;
    posted.map_err(|NotPosted { why, surely }| (NotDone::Discord(why), surely))
}

/// Whether the channel already has the digest. `in_doubt`: the store says that an earlier try may have
/// posted it.
async fn is_there(
    context: &Context,
    channel_id: u64,
    head: &str,
    in_doubt: bool,
) -> Result<bool, NotDone> {
    match context.discord.has_posted(channel_id, head).await {
        Ok(posted) => Ok(posted),
        Err(error @ (DiscordError::Refused { .. } | DiscordError::NotFound))
            if !in_doubt || matches!(error, DiscordError::Refused { status: 401 | 403, .. }) =>
        {
            // Posting is refused too and gives a better error, or the nonce prevents a duplicate.
            tracing::warn!(channel_id, %error, "the channel cannot be looked at");
            Ok(false)
        }
        // Do not post while a duplicate is possible. The scheduler retries.
        Err(error) => Err(NotDone::Discord(error)),
    }
}

/// Records the result of a post. If that fails, a retry reads the channel's history.
async fn end(context: &Context, key: &str, posted: bool) {
    if let Err(error) = context.store.end_post(key, posted).await {
        tracing::warn!(key, posted, %error, "what came of a post could not be noted");
    }
}

fn key(channel_id: u64, period: Period, window: Window) -> String {
    format!("digest#{channel_id}#{}#{}", window.to.timestamp(), period.name())
}

fn nonce(key: &str) -> String {
    let hash = Sha256::digest(key);
    hex::encode(hash.iter().copied().take(NONCE_BYTES).collect::<Vec<u8>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_is_unique_to_its_post_and_fits() {
        let at = |second: i64| DateTime::from_timestamp(1_795_341_600 + second, 0).unwrap();
        let of = |channel, period, second| {
            nonce(&key(channel, period, Window::ending(at(second), period)))
        };
        let first = of(7, Period::Daily, 0);
        assert_eq!(first, of(7, Period::Daily, 0));
        assert_eq!(first.len(), 24);
        for other in [of(8, Period::Daily, 0), of(7, Period::Weekly, 0), of(7, Period::Daily, 1)] {
            assert_ne!(first, other);
        }
    }
}
