//! The original response of one interaction. One writer edits it, so the latest message wins.
//!
//! - Progress goes through a channel that keeps only the latest: who reports it never waits for Discord.
//! - The last edit begins after an earlier one was answered, or was given up. Discord may still carry out
//!   one that was given up. So the message is looked at until that cannot happen any more.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use super::answer::{DiscordError, UNKNOWN_WEBHOOK};
use super::channel::shows;
use super::client::Discord;
use super::interaction_id::TOKEN_LIVES;
use super::message::Message;
use super::retry::{Pace, patiently};
use crate::secrets::Secret;

/// How long Discord may not know the interaction yet: it may see a deferral a moment late.
const SETTLING: Duration = Duration::from_secs(60);

/// How long the last edit waits for a progress edit that is under way.
const GRACE: Duration = Duration::from_secs(1);

/// How long after it was sent Discord may still carry out an edit without an answer.
const LANDS_WITHIN: Duration = Duration::from_secs(30);

/// How often the message is looked at while such an edit may still land.
const LOOK_EVERY: Duration = Duration::from_secs(3);

/// While Discord is down, a follow-up is held back at most this long.
const HELD_BACK: Duration = Duration::from_secs(120);

/// The original response of one interaction.
pub(super) struct Original {
    discord: Arc<Discord>,
    token: Secret,
    began: Instant,
    progress: watch::Sender<Progress>,
    seen: Mutex<Seen>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Progress {
    None,
    Latest(Message),
    /// The work has ended.
    Over,
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
    /// Until when a progress edit without an answer may still land.
    in_doubt_until: Option<Instant>,
}

impl Original {
    pub(super) fn new(discord: Arc<Discord>, token: Secret) -> Self {
        let (began, progress) = (Instant::now(), watch::Sender::new(Progress::None));
        Self { discord, token, began, progress, seen: Mutex::default() }
    }

    /// Wants this progress to be shown. Replaces one that was not shown yet.
    pub(super) fn show(&self, message: Message) {
        self.progress.send_if_modified(|progress| {
            let changes = *progress != Progress::Over;
            if changes {
                *progress = Progress::Latest(message);
            }
            changes
        });
    }

    /// No more progress: the last edit comes.
    pub(super) fn progress_is_over(&self) {
        self.progress.send_replace(Progress::Over);
    }

    /// Edits the message to the latest progress, until that is over.
    pub(super) async fn write_progress(&self) {
        let mut progress = self.progress.subscribe();
        let mut over = self.progress.subscribe();
        let mut pace = Pace::new();
        loop {
            let latest = progress.borrow_and_update().clone();
            let error = match latest {
                Progress::Over => return,
                Progress::Latest(message) if !self.shows(&message) => {
                    self.edit_unless_over(&message, &mut over).await.err()
                }
                Progress::Latest(_) | Progress::None => None,
            };
            match error {
                Some(error) if self.passes(&error) => {
                    // Then the latest message is tried, which may be another.
                    let Some(pause) = pace.after(&error, self.began + TOKEN_LIVES) else { return };
                    tokio::select! {
                        () = sleep(pause) => {}
                        () = until_over(&mut over) => return,
                    }
                    continue;
                }
                Some(error) if error.is_gone() => return,
                Some(error) => tracing::warn!(%error, "progress could not be shown"),
                None => pace = Pace::new(),
            }
            if progress.changed().await.is_err() {
                return;
            }
        }
    }

    /// One try to show progress. Given up soon after the progress is over.
    async fn edit_unless_over(
        &self,
        message: &Message,
        over: &mut watch::Receiver<Progress>,
    ) -> Result<(), DiscordError> {
        let may_land_until = Instant::now() + LANDS_WITHIN;
        let given_up = async {
            until_over(over).await;
            sleep(GRACE).await;
        };
        let edited = tokio::select! {
            biased;
            edited = self.try_to_edit(message) => edited,
            () = given_up => Err(DiscordError::Lost("given up for the last edit".to_owned())),
        };
        if edited.as_ref().is_err_and(DiscordError::may_be_taken) {
            self.seen().in_doubt_until = Some(may_land_until);
        }
        edited
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
        if let Err(DiscordError::Refused { status, code }) = edited
            && message.has_attachment()
        {
            // For example, the bot lacks the permission Attach Files. Still show the text.
            tracing::warn!(status, code, "Discord refuses the file; only the text is shown");
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

    /// Keeps the message as it is until no earlier edit can land any more.
    pub(super) async fn keep(&self, message: &Message) {
        loop {
            let now = Instant::now();
            let Some(until) = self.seen().in_doubt_until.filter(|until| *until > now) else {
                return;
            };
            sleep_until(until.min(now + LOOK_EVERY)).await;
            match self.is_showing(message).await {
                Ok(true) => {}
                Err(error) if !error.passes() => return,
                Ok(false) | Err(_) => {
                    self.seen().shown = None;
                    let edited = self.edit(message, Instant::now() + LANDS_WITHIN).await;
                    if let Err(error) = edited {
                        tracing::warn!(%error, "an earlier edit may have replaced the last message");
                    }
                }
            }
        }
    }

    /// Looks whether Discord shows this message.
    async fn is_showing(&self, message: &Message) -> Result<bool, DiscordError> {
        let original = self.discord.original(&self.token).await?;
        let is_it = shows(&original, message.content());
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

async fn until_over(progress: &mut watch::Receiver<Progress>) {
    // The sender lives as long as the message. If it were gone, the progress would be over, too.
    let _ = progress.wait_for(|progress| *progress == Progress::Over).await;
}
