//! The messages of a deploy: the answer to its command, and the outcome's own message. Each request is sent
//! once; who calls decides about tries. Ids can be stored, so another process can go on.
//!
//! - By the interaction's token, for its 15 minutes: the answer and follow-ups.
//! - By the bot's token, at any time, where the bot is in the channel: the same messages, and replies.
//!
//! <https://docs.discord.com/developers/resources/message>

use http::Method;
use serde_json::{Value, json};

use super::answer::DiscordError;
use super::channel::{is_original, shown, shows};
use super::client::{Discord, ORIGINAL};
use super::interaction::snowflake;
use super::interaction_id::InteractionId;
use super::message::Message;
use super::token::InteractionToken;

/// The flag of a message that only the caller sees.
const EPHEMERAL: u64 = 1 << 6;

/// The flag of a deferred answer that still shows "thinking…".
const LOADING: u64 = 1 << 7;

/// Messages in a page of a channel's history. Discord's maximum.
const PAGE: usize = 100;

/// How many pages of a channel's history are read at most.
const PAGES: usize = 3;

/// The answer to a command as Discord shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Its id, if Discord told it.
    pub id: Option<u64>,
    /// Whether it still shows "thinking…".
    pub is_loading: bool,
    /// Whether only the caller sees it.
    pub is_ephemeral: bool,
    /// The text. A card has none.
    pub content: String,
    /// What a person reads, as [`Message::shown`] has it.
    pub shown: String,
}

/// A follow-up that Discord has posted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Posted {
    /// Its id, if Discord told it.
    pub id: Option<u64>,
    /// Whether it took the place of the answer, because that still showed "thinking…". Then it notified
    /// nobody.
    pub replaced_original: bool,
}

/// An outcome that may have been told.
#[derive(Debug, Clone, Copy)]
pub struct Told<'a> {
    /// The deploy's message, if it is known: the outcome replies to it.
    pub message_id: Option<u64>,
    /// The interaction that began the deploy.
    pub interaction: InteractionId,
    /// The application that it was for, if it said so.
    pub application_id: Option<u64>,
    /// The outcome's text: [`Message::shown`].
    pub content: &'a str,
}

impl Discord {
    /// Edits the answer to a command, and returns its id, if Discord told it. This also replaces the
    /// "thinking…" of a deferred answer. Twice is the same as once.
    pub async fn edit_answer(
        &self,
        token: &InteractionToken,
        message: &Message,
    ) -> Result<Option<u64>, DiscordError> {
        let body = message.encoded(&message.to_edit());
        let edited = self.with_token(Method::PATCH, token, ORIGINAL, Some(body)).await?;
        Ok(id(&edited))
    }

    /// Reads the answer to a command.
    pub async fn read_answer(&self, token: &InteractionToken) -> Result<Answer, DiscordError> {
        let answer = self.original(token).await?;
        let flags = answer.get("flags").and_then(Value::as_u64).unwrap_or_default();
        let content = answer.get("content").and_then(Value::as_str);
        Ok(Answer {
            id: id(&answer),
            is_loading: flags & LOADING != 0,
            is_ephemeral: flags & EPHEMERAL != 0,
            content: content.unwrap_or_default().to_owned(),
            shown: shown(&answer),
        })
    }

    /// Edits a message of the bot's own with the bot's token, also the answer to a command. It needs no
    /// permission but to see the channel. Twice is the same as once.
    pub async fn edit_message(
        &self,
        channel_id: u64,
        message_id: u64,
        message: &Message,
    ) -> Result<(), DiscordError> {
        let body = message.encoded(&message.to_edit());
        let path = format!("/channels/{channel_id}/messages/{message_id}");
        self.call_as_bot(Method::PATCH, &path, Some(&body)).await.map(drop)
    }

