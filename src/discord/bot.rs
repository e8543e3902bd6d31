//! Requests with the bot token, for what an interaction token does not allow.
//!
//! <https://docs.discord.com/developers/reference#authentication>

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use http::{HeaderValue, Method, Request};

use super::client::{AGENT, Body, Discord, DiscordError, outcome};
use crate::net::transport::CallError;
use crate::secrets::Secret;

impl Discord {
    /// Whether a bot token is set.
    pub fn has_bot_token(&self) -> bool {
        self.bot.is_some()
    }

    /// Sends a request with the bot token and returns the body of the answer. If Discord refuses the token,
    /// the token is read again. If it has changed, the request is sent once more.
    pub(super) async fn call_as_bot(
        &self,
        method: Method,
        path: &str,
        body: Option<&Body>,
    ) -> Result<Bytes, DiscordError> {
        let bot = self
            .bot
            .as_ref()
            .ok_or_else(|| DiscordError::NoSignIn("DISCORD_BOT_TOKEN is not set".to_owned()))?;
        let no_token = |error: crate::secrets::NoSecret| DiscordError::NoSignIn(error.to_string());
        let token = bot.get().await.map_err(no_token)?;
        let answer = self.call_with(&token, &method, path, body).await;
        if let Err(DiscordError::Refused { status: 401, .. }) = answer
            && let Some(token) = bot.instead_of(&token).await
        {
            return self.call_with(&token, &method, path, body).await;
        }
        answer
    }

    async fn call_with(
        &self,
        token: &Secret,
        method: &Method,
        path: &str,
        body: Option<&Body>,
    ) -> Result<Bytes, DiscordError> {
        let not_sent = |error: http::Error| DiscordError::NotSent(error.to_string());
        let token = HeaderValue::try_from(format!("Bot {}", token.expose()));
        let mut token = token.map_err(|error| not_sent(error.into()))?;
        token.set_sensitive(true);
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.settings.api_base))
            .header(USER_AGENT, AGENT)
            .header(AUTHORIZATION, token);
        if let Some((content_type, _)) = body {
            request = request.header(CONTENT_TYPE, content_type);
        }
        let body = body.map(|(_, body)| body.clone()).unwrap_or_default();
        let request = request.body(body).map_err(not_sent)?;
        let response = self.transport.send(request).await.map_err(|error| match error {
            CallError::NotSent(why) => DiscordError::NotSent(why),
            CallError::Lost(why) => DiscordError::Lost(why),
        })?;
        outcome(response.status(), response.headers(), response.body())?;
        Ok(response.into_body())
    }
}
