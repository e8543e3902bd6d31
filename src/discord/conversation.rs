//! The messages of one interaction after its deferred answer.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::timeout;

use super::client::{Discord, DiscordError};
use super::message::Message;
use crate::secrets::Secret;
use crate::telemetry;

/// Timeout of a progress update. A late one is skipped: the next update or the outcome replaces it.
const PROGRESS_WITHIN: Duration = Duration::from_secs(8);

/// How long the follow-up waits for the last edit of the original message. The edit should come first: a
/// follow-up would otherwise replace a "thinking…" message. But a slow edit must not delay the outcome for
/// long.
const HEAD_START: Duration = Duration::from_secs(3);

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

/// The messages of one interaction: the original, which is edited in place, and its follow-ups.
#[derive(Clone)]
pub struct Conversation {
    discord: Arc<Discord>,
    token: Secret,
    ephemeral: bool,
    shown: Arc<Mutex<Option<Message>>>,
}

impl Conversation {
    /// For an interaction with a deferred answer. If that answer is ephemeral, all its messages are.
    pub fn new(discord: Arc<Discord>, token: Secret, ephemeral: bool) -> Self {
        Self { discord, token, ephemeral, shown: Arc::default() }
    }

    /// Whether the original response is ephemeral.
    pub fn is_ephemeral(&self) -> bool {
        self.ephemeral
    }

    /// Shows progress in the original message. Skipped if nothing changed.
    pub async fn show(&self, message: &Message) {
        match timeout(PROGRESS_WITHIN, self.edit(message)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "progress could not be shown"),
            Err(_) => tracing::warn!("progress could not be shown in time"),
        }
    }

    /// Shows the outcome. The follow-up is posted even if the original message cannot be edited, for example
    /// because it was deleted. Returns the error of the edit.
    pub async fn finish(&self, finish: &FinalReply) -> Result<(), DiscordError> {
        let FinalReply { message, follow_up } = finish;
        if message.is_ephemeral() && !self.ephemeral {
            // An edit cannot make a public message private.
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

    /// Posts a follow-up. A failure is logged.
    pub async fn follow_up(&self, message: &Message) {
        let message = if self.ephemeral { message.clone().privately() } else { message.clone() };
        if let Err(error) = self.discord.follow_up(&self.token, &message).await {
            telemetry::not_delivered("the follow-up", &error);
        }
    }

    async fn edit(&self, message: &Message) -> Result<(), DiscordError> {
        let mut shown = self.shown.lock().await;
        if shown.as_ref() != Some(message) {
            // Until Discord confirms the edit, it is unknown which message is shown.
            *shown = None;
            match self.discord.edit_original(&self.token, message).await {
                // For example, the bot lacks the permission Attach Files. Still show the text.
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
