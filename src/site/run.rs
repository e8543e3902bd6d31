//! Finds the run to verify, and the durations of its steps.

use std::cmp::Reverse;

use chrono::TimeDelta;

use super::listing::{Deploys, Listing, began, is_of_pull_request};
use super::look::Look;
use crate::agents::verification::StepPattern;
use crate::github::jobs::{Job, Step};
use crate::github::run_reference::RunReference;
use crate::github::{GithubError, Run};
use crate::text::escape;

/// How many runs that were cancelled are looked at to find the latest that did something.
const CANCELLED: usize = 20;

/// Reads the run, and the newest page of the agent's list. The second value says whether that could be read.
pub(crate) async fn find(
    look: Look<'_>,
    listing: &mut Listing<'_>,
    deploys: &Deploys,
    wanted: Option<RunReference>,
) -> (RunLookup, Result<(), GithubError>) {
    let Deploys { repository, workflow, .. } = deploys;
    let Some(reference) = wanted else {
        return match latest(look, listing).await {
            Ok(Some(run)) => (RunLookup::Found(Box::new(run)), Ok(())),
            Ok(None) => (RunLookup::Not(none_has_ended(deploys)), Ok(())),
            Err(error) => (not_read(look, &error), Err(error)),
        };
    };
    let run = look.github.referenced_run(repository, &workflow.file, reference);
    let (run, read) = tokio::join!(run, listing.more());
    let run = match run {
        Ok(Some(run)) => judge(deploys, run),
        Ok(None) => RunLookup::Unknown(unknown(deploys, reference)),
        Err(error) => not_read(look, &error),
    };
    (run, read)
}

fn not_read(look: Look<'_>, error: &GithubError) -> RunLookup {
    RunLookup::Not(look.explain(error))
}

/// The latest of the agent's runs that has ended and had begun to work.
async fn latest(look: Look<'_>, listing: &mut Listing<'_>) -> Result<Option<Run>, GithubError> {
    let mut cancelled = 0;
    let mut seen = Vec::new();
    loop {
        listing.more().await?;
        let ended = listing.deploys().filter(|run| run.is_completed() && !seen.contains(&run.id));
        let mut ended: Vec<&Run> = ended.collect();
        ended.sort_by_key(|run| Reverse((began(run), run.id)));
        for run in ended {
            let worked = match run.conclusion.as_deref() {
                Some("skipped") => is_a_rerun(run),
                Some("cancelled") if !is_a_rerun(run) && cancelled < CANCELLED => {
                    cancelled += 1;
                    // If that is not known, it is shown as what it is: cancelled.
                    look.had_started(run).await.unwrap_or(true)
                }
                _ => true,
            };
            if worked {
                return Ok(Some(run.clone()));
            }
            seen.push(run.id);
        }
        if listing.is_enough() {
            return Ok(None);
        }
    }
}

fn is_a_rerun(run: &Run) -> bool {
    run.run_attempt.is_some_and(|attempt| attempt > 1)
}

fn none_has_ended(deploys: &Deploys) -> String {
    let refs = deploys.workflow.allowed_refs.iter().map(|pattern| escape::code(&pattern.0, 60));
    format!(
        "no run of {} on {} has ended yet.",
        escape::code(&deploys.workflow.file, 100),
        refs.take(4).collect::<Vec<_>>().join(" or ")
    )
}

fn unknown(Deploys { repository, workflow, .. }: &Deploys, reference: RunReference) -> String {
    let repository = escape::code(&repository.to_string(), 150);
    match reference {
        RunReference::Id(id) => format!("{repository} has no run `{id}` (404)."),
        RunReference::Number(number) => {
            format!("{} has no run `#{number}`.", escape::code(&workflow.file, 100))
        }
    }
}

/// A run that somebody named is verified only if it is one of the agent's.
fn judge(deploys: &Deploys, run: Run) -> RunLookup {
    let file = &deploys.workflow.file;
    let name = run.run_number.map_or_else(|| run.id.to_string(), |number| format!("#{number}"));
    let why = match run.path.as_deref().filter(|path| !is_of_workflow(path, file)) {
        Some(path) => format!(
            "run `{}` is of another workflow ({}), not of {}.",
            run.id,
            escape::code(path, 100),
            escape::code(file, 100)
        ),
        None if is_of_pull_request(&run) => {
            format!("run `{name}` is of a pull request, so it is no deploy.")
        }
        None if !deploys.allows_ref_of(&run) => format!(
            "run `{name}` is on {}, which this agent does not deploy.",
            escape::code(run.head_branch.as_deref().unwrap_or_default(), 100)
        ),
        None if deploys.of_others.contains(&run.id) => {
            format!("run `{name}` was started by another agent, which deploys elsewhere.")
        }
        None => return RunLookup::Found(Box::new(run)),
    };
    RunLookup::Not(why)
}

