//! `/verify-latest` and `/verify-run`: is the deploy live? Its run, the durations of its steps, and
//! whether the frontend and the API answer as the registry says they must.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{OptionFuture, join_all};
use tokio::time::sleep;

use super::{Call, Command, Completion, Plan, Serves, diagnose, status, workflow};
use crate::agents::options::{OptionKind, OptionSpec, Options};
use crate::agents::verification::Target;
use crate::agents::{Agent, Kind, Verification, Workflow};
use crate::app::Deckhand;
use crate::config::Repository;
use crate::deploy::Order;
use crate::deploy::messages::Messages;
use crate::discord::Message;
use crate::edge::authorize::AccessLevel;
use crate::edge::reply::Suggestion;
use crate::error::UserError;
use crate::github::jobs::Job;
use crate::github::runs::Tag;
use crate::github::{GithubError, Run};
use crate::telemetry;
use crate::text::{duration, escape};
use crate::verify::check::{Outcome, check};
use crate::verify::messages::{Report, Seen, render};
use crate::verify::run::{Went, is_of_workflow, of_id, of_url, step_times};

/// The line of the table for the latest run, or one by its URL.
pub const LATEST: Command = Command {
    serves: Serves::Agents {
        which: |agent| agent.verification().is_some(),
        options: latest_options,
    },
    start: |call| Box::pin(start(call)),
    complete: None,
};

/// The line of the table for one run by its id.
pub const RUN: Command = Command {
    serves: Serves::Second {
        name: |agent| agent.verification()?.run_command.as_deref(),
        description: "Checks a deploy by its run: the run, the frontend and the API",
        options: run_options,
    },
    start: |call| Box::pin(start(call)),
    complete: Some(|completion| Box::pin(suggest(completion))),
};

/// GitHub's list of jobs lags a little behind a run's end.
const LAG: chrono::TimeDelta = chrono::TimeDelta::seconds(60);
const SECOND_LOOK_AFTER: Duration = Duration::from_secs(1);

/// As many suggestions as Discord takes.
const SUGGESTED: usize = 25;

fn latest_options(_: &Agent) -> Vec<OptionSpec> {
    let option = |name: &str, description: &str, kind| OptionSpec {
        name: name.to_owned(),
        description: description.to_owned(),
        required: false,
        kind,
    };
    let text = OptionKind::String { choices: Vec::new() };
    vec![
        option("run_url", "URL of the run (default: the latest that has ended)", text),
        option(
            "diagnose",
            "Also dispatch the diagnose workflow (default: no)",
            OptionKind::Boolean,
        ),
    ]
}

fn run_options(_: &Agent) -> Vec<OptionSpec> {
    vec![OptionSpec {
        name: "run_id".to_owned(),
        description: "The run's id, as in its URL".to_owned(),
        required: true,
        kind: OptionKind::Suggested,
    }]
}

/// What is to be verified.
struct Plans {
    title: String,
    verification: Verification,
    workflow: Workflow,
    repository: Repository,
    /// The run, if it is not the latest.
    run_id: Option<u64>,
}

async fn start(call: Call) -> Result<Plan, UserError> {
    let plans = parse(&call)?;
    let diagnosis = match call.options.is_true("diagnose") {
        true => Some(order_diagnosis(&call).await?),
        false => None,
    };
    let deckhand = call.deckhand;
    Ok(Plan::Race(Box::pin(async move { verify(&deckhand, plans, diagnosis).await.into() })))
}

fn parse(call: &Call) -> Result<Plans, UserError> {
    let deckhand = &call.deckhand;
    let (verification, agent, workflow) = verified(deckhand, call.agent.as_ref())
        .ok_or_else(|| UserError::new("This command has no deploy to verify."))?;
    let repository = workflow.repository.as_ref().unwrap_or(deckhand.github.default_repository());
    let page = deckhand.github.repository_page(repository);
    let run_id = match (call.options.text("run_id"), call.options.text("run_url")) {
        (Some(id), _) => Some(of_id(id).map_err(|why| ("run_id", why))),
        (None, Some(url)) => Some(of_url(url, &page).map_err(|why| ("run_url", why))),
        (None, None) => None,
    };
    let run_id = run_id.transpose().map_err(|(option, why)| {
        let of = escape::code(&repository.to_string(), 150);
        UserError::new(format!(
            "Nothing was verified: `{option}` is refused, {why}. It must be a run of {of}."
        ))
    })?;
    Ok(Plans {
        title: agent.name.clone(),
        verification: verification.clone(),
        workflow: workflow.clone(),
        repository: repository.clone(),
        run_id,
    })
}

/// What an agent verifies, and the deploy agent whose runs those are.
fn verified<'a>(
    deckhand: &'a Deckhand,
    agent: Option<&'a Agent>,
) -> Option<(&'a Verification, &'a Agent, &'a Workflow)> {
    let verification = agent?.verification()?;
    let deploy = deckhand.registry.by_id(&verification.verifies)?;
    Some((verification, deploy, deploy.workflow()?))
}

