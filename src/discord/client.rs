//! The client: sends one request at a time and classifies its answer. Here are the requests with an
//! interaction's token; `bot` has those with the bot's. Who calls decides about tries; see `retry`.
//!
//! <https://docs.discord.com/developers/interactions/receiving-and-responding#followup-messages>

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, USER_AGENT};
use http::{Method, Request, request};
use serde_json::Value;

use super::answer::{DiscordError, is_global, outcome};
use super::message::Message;
use super::retry::Gate;
use super::token::InteractionToken;
use crate::clock::Clock;
use crate::discord::settings::Settings;
use crate::net::transport::Transport;
use crate::secrets::{Credential, SecretStore};

/// Discord requires this format. <https://docs.discord.com/developers/reference#user-agent>
const AGENT: &str =
    concat!("DiscordBot (", env!("CARGO_PKG_REPOSITORY"), ", ", env!("CARGO_PKG_VERSION"), ")");

pub(super) const ORIGINAL: &str = "/messages/@original";

/// A request's content type and body.
pub(super) type Body = (String, Bytes);

/// The Discord client.
pub struct Discord {
    transport: Arc<dyn Transport>,
    pub(super) settings: Settings,
    /// The bot token, if it is set.
    pub(super) bot: Option<Credential>,
    /// For the requests with the bot token.
    pub(super) bot_gate: Gate,
    /// For the requests with an interaction's token: the bot's global limit does not concern them.
    gate: Gate,
    /// Channels that refuse the cards of watches, so that this is logged once.
    pub(super) refusing: Mutex<HashSet<u64>>,
    /// Whether an interaction of another application than the setting names was logged.
    pub(super) other_application: AtomicBool,
}

impl Discord {
    /// A client for these settings.
    pub fn new(
        settings: Settings,
        transport: Arc<dyn Transport>,
        secrets: Arc<dyn SecretStore>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let bot = settings.bot_token.clone().map(|token| Credential::new(token, secrets, clock));
        let (bot_gate, gate) = (Gate::default(), Gate::default());
        let (refusing, other_application) = (Mutex::default(), AtomicBool::default());
        Self { transport, settings, bot, bot_gate, gate, refusing, other_application }
    }

    /// The application whose interaction is answered: the one that the interaction names. Discord's signature
    /// vouches for it, while the setting may be wrong.
    pub(super) fn answers_as(&self, application_id: Option<u64>) -> u64 {
        application_id.unwrap_or(self.settings.application_id)
    }

    /// Compares what an interaction says with the setting. A difference is logged once in a process.
    pub(crate) fn compare_application(&self, token: &InteractionToken) {
        let setting = self.settings.application_id;
        let Some(application_id) = token.application_id.filter(|id| *id != setting) else { return };
        if !self.other_application.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                setting,
                application_id,
                "DISCORD_APPLICATION_ID is not the application that Discord sends interactions of: they are \
                 answered all the same, but set it to this application_id, so that commands can be registered \
                 and the bot's messages are recognised"
            );
        }
    }

    /// Edits the original response. This also replaces the "thinking…" of a deferred answer. Twice is the
    /// same as once.
    pub(super) async fn edit_original(
        &self,
        token: &InteractionToken,
        message: &Message,
    ) -> Result<(), DiscordError> {
        let body = message.encoded(&message.to_edit());
        self.with_token(Method::PATCH, token, ORIGINAL, Some(body)).await.map(drop)
    }

    /// Reads the original response.
    pub(super) async fn original(&self, token: &InteractionToken) -> Result<Value, DiscordError> {
        self.with_token(Method::GET, token, ORIGINAL, None).await
    }

    /// Deletes the original response.
    pub(super) async fn delete_original(
        &self,
        token: &InteractionToken,
    ) -> Result<(), DiscordError> {
        self.with_token(Method::DELETE, token, ORIGINAL, None).await.map(drop)
    }

    /// Posts a follow-up message, and returns it. Twice makes two messages. While the original response is
    /// still loading, Discord puts the follow-up in its place.
    pub(super) async fn follow_up(
        &self,
        token: &InteractionToken,
        message: &Message,
    ) -> Result<Value, DiscordError> {
        let body = message.encoded(&message.to_create());
        self.with_token(Method::POST, token, "", Some(body)).await
    }

    /// Sends a request with the interaction's token to a path below it.
    pub(super) async fn with_token(
        &self,
        method: Method,
        token: &InteractionToken,
        path: &str,
        body: Option<Body>,
    ) -> Result<Value, DiscordError> {
        let InteractionToken { application_id, token } = token;
        let application = self.answers_as(*application_id);
        let path = format!("/webhooks/{application}/{}{path}", token.expose());
        let answer = self.send(&self.gate, self.request(method, &path), body.as_ref()).await?;
        // `send` has checked that it is JSON, if it is not empty.
        Ok(serde_json::from_slice(&answer).unwrap_or_default())
    }

    pub(super) fn request(&self, method: Method, path: &str) -> request::Builder {
        let uri = format!("{}{path}", self.settings.api_base);
        Request::builder().method(method).uri(uri).header(USER_AGENT, AGENT)
    }

    /// Sends a request once and returns the body of the answer.
    pub(super) async fn send(
        &self,
        gate: &Gate,
        request: request::Builder,
        body: Option<&Body>,
    ) -> Result<Bytes, DiscordError> {
        self.exchange(gate, request, body).await?.done()
    }

    /// Sends a request once and returns the answer, also one that refuses it.
    pub(super) async fn exchange(
        &self,
        gate: &Gate,
        mut request: request::Builder,
        body: Option<&Body>,
    ) -> Result<Answered, DiscordError> {
        if let Some((content_type, _)) = body {
            request = request.header(CONTENT_TYPE, content_type);
        }
        let body = body.map(|(_, body)| body.clone()).unwrap_or_default();
        let request =
            request.body(body).map_err(|error| DiscordError::NotSent(error.to_string()))?;
        gate.passed().await;
        let response = self.transport.send(request).await?;
        let (status, headers) = (response.status(), response.headers());
        let outcome = outcome(status, headers, response.body());
        if let Err(DiscordError::RateLimited(wait)) = outcome
            && is_global(status, headers, response.body())
        {
            gate.close_for(wait);
        }
        Ok(Answered { outcome, body: response.into_body() })
    }
}

/// What an answer means, and its body.
pub(super) struct Answered {
    pub(super) outcome: Result<(), DiscordError>,
    pub(super) body: Bytes,
}

impl Answered {
    /// The body of an answer that is no refusal.
    pub(super) fn done(self) -> Result<Bytes, DiscordError> {
        self.outcome.map(|()| self.body)
    }
}
