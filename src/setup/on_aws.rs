//! The settings of a stack: secrets in SSM, the rest as parameters in `samconfig.toml`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::files;
use super::sam::{self, Parameters};
use super::stopped::Stopped;
use crate::secrets::{Secret, SecretKeeper};

/// Settings that are parameters of the stack.
const PARAMETERS: [(&str, &str); 11] = [
    ("DISCORD_PUBLIC_KEY", "DiscordPublicKey"),
    ("DISCORD_APPLICATION_ID", "DiscordApplicationId"),
    ("ALLOWED_GUILD_IDS", "AllowedGuildIds"),
    ("ADMIN_USER_IDS", "AdminUserIds"),
    ("ADMIN_ROLE_IDS", "AdminRoleIds"),
    ("GITHUB_REPO", "GithubRepo"),
    ("GITHUB_API_BASE", "GithubApiBase"),
    ("GITHUB_APP_ID", "GithubAppId"),
    ("GITHUB_APP_INSTALLATION_ID", "GithubAppInstallationId"),
    ("SECRETS_PATH", "SecretsPath"),
    ("ARCHITECTURE", "Architecture"),
];

/// Settings that are secrets, by the ends of their parameters' names.
pub(super) const SECRETS: [(&str, &str); 4] = [
    ("DISCORD_BOT_TOKEN", "discord-bot-token"),
    ("GITHUB_TOKEN", "github-token"),
    ("GITHUB_APP_PRIVATE_KEY", "github-app-private-key"),
    (WEBHOOKS, "github-webhook-secret"),
];
const WEBHOOKS: &str = "GITHUB_WEBHOOK_SECRET";

/// The settings of a stack.
pub(super) struct OnAws {
    config: PathBuf,
    /// The path of the secrets.
    secrets: String,
    keeper: Arc<dyn SecretKeeper>,
    parameters: Parameters,
    known: BTreeMap<&'static str, String>,
}

impl OnAws {
    /// Reads what is there. `secrets`: the path of the secrets.
    pub(super) async fn open(
        config: &Path,
        secrets: &str,
        keeper: Arc<dyn SecretKeeper>,
    ) -> Result<Self, Stopped> {
        let config = files::absolute(config)?;
        let text = files::read(&config)?.unwrap_or_default();
        let bad = |why| Stopped::mend(format!("{}: {why}.", config.display()));
        let mut parameters = sam::parameters(&text).map_err(bad)?;
        parameters.insert("SecretsPath".to_owned(), secrets.to_owned());
        let mut known = BTreeMap::new();
        for (name, end) in SECRETS {
            let found = keeper.find(&format!("{secrets}/{end}")).await.map_err(Stopped::Mend)?;
            known.extend(found.map(|secret| (name, secret.expose().to_owned())));
        }
        Ok(Self { config, secrets: secrets.to_owned(), keeper, parameters, known })
    }

    pub(super) fn path(&self) -> &Path {
        &self.config
    }

    /// The parameters that the stack must have.
    pub(super) fn parameters(&self) -> Parameters {
        let mut all = self.parameters.clone();
        if self.known.contains_key(WEBHOOKS) {
            all.insert("UseWebhooks".to_owned(), "true".to_owned());
        }
        all
    }

    pub(super) fn value(&self, name: &str) -> Option<&str> {
        let parameter = PARAMETERS.iter().find(|(known, _)| *known == name);
        let parameter = parameter.and_then(|(_, parameter)| self.parameters.get(*parameter));
        parameter.or_else(|| self.known.get(name)).map(String::as_str)
    }

    pub(super) fn place(&self) -> String {
        format!("{} (secrets: SSM, under {})", self.config.display(), self.secrets)
    }

    pub(super) fn place_of(&self, name: &str) -> String {
        match SECRETS.iter().find(|(known, _)| *known == name) {
            Some((_, end)) => format!("the SSM parameter {}/{end}", self.secrets),
            None => format!("{name} in {}", self.config.display()),
        }
    }

    /// Notes what is known only while this runs.
    pub(super) fn learn(&mut self, name: &'static str, value: &str) {
        self.known.insert(name, value.to_owned());
    }

    /// Keeps secrets in SSM, and parameters in the file.
    pub(super) async fn write(
        &mut self,
        new: &BTreeMap<&'static str, String>,
    ) -> Result<(), Stopped> {
        for (name, value) in new {
            if let Some((_, end)) = SECRETS.iter().find(|(known, _)| known == name) {
                let parameter = format!("{}/{end}", self.secrets);
                let kept = self.keeper.keep(&parameter, &Secret::new(value.clone())).await;
                kept.map_err(Stopped::Mend)?;
            }
            match PARAMETERS.iter().find(|(known, _)| known == name) {
                Some((_, parameter)) => {
                    self.parameters.insert((*parameter).to_owned(), value.clone());
                }
                None => self.learn(name, value),
            }
        }
        let text = files::read(&self.config)?.unwrap_or_else(|| sam::FRESH.to_owned());
        let with = sam::with_parameters(&text, &self.parameters());
        let with =
            with.map_err(|why| Stopped::mend(format!("{}: {why}.", self.config.display())))?;
        if with == text {
            return Ok(());
        }
        files::write(&self.config, &with, files::PUBLIC)
    }

    /// The path of its secrets.
    pub(super) fn secrets_path(&self) -> &str {
        &self.secrets
    }

    /// The names of the secrets that are there.
    pub(super) fn secrets(&self) -> impl Iterator<Item = String> {
        let there = SECRETS.iter().filter(|(name, _)| self.known.contains_key(name));
        there.map(|(_, end)| format!("{}/{end}", self.secrets))
    }

    /// Deletes a secret.
    pub(super) async fn forget(&self, parameter: &str) -> Result<(), Stopped> {
        self.keeper.forget(parameter).await.map_err(Stopped::Mend)
    }
}
