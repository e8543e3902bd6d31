//! The original response of one interaction that was deferred: its one edit, or its deletion. The messages of
//! deploys are not written here but by `deploy`, which may go on in another process.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use super::answer::{DiscordError, UNKNOWN_WEBHOOK};
use super::channel::shows;
use super::client::Discord;
use super::message::Message;
use super::retry::{Pace, patiently};
use super::token::InteractionToken;

/// How long Discord may not know the interaction yet: it may see a deferral a moment late.
const SETTLING: Duration = Duration::from_secs(60);

/// While Discord is down, a follow-up is held back at most this long.
const HELD_BACK: Duration = Duration::from_secs(120);

/// The original response of one interaction.
pub(super) struct Original {
    discord: Arc<Discord>,
    token: InteractionToken,
    began: Instant,
    seen: Mutex<Seen>,
}

/// What is known from Discord's answers.
#[derive(Debug, Default)]
struct Seen {
    /// The message that it surely shows.
    shown: Option<Message>,
    /// The error of the last try to edit it.
    error: Option<DiscordError>,
    /// Whether Discord has accepted the interaction's token.
    accepted: bool,
    /// When Discord first did not know the token.
    unknown_since: Option<Instant>,
}

impl Original {
    pub(super) fn new(discord: Arc<Discord>, token: InteractionToken) -> Self {
        Self { discord, token, began: Instant::now(), seen: Mutex::default() }
    }

    /// Edits the message. Tries go on until `until`.
    pub(super) async fn edit(&self, message: &Message, until: Instant) -> Result<(), DiscordError> {
        let once =
            || async { if self.shows(message) { Ok(()) } else { self.try_to_edit(message).await } };
        patiently(until, once, |error| self.passes(error)).await
    }

    async fn try_to_edit(&self, message: &Message) -> Result<(), DiscordError> {
        {
            // Until Discord confirms the edit, it is unknown which message is shown.
            let mut seen = self.seen();
            (seen.shown, seen.error) = (None, None);
        }
        let mut edited = self.discord.edit_original(&self.token, message).await;
        if let Err(error) = &edited
            && error.is_refusal()
            && message.has_attachment()
        {
            // For example, the bot lacks the permission Attach Files. Still show the text.
            tracing::warn!(%error, "Discord refuses the file; only the text is shown");
            edited = self.discord.edit_original(&self.token, &message.without_attachment()).await;
        }
        let mut seen = self.seen();
        if edited.is_ok() {
            (seen.shown, seen.accepted) = (Some(message.clone()), true);
        }
        seen.error = edited.as_ref().err().cloned();
        edited
    }

    /// Deletes the message. Tries go on until `until`. A message that is gone is deleted.
    pub(super) async fn delete(&self, until: Instant) -> Result<(), DiscordError> {
        let lost = AtomicBool::new(false);
        let once = || async {
            match self.discord.delete_original(&self.token).await {
                Err(error) if error.is_gone() => Ok(()),
                // A try whose answer was lost has deleted it.
                Err(DiscordError::NotFound(code))
                    if lost.load(Ordering::Relaxed) && code != UNKNOWN_WEBHOOK =>
                {
                    Ok(())
                }
                Err(error) => {
                    lost.fetch_or(error.may_be_taken(), Ordering::Relaxed);
                    Err(error)
                }
                Ok(()) => Ok(()),
            }
        };
        patiently(until, once, |error| self.passes(error)).await
    }

    /// Resolves when the last edit has had its head start and Discord answers other requests, so that a
    /// follow-up can be posted: while Discord is down, that would be wasted. Returns whether the message is
    /// shown after all.
    pub(super) async fn is_stuck(
        &self,
        message: &Message,
        head_start: Duration,
        until: Instant,
    ) -> bool {
        let now = Instant::now();
        sleep_until(until.min(now + head_start)).await;
        let held_until = until.min(now + HELD_BACK);
        let mut pace = Pace::new();
        loop {
            let error = self.seen().error.clone();
            if error.is_some_and(|error| error.is_discords_word()) {
                return false;
            }
            let error = match timeout_at(held_until, self.is_showing(message)).await {
                Ok(Ok(shown)) => return shown,
                Ok(Err(error)) if !error.is_discords_word() => error,
                Ok(Err(_)) | Err(_) => return false,
            };
            let Some(pause) = pace.after(&error, held_until) else { return false };
            sleep(pause).await;
        }
    }

    /// Looks whether Discord shows this message.
    async fn is_showing(&self, message: &Message) -> Result<bool, DiscordError> {
        let original = self.discord.original(&self.token).await?;
        let is_it = shows(&original, &message.shown());
        let mut seen = self.seen();
        seen.accepted = true;
        if is_it {
            seen.shown = Some(message.clone());
        }
        Ok(is_it)
    }

    /// Whether a request with the interaction's token may succeed later. Discord may not know the token yet;
    /// for ever if the deferral came too late.
    pub(super) fn passes(&self, error: &DiscordError) -> bool {
        let mut seen = self.seen();
        match error {
            DiscordError::NotFound(UNKNOWN_WEBHOOK) => {
                let since = *seen.unknown_since.get_or_insert_with(Instant::now);
                seen.accepted || since.elapsed() < SETTLING
            }
            // No code of its own.
            DiscordError::NotFound(0) => !seen.accepted && self.began.elapsed() < SETTLING,
            error => error.passes(),
        }
    }

    fn shows(&self, message: &Message) -> bool {
        self.seen().shown.as_ref() == Some(message)
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
