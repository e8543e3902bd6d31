//! The services that commands work with. The table of commands is not among them.

use std::sync::Arc;

use super::authorize::Access;
use super::settings::Settings;
use super::tasks::Tasks;
use crate::agents::Registry;
use crate::clock::Clock;
use crate::discord::Discord;
use crate::github::Github;
use crate::net::transport::Transport;
use crate::net::url_guard::UrlPolicy;
use crate::secrets::SecretStore;
use crate::site::probe::Prober;
use crate::store::Store;
use crate::telemetry::{Sink, Telemetry};
use crate::{deploy, digest, site};

/// The bot, wired up. Shared by all requests.
pub struct Context {
    /// What it can do.
    pub registry: Registry,
    /// GitHub.
    pub github: Github,
    /// Discord.
    pub discord: Arc<Discord>,
    /// What is remembered.
    pub store: Arc<dyn Store>,
    /// Whether that is a table, which other processes share.
    pub has_table: bool,
    /// Wall time.
    pub clock: Arc<dyn Clock>,
    /// How long runs are followed.
    pub wait: deploy::WaitSettings,
    /// Who may do what.
    pub access: Access,
    /// Which URLs may be passed on.
    pub urls: UrlPolicy,
    /// Whether commands may write the repository's variables and secrets.
    pub allow_secret_writes: bool,
    /// Base URLs of the deployed site.
    pub site: site::Settings,
    /// Where the digest is posted to by itself.
    pub digest: digest::Settings,
    /// Asks what is deployed.
    pub prober: Arc<dyn Prober>,
    /// What runs on after an answer.
    pub tasks: Tasks,
    /// Tells how each interaction went.
    pub telemetry: Telemetry,
}

/// What the bot is built from besides its settings: what tests replace.
pub struct Parts {
    /// Sends requests to GitHub and Discord.
    pub transport: Arc<dyn Transport>,
    /// Asks what is deployed.
    pub prober: Arc<dyn Prober>,
    /// Reads secrets that are given by their place.
    pub secrets: Arc<dyn SecretStore>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Remembers.
    pub store: Arc<dyn Store>,
    /// Holds what runs on after an answer.
    pub tasks: Tasks,
    /// Takes a summary of each interaction.
    pub telemetry: Arc<dyn Sink>,
}

impl Context {
    /// Wires the bot up. Nothing is connected yet.
    pub fn new(settings: Settings, registry: Registry, parts: Parts) -> Arc<Self> {
        let Parts { transport, prober, secrets, clock, store, tasks, telemetry } = parts;
        Arc::new(Self {
            registry,
            github: Github::new(settings.github, transport.clone(), secrets.clone(), clock.clone()),
            discord: Arc::new(Discord::new(settings.discord, transport, secrets, clock.clone())),
            store,
            has_table: settings.table.is_some(),
            telemetry: Telemetry::new(telemetry, clock.clone()),
            clock,
            wait: settings.wait,
            access: settings.access,
            urls: settings.urls,
            allow_secret_writes: settings.allow_secret_writes,
            site: settings.site,
            digest: settings.digest,
            prober,
            tasks,
        })
    }
}
