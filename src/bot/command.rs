//! The types of a slash command: its entry in the table, a call of it, and the plan for the answer.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use tokio::sync::oneshot;

use super::answer_by::AnswerBy;
use super::authorize::AccessLevel;
use super::context::Context;
use super::tasks::Deadline;
use crate::agents::options::{OptionSpec, Options};
use crate::agents::{Agent, Registry, Rule};
use crate::discord::interaction::Caller;
use crate::discord::reply::Suggestion;
use crate::discord::{FinalReply, InteractionId, InteractionToken, Message};
use crate::github::permission::Need;
use crate::telemetry;
use crate::text::UserError;

/// Starts one call of a command.
pub type Start = fn(Call) -> BoxFuture<'static, Result<Plan, UserError>>;

/// Suggests values for an option that is being typed.
pub type Complete = fn(Completion) -> BoxFuture<'static, Vec<Suggestion>>;

/// One entry of the command table.
#[derive(Clone, Copy)]
pub struct Command {
    /// Which slash commands it serves.
    pub serves: Serves,
    /// The GitHub permissions it needs.
    pub needs: &'static [Need],
    /// Starts one call of it.
    pub start: Start,
    /// Suggests values for its options of kind `Suggested`.
    pub complete: Option<Complete>,
}

/// Which slash commands an entry of the table serves.
#[derive(Clone, Copy)]
pub enum Serves {
    /// One fixed command.
    Own {
        /// Without the slash.
        name: &'static str,
        /// 1 to 100 characters.
        description: &'static str,
        /// Who may use it.
        access: AccessLevel,
        /// The options.
        options: fn() -> Vec<OptionSpec>,
    },
    /// One command for each matching agent.
    Agents {
        /// The command's name without the slash; `None` if this entry does not serve the agent.
        name: fn(&Agent) -> Option<&str>,
        /// 1 to 100 characters.
        description: fn(&Agent) -> &str,
        /// The options.
        options: fn(&Agent) -> Vec<OptionSpec>,
    },
}

/// A slash command, resolved from the table and the registry.
#[derive(Clone, Copy)]
pub struct Served<'a> {
    /// The table entry that serves it.
    pub command: &'a Command,
    /// Its agent; `None` for a fixed command.
    pub agent: Option<&'a Agent>,
    /// Its name, without the slash.
    pub name: &'a str,
    /// 1 to 100 characters.
    pub description: &'a str,
}

/// Every slash command that the table serves, in the order of the table and the registry.
pub fn served<'a>(
    table: &'a [Command],
    registry: &'a Registry,
) -> impl Iterator<Item = Served<'a>> {
    table.iter().flat_map(|command| {
        let (own, agents) = match command.serves {
            Serves::Own { name, description, .. } => {
                (Some(Served { command, agent: None, name, description }), None)
            }
            Serves::Agents { name, description, .. } => {
                let of = move |agent: &'a Agent| {
                    let (name, description) = (name(agent)?, description(agent));
                    Some(Served { command, agent: Some(agent), name, description })
                };
                (None, Some(registry.agents().iter().filter_map(of)))
            }
        };
        own.into_iter().chain(agents.into_iter().flatten())
    })
}

impl Served<'_> {
    /// The options it takes.
    pub fn options(&self) -> Vec<OptionSpec> {
        match (self.command.serves, self.agent) {
            (Serves::Own { options, .. }, _) => options(),
            (Serves::Agents { options, .. }, Some(agent)) => options(agent),
            (Serves::Agents { .. }, None) => Vec::new(),
        }
    }

    /// Who may use it.
    pub fn access(&self) -> AccessLevel {
        match self.command.serves {
            Serves::Own { access, .. } => access,
            Serves::Agents { .. } => AccessLevel::Agent,
        }
    }

    /// The rule of its agent; an open rule without an agent.
    pub fn rule(&self) -> Rule {
        self.agent.map(|agent| agent.rule.clone()).unwrap_or_default()
    }
}

/// One call of a command. The caller is authorised and the options are validated.
pub struct Call {
    /// The services.
    pub context: Arc<Context>,
    /// The command table.
    pub table: &'static [Command],
    /// Its agent; `None` for a fixed command.
    pub agent: Option<Agent>,
    /// The interaction's id: the key for replay protection.
    pub id: InteractionId,
    /// The interaction's token.
    pub token: InteractionToken,
    /// Whether Discord had given it up before it reached us.
    pub is_dead: bool,
    /// Who typed it.
    pub caller: Caller,
    /// The options given, validated.
    pub options: Options,
    /// Until when the store may take before the answer.
    pub(crate) answer_by: AnswerBy,
    /// When the work after the answer must be over.
    pub deadline: Option<Deadline>,
}

/// A request for autocomplete suggestions for one option. The caller is authorised.
pub struct Completion {
    /// The services.
    pub context: Arc<Context>,
    /// Its agent; `None` for a fixed command.
    pub agent: Option<Agent>,
    /// Who types it.
    pub caller: Caller,
    /// The name of the option that is being typed.
    pub option: String,
    /// The text typed so far.
    pub typed: String,
}

/// How a call is answered.
pub enum Plan {
    /// With this message, at once.
    Answer(Message),
    /// With the result of work that starts at once. If the work ends within Discord's three seconds,
    /// its message is the answer. If not, the answer is deferred and the same work goes on.
    Race(BoxFuture<'static, FinalReply>),
    /// Like `Race`, but ephemeral: only the caller sees the deferral, the message and follow-ups.
    RacePrivately(BoxFuture<'static, FinalReply>),
    /// The message with the button becomes this one.
    Update(Message),
    /// Nothing is said: the message with the button stays as it is, and work goes on that may edit it.
    Unchanged(BoxFuture<'static, ()>),
    /// Deferred at once, visible to everyone. The work says everything else itself. It gets a signal that tells
    /// it to wind up.
    Defer(Box<dyn FnOnce(WindUp) -> BoxFuture<'static, ()> + Send>),
}

impl Plan {
    /// Like `RacePrivately`, of work that may be refused.
    pub(crate) fn privately(
        work: impl Future<Output = Result<Message, UserError>> + Send + 'static,
    ) -> Self {
        Self::RacePrivately(Box::pin(async move {
            let message = work.await.unwrap_or_else(|error| {
                telemetry::refused(&error);
                Message::private(&error.text())
            });
            message.into()
        }))
    }
}

/// Resolves when time is nearly over: the work must leave what it does to whoever comes next.
pub type WindUp = oneshot::Receiver<()>;
