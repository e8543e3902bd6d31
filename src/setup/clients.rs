//! What the steps talk to Discord and GitHub with: made of what is known so far.

use std::collections::HashMap;
use std::sync::Arc;

use super::stopped::Stopped;
use super::work::Work;
use crate::agents::Registry;
use crate::bot::on_aws;
use crate::clock::SystemClock;
use crate::config::Reader;
use crate::discord::settings::ANY_PUBLIC_KEY;
use crate::discord::{self, Discord};
use crate::github::{self, Github};
use crate::register::{Asked, NotRegistered, Said, register};
use crate::secrets::Secret;

impl Work<'_> {
    /// A client of Discord with this token. The application need not be known yet.
    pub(super) fn discord(&self, token: &Secret, id: Option<&str>) -> Result<Discord, Stopped> {
        let given = HashMap::from([
            ("DISCORD_BOT_TOKEN", Some(token.expose().to_owned())),
            ("DISCORD_API_BASE", self.value("DISCORD_API_BASE")),
            ("DISCORD_PUBLIC_KEY", Some(ANY_PUBLIC_KEY.to_owned())),
            ("DISCORD_APPLICATION_ID", Some(id.unwrap_or("1").to_owned())),
        ]);
        let env = |name: &str| given.get(name).cloned().flatten();
        let mut reader = Reader::new(&env);
        let settings = discord::Settings::read(&mut reader).ok();
        let settings = usable(settings, reader)?;
        let (secrets, _) = on_aws(self.transport.clone(), Arc::new(SystemClock), None);
        Ok(Discord::new(settings, self.transport.clone(), secrets, Arc::new(SystemClock)))
    }

    /// A client of GitHub with this token.
    pub(super) fn github(&self, token: &Secret) -> Result<Github, Stopped> {
        self.github_with(HashMap::from([("GITHUB_TOKEN", Some(token.expose().to_owned()))]))
    }

    /// A client of GitHub that signs in as the App.
    pub(super) fn github_app(&self) -> Result<Github, Stopped> {
        self.github_with(self.app_settings(None))
    }

    /// The same before it is installed: for requests as the App itself.
    pub(super) fn github_app_before(&self) -> Result<Github, Stopped> {
        self.github_with(self.app_settings(Some("1")))
    }

    fn app_settings(&self, installation: Option<&str>) -> HashMap<&'static str, Option<String>> {
        let kept = |name| (name, self.value(name));
        let mut settings: HashMap<_, _> =
            ["GITHUB_APP_ID", "GITHUB_APP_PRIVATE_KEY", "GITHUB_APP_INSTALLATION_ID"]
                .map(kept)
                .into();
        if let Some(installation) = installation {
            settings.insert("GITHUB_APP_INSTALLATION_ID", Some(installation.to_owned()));
        }
        settings
    }

    /// The base of GitHub's API.
    pub(super) fn github_api(&self) -> Result<String, Stopped> {
        let none = HashMap::from([("GITHUB_TOKEN", Some("none".to_owned()))]);
        Ok(self.github_settings(none)?.api_base)
    }

    fn github_with(&self, given: HashMap<&'static str, Option<String>>) -> Result<Github, Stopped> {
        let settings = self.github_settings(given)?;
        let (secrets, _) = on_aws(self.transport.clone(), Arc::new(SystemClock), None);
        Ok(Github::new(settings, self.transport.clone(), secrets, Arc::new(SystemClock)))
    }

    fn github_settings(
        &self,
        mut given: HashMap<&'static str, Option<String>>,
    ) -> Result<github::Settings, Stopped> {
        given.insert("GITHUB_API_BASE", self.value("GITHUB_API_BASE"));
        given.insert("GITHUB_REPO", Some("none/none".to_owned()));
        let env = |name: &str| given.get(name).cloned().flatten();
        let mut reader = Reader::new(&env);
        let settings = github::Settings::read(&mut reader);
        usable(settings, reader)
    }

    /// Registers the commands of these agents, or takes them back, and tells the person.
    pub(super) async fn register(
        &self,
        registry: Result<Registry, String>,
        asked: Asked,
    ) -> Result<(), NotRegistered> {
        let say = |said| match said {
            Said::Out(text) => text.lines().for_each(|line| self.person.tell(&format!("  {line}"))),
            Said::Note(text) => text.lines().for_each(|line| self.note(line)),
        };
        register(|name: &str| self.value(name), registry, self.table, asked, say).await
    }
}

/// The settings, or what is wrong with them.
fn usable<T>(settings: Option<T>, reader: Reader<'_>) -> Result<T, Stopped> {
    let problems: Vec<String> = reader.problems().iter().map(ToString::to_string).collect();
    match settings {
        Some(settings) if problems.is_empty() => Ok(settings),
        _ => Err(Stopped::mend(problems.join("\n"))),
    }
}
