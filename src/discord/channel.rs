//! Posts messages to a channel with the bot token, outside any interaction.
//!
//! <https://docs.discord.com/developers/resources/message#create-message>

use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, Ordering};

use http::Method;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::answer::DiscordError;
use super::client::Discord;
use super::interaction::snowflake;
use super::interaction_id::InteractionId;
use super::message::Message;
use super::retry::patiently;

/// How many of a channel's latest messages to search. Discord's maximum for one request.
const LOOKED_AT: u8 = 100;

/// Components stand in each other, but never this deep.
const DEEPEST: usize = 8;

/// Why a message was not posted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotPosted {
    pub why: DiscordError,
    /// Whether the message is certainly not posted. If false, Discord may have accepted one of the tries.
    pub surely: bool,
}

/// A role of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Role {
    /// Its id.
    pub id: u64,
    /// Whether everybody may ping it. If not, the bot needs a permission for that.
    pub mentionable: bool,
}

impl Discord {
    /// Posts a message. `nonce` (at most 25 characters) makes it idempotent: for a few minutes Discord posts
    /// only one message per nonce. If Discord refuses the attachment, the text is posted without it. Tries go
    /// on until `until`, but not after one that Discord may have taken: the caller can first check whether
    /// the message was posted.
    pub async fn post(
        &self,
        channel_id: u64,
        message: &Message,
        nonce: &str,
        until: Instant,
    ) -> Result<(), NotPosted> {
        let maybe_taken = AtomicBool::new(false);
        let mut posted = self.try_to_post(channel_id, message, nonce, until, &maybe_taken).await;
        if let Err(error) = &posted
            && error.is_refusal()
            && message.has_attachment()
            && !matches!(error, DiscordError::Refused { status: 401, .. })
        {
            // For example, the bot lacks the permission Attach Files. Still post the text.
            tracing::warn!(%error, "Discord refuses the file; only the text is posted");
            let text = message.without_attachment();
            posted = self.try_to_post(channel_id, &text, nonce, until, &maybe_taken).await;
        }
        posted.map_err(|why| NotPosted { why, surely: !maybe_taken.into_inner() })
    }

    async fn try_to_post(
        &self,
        channel_id: u64,
        message: &Message,
        nonce: &str,
        until: Instant,
        maybe_taken: &AtomicBool,
    ) -> Result<(), DiscordError> {
        let mut body = message.to_create();
        if let Some(body) = body.as_object_mut() {
            body.insert("nonce".to_owned(), json!(nonce));
            body.insert("enforce_nonce".to_owned(), json!(true));
        }
        let body = message.encoded(&body);
        let path = format!("/channels/{channel_id}/messages");
        let once = || async {
            let answer = self.call_as_bot(Method::POST, &path, Some(&body)).await;
            if answer.as_ref().is_err_and(DiscordError::may_be_taken) {
                maybe_taken.store(true, Ordering::Relaxed);
            }
            answer.map(drop)
        };
        patiently(until, once, |error| error.passes() && !error.may_be_taken()).await
    }

    /// Whether one of the channel's latest messages is ours and says this. Without the permission Read Message
    /// History, Discord returns no messages.
    pub async fn has_posted(
        &self,
        channel_id: u64,
        text: &str,
        until: Instant,
    ) -> Result<bool, DiscordError> {
        let look = || self.latest_messages(channel_id);
        let messages = patiently(until, look, DiscordError::passes).await?;
        let us = self.settings.application_id.to_string();
        let ours = |message: &&Value| {
            // A message with a webhook id is the answer to a command.
            let is_own = message.get("webhook_id").is_none_or(Value::is_null);
            is_own && message.pointer("/author/id").and_then(Value::as_str) == Some(&us)
        };
        let mut ours = messages.iter().filter(ours);
        Ok(ours.any(|message| shown(message).contains(text)))
    }