/// The hash of a run's commit. Anything else is none: a check for it would prove nothing.
pub(crate) fn commit(run: &Run) -> Option<String> {
    let hash = |text: &&String| text.len() >= 7 && text.bytes().all(|b| b.is_ascii_hexdigit());
    run.head_sha.as_ref().filter(hash).cloned()
}

/// Whether a run's `path` (`.github/workflows/client-deploy.yml`, optionally with `@ref`) names this file.
pub(crate) fn is_of_workflow(path: &str, file: &str) -> bool {
    let path = path.split('@').next().unwrap_or_default();
    path.rsplit('/').next() == Some(file)
}

/// The result of looking up the run.
#[derive(Debug)]
pub(crate) enum RunLookup {
    Found(Box<Run>),
    /// GitHub has no such run; the reason in safe Markdown.
    Unknown(String),
    /// It is no run to verify, or cannot be read; the reason in safe Markdown.
    Not(String),
}

/// The result of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StepResult {
    /// Success, with the duration if GitHub gives it.
    Well(Option<TimeDelta>),
    /// Another conclusion, with the duration if GitHub gives it.
    Otherwise(String, Option<TimeDelta>),
    /// No conclusion yet.
    NotEnded,
    /// No step's name contains the pattern.
    Missing,
    /// None of the steps that GitHub shows, but it does not show all of them.
    NotTold,
}

/// The steps that the registry names, in its order.
pub(crate) fn step_times<'a>(
    patterns: &'a [StepPattern],
    jobs: &[Job],
) -> Vec<(&'a str, StepResult)> {
    let steps = || jobs.iter().flat_map(|job| &job.steps);
    let went = |pattern: &'a StepPattern| {
        let wanted = pattern.pattern.to_lowercase();
        let mut fitting = steps().filter(|step| step.name.to_lowercase().contains(&wanted));
        let skipped = |step: &&Step| step.conclusion.as_deref() == Some("skipped");
        let first = fitting.next();
        let other = first.filter(skipped).and_then(|_| fitting.find(|step| !skipped(step)));
        (pattern.label.as_str(), other.or(first).map_or(StepResult::Missing, how))
    };
    patterns.iter().map(went).collect()
}

fn how(step: &Step) -> StepResult {
    let took = step.completed_at.zip(step.started_at).map(|(end, start)| end - start);
    match step.conclusion.as_deref() {
        Some("success") => StepResult::Well(took),
        Some(other) => StepResult::Otherwise(other.to_owned(), took),
        None => StepResult::NotEnded,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    #[rstest]
    #[case(".github/workflows/client-deploy.yml", true)]
    #[case(".github/workflows/client-deploy.yml@refs/heads/a/b.yml", true)]
    #[case(".github/workflows/other-client-deploy.yml", false)]
    #[case("", false)]
    fn a_run_is_matched_to_its_workflow_by_its_path(#[case] path: &str, #[case] expected: bool) {
        assert_eq!(is_of_workflow(path, "client-deploy.yml"), expected);
    }

    #[test]
    fn steps_are_found_by_a_part_of_their_name() {
        let jobs: Vec<Job> = serde_json::from_value(json!([
            {"name": "build", "conclusion": "success", "steps": [
                {"name": "BUILD the client", "conclusion": "success",
                 "started_at": "2026-11-22T10:00:00Z", "completed_at": "2026-11-22T10:00:08Z"},
                {"name": "Sync to S3 (dry run)", "conclusion": "skipped"},
            ]},
            {"name": "deploy", "conclusion": null, "steps": [
                {"name": "Sync to S3", "conclusion": "failure"},
                {"name": "Clean up", "conclusion": null},
            ]},
        ]))
        .unwrap();
        let named = ["build", "s3", "clean", "cloudfront"];
        let pattern =
            |name: &&str| StepPattern { label: name.to_uppercase(), pattern: (*name).to_owned() };
        let patterns: Vec<_> = named.iter().map(pattern).collect();
        let expected = [
            ("BUILD", StepResult::Well(Some(TimeDelta::seconds(8)))),
            ("S3", StepResult::Otherwise("failure".to_owned(), None)),
            ("CLEAN", StepResult::NotEnded),
            ("CLOUDFRONT", StepResult::Missing),
        ];
        assert_eq!(step_times(&patterns, &jobs), expected);
    }
}
