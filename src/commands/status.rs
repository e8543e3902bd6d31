//! `/status`: the last runs of every workflow that is dispatched and not `reported = false`.

use futures_util::future::join_all;
use tokio::sync::Semaphore;

use crate::agents::options::{OptionKind, OptionSpec, OptionValue};
use crate::agents::{Agent, Kind, NONE_REPORTED, Reported};
use crate::bot::{Call, Command, Completion, Context, Plan, Serves};
use crate::deploy::run_line::run_line;
use crate::discord::Message;
use crate::discord::message::fits;
use crate::discord::reply::Suggestion;
use crate::github::explain::{Audience, Subject, explain_to, inactive};
use crate::github::permission::{Need, Permission, Repositories};
use crate::github::run::succeeded;
use crate::github::run_end::AT_ONCE;
use crate::github::words::{conclusion, running, took};
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
    complete: Some(|completion| Box::pin(suggest(completion))),
};

const DEFAULT_COUNT: usize = 2;

/// In an error.
const MOST_NAMED: usize = 25;

fn options(_: &Agent) -> Vec<OptionSpec> {
    let agent = OptionSpec {
        name: "agent".to_owned(),
        description: "Only this agent (default: all)".to_owned(),
        required: false,
        kind: OptionKind::Suggested,
    };
    let count = OptionSpec {
        name: "count".to_owned(),
        description: "How many runs of each agent, 1 to 10 (default: 2)".to_owned(),
        required: false,
        kind: OptionKind::Integer { min: Some(1), max: Some(10) },
    };
    vec![agent, count]
}

async fn start(call: Call) -> Result<Plan, UserError> {
    let count = match call.options.get("count") {
        Some(OptionValue::Integer(count)) => usize::try_from(*count).unwrap_or(DEFAULT_COUNT),
        _ => DEFAULT_COUNT,
    };
    let context = call.context;
    let audience = Audience::of(context.access.is_admin(&call.caller));
    let only = match call.options.text("agent") {
        Some(asked) => Some(known(&context, asked)?),
        None => None,
    };
    Ok(Plan::Race(Box::pin(async move {
        render(&look(&context, only.as_deref(), count).await, count, audience).into()
    })))
}

/// The id of a shown agent, which somebody typed or chose. It may also be its name or command.
fn known(context: &Context, asked: &str) -> Result<String, UserError> {
    let agents = shown(context);
    let asked = asked.trim().trim_start_matches('/').to_lowercase();
    let is_it = |agent: &&&Agent| {
        [&agent.id, &agent.name, &agent.command]
            .into_iter()
            .any(|name| name.to_lowercase() == asked)
    };
    if let Some(agent) = agents.iter().find(is_it) {
        return Ok(agent.id.clone());
    }
    let ids = agents.iter().take(MOST_NAMED).map(|agent| format!("`{}`", agent.id));
    Err(UserError::new(format!(
        "There is no agent {} to show. There are: {}.",
        escape::code(&asked, 50),
        ids.collect::<Vec<_>>().join(", ")
    )))
}

/// The agents whose workflows are shown.
fn shown(context: &Context) -> Vec<&Agent> {
    let shown = context.registry.agents().iter();
    shown.filter(|agent| agent.workflow().is_some_and(|workflow| workflow.reported)).collect()
}

/// Suggests agents.
async fn suggest(Completion { context, option, typed, .. }: Completion) -> Vec<Suggestion> {
    if option != "agent" {
        return Vec::new();
    }
    let typed = typed.trim().to_lowercase();
    let fits = |agent: &&Agent| {
        [&agent.id, &agent.name, &agent.command]
            .into_iter()
            .any(|name| name.to_lowercase().contains(&typed))
    };
    let suggestion =
        |agent: &Agent| Suggestion { name: agent.name.clone(), value: agent.id.clone() };
    shown(&context).into_iter().filter(fits).map(suggestion).collect()
}

/// One workflow: its agents, its state and its last runs.
struct WorkflowStatus {
    agents: Vec<String>,
    file: String,
    page: String,
    state: Result<String, GithubError>,
    runs: Result<Vec<Run>, GithubError>,
    /// How many of the last runs could not be read.
    unread: usize,
}

impl WorkflowStatus {
    fn names(&self) -> String {
        let bold = |name: &String| format!("**{}**", escape::plain(name, 50));
        self.agents.iter().map(bold).collect::<Vec<_>>().join(", ")
    }
}

async fn look(context: &Context, only: Option<&str>, count: usize) -> Vec<WorkflowStatus> {
    let github = &context.github;
    let reported = context.registry.reported(github.default_repository());
    // With all its agents, also if one was asked for: GitHub does not tell whose run is whose.
    let is_asked = |workflow: &Reported<'_>| {
        workflow.agents.iter().any(|agent| only.is_none_or(|id| agent.id == id))
    };
    let asked = reported.into_iter().filter(is_asked);
    let asked = asked.map(|workflow| look_at(github, workflow, count));
    join_all(asked).await
}

async fn look_at(github: &Github, workflow: Reported<'_>, count: usize) -> WorkflowStatus {
    let Reported { repository, file, agents } = workflow;
    let runs = async {
        let page = github.latest_page(repository, file, count).await?;
        let (mut runs, unread) = (page.items, page.unreadable);
        for run in &mut runs {
            github.learn_gates(repository, run).await;
        }
        github.find_ends(repository, runs.iter_mut().collect(), &Semaphore::new(AT_ONCE)).await;
        Ok((runs, unread))
    };
    let (state, runs) = tokio::join!(github.workflow_state(repository, file), runs);
    let (runs, unread) = match runs.inspect_err(telemetry::failed) {
        Ok((runs, unread)) => (Ok(runs), unread),
        Err(error) => (Err(error), 0),
    };
    WorkflowStatus {
        agents: agents.iter().map(|agent| agent.name.clone()).collect(),
        file: file.to_owned(),
        page: github.workflow_page(repository, file),
        state: state.inspect_err(telemetry::failed),
        runs,
        unread,
    }
}

