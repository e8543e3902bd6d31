//! Posts a digest once, however often it is retried (idempotency).
//!
//! Three things prevent a duplicate:
//! - The store knows where the last posted digest ended, and which one is being posted.
//! - If a post began but did not end, the channel's history shows whether it is there.
//! - All tries send the same nonce. Discord accepts a nonce once within a few minutes. This covers two
//!   tries at the same time, and a channel whose history the bot may not read.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use tokio::time::Instant;
use uuid::Uuid;

use super::series::{Next, Pending, Series, load, save};
use super::{Done, NotDone};
use crate::bot::Context;
use crate::digest::message::identity;
use crate::digest::{self, Period, Query, Window};
use crate::discord::DiscordError;
use crate::discord::channel::NotPosted;
use crate::github::explain::{Audience, Subject, explain_plainly};

/// Bytes of a nonce. Discord allows 25 characters; these are 24 in hexadecimal.
const NONCE_BYTES: usize = 12;

/// Posting is tried no longer, so that a lease covers it.
const POSTED_WITHIN: Duration = Duration::from_secs(90);

/// How often it begins again because another process was faster.
const TRIES: usize = 5;

/// The digests of a channel.
struct Post<'a> {
    context: &'a Context,
    channel_id: u64,
    period: Period,
    /// In the store.
    key: String,
    /// Until then Discord is tried.
    until: Instant,
}

/// Posts the digest that ends at `due`, unless its runs are in one that was posted.
pub(super) async fn digest(
    context: &Context,
    period: Period,
    due: DateTime<Utc>,
    until: Instant,
) -> Result<Done, NotDone> {
    let channel_id = context.digest.channel_id.ok_or(NotDone::NoChannel)?;
    if !context.discord.has_bot_token() {
        return Err(NotDone::NoBotToken);
    }
    let key = format!("digest#{channel_id}#{}", period.name());
    let post = Post { context, channel_id, period, key, until };
    for _ in 0..TRIES {
        if let Some(done) = post.try_once(due).await? {
            return Ok(done);
        }
    }
    Err(NotDone::Busy)
}

impl Post<'_> {
    /// `None`: another process was faster, so begin again.
    async fn try_once(&self, due: DateTime<Utc>) -> Result<Option<Done>, NotDone> {
        let Context { store, clock, digest, .. } = self.context;
        let kept = load(store.as_ref(), &self.key).await?;
        let series = kept.series;
        let (window, in_doubt) = match series.next(due, clock.now(), self.period, &digest.zone) {
            Next::Done => return Ok(Some(Done::AlreadyThere)),
            Next::Busy => return Err(NotDone::Busy),
            Next::Post(window) => (window, false),
            Next::Look(pending) => {
                if self.is_there(pending.window()).await? {
                    self.posted(&pending).await?;
                    return Ok((pending.window().to == due).then_some(Done::AlreadyThere));
                }
                let is_it = pending.window().to == due;
                let window = series.window(due, self.period, &digest.zone);
                (if is_it { pending.window() } else { window }, is_it)
            }
        };
        let digest = self.read(&series, window).await?;
        let posting = series.posting(window, digest.carried, clock.now());
        let claimed = save(store.as_ref(), &self.key, &posting, kept.revision, clock.now()).await?;
        let Some(revision) = claimed else { return Ok(None) };
        let nonce = nonce(&format!("{}#{}", self.key, window.to.timestamp()));
        let until = self.until.min(Instant::now() + POSTED_WITHIN);
        let sent = self.context.discord.post(self.channel_id, &digest.message, &nonce, until);
        let (error, surely_not) = match sent.await {
            Ok(()) => {
                if let Some(pending) = posting.pending() {
                    self.posted(pending).await?;
                }
                return Ok(Some(Done::Posted));
            }
            Err(NotPosted { why, surely }) => (NotDone::Discord(why), surely),
        };
        // This try posted nothing, but an earlier one may have.
        let left = if surely_not && !in_doubt { series } else { posting.in_doubt() };
        self.leave(&left, revision).await;
        Err(error)
    }

    async fn read(&self, series: &Series, window: Window) -> Result<digest::Digest, NotDone> {
        let Context { github, store, registry, digest: settings, .. } = self.context;
        let query = Query {
            period: self.period,
            window,
            zone: settings.zone.clone(),
            carried: Some(series.carried()),
            cut: series.cut(window),
            // It is for everybody.
            audience: Audience::Colleague,
        };
        let digest = digest::read(github, store.as_ref(), registry, &query).await;
        match digest.errors.first() {
            _ if digest.workflows == 0 => Err(NotDone::NothingReported),
            // Nothing could be read, so a retry may do better.
            Some(error) if digest.errors.len() == digest.workflows => {
                let (what, fix) = explain_plainly(error, Subject::ThisWorkflow, "Actions: read");
                Err(NotDone::NothingRead(format!("{what} {fix}")))
            }
            _ => Ok(digest),
        }
    }

    /// Whether the channel already has this digest.
    async fn is_there(&self, window: Window) -> Result<bool, NotDone> {
        let (channel_id, identity) = (self.channel_id, identity(window));
        match self.context.discord.has_posted(channel_id, &identity, self.until).await {
            Ok(posted) => Ok(posted),
            Err(error @ DiscordError::Refused { status: 401 | 403, .. }) => {
                // Posting is refused too and gives a better error, or the nonce prevents a duplicate.
                tracing::warn!(channel_id, %error, "the channel cannot be looked at");
                Ok(false)
            }
            // Do not post while a duplicate is possible. The scheduler retries.
            Err(error) => Err(NotDone::Discord(error)),
        }
    }

    /// Records that a digest is there. If that fails, the event has to be tried again: else the next digest
    /// would begin where this one did.
    async fn posted(&self, posted: &Pending) -> Result<(), NotDone> {
        let store = self.context.store.as_ref();
        for _ in 0..TRIES {
            let kept = load(store, &self.key).await?;
            let Some(series) = kept.series.posted(posted) else { return Ok(()) };
            if save(store, &self.key, &series, kept.revision, self.context.clock.now())
                .await?
                .is_some()
            {
                return Ok(());
            }
        }
        Err(NotDone::Busy)
    }

    /// Records how a try ended that posted nothing. If that fails, a retry reads the channel's history.
    async fn leave(&self, series: &Series, revision: Uuid) {
        let saved = save(
            self.context.store.as_ref(),
            &self.key,
            series,
            Some(revision),
            self.context.clock.now(),
        )
        .await;
        if let Err(error) = saved {
            tracing::warn!(key = self.key, %error, "what came of a post could not be noted");
        }
    }
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
        let first = nonce("digest#7#daily#1795341600");
        assert_eq!(first, nonce("digest#7#daily#1795341600"));
        assert_eq!(first.len(), 24);
        for other in
            ["digest#8#daily#1795341600", "digest#7#weekly#1795341600", "digest#7#daily#1795341601"]
        {
            assert_ne!(first, nonce(other));
        }
    }
}
