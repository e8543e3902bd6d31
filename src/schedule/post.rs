//! Posts one digest, however often it is tried.
//!
//! Three things keep it from being there twice. The store remembers what was posted, and what was
//! begun and may have been. The channel itself tells what became of the latter. And all tries have the
//! same nonce, of which Discord takes one message within a few minutes: that covers two tries at
//! once, and a channel whose history the bot may not read.

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};

use super::{Done, NotDone};
use crate::bot::Context;
use crate::digest::message::head;
use crate::digest::{self, Period, Window};
use crate::discord::DiscordError;
use crate::discord::channel::NotPosted;
use crate::github::explain::{Subject, explain};
use crate::store::Post;

/// Bytes of a nonce, which in hexadecimal may have 25 characters.
const NONCE_BYTES: usize = 12;

/// Posts the digest of the period that ends at `time`, unless it is there.
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
        Err((error, surely_not_there)) => {
            // This try did nothing; what an earlier one did stays in doubt.
            if surely_not_there && begun == Post::First {
                end(context, &key, false).await;
            }
            Err(error)
        }
    }
}

/// An error comes with whether the digest surely was not posted.
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
        // A later try may read what is worth posting.
        Some(error) if digest.errors.len() == digest.agents => {
            return Err((
                NotDone::NothingRead(explain(error, Subject::ThisWorkflow, "Actions: read")),
                true,
            ));
        }
        _ => {}
    }
    let posted = context.discord.post(channel_id, &digest.message, nonce).await;
    posted.map_err(|NotPosted { why, surely }| (NotDone::Discord(why), surely))
}

/// Whether an earlier try has posted it, as far as the channel tells; `in_doubt`: one may have.
async fn is_there(
    context: &Context,
    channel_id: u64,
    head: &str,
    in_doubt: bool,
) -> Result<bool, NotDone> {
    match context.discord.has_posted(channel_id, head).await {
        Ok(there) => Ok(there),
        Err(error @ (DiscordError::Refused { .. } | DiscordError::NotFound))
            if !in_doubt || matches!(error, DiscordError::Refused { status: 401 | 403, .. }) =>
        {
            // Then posting is refused too, with the better reason, or the nonce must do.
            tracing::warn!(channel_id, %error, "the channel cannot be looked at");
            Ok(false)
        }
        // Rather later, or not at all, than twice.
        Err(error) => Err(NotDone::Discord(error)),
    }
}

/// What came of a post is noted. If it cannot be, it stays in doubt, which the channel can settle.
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
    fn a_nonce_is_the_post_s_own_and_fits() {
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
