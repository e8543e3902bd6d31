//! The bot: what an interaction is answered with, and by whom.

use std::sync::Arc;

use futures_util::FutureExt;

use crate::agents::Registry;
use crate::agents::options::Options;
use crate::clock::Clock;
use crate::commands::{self, Call, Command, Completion, Plan};
use crate::config::{DigestSettings, Settings, SiteSettings, WaitSettings};
use crate::credential::Vault;
use crate::discord::{Discord, Message};
use crate::edge::authorize::Access;
use crate::edge::budget;
use crate::edge::interaction::{self, Interaction};
use crate::edge::reply::{Reply, Suggestion};
use crate::error::UserError;
use crate::followup::FollowUp;
use crate::github::Github;
use crate::outbound::Transport;
use crate::probe::Prober;
use crate::store::Store;
use crate::tasks::{Deadline, Tasks};
use crate::telemetry::{self, About, Event, Sink, Telemetry};
use crate::url_guard::UrlPolicy;

/// The bot, wired up. Shared by all requests.
pub struct Deckhand {
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
    pub wait: WaitSettings,
    /// Who may do what.
    pub access: Access,
    /// Which URLs may be passed on.
    pub urls: UrlPolicy,
    /// Whether commands may write the repository's variables and secrets.
    pub allow_secret_writes: bool,
    /// Where what is deployed can be seen.
    pub site: SiteSettings,
    /// Where the digest is posted to by itself.
    pub digest: DigestSettings,
    /// Asks what is deployed.
    pub prober: Arc<dyn Prober>,
    /// What runs on after an answer.
    pub tasks: Tasks,
    /// Tells how each interaction went.
    pub telemetry: Telemetry,
    /// Its commands.
    pub table: &'static [Command],
}

/// What the bot is built from besides its settings: what tests replace.
pub struct Parts {
    /// Sends requests to GitHub and Discord.
    pub transport: Arc<dyn Transport>,
    /// Asks what is deployed.
    pub prober: Arc<dyn Prober>,
    /// Reads secrets that are given by their place.
    pub vault: Arc<dyn Vault>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Remembers.
    pub store: Arc<dyn Store>,
    /// Holds what runs on after an answer.
    pub tasks: Tasks,
    /// Takes a summary of each interaction.
    pub telemetry: Arc<dyn Sink>,
    /// The commands.
    pub table: &'static [Command],
}

impl Deckhand {
    /// Wires the bot up. Nothing is connected yet.
    pub fn new(settings: Settings, registry: Registry, parts: Parts) -> Arc<Self> {
        let Parts { transport, prober, vault, clock, store, tasks, telemetry, table } = parts;
        Arc::new(Self {
            registry,
            github: Github::new(settings.github, transport.clone(), vault.clone(), clock.clone()),
            discord: Arc::new(Discord::new(settings.discord, transport, vault, clock.clone())),
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
            table,
        })
    }

    /// Answers an interaction. What takes longer goes on as a task until `deadline`.
    pub async fn answer(
        self: &Arc<Self>,
        interaction: Interaction,
        deadline: Option<Deadline>,
    ) -> Reply {
        match interaction {
            Interaction::Ping => self.at_once(Reply::Pong),
            Interaction::Other => self.at_once(Reply::Message(Message::private(
                "⚠️ This version of Deckhand knows no such interaction. If you pressed a button or \
                 filled in a form, the message it belongs to is from another version.",
            ))),
            Interaction::Autocomplete(command) => {
                let about = self.about(Event::Autocomplete, &command);
                let suggested = self.suggest(&command).map(Reply::Choices);
                self.telemetry.scope(about, suggested.inspect(noted)).await
            }
            Interaction::Command(command) => {
                let about = self.about(Event::Command, &command);
                let answered = self.answer_command(command, deadline);
                self.telemetry.scope(about, answered.inspect(noted)).await
            }
        }
    }

    fn at_once(&self, reply: Reply) -> Reply {
        self.telemetry.at_once(About::default(), reply.name());
        reply
    }

    fn about(&self, event: Event, command: &interaction::Command) -> About {
        let known = commands::route(self.table, &self.registry, &command.name).is_some();
        About::command(event, command, known, self.clock.now())
    }

    /// What could be meant by what is being typed, as far as it is known within the three seconds.
    async fn suggest(self: &Arc<Self>, command: &interaction::Command) -> Vec<Suggestion> {
        let route = commands::route(self.table, &self.registry, &command.name);
        let Some(route) = route else { return Vec::new() };
        let focused = command.options.iter().find(|option| option.focused);
        let (Some(complete), Some(focused)) = (route.command.complete, focused) else {
            return Vec::new();
        };
        if self.access.decide(&command.caller, route.access(), &route.rule()).is_err() {
            return Vec::new();
        }
        let suggestions = complete(Completion {
            deckhand: self.clone(),
            agent: route.agent.cloned(),
            option: focused.name.clone(),
            typed: focused.value.as_str().unwrap_or_default().to_owned(),
        });
        let budget = budget::remaining(command.id, self.clock.now());
        tokio::time::timeout(budget, suggestions).await.unwrap_or_default()
    }

    async fn answer_command(
        self: &Arc<Self>,
        command: interaction::Command,
        deadline: Option<Deadline>,
    ) -> Reply {
        match self.start(&command).await {
            Err(error) => {
                telemetry::refused(&error);
                Reply::Message(error.to_message())
            }
            Ok(Plan::Answer(message)) => FollowUp::of(self, command, deadline).answer(message),
            Ok(Plan::Race(work)) => FollowUp::of(self, command, deadline).race(work).await,
            Ok(Plan::RacePrivately(work)) => {
                FollowUp::of(self, command, deadline).privately().race(work).await
            }
            Ok(Plan::Defer(work)) => FollowUp::of(self, command, deadline).defer(work),
        }
    }

    /// Route, authorise, read the options, start: in this order, so that somebody who may not use a
    /// command learns nothing else.
    async fn start(self: &Arc<Self>, command: &interaction::Command) -> Result<Plan, UserError> {
        let route = commands::route(self.table, &self.registry, &command.name);
        let route = route.ok_or_else(|| {
            UserError::new(format!(
                "unknown command {}. If it was removed lately, run `./register_commands.sh` again.",
                crate::text::escape::code(&command.name, 32),
            ))
        })?;
        self.access.decide(&command.caller, route.access(), &route.rule())?;
        let options = Options::read(&route.options(), &command.options, &self.urls)?;
        (route.command.start)(Call {
            deckhand: self.clone(),
            agent: route.agent.cloned(),
            interaction_id: command.id,
            caller: command.caller.clone(),
            options,
        })
        .await
    }
}

fn noted(reply: &Reply) {
    telemetry::answered(reply.name());
}
