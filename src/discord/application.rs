//! Reads the application, its servers and its commands from Discord, and changes its endpoint and its commands, with the
//! bot token.
//!
//! <https://docs.discord.com/developers/resources/application#get-current-application>

use bytes::Bytes;
use http::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::answer::DiscordError;
use super::client::Discord;
use super::permissions::Permissions;
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
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub owner: Option<Owner>,
    /// The team that it belongs to, if it is no person's own.
    #[serde(default)]
    pub team: Option<Team>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Owner {
    id: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Team {
    owner_user_id: String,
}

impl Application {
    /// The id of the user who owns it, or whose team does.
    pub fn owner(&self) -> Option<&str> {
        let of_team = self.team.as_ref().map(|team| team.owner_user_id.as_str());
        of_team.or_else(|| Some(self.owner.as_ref()?.id.as_str()))
    }

    /// The link that adds the bot to a server, with the permissions that it needs there.
    pub fn invitation(&self) -> String {
        format!(
            "https://discord.com/oauth2/authorize?client_id={}&scope=bot+applications.commands&permissions={}",
            self.id,
            Permissions::ASSUMED
        )
    }

    /// Its page in Discord's developer portal.
    pub fn page(&self, page: &str) -> String {
        format!("https://discord.com/developers/applications/{}/{page}", self.id)
    }
}

/// Why Discord did not take a change: of the commands, or of the application.
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
        self.change(Method::PUT, &self.commands_path(guild_id), commands).await
    }

    /// Sets the URL to which Discord sends interactions, or takes it away. Discord asks it at once whether it answers.
    ///
    /// <https://docs.discord.com/developers/resources/application#edit-current-application>
    pub async fn set_endpoint(&self, url: Option<&str>) -> Result<(), NotOverwritten> {
        let change = json!({"interactions_endpoint_url": url});
        self.change(Method::PATCH, "/applications/@me", &change).await.map(drop)
    }

    /// Sends a change with the bot token. Twice is the same as once.
    async fn change(
        &self,
        method: Method,
        path: &str,
        change: &Value,
    ) -> Result<Value, NotOverwritten> {
        let body = ("application/json".to_owned(), Bytes::from(change.to_string()));
        let answer = self.exchange_as_bot(method, path, Some(&body)).await;
        let answer = answer.map_err(|error| NotOverwritten { error, said: Value::Null })?;
        let said = serde_json::from_slice(&answer.body);
        match (answer.outcome, said) {
            (Ok(()), Ok(changed)) => Ok(changed),
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
