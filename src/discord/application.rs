//! Reads the application and its commands from Discord, and replaces the commands, with the bot token.
//!
//! <https://docs.discord.com/developers/resources/application#get-current-application>

use bytes::Bytes;
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

/// Why the commands were not replaced.
#[derive(Debug, Clone, PartialEq)]
pub struct NotOverwritten {
    /// What the answer means.
    pub error: DiscordError,
    /// The body of the answer, if it is JSON.
    pub said: Value,
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
        self.read(&self.commands_path(guild_id)).await
    }

    /// Replaces all commands, the global ones or those of one server, and returns those that there are then.
    /// Twice is the same as once.
    ///
    /// <https://docs.discord.com/developers/interactions/application-commands#bulk-overwrite-global-application-commands>
    pub async fn overwrite_commands(
        &self,
        guild_id: Option<u64>,
        commands: &Value,
    ) -> Result<Value, NotOverwritten> {
        let body = ("application/json".to_owned(), Bytes::from(commands.to_string()));
        let path = self.commands_path(guild_id);
        let answer = self.exchange_as_bot(Method::PUT, &path, Some(&body)).await;
        let answer = answer.map_err(|error| NotOverwritten { error, said: Value::Null })?;
        let said = serde_json::from_slice(&answer.body);
        match (answer.outcome, said) {
            (Ok(()), Ok(commands)) => Ok(commands),
            (Ok(()), Err(error)) => Err(NotOverwritten {
                error: DiscordError::Lost(format!("unreadable answer: {error}")),
                said: Value::Null,
            }),
            (Err(error), said) => Err(NotOverwritten { error, said: said.unwrap_or_default() }),
        }
    }

    fn commands_path(&self, guild_id: Option<u64>) -> String {
        let application = self.settings.application_id;
        let guild = guild_id.map(|id| format!("/guilds/{id}")).unwrap_or_default();
        format!("/applications/{application}{guild}/commands")
    }

    pub(super) async fn read<T: DeserializeOwned>(&self, path: &str) -> Result<T, DiscordError> {
        let body = self.call_as_bot(Method::GET, path, None).await?;
        serde_json::from_slice(&body)
            .map_err(|error| DiscordError::Lost(format!("unreadable answer: {error}")))
    }
}
