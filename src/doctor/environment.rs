//! The doctor on the command line. It also works with settings with which the bot does not start.

use std::sync::Arc;

use super::access::AccessFacts;
use super::facts::Facts;
use super::finding::Finding;
use super::judge::findings;
use super::store::StoreFacts;
use super::{ids, probe, store as remembered, watch, webhook};
use crate::agents::Registry;

use crate::bot::{Command, Settings, in_region, settings};
use crate::clock::{Clock, SystemClock};
use crate::config::Problem;
use crate::discord::Discord;
use crate::discord::settings::ANY_PUBLIC_KEY;
use crate::github::Github;
use crate::github::webhook::Secrets;
use crate::net::transport::{Https, Transport};
use crate::store::settings::{HOW_TO_GET_A_TABLE, TABLE_NAME};
use crate::store::{File, Store, StoreError};

/// Placeholders for required settings that are missing or invalid, so that the others can be checked.
/// A service whose settings have a problem is not asked.
const FILLERS: [(&str, &str); 5] = [
    ("DISCORD_PUBLIC_KEY", ANY_PUBLIC_KEY),
    ("DISCORD_APPLICATION_ID", "1"),
    ("GITHUB_TOKEN", "none"),
    ("GITHUB_REPO", "none/none"),
    ("ALLOWED_GUILD_IDS", "1"),
];

/// Whose settings are checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whose {
    /// Those of this machine.
    Ours,
    /// Those of a function on Lambda in this region.
    OfAFunction {
        /// As AWS names it.
        region: String,
    },
}

/// Checks the set-up in the environment as far as its settings are valid. `registry` is the agents or
/// why they cannot be used; `table` is the command table.
pub async fn examine(
    env: impl Fn(&str) -> Option<String>,
    registry: Result<Registry, String>,
    table: &[Command],
    whose: Whose,
) -> Vec<Finding> {
    let (settings, mut problems) = lenient(&env);
    problems.extend(settings::bad_log_level(&env));
    let region = match whose {
        Whose::Ours => None,
        Whose::OfAFunction { region } => Some(region),
    };
    let on_lambda = region.is_some();
    let agents_file =
        registry.as_ref().map(|registry| registry.place().clone()).map_err(Clone::clone);
    let registry = registry.ok();
    let usable = |prefix: &str| !problems.iter().any(|problem| problem.name().starts_with(prefix));
    let (mut access, mut channel_id) = (AccessFacts::default(), None);
    let (mut store, mut discord, mut github, mut hooks) = (None, None, None, None);
    let (mut bases, mut file) = (Vec::new(), None);
    if let Some(settings) = settings {
        let transport: Arc<dyn Transport> = Arc::new(Https::default());
        let clock = Arc::new(SystemClock);
        access = AccessFacts::of(&settings.access, registry.as_ref(), table);
        if !usable("ALLOWED_GUILD_IDS") {
            access.guilds = None;
        }
        let (secrets, table_store) =
            in_region(region, transport.clone(), clock.clone(), settings.store.table);
        store = match table_store {
            Some(table) => Some(Ok(table)),
            None if on_lambda => Some(Err(StoreError::NotSetUp(format!(
                "{} is not set: {HOW_TO_GET_A_TABLE}",
                TABLE_NAME.name
            )))),
            None => File::open_to_read(&settings.store.file, clock.clone())
                .map(|opened| opened.map(|file| Arc::new(file) as Arc<dyn Store>)),
        };
        file = Some(settings.store.file.display().to_string()).filter(|_| store.is_none());
        channel_id = settings.digest.channel_id;
        if let Some(registry) = &registry {
            bases = probe::bases(&settings.site, registry, table);
            bases.retain(|(setting, _)| usable(setting));
        }
        if usable("DISCORD_") {
            discord = Some(Discord::new(
                settings.discord,
                transport.clone(),
                secrets.clone(),
                clock.clone(),
            ));
        }
        if usable("GITHUB_") {
            hooks = Some(Secrets::new(settings.webhook, secrets.clone(), clock.clone()));
            github = Some(Github::new(settings.github, transport, secrets, clock));
        }
    }
    let watches = registry.as_ref().map_or(0, |registry| registry.watches().len());
    let watched = async { Some(watch::ask(discord.as_ref()?, registry.as_ref()?).await) };
    let asked_discord = async {
        let discord = discord.as_ref()?;
        // Which servers are meant is not known if the setting is not valid.
        let guilds = access.guilds.clone().unwrap_or_default();
        Some(probe::ask_discord(discord, registry.as_ref(), table, &guilds, channel_id).await)
    };
    let ids = async {
        let discord = discord.as_ref().filter(|discord| discord.has_bot_token())?;
        Some(ids::ask(discord, &access).await)
    };
    let asked = async { Some(probe::ask_github(github.as_ref()?, registry.as_ref(), table).await) };
    let webhook = async {
        let store = store.as_ref().map(|store| store.as_ref().map(AsRef::as_ref));
        Some(webhook::ask(hooks.as_ref()?, github.as_ref()?, registry.as_ref()?, store).await)
    };
    let store = async {
        let (store, registry) = (store.as_ref()?, registry.as_ref()?);
        let now = SystemClock.now();
        Some(match store {
            Ok(store) => remembered::ask(store.as_ref(), registry, now).await,
            Err(error) => StoreFacts::unreadable(error.clone(), now),
        })
    };
    let (store, of_discord, of_github, webhook, watched, ids) =
        tokio::join!(store, asked_discord, asked, webhook, watched, ids);
    findings(&Facts {
        in_the_clear: probe::in_the_clear(discord.as_ref(), github.as_ref()),
        problems,
        bases,
        on_lambda,
        file,
        ids,
        agents_file,
        access,
        store,
        discord: of_discord,
        github: of_github,
        webhook,
        watches,
        watched,
    })
}