    /// Whether the channel shows a follow-up of this interaction with this text. `None`: the bot cannot tell,
    /// because it does not see the interaction's original response either.
    pub(super) async fn shows_follow_up(
        &self,
        channel_id: u64,
        interaction: InteractionId,
        content: &str,
    ) -> Result<Option<bool>, DiscordError> {
        let interaction = interaction.to_string();
        let its = |message: &&Value| {
            let id = message.pointer("/interaction_metadata/id").and_then(Value::as_str);
            id == Some(interaction.as_str())
        };
        let messages = self.latest_messages(channel_id).await?;
        let (originals, follow_ups): (Vec<&Value>, Vec<&Value>) =
            messages.iter().filter(its).partition(|message| is_original(message));
        if follow_ups.into_iter().any(|message| shows(message, content)) {
            return Ok(Some(true));
        }
        Ok(if originals.is_empty() { None } else { Some(false) })
    }

    /// Notes whether a channel takes the cards of watches. `true`: it refuses them, and did not before.
    pub(crate) fn refuses_cards(&self, channel_id: u64, refuses: bool) -> bool {
        let mut refusing = self.refusing.lock().unwrap_or_else(PoisonError::into_inner);
        if refuses {
            return refusing.insert(channel_id);
        }
        refusing.remove(&channel_id);
        false
    }

    /// Looks among the channel's latest messages for one of ours with a button whose id holds this text, and returns
    /// its id. Without the permission Read Message History there are none.
    pub async fn find_card(
        &self,
        channel_id: u64,
        custom_id: &str,
    ) -> Result<Option<u64>, DiscordError> {
        let messages = self.latest_messages(channel_id).await?;
        let us = self.settings.application_id;
        let is_ours = |message: &&Value| snowflake(message.pointer("/author/id")) == Some(us);
        let has_it = |message: &&Value| has_button(message, custom_id, DEEPEST);
        let found = messages.iter().filter(is_ours).find(has_it);
        Ok(found.and_then(|message| snowflake(message.get("id"))))
    }

    async fn latest_messages(&self, channel_id: u64) -> Result<Vec<Value>, DiscordError> {
        self.read(&format!("/channels/{channel_id}/messages?limit={LOOKED_AT}")).await
    }

    /// Checks that the bot can see this channel.
    pub async fn sees_channel(&self, channel_id: u64) -> Result<(), DiscordError> {
        self.read::<Value>(&format!("/channels/{channel_id}")).await.map(drop)
    }

    /// The server that a channel is in, if Discord says so: checks that the bot can see the channel.
    pub async fn guild_of(&self, channel_id: u64) -> Result<Option<u64>, DiscordError> {
        let channel: Value = self.read(&format!("/channels/{channel_id}")).await?;
        Ok(snowflake(channel.get("guild_id")))
    }

    /// A server's roles.
    /// <https://docs.discord.com/developers/resources/guild#get-guild-roles>
    pub async fn roles(&self, guild_id: u64) -> Result<Vec<Role>, DiscordError> {
        let roles: Vec<Value> = self.read(&format!("/guilds/{guild_id}/roles")).await?;
        let role = |role: &Value| {
            let mentionable = role.get("mentionable").and_then(Value::as_bool) == Some(true);
            Some(Role { id: snowflake(role.get("id"))?, mentionable })
        };
        Ok(roles.iter().filter_map(role).collect())
    }
}

/// Whether a message is the original response to a command, not a follow-up.
/// <https://docs.discord.com/developers/resources/message#message-interaction-metadata-object>
pub(super) fn is_original(message: &Value) -> bool {
    /// The type of the original response to a slash command.
    const CHAT_INPUT_COMMAND: u64 = 20;
    message.get("type").and_then(Value::as_u64) == Some(CHAT_INPUT_COMMAND)
        && message.pointer("/interaction_metadata/original_response_message_id").is_none()
}

fn has_button(component: &Value, custom_id: &str, depth: usize) -> bool {
    let id = component.get("custom_id").and_then(Value::as_str);
    let inside = component.get("components").and_then(Value::as_array);
    id.is_some_and(|id| id.contains(custom_id))
        || (depth > 0
            && inside.into_iter().flatten().any(|one| has_button(one, custom_id, depth - 1)))
}

/// Whether a person reads this text in a message: of ours that is [`Message::shown`].
pub(super) fn shows(message: &Value, text: &str) -> bool {
    shown(message) == text.trim()
}

