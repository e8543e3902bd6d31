//! What all commands that dispatch a workflow share: options, order, dispatch, and following the run.

use std::collections::BTreeSet;
use std::future::pending;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::join_all;
use serde_json::Value;
use tokio::time::timeout;

use crate::agents::options::{OptionKind, OptionSpec};
use crate::agents::{Agent, Workflow};
use crate::bot::order::order;
use crate::bot::{Call, Completion, Plan};
use crate::deploy::{Extra, Mandate, messages};
use crate::discord::reply::Suggestion;
use crate::github::git_ref::short;
use crate::text::UserError;

/// The options of an agent's command: its inputs, `wait` and `ref`.
pub(crate) fn options(agent: &Agent) -> Vec<OptionSpec> {
    let Some(workflow) = agent.workflow() else {
        return Vec::new();
    };
    let mut options: Vec<_> = workflow.inputs.iter().map(|input| input.option.clone()).collect();
    options.push(OptionSpec {
        name: "wait".to_owned(),
        description: "Follow the run and report how it ended (default: no)".to_owned(),
        required: false,
        kind: OptionKind::Boolean,
    });
    options.push(OptionSpec {
        name: "ref".to_owned(),
        description: "Branch or tag to run on (default: the agent's)".to_owned(),
        required: false,
        kind: match exact_refs(workflow) {
            Some(choices) => OptionKind::String { choices },
            None => OptionKind::Suggested,
        },
    });
    options
}

/// The allowed refs, if all are plain names and Discord accepts them as choices (25 of 100 bytes).
fn exact_refs(workflow: &Workflow) -> Option<Vec<String>> {
    let exact = workflow.allowed_refs.iter().map(|pattern| pattern.exact().map(str::to_owned));
    let exact: Vec<String> = exact.collect::<Option<_>>()?;
    (exact.len() <= 25 && exact.iter().all(|name| name.len() <= 100)).then_some(exact)
}

/// Timeout for asking GitHub for branches and tags.
const SUGGESTED_WITHIN: Duration = Duration::from_millis(1_500);

/// Suggests branches and tags: all plain names, and the refs on GitHub that match a pattern.
pub(crate) async fn complete(completion: Completion) -> Vec<Suggestion> {
    let Completion { context, agent, typed, .. } = completion;
    let typed = short(typed.trim());
    let Some(workflow) = agent.as_ref().and_then(Agent::workflow) else { return Vec::new() };
    let repository = workflow.repository.as_ref().unwrap_or(context.github.default_repository());
    let plain = workflow.allowed_refs.iter().filter_map(|pattern| pattern.exact());
    let mut names: BTreeSet<String> = plain.map(str::to_owned).collect();
    let begins = workflow.allowed_refs.iter().filter_map(|pattern| pattern.prefix());
    let asked = begins.map(|prefix| {
        let prefix = if typed.starts_with(prefix) { typed } else { prefix };
        context.github.matching_refs(repository, prefix)
    });
    // If GitHub is slow, only the plain names are suggested.
    for found in timeout(SUGGESTED_WITHIN, join_all(asked)).await.unwrap_or_default() {
        match found {
            Ok(found) => names.extend(found.into_iter().filter(|name| workflow.allows_ref(name))),
            Err(error) => tracing::warn!(%error, "branches and tags could not be suggested"),
        }
    }
    let typed = typed.to_lowercase();
    let fits = |name: &String| name.to_lowercase().contains(&typed);
    names.into_iter().filter(fits).map(Suggestion::from).collect()
}

/// Claims the interaction and dispatches; with `wait:true` follows the run. `inputs` are sent in
/// addition to the agent's. `extra`: what the outcome shows besides the run.
pub(crate) async fn start(
    call: Call,
    inputs: Vec<(String, Value)>,
    extra: Extra,
) -> Result<Plan, UserError> {
    let context = call.context.clone();
    let git_ref = call.options.text("ref");
    let mut order = order(&context, call.agent.as_ref(), call.id, &call.caller, git_ref)?;
    for input in call.agent.iter().filter_map(Agent::workflow).flat_map(|of| &of.inputs) {
        if let Some(value) = call.options.get(&input.option.name) {
            order.give(input, value.to_input());
        }
    }
    order.inputs.extend(inputs);
    order.extra = extra;
    let waits = call.options.is_true("wait");
    let begun = call.begin(order, Some(call.place()), waits).await?;
    if waits {
        Ok(Plan::Defer(Box::new(move |stop| {
            Box::pin(async move {
                begun.go_on(&context, Mandate::Wait, stop.map(drop)).await;
            })
        })))
    } else {
        Ok(Plan::Race(Box::pin(async move {
            let deploy = begun.go_on(&context, Mandate::Dispatch, pending()).await;
            messages::message(&deploy, context.clock.now()).into()
        })))
    }
}