/// The settings, with a placeholder for each one that is missing or invalid, and the problems.
fn lenient(env: impl Fn(&str) -> Option<String>) -> (Option<Settings>, Vec<Problem>) {
    let bad = match Settings::load(&env) {
        Ok(settings) => return (Some(settings), Vec::new()),
        Err(bad) => bad,
    };
    let wrong = |name: &str| bad.problems.iter().any(|problem| problem.is_of(name));
    let app = bad.problems.iter().any(|problem| problem.name().starts_with("GITHUB_APP_"));
    let filled = |name: &str| match name {
        _ if app && name.starts_with("GITHUB_APP_") => None,
        _ if wrong(name) || (app && name == "GITHUB_TOKEN") => {
            let filler = FILLERS.iter().find(|(given, _)| *given == name);
            filler.map(|(_, value)| (*value).to_owned())
        }
        _ => env(name),
    };
    (Settings::load(filled).ok(), bad.problems)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_are_reported_and_the_other_settings_are_read() {
        let env = |name: &str| match name {
            "GITHUB_REPO" => Some("octo-org/web-client".to_owned()),
            "ADMIN_USER_IDS" => Some("7".to_owned()),
            "SAFE_LOCAL" => Some("perhaps".to_owned()),
            _ => None,
        };
        let (settings, problems) = lenient(env);
        let settings = settings.unwrap();
        assert_eq!(settings.github.repository.to_string(), "octo-org/web-client");
        assert_eq!(settings.access.admin_users, [7]);
        let names: Vec<_> = problems.iter().map(Problem::name).collect();
        let expected = [
            "DISCORD_PUBLIC_KEY",
            "DISCORD_APPLICATION_ID",
            "GITHUB_TOKEN",
            "ALLOWED_GUILD_IDS",
            "SAFE_LOCAL",
        ];
        assert_eq!(names, expected);
    }

    #[test]
    fn an_incomplete_app_does_not_hide_the_other_settings() {
        let env = |name: &str| (name == "GITHUB_APP_ID").then(|| "7".to_owned());
        let (settings, problems) = lenient(env);
        assert!(settings.is_some());
        assert!(problems.iter().any(|problem| problem.name() == "GITHUB_APP_PRIVATE_KEY"));
    }
}