/// How much is said of each run.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Detail {
    Full,
    /// Without requester and correlation id.
    Linked,
    /// Without a link.
    Bare,
}

fn render(reports: &[WorkflowStatus], count: usize, audience: Audience) -> Message {
    if reports.is_empty() {
        return Message::private(NONE_REPORTED);
    }
    // If not all fit, say less of each run, then show fewer runs, instead of leaving agents out.
    let all = [Detail::Full, Detail::Linked, Detail::Bare].map(|detail| (detail, count));
    let fewer = (1..count).rev().map(|count| (Detail::Bare, count));
    let text = |(detail, shown): (Detail, usize)| {
        let mut said = vec![headline(reports)];
        if shown < count {
            said.push(format!("-# {shown} of {count} runs each: more do not fit into a message."));
        }
        said.extend(lines(reports, detail, shown, audience));
        said.join("\n")
    };
    let mut texts = all.into_iter().chain(fewer).map(text);
    let text = texts.find(|text| fits(text)).unwrap_or_else(|| text((Detail::Bare, 1)));
    Message::public(&text)
}

/// The most workflows that the headline names.
const MOST_IN_HEADLINE: usize = 3;

/// What matters: what failed, what goes on, what is not known.
fn headline(reports: &[WorkflowStatus]) -> String {
    let with = |state: State| {
        let names: Vec<String> = reports
            .iter()
            .filter(|report| State::of(report) == state)
            .map(WorkflowStatus::names)
            .collect();
        match names.len() {
            0 => None,
            more if more > MOST_IN_HEADLINE => Some(format!("{more} workflows")),
            _ => Some(names.join(", ")),
        }
    };
    let bad = [
        with(State::Failed).map(|names| format!("🔴 Failed last: {names}")),
        with(State::Inactive).map(|names| format!("⚠️ Cannot be started: {names}")),
        with(State::Unknown).map(|names| format!("⚠️ Not known: {names}")),
        with(State::Open).map(|names| format!("🔵 Going on: {names}")),
    ];
    let bad: Vec<String> = bad.into_iter().flatten().collect();
    if !bad.is_empty() {
        return bad.join(" · ");
    }
    match (with(State::Succeeded), with(State::Other)) {
        (Some(_), None) => "🟢 Every last run succeeded".to_owned(),
        (Some(names), Some(_)) => format!("🟢 Succeeded last: {names}"),
        (None, _) => "⚪ No run has succeeded or failed lately".to_owned(),
    }
}

/// How a workflow stands, by its latest run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Failed,
    Succeeded,
    Open,
    /// GitHub does not start it.
    Inactive,
    Unknown,
    /// It has no runs, or its latest was cancelled or the like.
    Other,
}

impl State {
    fn of(report: &WorkflowStatus) -> Self {
        let Ok(runs) = &report.runs else { return Self::Unknown };
        let is_inactive = report.state.as_ref().is_ok_and(|state| inactive(state).is_some());
        let Some(latest) = runs.first() else {
            return if is_inactive { Self::Inactive } else { Self::Other };
        };
        let ended = runs.iter().find(|run| run.is_completed());
        match ended.and_then(|run| succeeded(run.conclusion.as_deref())) {
            Some(false) => Self::Failed,
            _ if is_inactive => Self::Inactive,
            _ if !latest.is_completed() => Self::Open,
            Some(true) => Self::Succeeded,
            None => Self::Other,
        }
    }
}

fn lines(
    reports: &[WorkflowStatus],
    detail: Detail,
    count: usize,
    audience: Audience,
) -> Vec<String> {
    let mut lines = Vec::new();
    for report in reports {
        let names = report.names();
        let file = escape::code(&report.file, 100);
        let file = if detail == Detail::Bare { file } else { escape::link(&file, &report.page) };
        lines.push(format!("{names} · {file}"));
        if let Ok(state) = &report.state
            && let Some((what, fix)) = inactive(state)
        {
            lines.push(format!("⚠️ The workflow {what} ({}). {fix}", escape::code(state, 40)));
        }
        match &report.runs {
            Ok(runs) if runs.is_empty() => lines.push("No runs yet.".to_owned()),
            Ok(runs) => lines.extend(runs.iter().take(count).map(|run| line(run, detail))),
            Err(error) => {
                let why = explain_to(audience, error, Subject::ThisWorkflow, "Actions: read");
                lines.push(format!("⚠️ {why}"));
            }
        }
        match report.unread {
            0 => {}
            1 => lines.push("⚠️ 1 run could not be read.".to_owned()),
            count => lines.push(format!("⚠️ {count} runs could not be read.")),
        }
    }
    lines
}

/// A run in one line.
fn line(run: &Run, detail: Detail) -> String {
    if detail == Detail::Full {
        return run_line(run);
    }
    let (icon, state) =
        if run.is_completed() { conclusion(run.conclusion.as_deref()) } else { running(Some(run)) };
    let label = run.run_number.map_or_else(|| run.id.to_string(), |number| format!("#{number}"));
    let linked = escape::link(&label, run.html_url.as_deref().unwrap_or_default());
    let what = if detail == Detail::Bare {
        format!("{icon} {label}")
    } else {
        format!("{icon} {linked} {state}")
    };
    let when = run.run_started_at.or(run.created_at);
    let when = when.map(|when| format!("<t:{}:R>", when.timestamp()));
    let took = took(run).filter(|_| run.is_completed());
    [Some(what), when, took].into_iter().flatten().collect::<Vec<_>>().join(" · ")
}