    /// Posts a message with the bot's token, and returns its id, if Discord told it. `to`: the message that it
    /// replies to; if that is gone, Discord posts it as a message of its own. Replying needs the permission to
    /// read the history. `nonce` (at most 25 characters): for a few minutes Discord posts only one message per
    /// nonce, and answers with that.
    pub async fn reply(
        &self,
        channel_id: u64,
        to: Option<u64>,
        message: &Message,
        nonce: &str,
    ) -> Result<Option<u64>, DiscordError> {
        let body = reply_body(message, to, nonce);
        let body = message.encoded(&body);
        let path = format!("/channels/{channel_id}/messages");
        let posted = self.call_as_bot(Method::POST, &path, Some(&body)).await?;
        let posted: Value = serde_json::from_slice(&posted).unwrap_or_default();
        Ok(id(&posted))
    }

    /// Posts a follow-up. Twice makes two messages.
    pub async fn follow_up_once(
        &self,
        token: &InteractionToken,
        message: &Message,
    ) -> Result<Posted, DiscordError> {
        let posted = self.follow_up(token, message).await?;
        Ok(Posted { id: id(&posted), replaced_original: is_original(&posted) })
    }

    /// Edits a follow-up. Twice is the same as once.
    pub async fn edit_follow_up(
        &self,
        token: &InteractionToken,
        message_id: u64,
        message: &Message,
    ) -> Result<(), DiscordError> {
        let body = message.encoded(&message.to_edit());
        let path = format!("/messages/{message_id}");
        self.with_token(Method::PATCH, token, &path, Some(body)).await.map(drop)
    }

    /// Looks for an outcome in the channel, and returns its id. `None`: it is not there. If that cannot be
    /// told, the error is [`DiscordError::NotShown`]: Discord shows no messages at all, as without the
    /// permission to read the history, or so many that the first ones after the command were not reached.
    ///
    /// The latest messages come first: whoever looks has just tried to post it.
    pub async fn find_told(
        &self,
        channel_id: u64,
        of: Told<'_>,
    ) -> Result<Option<u64>, DiscordError> {
        let us = self.answers_as(of.application_id);
        let (mut before, mut alone) = (None, None);
        for _ in 0..PAGES {
            let page = self.messages_before(channel_id, before).await?;
            if let Some(found) = page.iter().find_map(|message| of.is_told_by(message, us)) {
                return Ok(Some(found));
            }
            alone =
                alone.or_else(|| page.iter().find_map(|message| of.may_be_told_by(message, us)));
            match page.iter().filter_map(id).min() {
                None if before.is_none() => break,
                Some(oldest) if page.len() == PAGE && oldest > of.begins_after() => {
                    before = Some(oldest);
                }
                _ => return self.told_alone(channel_id, of, alone).await,
            }
        }
        match self.told_alone(channel_id, of, alone).await? {
            Some(id) => Ok(Some(id)),
            None => Err(DiscordError::NotShown),
        }
    }

    /// A message that replies to none says the same, perhaps of another deploy. It is ours only if what it should reply
    /// to is gone.
    async fn told_alone(
        &self,
        channel_id: u64,
        of: Told<'_>,
        alone: Option<u64>,
    ) -> Result<Option<u64>, DiscordError> {
        let (Some(_), Some(message_id)) = (alone, of.message_id) else { return Ok(alone) };
        let path = format!("/channels/{channel_id}/messages/{message_id}");
        match self.read::<Value>(&path).await {
            Ok(_) => Ok(None),
            Err(error) if error.passes() => Err(error),
            Err(_) => Ok(alone),
        }
    }

    async fn messages_before(
        &self,
        channel_id: u64,
        before: Option<u64>,
    ) -> Result<Vec<Value>, DiscordError> {
        let before = before.map(|id| format!("&before={id}")).unwrap_or_default();
        self.read(&format!("/channels/{channel_id}/messages?limit={PAGE}{before}")).await
    }
}

