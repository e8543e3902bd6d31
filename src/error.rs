//! What a user is shown when a command cannot be done.

use crate::agents::options::RefusedOption;
use crate::discord::Message;
use crate::edge::authorize::{Refusal, Rule};

/// A command that cannot be done: the half that the user reads (what is wrong, what to do next) and
/// the half for the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{logged}")]
pub struct UserError {
    /// Markdown that is safe already.
    pub shown: String,
    /// One line with the context that the user need not see.
    pub logged: String,
}

impl UserError {
    /// An error whose log line says the same as the message.
    pub fn new(shown: impl Into<String>) -> Self {
        let shown = shown.into();
        Self { logged: shown.clone(), shown }
    }

    /// The text with the mark that all errors carry.
    pub fn text(&self) -> String {
        format!("⚠️ {}", self.shown)
    }

    /// The error as an answer that only the caller sees.
    pub fn to_message(&self) -> Message {
        Message::private(&self.text())
    }
}

/// What is said when there is no way to sign in to GitHub. `why` is our own, safe as Markdown.
pub fn no_sign_in(why: &str) -> String {
    format!("Deckhand cannot sign in to GitHub: {why}.")
}

impl From<RefusedOption> for UserError {
    fn from(why: RefusedOption) -> Self {
        Self::new(format!("Nothing was done: {why}."))
    }
}

impl From<Refusal> for UserError {
    fn from(why: Refusal) -> Self {
        match why {
            Refusal::NotHere => Self::new(
                "Deckhand does not take commands here. An administrator of the bot can allow this \
                 server with `ALLOWED_GUILD_IDS`.",
            ),
            Refusal::OnlyFor(rule) => {
                Self::new(format!("You may not use this command. Who can: {}.", mentions(&rule)))
            }
            Refusal::OnlyAdmins(admins) if admins == Rule::default() => Self::new(
                "You may not use this command. Only admins of the bot can, and nobody is one yet: set \
                 `ADMIN_USER_IDS` or `ADMIN_ROLE_IDS`.",
            ),
            Refusal::OnlyAdmins(admins) => Self::new(format!(
                "You may not use this command. Only admins of the bot can: {}.",
                mentions(&admins)
            )),
        }
    }
}

/// Whom a rule names, as mentions that notify nobody.
fn mentions(rule: &Rule) -> String {
    let users = rule.users.iter().map(|id| format!("<@{id}>"));
    let roles = rule.roles.iter().map(|id| format!("<@&{id}>"));
    roles.chain(users).collect::<Vec<_>>().join(", ")
}
