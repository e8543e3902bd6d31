//! `/status-digest`: sums up the runs of every reported workflow over a day or a week: outcomes, durations
//! and DORA measures, compared with the window before.

use crate::agents::options::{OptionKind, OptionSpec};
use crate::agents::{Agent, Kind};
use crate::bot::{Call, Command, Plan, Serves};
use crate::digest::{self, Period, Query, Window};
use crate::github::explain::Audience;
use crate::github::permission::{Need, Permission, Repositories};
use crate::text::UserError;

pub(crate) const COMMAND: Command = Command {
    // It shows the same data as /status, so it belongs to the same agent and follows the same rule.
    serves: Serves::Agents {
        name: |agent| matches!(agent.kind, Kind::Status).then_some("status-digest"),
        description: |_| "Sums up the runs of the last day or week: outcomes, durations, delivery measures",
        options,
    },
    needs: &[Need::read(Permission::Actions, Repositories::All)],
    start: |call| Box::pin(start(call)),
    complete: None,
};

fn options(_: &Agent) -> Vec<OptionSpec> {
    vec![OptionSpec {
        name: "period".to_owned(),
        description: "The last day or the last 7 days (default: daily)".to_owned(),
        required: false,
        kind: OptionKind::String { choices: vec!["daily".to_owned(), "weekly".to_owned()] },
    }]
}

async fn start(call: Call) -> Result<Plan, UserError> {
    let period = call.options.text("period").and_then(Period::named).unwrap_or(Period::Daily);
    let context = call.context;
    let audience = Audience::of(context.access.is_admin(&call.caller));
    Ok(Plan::Race(Box::pin(async move {
        let zone = context.digest.zone.clone();
        let window = Window::ending(context.clock.now(), period, &zone);
        let query = Query { period, window, zone, carried: None, cut: None, audience };
        let store = context.store.as_ref();
        digest::read(&context.github, store, &context.registry, &query).await.message.into()
    })))
}
