//! `/status`: the last runs of every agent with `reported = true`.

use futures_util::future::join_all;

use crate::agents::options::{OptionKind, OptionSpec, OptionValue};
use crate::agents::{Agent, Kind, NONE_REPORTED, Workflow};
use crate::bot::{Call, Command, Context, Plan, Serves};
use crate::deploy::run_line::run_line;
use crate::discord::Message;
use crate::discord::message::fits;
use crate::github::explain::{Subject, explain};
use crate::github::permission::{Need, Permission, Repositories};
use crate::github::{Github, GithubError, Run};
use crate::telemetry;
use crate::text::{UserError, escape};

pub(crate) const COMMAND: Command = Command {
    serves: Serves::Agents {
        name: |agent| matches!(agent.kind, Kind::Status).then_some(&agent.command),
        description: |agent| &agent.description,
        options,
    },
    needs: &[Need::read(Permission::Actions, Repositories::All)],
    start: |call| Box::pin(start(call)),
    complete: None,
};

const DEFAULT_COUNT: usize = 2;

fn options(_: &Agent) -> Vec<OptionSpec> {
    vec![OptionSpec {
        name: "count".to_owned(),
        description: "How many runs of each agent, 1 to 3 (default: 2)".to_owned(),
        required: false,
        kind: OptionKind::Integer { min: Some(1), max: Some(3) },
    }]
}

async fn start(call: Call) -> Result<Plan, UserError> {
    let count = match call.options.get("count") {
        Some(OptionValue::Integer(count)) => usize::try_from(*count).unwrap_or(DEFAULT_COUNT),
        _ => DEFAULT_COUNT,
    };
    let context = call.context;
    Ok(Plan::Race(Box::pin(async move { render(&look(&context, count).await, count).into() })))
}

/// One agent's workflow: its state and its last runs.
struct AgentStatus {
    agent: String,
    file: String,
    page: String,
    state: Result<String, GithubError>,
    runs: Result<Vec<Run>, GithubError>,
}

async fn look(context: &Context, count: usize) -> Vec<AgentStatus> {
    let github = &context.github;
    let reported = context.registry.agents().iter().filter_map(|agent| {
        let workflow = agent.workflow().filter(|workflow| workflow.reported)?;
        Some(look_at(github, agent, workflow, count))
    });
    join_all(reported).await
}

async fn look_at(github: &Github, agent: &Agent, workflow: &Workflow, count: usize) -> AgentStatus {
    let repository = workflow.repository.as_ref().unwrap_or(github.default_repository());
    let (state, runs) = tokio::join!(
        github.workflow_state(repository, &workflow.file),
        github.latest_runs(repository, &workflow.file, count)
    );
    AgentStatus {
        agent: agent.name.clone(),
        file: workflow.file.clone(),
        page: github.workflow_page(repository, &workflow.file),
        state: state.inspect_err(telemetry::failed),
        runs: runs.inspect_err(telemetry::failed),
    }
}

fn render(reports: &[AgentStatus], count: usize) -> Message {
    if reports.is_empty() {
        return Message::private(NONE_REPORTED);
    }
    // If not all fit, show fewer runs of each agent instead of leaving agents out.
    let shown = (1..=count).rev().map(|count| (count, lines(reports, count).join("\n")));
    let (shown, text) = shown
        .clone()
        .find(|(_, text)| fits(text))
        .or_else(|| shown.clone().next_back())
        .unwrap_or_default();
    let note = if shown < count {
        format!("-# {shown} of {count} runs each: more do not fit into a message.\n")
    } else {
        String::new()
    };
    Message::public(&format!("{note}{text}"))
}

fn lines(reports: &[AgentStatus], count: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for report in reports {
        let workflow = escape::link(&escape::code(&report.file, 100), &report.page);
        lines.push(format!("**{}** · {workflow}", escape::plain(&report.agent, 50)));
        if let Ok(state) = &report.state
            && state != "active"
        {
            lines.push(format!("⚠️ The workflow is disabled ({}).", escape::code(state, 40)));
        }
        match &report.runs {
            Ok(runs) if runs.is_empty() => lines.push("No runs yet.".to_owned()),
            Ok(runs) => lines.extend(runs.iter().take(count).map(run_line)),
            Err(error) => {
                lines.push(format!("⚠️ {}", explain(error, Subject::ThisWorkflow, "Actions: read")))
            }
        }
    }
    lines
}
