//! `/doctor`: checks the set-up of the running bot, for admins.

use super::{Call, Command, Plan, Serves};
use crate::doctor::{findings, probe, text};
use crate::edge::authorize::AccessLevel;
use crate::error::UserError;

/// The line of the table.
pub const COMMAND: Command = Command {
    serves: Serves::Own {
        name: "doctor",
        description: "For admins: checks the bot's set-up and says how to fix what is wrong",
        options: Vec::new,
        access: AccessLevel::Admin,
    },
    start: |call| Box::pin(start(call)),
    complete: None,
};

async fn start(call: Call) -> Result<Plan, UserError> {
    let deckhand = call.deckhand;
    Ok(Plan::RacePrivately(Box::pin(async move {
        text::message(&findings(&probe::running(&deckhand).await)).into()
    })))
}
