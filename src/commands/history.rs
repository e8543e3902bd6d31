//! `/history`: who deployed what, when, and how it ended, from the record. Only its caller sees it, and only the
//! agents that they may use.

use std::collections::BTreeSet;

use crate::agents::options::{OptionKind, OptionSpec, OptionValue};
use crate::agents::{Agent, Workflow};
use crate::bot::authorize::AccessLevel;
use crate::bot::{Call, Command, Completion, Context, Plan, Serves};
use crate::discord::Message;
use crate::discord::interaction::Caller;
use crate::discord::reply::Suggestion;
use crate::history::message::render;
use crate::history::read::{Query, read};
use crate::telemetry;
use crate::text::{UserError, escape};

pub(crate) const COMMAND: Command = Command {
    serves: Serves::Own {
        name: "history",
        description: "Shows the latest deploys: who, what, when, and how they ended",
        access: AccessLevel::Agent,
        options,
    },
    needs: &[],
    start: |call| Box::pin(start(call)),
    complete: Some(|completion| Box::pin(suggest(completion))),
};

const DEFAULT_COUNT: u16 = 10;

/// In an error.
const MOST_NAMED: usize = 25;

fn options() -> Vec<OptionSpec> {
    let suggested = |name: &str, description: &str| OptionSpec {
        name: name.to_owned(),
        description: description.to_owned(),
        required: false,
        kind: OptionKind::Suggested,
    };
    let count = OptionSpec {
        name: "count".to_owned(),
        description: "How many deploys, 1 to 25 (default: 10)".to_owned(),
        required: false,
        kind: OptionKind::Integer { min: Some(1), max: Some(25) },
    };
    vec![
        suggested("agent", "Only this agent (default: all that you may use)"),
        suggested("environment", "Only this environment (default: all)"),
        count,
    ]
}

async fn start(call: Call) -> Result<Plan, UserError> {
    let Call { context, caller, options, .. } = call;
    let count = match options.get("count") {
        Some(OptionValue::Integer(count)) => u16::try_from(*count).unwrap_or(DEFAULT_COUNT),
        _ => DEFAULT_COUNT,
    };
    let agents = asked(&visible(&context, &caller), options.text("agent"))?;
    let environment = options.text("environment").map(|name| name.trim().to_owned());
    let query = Query { agents, environment, count };
    Ok(Plan::RacePrivately(Box::pin(async move {
        let history = read(context.store.as_ref(), &query).await;
        let message = match history.inspect_err(telemetry::failed) {
            Ok(history) => render(&history),
            Err(error) => Message::private(&format!("⚠️ The history cannot be read: {error}.")),
        };
        message.into()
    })))
}

/// The agents with a workflow that somebody may use.
fn visible<'a>(context: &'a Context, caller: &Caller) -> Vec<&'a Agent> {
    let agents = context.registry.agents().iter().filter(|agent| agent.workflow().is_some());
    agents
        .filter(|agent| context.access.decide(caller, AccessLevel::Agent, &agent.rule).is_ok())
        .collect()
}

/// The ids of the agents that are asked for: one by its id, name or command, or all.
fn asked(visible: &[&Agent], only: Option<&str>) -> Result<Vec<String>, UserError> {
    if visible.is_empty() {
        return Err(UserError::new("There is no agent with deploys that you may use."));
    }
    let Some(only) = only else {
        return Ok(visible.iter().map(|agent| agent.id.clone()).collect());
    };
    let name = only.trim().trim_start_matches('/').to_lowercase();
    if let Some(agent) = visible.iter().find(|agent| names(agent).any(|one| one == name)) {
        return Ok(vec![agent.id.clone()]);
    }
    let ids = visible.iter().take(MOST_NAMED).map(|agent| format!("`{}`", agent.id));
    Err(UserError::new(format!(
        "There is no agent {} whose deploys you may see. You may see: {}.",
        escape::code(only, 50),
        ids.collect::<Vec<_>>().join(", ")
    )))
}

fn names(agent: &Agent) -> impl Iterator<Item = String> {
    [&agent.id, &agent.name, &agent.command].into_iter().map(|name| name.to_lowercase())
}

/// Suggests agents, and the environments of agents.
async fn suggest(completion: Completion) -> Vec<Suggestion> {
    let Completion { context, caller, option, typed, .. } = completion;
    let typed = typed.trim().to_lowercase();
    let visible = visible(&context, &caller);
    if option == "agent" {
        let fits = |agent: &&Agent| names(agent).any(|name| name.contains(&typed));
        let suggestion =
            |agent: &Agent| Suggestion { name: agent.name.clone(), value: agent.id.clone() };
        return visible.into_iter().filter(fits).map(suggestion).collect();
    }
    let workflows = visible.into_iter().filter_map(Agent::workflow);
    let environments: BTreeSet<String> =
        workflows.filter_map(|workflow: &Workflow| workflow.environment.clone()).collect();
    let fits = |name: &String| name.to_lowercase().contains(&typed);
    environments.into_iter().filter(fits).map(Suggestion::from).collect()
}