/// The order of `/diagnose` for what is verified, taken: exactly one for an interaction. Whoever may
/// not use `/diagnose` may not use it this way either.
async fn order_diagnosis(call: &Call) -> Result<Order, UserError> {
    let deckhand = &call.deckhand;
    let agents = deckhand.registry.agents();
    let Some(agent) = agents.iter().find(|agent| matches!(agent.kind, Kind::Diagnose(_))) else {
        return Err(UserError::new(
            "Nothing was verified: agents.toml has no agent of kind diagnose. Leave `diagnose` out.",
        ));
    };
    deckhand.access.decide(&call.caller, AccessLevel::Agent, &agent.rule)?;
    let diagnose = Call {
        deckhand: deckhand.clone(),
        agent: Some(agent.clone()),
        interaction_id: call.interaction_id,
        caller: call.caller.clone(),
        options: Options::default(),
    };
    let mut order = diagnose::order(&diagnose)?;
    for input in agent.workflow().into_iter().flat_map(|workflow| &workflow.inputs) {
        let url = match input.option.name.as_str() {
            "frontend_url" => deckhand.site.frontend.as_ref(),
            "api_base" => deckhand.site.api.as_ref(),
            _ => None,
        };
        if let Some(url) = url {
            order.inputs.insert(input.input.clone(), url.as_str().into());
        } else if input.option.required {
            return Err(UserError::new(format!(
                "Nothing was verified: the diagnosis needs the option {}. Use {} itself.",
                escape::code(&input.option.name, 32),
                escape::code(&format!("/{}", agent.command), 40),
            )));
        }
    }
    call.begin(&order).await?;
    Ok(order)
}

async fn verify(deckhand: &Arc<Deckhand>, plans: Plans, diagnosis: Option<Order>) -> Message {
    let base = |target| match target {
        Target::Frontend => deckhand.site.frontend.as_ref(),
        Target::Api => deckhand.site.api.as_ref(),
    };
    let checks = plans.verification.checks.iter();
    let checks = join_all(
        checks.map(|c| check(deckhand.prober.as_ref(), &deckhand.urls, base(c.target), c)),
    );
    let diagnosis = OptionFuture::from(diagnosis.as_ref().map(|order| dispatch(deckhand, order)));
    let latest =
        deckhand.github.latest_runs(&plans.repository, &plans.workflow.file, LATEST_LOOKED_AT);
    let ((run, jobs), latest, checks, diagnosis) =
        tokio::join!(look(deckhand, &plans), latest, checks, diagnosis);
    let steps = match jobs {
        None => Ok(Vec::new()),
        Some(Ok(jobs)) => Ok(step_times(&plans.verification.steps, &jobs)),
        Some(Err(error)) => {
            telemetry::failed(&error);
            Err(status::missing(&error))
        }
    };
    let found = match &run {
        Seen::Found(run) => Some(run),
        Seen::Not(_) => None,
    };
    tracing::info!(
        run_id = found.map(|run| run.id),
        failed = checks.iter().filter(|c| matches!(c.outcome, Outcome::Failed(_))).count(),
        checks = checks.len(),
        "verified"
    );
    let newer = found.and_then(|run| {
        // Best effort: a list that is not there only leaves the question open, as it was before.
        let mut latest = latest.unwrap_or_default().into_iter();
        let counts =
            |newer: &Run| !newer.is_completed() || newer.conclusion.as_deref() == Some("success");
        latest.find(|other| other.id > run.id && counts(other))
    });
    let run_line = found.map(|run| status::line(run));
    let report = Report { title: &plans.title, run_line, newer, run, steps, checks, diagnosis };
    Message::public(&render(&report))
}

/// Runs among which a newer one than the verified is looked for.
const LATEST_LOOKED_AT: usize = 10;

/// The run, and its jobs if it is one.
async fn look(deckhand: &Deckhand, plans: &Plans) -> (Seen, Option<Result<Vec<Job>, GithubError>>) {
    let github = &deckhand.github;
    let Plans { repository, workflow, .. } = plans;
    let found = match plans.run_id {
        Some(id) => github.run(repository, id, &mut Tag::default()).await,
        None => {
            github.latest_completed_run(repository, &workflow.file, &workflow.default_ref).await
        }
    };
    let run = match (found, plans.run_id) {
        (Ok(Some(run)), _) => run,
        (Ok(None), _) => {
            let (file, branch) = (&workflow.file, &workflow.default_ref);
            return (
                Seen::Not(format!(
                    "no run of {} on {} has ended yet.",
                    escape::code(file, 100),
                    escape::code(branch, 100)
                )),
                None,
            );
        }
        (Err(GithubError::NotFound), Some(id)) => {
            let repository = escape::code(&repository.to_string(), 150);
            return (Seen::Not(format!("{repository} has no run `{id}` (404).")), None);
        }
        (Err(error), _) => {
            telemetry::failed(&error);
            return (Seen::Not(status::missing(&error)), None);
        }
    };
    if let Some(path) = run.path.as_deref().filter(|path| !is_of_workflow(path, &workflow.file)) {
        return (
            Seen::Not(format!(
                "run `{}` is of another workflow ({}), not of {}.",
                run.id,
                escape::code(path, 100),
                escape::code(&workflow.file, 100)
            )),
            None,
        );
    }
    let jobs = match plans.verification.steps.is_empty() {
        true => None,
        false => Some(jobs(deckhand, plans, &run).await),
    };
    (Seen::Found(Box::new(run)), jobs)
}