impl Told<'_> {
    /// No message that tells the outcome has this id or one before it. An interaction is older than all its
    /// messages.
    fn begins_after(&self) -> u64 {
        self.message_id.unwrap_or(self.interaction.0)
    }

    /// The id of this message, if it tells the outcome. `us`: the application's id, which is its bot's as well.
    fn is_told_by(&self, message: &Value, us: u64) -> Option<u64> {
        let to = replies_to(message);
        let replies = self.message_id.is_some() && snowflake(to) == self.message_id;
        let is_ours = (replies && is_the_bots(message, us)) || self.follows(message);
        self.says(message).filter(|_| is_ours)
    }

    /// The id of this message, if it tells such an outcome and replies to none: a reply to a message that is gone is
    /// posted as a message of its own.
    fn may_be_told_by(&self, message: &Value, us: u64) -> Option<u64> {
        let is_alone = replies_to(message).is_none() && is_the_bots(message, us);
        self.says(message).filter(|_| is_alone)
    }

    /// Its id, if it says the outcome, after the deploy began.
    fn says(&self, message: &Value) -> Option<u64> {
        let id = id(message).filter(|id| *id > self.begins_after())?;
        shows(message, self.content).then_some(id)
    }

    /// Whether it is a follow-up of the interaction. The answer itself notified nobody.
    fn follows(&self, message: &Value) -> bool {
        let of = snowflake(message.pointer("/interaction_metadata/id"));
        of == Some(self.interaction.0) && !is_original(message)
    }
}

/// The message to which this one replies.
fn replies_to(message: &Value) -> Option<&Value> {
    message.pointer("/message_reference/message_id").filter(|id| !id.is_null())
}

/// Whether the bot has posted it by its own token. A message with a webhook id is the answer to a command.
fn is_the_bots(message: &Value, us: u64) -> bool {
    let has_no_webhook = message.get("webhook_id").is_none_or(Value::is_null);
    has_no_webhook && snowflake(message.pointer("/author/id")) == Some(us)
}

/// The nonce of the message that tells how an attempt of a deploy's run ended: 25 characters at most, as
/// Discord allows. Up to attempt 99,999,999 each has its own.
pub fn outcome_nonce(interaction: InteractionId, attempt: u64) -> String {
    format!("{:x}-{}", interaction.0, attempt % 100_000_000)
}

/// The JSON that posts this message as a reply, or as a message of its own.
fn reply_body(message: &Message, to: Option<u64>, nonce: &str) -> Value {
    let mut body = message.to_create();
    let mut set = |at: &str, field: &str, value: Value| {
        if let Some(object) = body.pointer_mut(at).and_then(Value::as_object_mut) {
            object.insert(field.to_owned(), value);
        }
    };
    set("", "nonce", json!(nonce));
    set("", "enforce_nonce", json!(true));
    set("/allowed_mentions", "replied_user", json!(false));
    if let Some(to) = to {
        let reference = json!({"message_id": to.to_string(), "fail_if_not_exists": false});
        set("", "message_reference", reference);
    }
    body
}