/// What a person reads in a message: its content, or all texts of its components, one below the other. Discord removes
/// blanks at both ends.
pub(super) fn shown(message: &Value) -> String {
    /// A text display.
    const TEXT: u64 = 10;
    fn collect<'a>(message: &'a Value, depth: usize, texts: &mut Vec<&'a str>) {
        let inside = message.get("components").and_then(Value::as_array);
        for component in inside.into_iter().flatten() {
            if component.get("type").and_then(Value::as_u64) == Some(TEXT) {
                texts.extend(component.get("content").and_then(Value::as_str).map(str::trim));
            }
            if depth > 0 {
                collect(component, depth - 1, texts);
            }
        }
    }
    let content = message.get("content").and_then(Value::as_str).unwrap_or_default();
    let mut texts = vec![content.trim()];
    collect(message, DEEPEST, &mut texts);
    texts.retain(|text| !text.is_empty());
    texts.join("\n")
}

/// Why the bot cannot post to a channel that a watch names, and the fix.
pub(crate) fn refused(error: &DiscordError) -> (String, &'static str) {
    match error {
        DiscordError::Refused { status: 403, code: code @ 50001 } => (
            format!("the bot does not see the channel (403, code {code})."),
            "Invite the bot to the channel's server, with the scope bot, and let it View Channel there.",
        ),
        DiscordError::Refused { status: 403, code } => (
            format!("the bot may not post to the channel (403, code {code})."),
            "Give it there the permissions View Channel, Send Messages and Read Message History.",
        ),
        DiscordError::NotFound(code) => (
            format!("Discord knows no channel of this id (404, code {code})."),
            "Correct `channel` in agents.toml: in Discord's developer mode, the channel's menu has Copy Channel ID.",
        ),
        error => {
            (format!("{error}."), "Check that `channel` in agents.toml is a channel for text.")
        }
    }
}

/// Why the bot cannot use the digest's channel, and the fix.
pub(crate) fn trouble(error: &DiscordError) -> (String, &'static str) {
    match error {
        DiscordError::NoSignIn(why) => {
            (format!("{why}."), "The digest on a schedule is posted with the bot's token.")
        }
        DiscordError::Refused { status: 401, .. } => (
            "Discord refuses DISCORD_BOT_TOKEN (401).".to_owned(),
            "Copy the token anew from the page Bot of the application's page in Discord's developer portal.",
        ),
        DiscordError::Refused { status: 403, code: code @ 50001 } => (
            format!("The bot does not see the channel of DIGEST_CHANNEL_ID (403, code {code})."),
            "Invite the bot to the channel's server, with the scope bot, and let it View Channel there.",
        ),
        DiscordError::Refused { status: 403, code } => (
            format!("The bot may not post to the channel of DIGEST_CHANNEL_ID (403, code {code})."),
            "Give it there the permissions View Channel, Send Messages, Attach Files and Read Message History.",
        ),
        DiscordError::NotFound(_) => (
            "Discord knows no channel of the id in DIGEST_CHANNEL_ID (404).".to_owned(),
            "Copy the id anew: in Discord's developer mode, the channel's menu has Copy Channel ID.",
        ),
        DiscordError::Refused { .. } | DiscordError::RefusedComponents(_) => {
            (format!("{error}."), "Check that DIGEST_CHANNEL_ID is a channel for text.")
        }
        DiscordError::RateLimited(_)
        | DiscordError::EditLimit(_)
        | DiscordError::NotShown
        | DiscordError::NotSent(_)
        | DiscordError::Lost(_)
        | DiscordError::Fault(_)
        | DiscordError::Proxy(_) => (
            format!("{error}."),
            "Check the network and DISCORD_API_BASE, and Discord's status page.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(401, 0, "DISCORD_BOT_TOKEN")]
    #[case(403, 50001, "Invite the bot")]
    #[case(403, 50013, "Send Messages")]
    #[case(400, 50008, "a channel for text")]
    fn a_refusal_says_how_to_fix_it(#[case] status: u16, #[case] code: u64, #[case] said: &str) {
        let (what, fix) = trouble(&DiscordError::Refused { status, code });
        assert!(format!("{what} {fix}").contains(said), "{what} {fix}");
    }
}