/// The run's jobs; if it has just ended and steps are still missing, as they are a moment later.
async fn jobs(deckhand: &Deckhand, plans: &Plans, run: &Run) -> Result<Vec<Job>, GithubError> {
    let github = &deckhand.github;
    let jobs = github.jobs(&plans.repository, run.id).await?;
    let now = github.to_github_time(deckhand.clock.now());
    let just_ended =
        run.is_completed() && run.updated_at.zip(now).is_some_and(|(ended, now)| now - ended < LAG);
    let open = |(_, went): &(&str, Went)| matches!(went, Went::Missing | Went::NotEnded);
    if just_ended && step_times(&plans.verification.steps, &jobs).iter().any(open) {
        sleep(SECOND_LOOK_AFTER).await;
        // What is known already is better than nothing.
        return Ok(github.jobs(&plans.repository, run.id).await.unwrap_or(jobs));
    }
    Ok(jobs)
}

async fn dispatch(deckhand: &Deckhand, order: &Order) -> String {
    let github = &deckhand.github;
    match workflow::dispatch_alone(deckhand, order).await {
        Ok(target) => {
            let run = match &target {
                Some(target) => escape::link(&format!("Run {}", target.run_id), &target.url),
                None => {
                    let page = github.workflow_page(&order.repository, &order.workflow);
                    escape::link("Runs", &page)
                }
            };
            format!(
                "🚀 **{}** dispatched: {run} · Correlation id `{}`",
                escape::plain(&order.title, 50),
                order.correlation_id
            )
        }
        Err(ended) => {
            let messages = Messages::new(github, order, deckhand.wait.timeout);
            messages.not_dispatched(ended).content().to_owned()
        }
    }
}

/// Recent runs of the deploy with their outcome.
async fn suggest(Completion { deckhand, agent, typed, .. }: Completion) -> Vec<Suggestion> {
    let Some((_, _, workflow)) = verified(&deckhand, agent.as_ref()) else { return Vec::new() };
    let github = &deckhand.github;
    let repository = workflow.repository.as_ref().unwrap_or(github.default_repository());
    let runs = match github.latest_runs(repository, &workflow.file, SUGGESTED).await {
        Ok(runs) => runs,
        Err(error) => {
            tracing::warn!(%error, "runs could not be suggested");
            return Vec::new();
        }
    };
    let now = github.to_github_time(deckhand.clock.now()).unwrap_or(deckhand.clock.now());
    let typed = typed.trim().to_lowercase();
    let fits = |s: &Suggestion| s.value.contains(&typed) || s.name.to_lowercase().contains(&typed);
    runs.iter().map(|run| suggestion(run, now)).filter(fits).collect()
}

/// `🟢 #41 success · main · 2h ago`.
fn suggestion(run: &Run, now: chrono::DateTime<chrono::Utc>) -> Suggestion {
    let icon = match run.is_completed() {
        true => crate::text::run::conclusion(run.conclusion.as_deref()).0,
        false => crate::text::run::running(Some(run)).0,
    };
    let number = run.run_number.map_or_else(|| run.id.to_string(), |number| format!("#{number}"));
    let state = run.conclusion.as_deref().or(run.status.as_deref()).unwrap_or("unknown");
    let branch = run.head_branch.as_deref().map(|name| format!(" · {}", escape::clipped(name, 30)));
    let ago = run.created_at.map(|created| format!(" · {}", duration::ago(now - created)));
    let name = format!(
        "{icon} {number} {}{}{}",
        escape::clipped(&state.replace('_', " "), 25),
        branch.unwrap_or_default(),
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
               "created_at": "2026-11-22T08:00:00Z"}),
        "🟢 #41 success · main · 2h ago"
    )]
    #[case(json!({"run_number": 42, "status": "in_progress"}), "🔵 #42 in progress")]
    #[case(json!({}), "🔵 7 unknown")]
    fn a_run_is_suggested_with_its_outcome(#[case] mut run: Value, #[case] name: &str) {
        run["id"] = json!(7);
        let now = "2026-11-22T10:05:00Z".parse().unwrap();
        let expected = Suggestion { name: name.to_owned(), value: "7".to_owned() };
        assert_eq!(suggestion(&serde_json::from_value(run).unwrap(), now), expected);
    }

    #[test]
    fn a_hostile_run_is_suggested_in_one_short_line() {
        let long = "x\u{202e}\n".repeat(2000);
        let run = json!({"id": u64::MAX, "run_number": u64::MAX, "status": "completed",
            "conclusion": long, "head_branch": long, "created_at": "2026-11-22T08:00:00Z"});
        let now = "2026-11-22T10:05:00Z".parse().unwrap();
        let name = suggestion(&serde_json::from_value(run).unwrap(), now).name;
        assert!(name.chars().count() <= 120 && !name.contains(['\n', '\u{202e}']), "{name}");
    }
}
