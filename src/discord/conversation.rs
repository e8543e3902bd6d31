//! The messages of one interaction, after its deferred answer.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::timeout;

use super::client::{Discord, DiscordError};
use super::message::Message;
use crate::secrets::Secret;
use crate::telemetry;

/// Progress that cannot be shown within this time is skipped: the next change, or the outcome, shows
/// how things stand then.
const PROGRESS_WITHIN: Duration = Duration::from_secs(8);

/// The last edit gets this long before the follow-up is posted beside it: it must come first where it can
/// (the first follow-up to a message that still says "thinking…" would become that message), and must
/// not withhold the outcome where it cannot.
const HEAD_START: Duration = Duration::from_secs(3);

/// How an interaction ends: what its original message says at last and, since an edit notifies
/// nobody, what is posted besides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FinalReply {
    /// The original response.
    pub message: Message,
    /// The message that notifies the requester.
    pub follow_up: Option<Message>,
}

impl From<Message> for FinalReply {
    fn from(message: Message) -> Self {
        Self { message, follow_up: None }
    }
}

/// One interaction's messages: the original, edited in place, and what follows it.
#[derive(Clone)]
pub struct Conversation {
    discord: Arc<Discord>,
    token: Secret,
    ephemeral: bool,
    shown: Arc<Mutex<Option<Message>>>,
}

impl Conversation {
    /// A conversation whose original response was deferred. If that is for the caller's eyes only, so
    /// is everything that is said in it.
    pub fn new(discord: Arc<Discord>, token: Secret, ephemeral: bool) -> Self {
        Self { discord, token, ephemeral, shown: Arc::default() }
    }

    /// Whether its original response is for the caller's eyes only.
    pub fn is_ephemeral(&self) -> bool {
        self.ephemeral
    }

    /// Shows progress in the original message, if it differs from what is there.
    pub async fn show(&self, message: &Message) {
        match timeout(PROGRESS_WITHIN, self.edit(message)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "progress could not be shown"),
            Err(_) => tracing::warn!("progress could not be shown in time"),
        }
    }

    /// Shows how it ended. When the original message cannot be edited (somebody deleted it, say) the
    /// follow-up still tells. The error is the original message's.
    pub async fn finish(&self, finish: &FinalReply) -> Result<(), DiscordError> {
        let FinalReply { message, follow_up } = finish;
        if message.is_ephemeral() && !self.ephemeral {
            // An edit cannot make the public message private.
            self.discord.delete_original(&self.token).await?;
            return self.discord.follow_up(&self.token, message).await;
        }
        let mut edit = pin!(self.edit(message));
        match (follow_up, timeout(HEAD_START, &mut edit).await) {
            (Some(follow_up), Ok(edited)) => {
                self.follow_up(follow_up).await;
                edited
            }
            (Some(follow_up), Err(_)) => tokio::join!(edit, self.follow_up(follow_up)).0,
            (None, edited) => {
                let edited = match edited {
                    Ok(edited) => edited,
                    Err(_) => edit.await,
                };
                if edited.is_err() {
                    self.follow_up(&message.without_attachment()).await;
                }
                edited
            }
        }
    }

    /// Posts a message of its own; one that is lost is logged.
    pub async fn follow_up(&self, message: &Message) {
        let message = if self.ephemeral { message.clone().privately() } else { message.clone() };
        if let Err(error) = self.discord.follow_up(&self.token, &message).await {
            telemetry::not_delivered("the follow-up", &error);
        }
    }

    async fn edit(&self, message: &Message) -> Result<(), DiscordError> {
        let mut shown = self.shown.lock().await;
        if shown.as_ref() != Some(message) {
            // Until it is known to be delivered, what is shown is unknown.
            *shown = None;
            match self.discord.edit_original(&self.token, message).await {
                // Where the bot may not attach files, say: the text must not be lost with the file.
                Err(DiscordError::Refused { status, code }) if message.has_attachment() => {
                    tracing::warn!(
                        status,
                        code,
                        "Discord refuses the file; only the text is shown"
                    );
                    let text = message.without_attachment();
                    self.discord.edit_original(&self.token, &text).await?;
                }
                edited => edited?,
            }
            *shown = Some(message.clone());
        }
        Ok(())
    }
}
