//! What a slash command is: a line of the table, and how a call of it is answered.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use tokio::sync::oneshot;

use super::authorize::AccessLevel;
use super::context::Context;
use crate::agents::options::{OptionSpec, Options};
use crate::agents::{Agent, Registry, Rule};
use crate::discord::interaction::Caller;
use crate::discord::reply::Suggestion;
use crate::discord::{Conversation, FinalReply, InteractionId, Message};
use crate::github::permission::Need;
use crate::text::UserError;

/// Starts one call of a command.
pub type Start = fn(Call) -> BoxFuture<'static, Result<Plan, UserError>>;

/// Suggests values for an option that is being typed.
pub type Complete = fn(Completion) -> BoxFuture<'static, Vec<Suggestion>>;

/// One line of the table.
#[derive(Clone, Copy)]
pub struct Command {
    /// Which slash commands it serves.
    pub serves: Serves,
    /// The permissions on GitHub that it needs.
    pub needs: &'static [Need],
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
    /// One command of each of some agents.
    Agents {
        /// The command's name, if the agent has one that this line serves.
        name: fn(&Agent) -> Option<&str>,
        /// 1 to 100 characters.
        description: fn(&Agent) -> &str,
        /// What it takes.
        options: fn(&Agent) -> Vec<OptionSpec>,
    },
}

/// A slash command that exists.
#[derive(Clone, Copy)]
pub struct Served<'a> {
    /// The line that serves it.
    pub command: &'a Command,
    /// Its agent, unless it is one of its own.
    pub agent: Option<&'a Agent>,
    /// Its name, without the slash.
    pub name: &'a str,
    /// What it does.
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

    /// For whom it is.
    pub fn access(&self) -> AccessLevel {
        match self.command.serves {
            Serves::Own { access, .. } => access,
            Serves::Agents { .. } => AccessLevel::Agent,
        }
    }

    /// Whom its agent lets in.
    pub fn rule(&self) -> Rule {
        self.agent.map(|agent| agent.rule.clone()).unwrap_or_default()
    }
}

/// One call of a command: authorised, its options checked.
pub struct Call {
    /// The bot.
    pub context: Arc<Context>,
    /// The commands that there are.
    pub table: &'static [Command],
    /// The agent behind the command, unless it is one of its own.
    pub agent: Option<Agent>,
    /// The interaction.
    pub id: InteractionId,
    /// Who typed it.
    pub caller: Caller,
    /// What was given.
    pub options: Options,
}

/// A question for suggestions: authorised, about one option that is being typed.
pub struct Completion {
    /// The bot.
    pub context: Arc<Context>,
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
    Race(BoxFuture<'static, FinalReply>),
    /// The same for the caller's eyes only: the deferral, the message and whatever else is said.
    RacePrivately(BoxFuture<'static, FinalReply>),
    /// Deferred at once, for everyone to see. The work gets the conversation to show progress in, and
    /// a signal that resolves when it must wind up.
    Defer(Box<dyn FnOnce(Conversation, WindUp) -> BoxFuture<'static, FinalReply> + Send>),
}

/// Resolves when work must say how things stand.
pub type WindUp = oneshot::Receiver<()>;