/// A message's id.
fn id(message: &Value) -> Option<u64> {
    snowflake(message.get("id"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const INTERACTION: InteractionId = InteractionId(1_300_000_000_000_000_000);
    const CARD: u64 = INTERACTION.0 + 1;
    const US: u64 = 7;

    fn told(message_id: Option<u64>) -> Told<'static> {
        Told {
            message_id,
            interaction: INTERACTION,
            application_id: Some(US),
            content: "<@1> it succeeded\n",
        }
    }

    /// Our reply to the deploy's message, with some fields set differently.
    fn reply(but: Value) -> Value {
        let mut message = json!({
            "id": "1300000000000000002", "type": 19, "author": {"id": "7"},
            "content": "<@1> it succeeded",
            "message_reference": {"message_id": CARD.to_string()},
        });
        message.as_object_mut().unwrap().extend(but.as_object().unwrap().clone());
        message
    }

    fn follow_up(but: Value) -> Value {
        let metadata = json!({
            "id": INTERACTION.to_string(), "original_response_message_id": CARD.to_string(),
        });
        let mut message = reply(json!({
            "type": 0, "webhook_id": "7", "message_reference": null,
            "interaction_metadata": metadata,
        }));
        message.as_object_mut().unwrap().extend(but.as_object().unwrap().clone());
        message
    }

    #[rstest]
    #[case::our_reply(reply(json!({})), true)]
    #[case::ids_as_numbers(reply(json!({"id": CARD + 1, "author": {"id": 7}})), true)]
    #[case::to_another_message(reply(json!({"message_reference": {"message_id": "9"}})), false)]
    #[case::odd_reference(reply(json!({"message_reference": {"message_id": true}})), false)]
    #[case::by_somebody_else(reply(json!({"author": {"id": "8"}})), false)]
    #[case::by_nobody(reply(json!({"author": null})), false)]
    #[case::other_text(reply(json!({"content": "<@1> it failed"})), false)]
    #[case::the_text_and_more(reply(json!({"content": "<@1> it succeeded. Why?"})), false)]
    #[case::before_the_deploy(reply(json!({"id": CARD.to_string()})), false)]
    #[case::no_id(reply(json!({"id": null})), false)]
    #[case::our_follow_up(follow_up(json!({})), true)]
    #[case::of_another_interaction(follow_up(json!({"interaction_metadata": {"id": "9"}})), false)]
    #[case::of_none(follow_up(json!({"interaction_metadata": null})), false)]
    #[case::the_answer_itself(
        follow_up(json!({"type": 20, "interaction_metadata": {"id": INTERACTION.to_string()}})),
        false
    )]
    fn the_outcome_is_recognised(#[case] message: Value, #[case] is_it: bool) {
        let found = told(Some(CARD)).is_told_by(&message, US);
        assert_eq!(found, is_it.then_some(CARD + 1));
    }

    #[test]
    fn without_the_deploys_message_a_reply_to_another_is_not_its_outcome() {
        assert_eq!(told(None).is_told_by(&reply(json!({})), US), None);
        let alone = reply(json!({"message_reference": null}));
        for message_id in [None, Some(CARD)] {
            assert_eq!(told(message_id).is_told_by(&alone, US), None);
            assert_eq!(told(message_id).may_be_told_by(&alone, US), Some(CARD + 1));
            assert_eq!(told(message_id).may_be_told_by(&reply(json!({})), US), None);
        }
        assert_eq!(told(None).is_told_by(&follow_up(json!({})), US), Some(CARD + 1));
    }

    #[test]
    fn each_attempt_has_a_nonce_of_its_own_that_fits() {
        let nonce = |id, attempt| outcome_nonce(InteractionId(id), attempt);
        assert_eq!(nonce(INTERACTION.0, 1), "120a871cc0020000-1");
        for attempt in [0, 1, 999_999, 1_000_000, u64::MAX] {
            assert!(nonce(u64::MAX, attempt).len() <= 25);
        }
        let mut seen = std::collections::HashSet::new();
        for id in [1, 0x11, u64::MAX] {
            assert!((0..1000).chain(999_000..1_000_000).all(|n| seen.insert(nonce(id, n))));
        }
    }

    #[test]
    fn a_reply_pings_only_whom_its_message_names() {
        let body = reply_body(&Message::public("<@1> done").pinging(1), Some(CARD), "n");
        let expected = json!({
            "content": "<@1> done",
            "allowed_mentions": {"parse": [], "users": ["1"], "replied_user": false},
            "nonce": "n", "enforce_nonce": true,
            "message_reference": {"message_id": CARD.to_string(), "fail_if_not_exists": false},
        });
        assert_eq!(body, expected);
        let alone = reply_body(&Message::public("done"), None, "n");
        assert_eq!(alone.get("message_reference"), None);
    }
}
