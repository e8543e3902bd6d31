//! Verifies whether a deploy is live: reads its run, weighs the other runs of the agent and checks the frontend
//! and the API, concurrently.

use futures_util::FutureExt;
use futures_util::future::join_all;
use tokio::sync::oneshot;

use super::address::compare;
use super::check::{CheckResult, check};
use super::listing::{Deploys, Listing};
use super::look::Look;
use super::messages::Verification;
use super::others::{Others, others};
use super::probe::Prober;
use super::run::{RunLookup, StepResult, commit, find, step_times};
use super::settings::Settings;
use crate::agents::verification::{Check, StepPattern};
use crate::clock::Clock;
use crate::deploy::run_line::run_line;
use crate::github::explain::{Audience, Subject, explain_to};
use crate::github::jobs::{Job, Jobs};
use crate::github::run_reference::RunReference;
use crate::github::{Github, GithubError, Run};
use crate::net::url_guard::UrlPolicy;
use crate::telemetry;

/// What to verify.
#[derive(Debug)]
pub(crate) struct Request {
    /// The deploy agent's name.
    pub title: String,
    /// Which runs are its deploys.
    pub deploys: Deploys,
    /// The run. `None`: the latest that has ended.
    pub run: Option<RunReference>,
    /// The steps whose durations are reported.
    pub steps: Vec<StepPattern>,
    /// The checks of the site.
    pub checks: Vec<Check>,
    /// To whom GitHub's errors are explained.
    pub audience: Audience,
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

/// What GitHub says of the run.
struct Facts {
    run: RunLookup,
    jobs: Option<Result<Jobs, GithubError>>,
    others: Others,
}

/// Verifies. The caller adds the result of a diagnosis.
pub(crate) async fn verify<'a>(sources: &Sources<'_>, request: &'a Request) -> Verification<'a> {
    let Sources { github, prober, urls, site, .. } = *sources;
    // Most checks need not wait for the run.
    let (found, commit) = oneshot::channel();
    let commit = commit.map(|commit| commit.ok().flatten()).shared();
    let checks = request.checks.iter();
    let checks = checks.map(|c| check(prober, urls, site.base(c.target), c, commit.clone()));
    let addresses = compare(github, &request.deploys.repository, site, &request.checks);
    let facts = ask(sources, request, found);
    let (facts, checks, addresses) = tokio::join!(facts, join_all(checks), addresses);
    let Facts { run, jobs, others } = facts;
    let found = match &run {
        RunLookup::Found(run) => Some(&**run),
        RunLookup::Unknown(_) | RunLookup::Not(_) => None,
    };
    let steps = match jobs {
        None => Ok(Vec::new()),
        Some(Ok(jobs)) => steps_of(&request.steps, &jobs, found),
        Some(Err(error)) => {
            telemetry::failed(&error);
            Err(explain_to(request.audience, &error, Subject::Run, "Actions: read"))
        }
    };
    tracing::info!(
        run_id = found.map(|run| run.id),
        failed = checks.iter().filter(|c| matches!(c.result, CheckResult::Failed(_))).count(),
        checks = checks.len(),
        "verified"
    );
    let run_line = found.map(run_line);
    Verification {
        title: &request.title,
        run_line,
        others,
        run,
        steps,
        checks,
        addresses,
        diagnosis: None,
    }
}

/// Reads the run, tells its commit as soon as it is known, and then reads its jobs and weighs the other runs.
async fn ask(
    sources: &Sources<'_>,
    request: &Request,
    tell_commit: oneshot::Sender<Option<String>>,
) -> Facts {
    let Sources { github, clock, .. } = *sources;
    let deploys = &request.deploys;
    let now = github.to_github_time(clock.now());
    let audience = request.audience;
    let look = Look { github, repository: &deploys.repository, now, audience };
    let mut listing = Listing::new(github, deploys);
    let (mut run, read) = find(look, &mut listing, deploys, request.run).await;
    let RunLookup::Found(found) = &mut run else {
        drop(tell_commit);
        return Facts { run, jobs: None, others: Others::Settled };
    };
    // Nobody listens if no check names the commit.
    let _ = tell_commit.send(commit(found));
    github.find_end(&deploys.repository, found).await;
    let found: &Run = found;
    let jobs = async {
        let open = |(_, result): &(&str, StepResult)| {
            matches!(result, StepResult::Missing | StepResult::NotEnded)
        };
        let missing = |jobs: &[Job]| step_times(&request.steps, jobs).iter().any(open);
        if request.steps.is_empty() { None } else { Some(look.jobs(found, missing).await) }
    };
    let (jobs, others) = tokio::join!(jobs, others(look, &mut listing, read, found));
    Facts { run, jobs, others }
}

/// The results of the steps. A step is missing only if the list of jobs is whole; else it is not known.
fn steps_of<'a>(
    patterns: &'a [StepPattern],
    jobs: &Jobs,
    run: Option<&Run>,
) -> Result<Vec<(&'a str, StepResult)>, String> {
    let is_completed = run.is_some_and(Run::is_completed);
    if jobs.jobs.is_empty() && is_completed {
        return Err("GitHub lists no jobs of this run.".to_owned());
    }
    let known = |(label, result)| match result {
        // A job lists its steps when it starts.
        StepResult::Missing if !is_completed => (label, StepResult::NotEnded),
        StepResult::Missing if !jobs.is_whole => (label, StepResult::NotTold),
        result => (label, result),
    };
    Ok(step_times(patterns, &jobs.jobs).into_iter().map(known).collect())
}
