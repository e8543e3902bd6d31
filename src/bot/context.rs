//! The services that commands use. The command table is not one of them.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::authorize::Access;
use super::settings::Settings;
use super::tasks::Tasks;
use crate::agents::Registry;
use crate::clock::Clock;
use crate::deploy::arrivals::Arrivals;
use crate::deploy::sweep::Sweeps;
use crate::discord::Discord;
use crate::github::{Github, webhook};
use crate::net::transport::Transport;
use crate::net::url_guard::UrlPolicy;
use crate::secrets::SecretStore;
use crate::site::probe::Prober;
use crate::store::Store;
use crate::telemetry::{Sink, Telemetry};
use crate::{deploy, digest, site};

/// The bot, wired up. Shared by all requests.
pub struct Context {
    /// The agents.
    pub registry: Registry,
    /// The GitHub client.
    pub github: Github,
    /// The Discord client.
    pub discord: Arc<Discord>,
    /// Who may send GitHub's webhooks.
    pub webhook: webhook::Secrets,
    /// Deliveries that wait for a look at their run.
    pub inbox: webhook::Inbox,
    /// Remembers which repositories' webhooks were noted.
    pub arrivals: Arrivals,
    /// Remembers when a sweep was noted.
    pub sweeps: Sweeps,
    /// Interactions, deploys and posts that must survive a request.
    pub store: Arc<dyn Store>,
    /// Whether the store outlives the process.
    pub durable: bool,
    /// Since when no other process can write to the store; `None`: others can.
    pub alone_since: Option<DateTime<Utc>>,
    /// Wall time.
    pub clock: Arc<dyn Clock>,
    /// Timeout and poll interval for following a run.
    pub wait: deploy::WaitSettings,
    /// Who may use which command.
    pub access: Access,
    /// Which URLs are allowed (SSRF guard).
    pub urls: UrlPolicy,
    /// Whether commands may write the repository's variables and secrets.
    pub allow_secret_writes: bool,
    /// Base URLs of the deployed site.
    pub site: site::Settings,
    /// Channel and period of the scheduled digest.
    pub digest: digest::Settings,
    /// Sends HTTP requests to the deployed site.
    pub prober: Arc<dyn Prober>,
    /// Work that goes on after the HTTP answer.
    pub tasks: Tasks,
    /// Writes a summary of each interaction.
    pub telemetry: Telemetry,
}

/// The dependencies of the bot besides its settings. Tests replace them.
pub struct Parts {
    /// Sends requests to GitHub and Discord.
    pub transport: Arc<dyn Transport>,
    /// Sends HTTP requests to the deployed site.
    pub prober: Arc<dyn Prober>,
    /// Reads secrets from SSM parameters.
    pub secrets: Arc<dyn SecretStore>,
    /// Wall time.
    pub clock: Arc<dyn Clock>,
    /// Interactions, deploys and posts that must survive a request.
    pub store: Arc<dyn Store>,
    /// Whether the store outlives the process.
    pub durable: bool,
    /// Work that goes on after the HTTP answer.
    pub tasks: Tasks,
    /// Takes a summary of each interaction.
    pub telemetry: Arc<dyn Sink>,
}

impl Context {
    /// What deploys are advanced with.
    pub(crate) fn deploys(&self) -> deploy::Services<'_> {
        deploy::Services {
            github: &self.github,
            discord: &self.discord,
            store: self.store.as_ref(),
            clock: self.clock.as_ref(),
            telemetry: &self.telemetry,
            wait: self.wait,
            extra: site::checks_of_run::read_checks,
            webhooks: self.webhook.are_set(),
            alone_since: self.alone_since,
        }
    }

    /// Wires the bot up. It opens no connection.
    pub fn new(settings: Settings, registry: Registry, parts: Parts) -> Arc<Self> {
        let Parts { transport, prober, secrets, clock, store, durable, tasks, telemetry } = parts;
        let webhook = webhook::Secrets::new(settings.webhook, secrets.clone(), clock.clone());
        Arc::new(Self {
            registry,
            webhook,
            inbox: webhook::Inbox::default(),
            arrivals: Arrivals::default(),
            sweeps: Sweeps::default(),
            github: Github::new(settings.github, transport.clone(), secrets.clone(), clock.clone()),
            discord: Arc::new(Discord::new(settings.discord, transport, secrets, clock.clone())),
            alone_since: store.is_ours_alone().then(|| clock.now()),
            store,
            durable,
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
