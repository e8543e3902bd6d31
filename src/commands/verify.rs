//! `/verify-latest` and `/verify-run`: check whether a deploy is live.
//!
//! They show the run and the durations of its steps, and check the frontend and the API against the
//! registry.

use std::collections::HashSet;
use std::future::pending;
use std::time::Duration;

use futures_util::future::{OptionFuture, try_join_all};
use tokio::time::timeout;

use super::diagnose;
use crate::agents::options::{OptionKind, OptionSpec};
use crate::agents::{Agent, Kind, Verification};
use crate::bot::authorize::AccessLevel;
use crate::bot::order::order;
use crate::bot::take::BegunDeploy;
use crate::bot::{Call, Command, Completion, Context, Plan, Serves};
use crate::deploy::stored::latest;
use crate::deploy::{Mandate, about, given, messages};
use crate::discord::Message;
use crate::discord::reply::Suggestion;
use crate::github::Run;
use crate::github::explain::Audience;
use crate::github::permission::{Need, Permission, Repositories};
use crate::github::run_reference::RunReference;
use crate::github::words::{conclusion, running};
use crate::site::listing::Deploys;
use crate::site::messages::render;
use crate::site::run::RunLookup;
use crate::site::verification::{Request, Sources, verify};
use crate::telemetry;
use crate::text::mask::masked_title;
use crate::text::{UserError, duration, escape};

/// Verifies the latest run, or one that is named.
pub(crate) const LATEST: Command = Command {
    serves: Serves::Agents {
        name: |agent| agent.verification().is_some().then_some(&agent.command),
        description: |agent| &agent.description,
        options: latest_options,
    },
    needs: &[
        Need::read(Permission::Actions, Repositories::OfTheVerified),
        // `diagnose:true` dispatches.
        Need::write(Permission::Actions, Repositories::OfTheDiagnosis),
    ],
    start: |call| Box::pin(start(call)),
    complete: Some(|completion| Box::pin(suggest(completion))),
};

/// Verifies a run that is named.
pub(crate) const RUN: Command = Command {
    serves: Serves::Agents {
        name: |agent| agent.verification()?.run_command.as_deref(),
        description: |_| "Checks a deploy by its run: the run, the frontend and the API",
        options: run_options,
    },
    needs: &[Need::read(Permission::Actions, Repositories::OfTheVerified)],
    start: |call| Box::pin(start(call)),
    complete: Some(|completion| Box::pin(suggest(completion))),
};

/// How many of the newest runs are read for suggestions; those of pull requests and of other branches are left
/// out. Discord accepts 25.
const LOOKED_AT: usize = 50;
/// How many of the latest deploys of an agent with the same workflow are read.
const RECORDED: u16 = 100;
/// Timeout for reading them.
const RECORDED_WITHIN: Duration = Duration::from_millis(500);
/// Timeout for reading the runs.
const SUGGESTED_WITHIN: Duration = Duration::from_millis(1_500);

fn latest_options(_: &Agent) -> Vec<OptionSpec> {
    vec![
        run_option(
            "run_url",
            "A run: its id, #number or URL (default: the latest that has ended)",
            false,
        ),
        OptionSpec {
            name: "diagnose".to_owned(),
            description: "Also dispatch the diagnose workflow (default: no)".to_owned(),
            required: false,
            kind: OptionKind::Boolean,
        },
    ]
}

fn run_options(_: &Agent) -> Vec<OptionSpec> {
    vec![run_option("run_id", "The run: its id, #number or URL", true)]
}

fn run_option(name: &str, description: &str, required: bool) -> OptionSpec {
    let (name, description) = (name.to_owned(), description.to_owned());
    OptionSpec { name, description, required, kind: OptionKind::Suggested }
}

async fn start(call: Call) -> Result<Plan, UserError> {
    let mut request = resolve(&call)?;
    let diagnosis =
        if call.options.is_true("diagnose") { Some(order_diagnosis(&call).await?) } else { None };
    let context = call.context;
    let deployer = call.agent.as_ref().and_then(Agent::verification).map(|it| it.verifies.clone());
    Ok(Plan::Race(Box::pin(async move {
        if let Some(deployer) = deployer {
            request.deploys.of_others = of_others(&context, &deployer).await;
        }
        answer(&context, &request, diagnosis).await.into()
    })))
}

/// Resolves the agent, the repository and the run of a call.
fn resolve(call: &Call) -> Result<Request, UserError> {
    let github = &call.context.github;
    let (verification, agent, deploys) = verified(&call.context, call.agent.as_ref())
        .ok_or_else(|| UserError::new("This command has no deploy to verify."))?;
    let given = ["run_id", "run_url"]
        .into_iter()
        .find_map(|option| Some((option, call.options.text(option)?)));
    let run = given.map(|(option, text)| {
        github.run_reference(&deploys.repository, text).map_err(|why| {
            let of = escape::code(&deploys.repository.to_string(), 150);
            UserError::new(format!(
                "Nothing was verified: `{option}` is refused, {why}. It must be a run of {of}."
            ))
        })
    });
    Ok(Request {
        title: agent.name.clone(),
        run: run.transpose()?,
        deploys,
        steps: verification.steps.clone(),
        checks: verification.checks.clone(),
        audience: Audience::of(call.context.access.is_admin(&call.caller)),
    })
}

