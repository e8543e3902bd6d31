//! `/doctor`: checks the set-up of the running bot, for admins.

use crate::bot::authorize::AccessLevel;
use crate::bot::{Call, Command, Plan, Serves};
use crate::doctor::{findings, probe, text};
use crate::github::permission::{Need, Permission, Repositories};
use crate::text::UserError;

pub(crate) const COMMAND: Command = Command {
    serves: Serves::Own {
        name: "doctor",
        description: "For admins: checks the bot's set-up and says how to fix what is wrong",
        options: Vec::new,
        access: AccessLevel::Admin,
    },
    needs: &[Need::read(Permission::Contents, Repositories::All)],
    start: |call| Box::pin(start(call)),
    complete: None,
};

async fn start(call: Call) -> Result<Plan, UserError> {
    let Call { context, table, .. } = call;
    Ok(Plan::RacePrivately(Box::pin(async move {
        text::message(&findings(&probe::running(&context, table).await)).into()
    })))
}
