//! `/doctor`: checks the set-up of the running bot, for admins.

use super::{Call, Command, Plan, Serves};
use crate::doctor::{findings, probe, text};
use crate::error::UserError;

/// The line of the table.
pub const COMMAND: Command = Command {
    serves: Serves::Own {
        name: "doctor",
        description: "For admins: checks the bot's set-up and says how to fix what is wrong",
        options: Vec::new,
    },
    start: |call| Box::pin(start(call)),
    complete: None,
};

async fn start(call: Call) -> Result<Plan, UserError> {
    admins_only(&call)?;
    let deckhand = call.deckhand;
    Ok(Plan::Race(Box::pin(async move {
        text::message(&findings(&probe::running(&deckhand).await)).into()
    })))
}

/// Comes before anything else: whoever is no admin learns only that.
fn admins_only(call: &Call) -> Result<(), UserError> {
    match call.deckhand.access.is_admin(&call.caller) {
        true => Ok(()),
        false => Err(UserError::new(
            "You may not use this command. Who can: the admins of this bot, whom `ADMIN_USER_IDS` and \
             `ADMIN_ROLE_IDS` name.",
        )),
    }
}
