//! THE TABLE: every slash command, one line each.

pub mod agents;
pub mod deploy;
pub mod diagnose;
pub mod doctor;
pub mod registration;
pub mod set;
pub mod status;
pub mod status_digest;
pub mod verify;
pub mod workflow;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::BoxFuture;
use crate::agents::options::{OptionSpec, Options};
use crate::agents::{Agent, Registry};
use crate::app::Deckhand;
use crate::deploy::Order;
use crate::deploy::correlation::CorrelationId;
use crate::discord::Message;
use crate::discord::conversation::{Conversation, Finish};
use crate::edge::authorize::{AccessLevel, Rule};
use crate::edge::budget;
use crate::edge::interaction::Caller;
use crate::edge::reply::Suggestion;
use crate::error::UserError;
use crate::store::{Begun, Deploy, DeployState, StoreError};
use crate::telemetry;
use crate::text::{escape, time};

pub use registration::{Scope, registration};

/// The commands, in the order in which they are looked up and registered.
pub const TABLE: &[Command] = &[
    agents::COMMAND,
    deploy::COMMAND,
    diagnose::COMMAND,
    status::COMMAND,
    status_digest::COMMAND,
    set::FRONTEND,
    set::API_BASE,
    verify::LATEST,
    verify::RUN,
    doctor::COMMAND,
];

/// Starts one call of a command.
pub type Start = fn(Call) -> BoxFuture<'static, Result<Plan, UserError>>;

/// Suggests values for an option that is being typed.
pub type Complete = fn(Completion) -> BoxFuture<'static, Vec<Suggestion>>;

/// One line of the table.
#[derive(Clone, Copy)]
pub struct Command {
    /// Which slash commands it serves.
    pub serves: Serves,
    /// Starts one call of it.
    pub start: Start,
    /// Suggests values for its options of kind `Suggested`.
    pub complete: Option<Complete>,
}

/// Which slash commands a line of the table serves.
#[derive(Clone, Copy)]
pub enum Serves {
    /// One command of its own.
    Own {
        /// Without the slash.
        name: &'static str,
        /// 1 to 100 characters.
        description: &'static str,
        /// For whom it is.
        access: AccessLevel,
        /// What it takes.
        options: fn() -> Vec<OptionSpec>,
    },
    /// The commands of some agents.
    Agents {
        /// Whether it serves this agent.
        which: fn(&Agent) -> bool,
        /// What an agent's command takes.
        options: fn(&Agent) -> Vec<OptionSpec>,
    },
    /// The second commands of some agents.
    Second {
        /// The second command's name, if the agent has one.
        name: fn(&Agent) -> Option<&str>,
        /// 1 to 100 characters.
        description: &'static str,
        /// What it takes.
        options: fn(&Agent) -> Vec<OptionSpec>,
    },
}

/// One call of a command: authorised, its options checked.
pub struct Call {
    /// The bot.
    pub deckhand: Arc<Deckhand>,
    /// The agent behind the command, unless it is one of its own.
    pub agent: Option<Agent>,
    /// The interaction's id.
    pub interaction_id: u64,
    /// Who typed it.
    pub caller: Caller,
    /// What was given.
    pub options: Options,
}

impl Call {
    /// Takes the interaction for its one and only handling; to be called before anything is changed
    /// anywhere.
    pub async fn take(&self) -> Result<(), UserError> {
        match self.decided(self.deckhand.store.take_interaction(self.interaction_id)).await? {
            true => Ok(()),
            false => Err(taken(self.interaction_id, "")),
        }
    }

    /// The same for what is going to dispatch a workflow: it is remembered as pending.
    pub async fn begin(&self, order: &Order) -> Result<(), UserError> {
        let deploy = Deploy {
            key: order.key.clone(),
            requester: order.requester.to_input(),
            began_at: self.deckhand.clock.now(),
            run_page: None,
            state: DeployState::Pending,
        };
        match self.decided(self.deckhand.store.begin_deploy(&deploy)).await? {
            Begun::Now => Ok(()),
            Begun::Before(deploy) => Err(taken(self.interaction_id, &standing(&deploy))),
        }
    }

    /// What the store decides, within what is left of the three seconds. When it cannot, nothing may
    /// be done: it could be done twice.
    async fn decided<T>(
        &self,
        decision: BoxFuture<'_, Result<T, StoreError>>,
    ) -> Result<T, UserError> {
        let budget = budget::remaining(self.interaction_id, self.deckhand.clock.now());
        let why = match timeout(budget.max(LEAST_FOR_THE_STORE), decision).await {
            Ok(Ok(decided)) => return Ok(decided),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "the table (`TABLE_NAME`) does not answer in time".to_owned(),
        };
        let logged = format!("the store cannot decide: {why}");
        // No fault of the user's, so it counts as failed, not only as refused.
        telemetry::failed(&logged);
        Err(UserError {
            shown: format!(
                "Nothing was done, because Deckhand cannot tell whether this command was taken before: {why}. \
                 Try again in a minute."
            ),
            logged,
        })
    }
}

