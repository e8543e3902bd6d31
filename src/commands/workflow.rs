//! What all commands that dispatch a workflow share: options, order, dispatch, and following the run.

use std::future::pending;

use futures_util::FutureExt;
use serde_json::Value;

use crate::agents::options::{OptionKind, OptionSpec};
use crate::agents::{Agent, Workflow};
use crate::bot::order::order;
use crate::bot::{Call, Plan};
use crate::deploy::{Extra, Mandate, messages};
use crate::text::UserError;

/// The options of an agent's command: its inputs, `wait` and `ref`.
pub(crate) fn options(agent: &Agent) -> Vec<OptionSpec> {
    let Some(workflow) = agent.workflow() else {
        return Vec::new();
    };
    let mut options: Vec<_> = workflow.inputs.iter().map(|input| input.option.clone()).collect();
    options.push(OptionSpec {
        name: "wait".to_owned(),
        description: format!(
            "Follow the run and report how it ended (default: {})",
            if workflow.waits { "yes" } else { "no" }
        ),
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

/// Claims the interaction and dispatches. With `wait:true`, or if the agent waits by itself, follows the run. `inputs` are sent in
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
    let waits = call.options.flag("wait").unwrap_or_else(|| {
        call.agent.as_ref().and_then(Agent::workflow).is_some_and(|workflow| workflow.waits)
    });
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
