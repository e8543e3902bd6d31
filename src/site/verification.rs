//! Verifies whether a deploy is live: reads its run and checks the frontend and the API, concurrently.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::sleep;

use super::check::{CheckResult, check};
use super::messages::Verification;
use super::probe::Prober;
use super::run::{RunLookup, StepResult, is_of_workflow, step_times};
use super::settings::Settings;
use crate::agents::verification::{Check, StepPattern, Target};
use crate::clock::Clock;
use crate::deploy::run_line::run_line;
use crate::github::explain::{Subject, explain};
use crate::github::jobs::Job;
use crate::github::runs::Tag;
use crate::github::{Github, GithubError, Repository, Run};
use crate::net::url_guard::UrlPolicy;
use crate::telemetry;
use crate::text::escape;

/// GitHub's list of jobs may be stale for this long after a run's end.
const LAG: chrono::TimeDelta = chrono::TimeDelta::seconds(60);
const SECOND_LOOK_AFTER: Duration = Duration::from_secs(1);

/// The latest runs, searched for one newer than the verified run.
const LATEST_LOOKED_AT: usize = 10;

/// What to verify.
#[derive(Debug)]
pub(crate) struct Request {
    /// The deploy agent's name.
    pub title: String,
    /// The repository that holds its workflow.
    pub repository: Repository,
    pub workflow: String,
    /// The branch or tag of the latest run. Used if there is no `run_id`.
    pub git_ref: String,
    /// The run. `None`: the latest completed run.
    pub run_id: Option<u64>,
    /// The steps whose durations are reported.
    pub steps: Vec<StepPattern>,
    /// The checks of the site.
    pub checks: Vec<Check>,
}

/// The services that a verification uses.
pub(crate) struct Sources<'a> {
    pub github: &'a Github,
    pub prober: &'a dyn Prober,
    /// Which URLs are allowed (SSRF guard).
    pub urls: &'a UrlPolicy,
    /// Base URLs of the deployed site.
    pub site: &'a Settings,
    /// Wall time.
    pub clock: &'a dyn Clock,
}

/// Verifies. The caller adds the result of a diagnosis.
pub(crate) async fn verify<'a>(sources: &Sources<'_>, request: &'a Request) -> Verification<'a> {
    let Sources { github, prober, urls, site, clock } = *sources;
    let base = |target| match target {
        Target::Frontend => site.frontend.as_ref(),
        Target::Api => site.api.as_ref(),
    };
    let checks = join_all(request.checks.iter().map(|c| check(prober, urls, base(c.target), c)));
    let latest = github.latest_runs(&request.repository, &request.workflow, LATEST_LOOKED_AT);
    let ((run, jobs), latest, checks) = tokio::join!(look(github, clock, request), latest, checks);
    let steps = match jobs {
        None => Ok(Vec::new()),
        Some(Ok(jobs)) => Ok(step_times(&request.steps, &jobs)),
        Some(Err(error)) => {
            telemetry::failed(&error);
            Err(explain(&error, Subject::Run, "Actions: read"))
        }
    };
    let found = match &run {
        RunLookup::Found(run) => Some(run),
        RunLookup::Not(_) => None,
    };
    tracing::info!(
        run_id = found.map(|run| run.id),
        failed = checks.iter().filter(|c| matches!(c.result, CheckResult::Failed(_))).count(),
        checks = checks.len(),
        "verified"
    );
    let newer = found.and_then(|run| {
        // Best effort: if the list cannot be read, a newer run stays unnoticed.
        let mut latest = latest.unwrap_or_default().into_iter();
        let counts =
            |newer: &Run| !newer.is_completed() || newer.conclusion.as_deref() == Some("success");
        latest.find(|other| other.id > run.id && counts(other))
    });
    let run_line = found.map(|run| run_line(run));
    Verification { title: &request.title, run_line, newer, run, steps, checks, diagnosis: None }
}

/// Reads the run, and its jobs if it was found and steps are to be reported.
async fn look(
    github: &Github,
    clock: &dyn Clock,
    request: &Request,
) -> (RunLookup, Option<Result<Vec<Job>, GithubError>>) {
    let Request { repository, workflow, .. } = request;
    let found = match request.run_id {
        Some(id) => github.run(repository, id, &mut Tag::default()).await,
        None => github.latest_completed_run(repository, workflow, &request.git_ref).await,
    };
    let run = match (found, request.run_id) {
        (Ok(Some(run)), _) => run,
        (Ok(None), _) => {
            let (file, branch) = (workflow, &request.git_ref);
            return (
                RunLookup::Not(format!(
                    "no run of {} on {} has ended yet.",
                    escape::code(file, 100),
                    escape::code(branch, 100)
                )),
                None,
            );
        }
        (Err(GithubError::NotFound), Some(id)) => {
            let repository = escape::code(&repository.to_string(), 150);
            return (RunLookup::Not(format!("{repository} has no run `{id}` (404).")), None);
        }
        (Err(error), _) => {
            telemetry::failed(&error);
            return (RunLookup::Not(explain(&error, Subject::ThisWorkflow, "Actions: read")), None);
        }
    };
    if let Some(path) = run.path.as_deref().filter(|path| !is_of_workflow(path, workflow)) {
        return (
            RunLookup::Not(format!(
                "run `{}` is of another workflow ({}), not of {}.",
                run.id,
                escape::code(path, 100),
                escape::code(workflow, 100)
            )),
            None,
        );
    }
    let jobs = if request.steps.is_empty() {
        None
    } else {
        Some(jobs(github, clock, request, &run).await)
    };
    (RunLookup::Found(Box::new(run)), jobs)
}

/// Reads the run's jobs. If the run has just ended and steps are missing, reads them once more after
/// [`SECOND_LOOK_AFTER`].
async fn jobs(
    github: &Github,
    clock: &dyn Clock,
    request: &Request,
    run: &Run,
) -> Result<Vec<Job>, GithubError> {
    let jobs = github.jobs(&request.repository, run.id).await?;
    let now = github.to_github_time(clock.now());
    let just_ended =
        run.is_completed() && run.updated_at.zip(now).is_some_and(|(ended, now)| now - ended < LAG);
    let open = |(_, result): &(&str, StepResult)| {
        matches!(result, StepResult::Missing | StepResult::NotEnded)
    };
    if just_ended && step_times(&request.steps, &jobs).iter().any(open) {
        sleep(SECOND_LOOK_AFTER).await;
        // If the second read fails, the first answer is used.
        return Ok(github.jobs(&request.repository, run.id).await.unwrap_or(jobs));
    }
    Ok(jobs)
}