/// An agent's verification, the deploy agent that it verifies, and which runs are its deploys.
fn verified<'a>(
    context: &'a Context,
    agent: Option<&'a Agent>,
) -> Option<(&'a Verification, &'a Agent, Deploys)> {
    let verification = agent?.verification()?;
    let deploy = context.registry.by_id(&verification.verifies)?;
    let workflow = deploy.workflow()?.clone();
    let repository = workflow.repository.as_ref().unwrap_or(context.github.default_repository());
    Some((
        verification,
        deploy,
        Deploys { repository: repository.clone(), workflow, of_others: HashSet::new() },
    ))
}

/// The runs of other agents that deploy elsewhere with the same workflow. GitHub does not tell them apart, the record
/// does. What it does not know counts as the agent's own.
async fn of_others(context: &Context, deployer: &str) -> HashSet<u64> {
    let Some(agent) = context.registry.by_id(deployer) else { return HashSet::new() };
    let others = context.registry.sharing(agent, context.github.default_repository());
    let read = others.iter().map(|other| latest(context.store.as_ref(), &other.id, RECORDED));
    match timeout(RECORDED_WITHIN, try_join_all(read)).await {
        Ok(Ok(all)) => {
            let entries = all.iter().flat_map(|latest| &latest.entries);
            entries.filter_map(|entry| Some(entry.run.as_ref()?.id)).collect()
        }
        failed => {
            tracing::warn!(?failed, "the record does not tell the runs of other agents");
            HashSet::new()
        }
    }
}

/// The order for the diagnose workflow. It claims the interaction, so that a replay dispatches nothing.
/// The caller must also be authorised for `/diagnose`.
async fn order_diagnosis(call: &Call) -> Result<BegunDeploy, UserError> {
    let context = &call.context;
    let agents = context.registry.agents();
    let Some(agent) = agents.iter().find(|agent| matches!(agent.kind, Kind::Diagnose(_))) else {
        return Err(UserError::new(
            "Nothing was verified: agents.toml has no agent of kind diagnose. Leave `diagnose` out.",
        ));
    };
    context.access.decide(&call.caller, AccessLevel::Agent, &agent.rule)?;
    let mut order = order(context, Some(agent), call.id, &call.caller, None)?;
    order.inputs.extend(diagnose::inputs(&call.caller));
    for input in agent.workflow().into_iter().flat_map(|workflow| &workflow.inputs) {
        let url = match input.option.name.as_str() {
            "frontend_url" => context.site.frontend.as_ref(),
            "api_base" => context.site.api.as_ref(),
            _ => None,
        };
        if let Some(url) = url {
            order.give(input, url.as_str().to_owned());
        } else if input.option.required {
            return Err(UserError::new(format!(
                "Nothing was verified: the diagnosis needs the option {}. Use {} itself.",
                escape::code(&input.option.name, 32),
                escape::code(&format!("/{}", agent.command), 40),
            )));
        }
    }
    // Its message is that of the verification.
    call.begin(order, None, false).await
}

async fn answer(context: &Context, request: &Request, diagnosis: Option<BegunDeploy>) -> Message {
    let sources = Sources {
        github: &context.github,
        prober: context.prober.as_ref(),
        urls: &context.urls,
        site: &context.site,
        clock: context.clock.as_ref(),
    };
    let diagnosis = OptionFuture::from(diagnosis.map(|begun| dispatch(context, begun)));
    let (mut verification, diagnosis) = tokio::join!(verify(&sources, request), diagnosis);
    if let (RunLookup::Unknown(why), None) = (&verification.run, &diagnosis) {
        let error = UserError::new(format!(
            "Nothing was verified: {why} Choose one of the suggestions, or type its number (`#41`), id or URL."
        ));
        telemetry::refused(&error);
        return Message::private(&error.text());
    }
    verification.diagnosis = diagnosis;
    Message::public(&render(&verification))
}

/// Dispatches the diagnosis. Returns whole lines of Markdown with the result.
async fn dispatch(context: &Context, begun: BegunDeploy) -> String {
    let deploy = begun.go_on(context, Mandate::Dispatch, pending()).await;
    if deploy.ending().is_some() {
        return messages::message(&deploy, context.clock.now()).content().to_owned();
    }
    let inputs = given::line(&deploy.order.given).map(|line| format!("\n-# {line}"));
    format!(
        "🚀 {} started\n-# {} · Correlation id `{}`{}",
        about::title(&deploy),
        about::run_or_runs(&deploy),
        deploy.order.correlation_id,
        inputs.unwrap_or_default()
    )
}

