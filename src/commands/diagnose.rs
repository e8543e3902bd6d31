//! `/diagnose`: dispatches the diagnose workflow; with `wait:true` follows it and shows the checks of the
//! summary that it leaves.

use std::sync::Arc;

use serde_json::Value;

use super::{Call, Command, Plan, Serves, workflow};
use crate::agents::{Agent, Kind};
use crate::app::Deckhand;
use crate::deploy::Order;
use crate::diagnose::{ARTIFACT, MAX_ARCHIVE_BYTES, Summary, read};
use crate::error::UserError;
use crate::github::{GithubError, Run};
use crate::text::escape;

/// The line of the table.
pub const COMMAND: Command = Command {
    serves: Serves::Agents { which, options: workflow::options },
    start: |call| Box::pin(start(call)),
    complete: Some(|completion| Box::pin(workflow::complete(completion))),
};

/// Checks shown; a message must also hold the rest.
const SHOWN: usize = 15;

fn which(agent: &Agent) -> bool {
    matches!(agent.kind, Kind::Diagnose(_))
}

async fn start(call: Call) -> Result<Plan, UserError> {
    let inputs = vec![("channel", channel(&call))];
    let ending = |deckhand, order, run| Box::pin(checks(deckhand, order, run)) as _;
    workflow::start(call, inputs, Some(ending)).await
}

/// What a call of an agent of this kind orders.
pub fn order(call: &Call) -> Result<Order, UserError> {
    let mut order = workflow::parse(call)?;
    order.inputs.insert("channel".to_owned(), channel(call));
    Ok(order)
}

fn channel(call: &Call) -> Value {
    call.caller.channel_id.map(|id| id.to_string()).unwrap_or_default().into()
}

async fn checks(deckhand: Arc<Deckhand>, order: Order, run: Run) -> Option<String> {
    let github = &deckhand.github;
    let found = async {
        let Some(artifact) = github.artifact(&order.repository, run.id, ARTIFACT).await? else {
            return Ok(Err("the run left none".to_owned()));
        };
        if artifact.expired || artifact.size_in_bytes > MAX_ARCHIVE_BYTES {
            return Ok(Err("it has expired, or is larger than a summary may be".to_owned()));
        }
        let archive = github.download(&order.repository, &artifact).await?;
        Ok::<_, GithubError>(read(&archive).map_err(|why| why.to_string()))
    };
    Some(match found.await {
        Ok(Ok(summary)) => render(&summary),
        Ok(Err(why)) => format!("⚠️ There is no summary to show: {why}."),
        Err(error) => {
            tracing::warn!(%error, run_id = run.id, "the summary could not be read");
            "⚠️ The summary could not be fetched from GitHub; the run has it.".to_owned()
        }
    })
}

fn render(Summary { checks }: &Summary) -> String {
    let good = checks.iter().filter(|check| check.ok).count();
    let mut lines = vec![format!("**{good} of {} checks are fine**", checks.len())];
    // What failed comes first: it is what one looks for, and it must not be cut off.
    let (fine, failed): (Vec<_>, Vec<_>) = checks.iter().partition(|check| check.ok);
    let shown = failed.into_iter().chain(fine).take(SHOWN).map(|check| {
        let icon = if check.ok { "✅" } else { "❌" };
        let detail =
            check.detail.as_ref().map(|detail| format!(" — {}", escape::plain(detail, 80)));
        format!("{icon} {}{}", escape::plain(&check.name, 60), detail.unwrap_or_default())
    });
    lines.extend(shown);
    if checks.len() > SHOWN {
        lines.push(format!("… and {} more", checks.len() - SHOWN));
    }
    lines.join("\n")
}
