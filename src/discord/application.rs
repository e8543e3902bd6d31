//! Reads the application and its commands from Discord, with the bot token. Used by the doctor.
//!
//! <https://docs.discord.com/developers/resources/application#get-current-application>

use http::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::answer::DiscordError;
use super::client::Discord;
use super::settings::Settings;

/// The application that the bot token belongs to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Application {
    pub id: String,
    /// Its public key, in hexadecimal.
    pub verify_key: String,
    /// The URL to which Discord sends interactions.
    #[serde(default)]
    pub interactions_endpoint_url: Option<String>,
    /// Whether anyone may add the bot to a server, or only its owner. `None`: Discord does not say.
    #[serde(default)]
    pub bot_public: Option<bool>,
}

impl Discord {
    /// The settings of this client.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Reads the application of the bot token.
    pub async fn application(&self) -> Result<Application, DiscordError> {
        self.read("/applications/@me").await
    }

    /// Reads the registered commands: the global ones, or those of one server.
    pub async fn commands(&self, guild_id: Option<u64>) -> Result<Value, DiscordError> {
        let application = self.settings.application_id;
        let guild = guild_id.map(|id| format!("/guilds/{id}")).unwrap_or_default();
        self.read(&format!("/applications/{application}{guild}/commands")).await
    }

    pub(super) async fn read<T: DeserializeOwned>(&self, path: &str) -> Result<T, DiscordError> {
        let body = self.call_as_bot(Method::GET, path, None).await?;
        serde_json::from_slice(&body)
            .map_err(|error| DiscordError::Lost(format!("unreadable answer: {error}")))
    }
}
