//! Requests with the bot token, for what an interaction token does not allow.
//!
//! <https://docs.discord.com/developers/reference#authentication>

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderValue, Method};

use super::answer::DiscordError;
use super::client::{Answered, Body, Discord};
use crate::secrets::Secret;

impl Discord {
    /// Whether a bot token is set.
    pub fn has_bot_token(&self) -> bool {
        self.bot.is_some()
    }

    /// What is wrong with the place of the bot token, once it was read: it is kept in the clear.
    pub fn token_in_the_clear(&self) -> Option<String> {
        self.bot.as_ref()?.kept_in_the_clear()
    }

    /// Sends a request with the bot token and returns the body of the answer. If Discord refuses the token,
    /// the token is read again. If it has changed, the request is sent once more.
    pub(super) async fn call_as_bot(
        &self,
        method: Method,
        path: &str,
        body: Option<&Body>,
    ) -> Result<Bytes, DiscordError> {
        self.exchange_as_bot(method, path, body).await?.done()
    }

    /// The same, and returns the answer also if Discord refuses the request.
    pub(super) async fn exchange_as_bot(
        &self,
        method: Method,
        path: &str,
        body: Option<&Body>,
    ) -> Result<Answered, DiscordError> {
        let bot = self
            .bot
            .as_ref()
            .ok_or_else(|| DiscordError::NoSignIn("DISCORD_BOT_TOKEN is not set".to_owned()))?;
        let no_token = |error: crate::secrets::NoSecret| DiscordError::NoSignIn(error.to_string());
        let token = bot.get().await.map_err(no_token)?;
        let answer = self.call_with(&token, &method, path, body).await?;
        if let Err(DiscordError::Refused { status: 401, .. }) = answer.outcome
            && let Some(token) = bot.instead_of(&token).await
        {
            return self.call_with(&token, &method, path, body).await;
        }
        Ok(answer)
    }

    async fn call_with(
        &self,
        token: &Secret,
        method: &Method,
        path: &str,
        body: Option<&Body>,
    ) -> Result<Answered, DiscordError> {
        let header = HeaderValue::try_from(format!("Bot {}", token.expose()));
        let mut header = header.map_err(|error| DiscordError::NotSent(error.to_string()))?;
        header.set_sensitive(true);
        let request = self.request(method.clone(), path).header(AUTHORIZATION, header);
        self.exchange(&self.bot_gate, request, body).await
    }
}
