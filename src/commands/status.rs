//! `/status`: the last runs of every agent that the registry marks as reported.

use futures_util::future::join_all;

use super::{Call, Command, Plan, Serves};
use crate::agents::options::{OptionKind, OptionSpec, OptionValue};
use crate::agents::{Agent, Kind, Workflow};
use crate::app::Deckhand;
use crate::deploy::correlation::requested;
use crate::discord::Message;
use crate::discord::message::fits;
use crate::error::{UserError, no_sign_in};
use crate::github::{Github, GithubError, Run};
use crate::telemetry;
use crate::text::run::{conclusion, running, took};
use crate::text::{escape, time};

/// The line of the table.
pub const COMMAND: Command = Command {
    serves: Serves::Agents { which: |agent| matches!(agent.kind, Kind::Status), options },
    start: |call| Box::pin(start(call)),
    complete: None,
};

/// When the registry marks no agent as reported.
pub(super) const NONE_REPORTED: &str = "No agent is reported. Set `reported = true` on the agents in agents.toml that this is to tell of.";

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
    let deckhand = call.deckhand;
    Ok(Plan::Race(Box::pin(async move { render(&look(&deckhand, count).await, count).into() })))
}

/// What GitHub says of one agent's workflow.
struct Report {
    agent: String,
    file: String,
    page: String,
    state: Result<String, GithubError>,
    runs: Result<Vec<Run>, GithubError>,
}

async fn look(deckhand: &Deckhand, count: usize) -> Vec<Report> {
    let github = &deckhand.github;
    let reported = deckhand.registry.agents().iter().filter_map(|agent| {
        let workflow = agent.workflow().filter(|workflow| workflow.reported)?;
        Some(look_at(github, agent, workflow, count))
    });
    join_all(reported).await
}

async fn look_at(github: &Github, agent: &Agent, workflow: &Workflow, count: usize) -> Report {
    let repository = workflow.repository.as_ref().unwrap_or(github.default_repository());
    let (state, runs) = tokio::join!(
        github.workflow_state(repository, &workflow.file),
        github.latest_runs(repository, &workflow.file, count)
    );
    Report {
        agent: agent.name.clone(),
        file: workflow.file.clone(),
        page: github.workflow_page(repository, &workflow.file),
        state: state.inspect_err(telemetry::failed),
        runs: runs.inspect_err(telemetry::failed),
    }
}

fn render(reports: &[Report], count: usize) -> Message {
    if reports.is_empty() {
        return Message::private(NONE_REPORTED);
    }
    // Rather fewer runs of every agent than all runs of the first ones.
    let shown = (1..=count).rev().map(|count| (count, lines(reports, count).join("\n")));
    let (shown, text) = shown
        .clone()
        .find(|(_, text)| fits(text))
        .or_else(|| shown.clone().next_back())
        .unwrap_or_default();
    let note = match shown < count {
        true => format!("-# {shown} of {count} runs each: more do not fit into a message.\n"),
        false => String::new(),
    };
    Message::public(&format!("{note}{text}"))
}

fn lines(reports: &[Report], count: usize) -> Vec<String> {
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
            Ok(runs) => lines.extend(runs.iter().take(count).map(line)),
            Err(error) => lines.push(format!("⚠️ {}", missing(error))),
        }
    }
    lines
}

/// One run: icon, state, when, how long, link, who asked for it.
pub fn line(run: &Run) -> String {
    let (icon, state) = match run.is_completed() {
        true => conclusion(run.conclusion.as_deref()),
        false => running(Some(run)),
    };
    let label = run.run_number.map_or_else(|| format!("Run {}", run.id), |n| format!("Run #{n}"));
    let link = escape::link(&label, run.html_url.as_deref().unwrap_or_default());
    let when = run.run_started_at.or(run.created_at).map(time::moment);
    let took = took(run).filter(|_| run.is_completed()).map(|took| format!("took {took}"));
    let by = requested(run).map(|(id, requester)| {
        let by = requester.map(|name| format!("by {} · ", escape::code(name, 60)));
        format!("{}`{id}`", by.unwrap_or_default())
    });
    let parts = [Some(format!("{icon} {link} {state}")), when, took, by];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

/// Why there is nothing to show, and what to do.
pub fn missing(error: &GithubError) -> String {
    match error {
        GithubError::NotFound => {
            "GitHub does not know this workflow (404). Check the agent's workflow in agents.toml."
                .to_owned()
        }
        GithubError::Unauthorized => {
            "GitHub refuses the token (401). Renew `GITHUB_TOKEN`, or what its parameter holds, or the app's key.".to_owned()
        }
        GithubError::Forbidden(_) => {
            "GitHub forbids it (403). The token needs the permission Actions: read.".to_owned()
        }
        GithubError::RateLimited(_) => {
            "GitHub's rate limit is used up. Try again later.".to_owned()
        }
        GithubError::NoSignIn(why) => no_sign_in(why),
        GithubError::Moved => {
            "GitHub says that the repository has moved. Set `GITHUB_REPO` to its new name."
                .to_owned()
        }
        GithubError::NotSent(_) | GithubError::Lost(_) | GithubError::Refused(..) => {
            "GitHub did not answer. Try again in a minute.".to_owned()
        }
    }
}