/// The store gets this long also when the three seconds are spent.
const LEAST_FOR_THE_STORE: Duration = Duration::from_secs(1);

fn taken(interaction_id: u64, standing: &str) -> UserError {
    UserError::new(format!(
        "This command was taken already; it is not done twice.{standing} Correlation id `{}`",
        CorrelationId::of(interaction_id)
    ))
}

/// How a deploy stands that was begun before. Of one that is pending nobody knows whether the process
/// that began it is still there, so it says since when.
fn standing(deploy: &Deploy) -> String {
    let began = time::moment(deploy.began_at);
    let state = match (&deploy.state, &deploy.run_page) {
        (DeployState::Ended(outcome), _) => {
            format!("It ended: {}", escape::code(&outcome.word, 40))
        }
        (DeployState::Pending, Some(_)) => format!("It is under way since {began}"),
        (DeployState::Pending, None) => {
            format!(
                "It was begun {began}, and no run of it is known: look on GitHub before you try again"
            )
        }
    };
    let run = deploy.run_page.as_ref().map(|page| format!(" · {}", escape::link("Its run", page)));
    format!(" {state}{}.", run.unwrap_or_default())
}

/// A question for suggestions: authorised, about one option that is being typed.
pub struct Completion {
    /// The bot.
    pub deckhand: Arc<Deckhand>,
    /// The agent behind the command, unless it is one of its own.
    pub agent: Option<Agent>,
    /// The option.
    pub option: String,
    /// What was typed so far.
    pub typed: String,
}

/// How a call is answered.
pub enum Plan {
    /// At once.
    Answer(Message),
    /// By work that starts at once. If it ends within the three seconds its message is the answer;
    /// if not, the answer is deferred and the same work goes on.
    Race(BoxFuture<'static, Finish>),
    /// The same for the caller's eyes only: the deferral, the message and whatever else is said.
    RacePrivately(BoxFuture<'static, Finish>),
    /// Deferred at once, for everyone to see. The work gets the conversation to show progress in, and
    /// a signal that resolves when it must wind up.
    Defer(Box<dyn FnOnce(Conversation, WindUp) -> BoxFuture<'static, Finish> + Send>),
}

/// Resolves when work must say how things stand.
pub type WindUp = oneshot::Receiver<()>;

/// A slash command that exists: a line of the table with what it serves.
pub struct Route<'a> {
    /// The line.
    pub command: &'a Command,
    /// The agent, if it serves one.
    pub agent: Option<&'a Agent>,
}

/// Finds what serves a slash command.
pub fn route<'a>(table: &'a [Command], registry: &'a Registry, name: &str) -> Option<Route<'a>> {
    table.iter().find_map(|command| match command.serves {
        Serves::Own { name: own, .. } => (own == name).then_some(Route { command, agent: None }),
        Serves::Agents { which, .. } => {
            let agent = registry.by_command(name).filter(|agent| which(agent))?;
            Some(Route { command, agent: Some(agent) })
        }
        Serves::Second { name: second, .. } => {
            let agent = registry.agents().iter().find(|agent| second(agent) == Some(name))?;
            Some(Route { command, agent: Some(agent) })
        }
    })
}

impl Route<'_> {
    /// The options it takes.
    pub fn options(&self) -> Vec<OptionSpec> {
        match (self.command.serves, self.agent) {
            (Serves::Own { options, .. }, _) => options(),
            (Serves::Agents { options, .. } | Serves::Second { options, .. }, Some(agent)) => {
                options(agent)
            }
            (Serves::Agents { .. } | Serves::Second { .. }, None) => Vec::new(),
        }
    }

    /// How far its doors are open.
    pub fn access(&self) -> AccessLevel {
        match self.command.serves {
            Serves::Own { access, .. } => access,
            Serves::Agents { .. } | Serves::Second { .. } => AccessLevel::Agent,
        }
    }

    /// Whom its agent lets in.
    pub fn rule(&self) -> Rule {
        self.agent.map(|agent| agent.rule.clone()).unwrap_or_default()
    }
}

/// An agent's command that a line of the table serves already would never be reached.
pub fn clash<'a>(table: &[Command], registry: &'a Registry) -> Option<&'a Agent> {
    let taken = |name: &str| {
        table.iter().any(|c| matches!(c.serves, Serves::Own { name: own, .. } if own == name))
    };
    let second = |agent: &Agent| {
        table.iter().any(|c| match c.serves {
            Serves::Second { name, .. } => name(agent).is_some_and(taken),
            _ => false,
        })
    };
    let own = |agent: &Agent| taken(&agent.command) || second(agent);
    registry.agents().iter().find(|agent| own(agent))
}