/// Suggests recent runs of the deploy.
async fn suggest(Completion { context, agent, option, typed, .. }: Completion) -> Vec<Suggestion> {
    if !matches!(option.as_str(), "run_id" | "run_url") {
        return Vec::new();
    }
    let Some((_, deployer, mut deploys)) = verified(&context, agent.as_ref()) else {
        return Vec::new();
    };
    deploys.of_others = of_others(&context, &deployer.id).await;
    let github = &context.github;
    let Deploys { repository, workflow, .. } = &deploys;
    let read = github.latest_runs(repository, &workflow.file, LOOKED_AT);
    let runs = match timeout(SUGGESTED_WITHIN, read).await {
        Ok(Ok(runs)) => runs,
        Ok(Err(error)) => {
            tracing::warn!(%error, "runs could not be suggested");
            return Vec::new();
        }
        Err(_) => {
            tracing::warn!("runs could not be suggested in time");
            return Vec::new();
        }
    };
    let now = github.to_github_time(context.clock.now()).unwrap_or(context.clock.now());
    let wanted = match github.run_reference(repository, &typed) {
        Ok(RunReference::Id(id)) => id.to_string(),
        Ok(RunReference::Number(number)) => format!("#{number}"),
        Err(_) => typed.trim().to_lowercase(),
    };
    let fits =
        |s: &Suggestion| s.value.contains(&wanted) || s.name.to_lowercase().contains(&wanted);
    let deployed = runs.iter().filter(|run| deploys.holds(run));
    deployed.map(|run| suggestion(run, now)).filter(fits).collect()
}

/// `🟢 #41 success · Fix the footer · main · 2h ago`. Its value is the run's id.
fn suggestion(run: &Run, now: chrono::DateTime<chrono::Utc>) -> Suggestion {
    let icon = if run.is_completed() {
        conclusion(run.conclusion.as_deref()).0
    } else {
        running(Some(run)).0
    };
    let number = run.run_number.map_or_else(|| run.id.to_string(), |number| format!("#{number}"));
    let state = run.conclusion.as_deref().or(run.status.as_deref()).unwrap_or("unknown");
    let part = |text: &Option<String>, max| {
        let text = escape::clipped(text.as_deref().unwrap_or_default().trim(), max);
        if text.is_empty() { text } else { format!(" · {text}") }
    };
    let ago = run.created_at.map(|created| format!(" · {}", duration::ago(now - created)));
    let name = format!(
        "{icon} {number} {}{}{}{}",
        escape::clipped(&state.replace('_', " "), 20),
        part(&run.display_title.as_deref().map(masked_title), 30),
        part(&run.head_branch, 20),
        ago.unwrap_or_default()
    );
    Suggestion { name, value: run.id.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::{Value, json};

    #[rstest]
    #[case(
        json!({"run_number": 41, "status": "completed", "conclusion": "success", "head_branch": "main",
               "display_title": "Fix **the** footer", "created_at": "2026-11-22T08:00:00Z"}),
        "🟢 #41 success · Fix **the** footer · main · 2h ago"
    )]
    #[case(
        json!({"run_number": 43, "status": "completed", "conclusion": "timed_out", "display_title": " \u{202e}"}),
        "🔴 #43 timed out"
    )]
    #[case(json!({"run_number": 44, "status": "in_progress", "display_title": "Use TOKEN=abc"}), "🔵 #44 in progress · Use TOKEN=***")]
    #[case(json!({"run_number": 42, "status": "in_progress"}), "🔵 #42 in progress")]
    #[case(json!({}), "🔵 7 unknown")]
    fn a_run_is_suggested_with_its_outcome(#[case] mut run: Value, #[case] name: &str) {
        run["id"] = json!(7);
        let now = "2026-11-22T10:05:00Z".parse().unwrap();
        let expected = Suggestion { name: name.to_owned(), value: "7".to_owned() };
        assert_eq!(suggestion(&serde_json::from_value(run).unwrap(), now), expected);
    }

    #[test]
    fn a_suggestion_is_one_short_line_whatever_the_run_contains() {
        let long = "x\u{202e}\n".repeat(2000);
        let run = json!({"id": u64::MAX, "run_number": u64::MAX, "status": "completed",
            "conclusion": long, "head_branch": long, "display_title": long, "created_at": "2026-11-22T08:00:00Z"});
        let now = "2026-11-22T10:05:00Z".parse().unwrap();
        let name = suggestion(&serde_json::from_value(run).unwrap(), now).name;
        assert!(name.chars().count() <= 140 && !name.contains(['\n', '\u{202e}']), "{name}");
    }
}
