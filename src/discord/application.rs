//! What Discord has on the application: asked by the doctor, with the bot's token.
//!
//! <https://docs.discord.com/developers/resources/application#get-current-application>

use bytes::Bytes;
use http::header::{AUTHORIZATION, USER_AGENT};
use http::{HeaderValue, Request};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::client::{AGENT, Discord, DiscordError, outcome};
use crate::config::DiscordSettings;
use crate::outbound::CallError;
use crate::secret::Secret;

/// The application that a bot's token belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Application {
    /// Its id.
    pub id: String,
    /// Its public key, in hexadecimal.
    pub verify_key: String,
    /// Where Discord sends interactions.
    #[serde(default)]
    pub interactions_endpoint_url: Option<String>,
}

impl Discord {
    /// Who we are, and what the doctor may ask with.
    pub fn settings(&self) -> &DiscordSettings {
        &self.settings
    }

    /// The application of this token.
    pub async fn application(&self, token: &Secret) -> Result<Application, DiscordError> {
        self.read(token, "/applications/@me").await
    }

    /// The registered commands: the global ones, or those of one server.
    pub async fn commands(
        &self,
        token: &Secret,
        guild_id: Option<u64>,
    ) -> Result<Value, DiscordError> {
        let application = self.settings.application_id;
        let guild = guild_id.map(|id| format!("/guilds/{id}")).unwrap_or_default();
        self.read(token, &format!("/applications/{application}{guild}/commands")).await
    }

    async fn read<T: DeserializeOwned>(
        &self,
        token: &Secret,
        path: &str,
    ) -> Result<T, DiscordError> {
        let not_sent = |error: http::Error| DiscordError::NotSent(error.to_string());
        let token = HeaderValue::try_from(format!("Bot {}", token.expose()));
        let mut token = token.map_err(|error| not_sent(error.into()))?;
        token.set_sensitive(true);
        let request = Request::get(format!("{}{path}", self.settings.api_base))
            .header(USER_AGENT, AGENT)
            .header(AUTHORIZATION, token)
            .body(Bytes::new())
            .map_err(not_sent)?;
        let response = self.transport.send(request).await.map_err(|error| match error {
            CallError::NotSent(why) => DiscordError::NotSent(why),
            CallError::Lost(why) => DiscordError::Lost(why),
        })?;
        outcome(response.status(), response.headers(), response.body())?;
        serde_json::from_slice(response.body())
            .map_err(|error| DiscordError::Lost(format!("unreadable answer: {error}")))
    }
}
