//! The messages of one interaction after its deferred answer: the original response, which is edited in
//! place, and follow-ups, which notify.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

use super::answer::DiscordError;
use super::channel::is_original;
use super::client::Discord;
use super::interaction::Invocation;
use super::interaction_id::InteractionId;
use super::message::Message;
use super::original::Original;
use super::retry::patiently;
use super::token::InteractionToken;
use crate::telemetry;

/// How long the follow-up waits for the last edit of the original message. The edit should come first: a
/// follow-up would otherwise replace a "thinking…" message. But a slow edit must not delay the outcome for
/// long.
const HEAD_START: Duration = Duration::from_secs(3);

/// How long the last edit is tried before its message is posted as a follow-up instead.
const INSTEAD_AFTER: Duration = Duration::from_secs(30);

/// How long the last edit is then tried once more: at least one pause between two tries.
const ONCE_MORE: Duration = Duration::from_secs(9);

/// How long a public "thinking…" is tried to be deleted before it is edited instead.
const DELETE_WITHIN: Duration = Duration::from_secs(10);

/// At most this long before the end edits stop, so that there is time for a follow-up.
const LAST_SAY: Duration = Duration::from_secs(2);

/// When the channel is looked at for a follow-up whose answer was lost, one pause after the other. After the
/// last look Discord will not post it any more.
const LOOKS: [Duration; 3] =
    [Duration::from_secs(1), Duration::from_secs(4), Duration::from_secs(10)];

/// What everybody sees where a private answer could not replace a public "thinking…".
const PRIVATE: &str = "🔒 The answer is shown only to whoever typed the command.";

/// The end of an interaction: the final original message and an optional follow-up. An edit notifies nobody,
/// so a follow-up is needed to notify the requester.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FinalReply {
    /// The final original message.
    pub message: Message,
    /// The message that notifies the requester.
    pub follow_up: Option<Message>,
}

impl From<Message> for FinalReply {
    fn from(message: Message) -> Self {
        Self { message, follow_up: None }
    }
}

/// The messages of one interaction.
#[derive(Clone)]
pub struct Conversation {
    discord: Arc<Discord>,
    token: InteractionToken,
    interaction_id: InteractionId,
    channel_id: Option<u64>,
    ephemeral: bool,
    original: Arc<Original>,
}

impl Conversation {
    /// For an interaction with a deferred answer. If that answer is ephemeral, all its messages are.
    pub fn new(discord: Arc<Discord>, invocation: &Invocation, ephemeral: bool) -> Self {
        let token = invocation.token.clone();
        Self {
            original: Arc::new(Original::new(discord.clone(), token.clone())),
            interaction_id: invocation.id,
            channel_id: invocation.caller.channel_id,
            discord,
            token,
            ephemeral,
        }
    }

    /// Whether the original response is ephemeral.
    pub fn is_ephemeral(&self) -> bool {
        self.ephemeral
    }

    /// Shows the outcome: edits the original message, then posts the follow-up. The follow-up is posted even
    /// if the original message cannot be edited, and a reply without one is then posted as one. Tries go on
    /// until `until`. Returns the error of the edit, unless a follow-up tells all that is left to tell.
    pub async fn finish(&self, reply: &FinalReply, until: Instant) -> Result<(), DiscordError> {
        let FinalReply { message, follow_up } = reply;
        let left = until.saturating_duration_since(Instant::now());
        let last_edit = until - LAST_SAY.min(left / 4);
        if self.is_private_in_public(message) {
            return self.answer_privately(message, last_edit, until).await;
        }
        let head_start = if follow_up.is_some() { HEAD_START } else { INSTEAD_AFTER };
        let edit = self.original.edit(message, last_edit);
        tokio::pin!(edit);
        let mut edited = tokio::select! {
            biased;
            edited = &mut edit => Some(edited),
            shown = self.original.is_stuck(message, head_start, last_edit) => shown.then_some(Ok(())),
        };
        if edited.is_none() && follow_up.is_none() {
            // Discord has just answered again, or does not take this edit.
            edited = timeout_at(last_edit.min(Instant::now() + ONCE_MORE), &mut edit).await.ok();
        }
        let aloud = match (follow_up, &edited) {
            (None, Some(Ok(()))) => return Ok(()),
            (Some(follow_up), _) => follow_up.clone(),
            (None, _) => message.without_attachment(),
        };
        let tell = self.tell(&aloud, until);
        let (edited, told) = match edited {
            Some(edited) => (edited, tell.await),
            None => tokio::join!(edit, tell),
        };
        if let Err(error) = &told {
            telemetry::not_delivered("the follow-up", error);
        }
        match edited {
            Err(error) if told.is_ok() && (follow_up.is_none() || error.is_gone()) => {
                tracing::info!(%error, "the message could not be edited: only a follow-up tells");
                Ok(())
            }
            edited => edited,
        }
    }

    /// Whether this message must not become the original one.
    fn is_private_in_public(&self, message: &Message) -> bool {
        message.is_ephemeral() && !self.ephemeral
    }

    /// Replaces a public "thinking…" by a private message. An edit cannot make it private, and while it is
    /// loading a follow-up would take its place, for everybody to see.
    async fn answer_privately(
        &self,
        message: &Message,
        last_edit: Instant,
        until: Instant,
    ) -> Result<(), DiscordError> {
        let now = Instant::now();
        let soon = now + DELETE_WITHIN.min(last_edit.saturating_duration_since(now) / 2);
        if let Err(error) = self.original.delete(soon).await {
            tracing::warn!(%error, "the public message could not be deleted; it is edited instead");
            match self.original.edit(&Message::public(PRIVATE), last_edit).await {
                Err(error) if !error.is_gone() => return Err(error),
                _ => {}
            }
        }
        self.tell(message, until).await
    }

    /// Posts a follow-up, at most once: after a try that Discord may have taken, only if a look at the channel
    /// shows that it did not.
    async fn tell(&self, message: &Message, until: Instant) -> Result<(), DiscordError> {
        let message = if self.ephemeral { message.clone().privately() } else { message.clone() };
        let post = || self.discord.follow_up(&self.token, &message);
        let again = |error: &DiscordError| self.original.passes(error) && !error.may_be_taken();
        let mut replaced = false;
        loop {
            match patiently(until, post, again).await {
                // It has replaced "thinking…", which notifies nobody.
                Ok(posted) if message.pings() && is_original(&posted) && !replaced => {
                    replaced = true
                }
                Ok(_) => return Ok(()),
                Err(error) if !error.may_be_taken() => return Err(error),
                Err(error) => match self.is_posted(&message, until).await {
                    Some(true) => return Ok(()),
                    Some(false) => {
                        tracing::info!(%error, "the follow-up is not there: posted again")
                    }
                    None => return Err(error),
                },
            }
        }
    }

    /// Looks whether the channel shows this follow-up. `None`: that cannot be told.
    async fn is_posted(&self, message: &Message, until: Instant) -> Option<bool> {
        let channel_id = self.channel_id?;
        if message.is_ephemeral() || !self.discord.has_bot_token() {
            return None;
        }
        let mut is_posted = None;
        for pause in LOOKS {
            if Instant::now() + pause > until {
                return None;
            }
            sleep(pause).await;
            let (id, text) = (self.interaction_id, message.shown());
            is_posted = match self.discord.shows_follow_up(channel_id, id, &text).await {
                Ok(Some(true)) => return Some(true),
                Ok(seen) => seen,
                Err(error) => {
                    tracing::debug!(%error, "the channel could not be looked at");
                    None
                }
            };
        }
        is_posted
    }
}
