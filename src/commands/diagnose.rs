//! `/diagnose`: dispatches the diagnose workflow. With `wait:true` it follows the run and shows the
//! checks in the run's summary artifact.

use std::sync::Arc;

use serde_json::Value;

use super::workflow;
use crate::agents::Kind;
use crate::bot::{Call, Command, Context, Plan, Serves};
use crate::deploy::Order;
use crate::discord::interaction::Caller;
use crate::github::permission::{Need, Permission, Repositories};
use crate::github::{GithubError, Run};
use crate::site::diagnosis::{ARTIFACT, MAX_ARCHIVE_BYTES, Summary, read};
use crate::text::{UserError, escape};

pub(crate) const COMMAND: Command = Command {
    serves: Serves::Agents {
        name: |agent| matches!(agent.kind, Kind::Diagnose(_)).then_some(&agent.command),
        description: |agent| &agent.description,
        options: workflow::options,
    },
    needs: &[Need::write(Permission::Actions, Repositories::OfTheAgent)],
    start: |call| Box::pin(start(call)),
    complete: Some(|completion| Box::pin(workflow::complete(completion))),
};

/// The most checks shown; the rest of the message needs space, too.
const SHOWN: usize = 15;

async fn start(call: Call) -> Result<Plan, UserError> {
    let inputs = inputs(&call.caller);
    let ending = |context, order, run| Box::pin(checks(context, order, run)) as _;
    workflow::start(call, inputs, Some(ending)).await
}

/// The extra input of the diagnose workflow, besides the agent's: the id of the channel.
pub(crate) fn inputs(caller: &Caller) -> Vec<(String, Value)> {
    let channel = caller.channel_id.map(|id| id.to_string()).unwrap_or_default();
    vec![("channel".to_owned(), channel.into())]
}

async fn checks(context: Arc<Context>, order: Order, run: Run) -> Option<String> {
    let github = &context.github;
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
    // Failed checks come first, so that they are never cut off.
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
