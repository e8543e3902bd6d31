//! Where a deploy is shown.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::discord::interaction::Caller;
use crate::discord::{InteractionToken, Permissions};
use crate::secrets::Secret;

/// Where a deploy is shown, and how that place is reached.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// The server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guild_id: Option<u64>,
    /// The channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel_id: Option<u64>,
    /// Whether that is a thread.
    #[serde(default)]
    pub in_thread: bool,
    /// The deploy's message, once Discord told its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<u64>,
    /// What the bot may do there, as the interaction said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permissions: Option<Permissions>,
    /// The application that the interaction was for, if it said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application_id: Option<u64>,
    /// The interaction's token, while it lives.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        serialize_with = "expose",
        deserialize_with = "secret"
    )]
    pub token: Option<Secret>,
    /// Whether its message was seen on screen.
    #[serde(default)]
    pub on_screen: bool,
    /// Whether Discord has refused components, so that it is shown as text.
    #[serde(default)]
    pub text_only: bool,
    /// Whether it has refused the buttons under that text as well.
    #[serde(default)]
    pub no_buttons: bool,
    /// Why the message cannot be edited any more, for the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed: Option<String>,
    /// Whether there is a bot token.
    pub has_bot: bool,
    /// Whether Discord has refused the bot's own posts.
    #[serde(default)]
    pub bot_refused: bool,
}

fn expose<S: Serializer>(token: &Option<Secret>, serializer: S) -> Result<S::Ok, S::Error> {
    token.as_ref().map(Secret::expose).serialize(serializer)
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Secret>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.map(Secret::new))
}

impl Place {
    /// Where a command was typed. `has_bot`: whether there is a bot token.
    pub fn of(caller: &Caller, token: InteractionToken, has_bot: bool) -> Self {
        let InteractionToken { application_id, token } = token;
        Self {
            guild_id: caller.guild_id,
            channel_id: caller.channel_id,
            in_thread: caller.in_thread,
            message_id: None,
            permissions: caller.app_permissions,
            application_id,
            token: Some(token),
            on_screen: false,
            text_only: false,
            no_buttons: false,
            closed: None,
            has_bot,
            bot_refused: false,
        }
    }

    /// A channel that a watch names. What the bot may do there is not known: Discord refuses what it may not.
    pub fn of_channel(channel_id: u64) -> Self {
        Self {
            guild_id: None,
            channel_id: Some(channel_id),
            in_thread: false,
            message_id: None,
            permissions: Some(Permissions::ASSUMED),
            application_id: None,
            token: None,
            on_screen: false,
            text_only: false,
            no_buttons: false,
            closed: None,
            has_bot: true,
            bot_refused: false,
        }
    }

    /// What answers the interaction, while it is kept.
    pub fn interaction_token(&self) -> Option<InteractionToken> {
        let (application_id, token) = (self.application_id, self.token.clone()?);
        Some(InteractionToken { application_id, token })
    }

    /// Whether the bot may post there by its own token, as far as is known.
    pub fn bot_may_post(&self) -> bool {
        let allowed = self.permissions.is_none_or(|may| may.may_post(self.in_thread));
        self.has_bot && self.channel_id.is_some() && allowed && !self.bot_refused
    }

    /// Whether the bot surely may read the channel's history.
    pub fn bot_may_read(&self) -> bool {
        let allowed = self.permissions.is_some_and(|may| may.may_read_history());
        self.has_bot && self.channel_id.is_some() && allowed
    }

    /// Whether the bot can edit the deploy's message by its own token, as far as is known.
    pub fn bot_may_edit(&self) -> bool {
        self.has_bot && self.channel_id.is_some() && self.message_id.is_some()
    }
}
