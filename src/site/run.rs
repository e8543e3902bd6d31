//! Finds the run to verify from an id or a URL, and the durations of its steps.

use chrono::TimeDelta;
use url::Url;

use crate::agents::verification::StepPattern;
use crate::github::Run;
use crate::github::jobs::{Job, Step};

/// Why a text is not a run of the configured repository, in words for the user.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotOurs {
    /// It is no URL.
    #[error("it is not a URL")]
    NotAUrl,
    /// The URL is of another server.
    #[error("it does not lead to the GitHub that this bot works with")]
    Elsewhere,
    /// The URL is of another repository.
    #[error("it is of another repository than the one that this bot deploys")]
    OtherRepository,
    /// The URL is not of a run.
    #[error("it does not lead to a run (…/actions/runs/<id>)")]
    NoRun,
    /// It is not a number.
    #[error("a run's id is a number, as in …/actions/runs/<id>")]
    NotAnId,
}

/// The run id in a URL. The URL must be below `repository_page`, the web page of the one allowed
/// repository. The part after the id (an attempt, a job) is ignored.
pub(crate) fn of_url(text: &str, repository_page: &str) -> Result<u64, NotOurs> {
    let url = Url::parse(text.trim()).map_err(|_| NotOurs::NotAUrl)?;
    let page = Url::parse(repository_page).map_err(|_| NotOurs::Elsewhere)?;
    let place = |url: &Url| {
        (url.scheme().to_owned(), url.host_str().map(str::to_owned), url.port_or_known_default())
    };
    if place(&url) != place(&page) || !url.username().is_empty() || url.password().is_some() {
        return Err(NotOurs::Elsewhere);
    }
    let mut segments = url.path_segments().ok_or(NotOurs::NoRun)?;
    for expected in page.path_segments().into_iter().flatten() {
        // Names are case-insensitive on GitHub.
        if !segments.next().is_some_and(|given| given.eq_ignore_ascii_case(expected)) {
            return Err(NotOurs::OtherRepository);
        }
    }
    match (segments.next(), segments.next(), segments.next()) {
        (Some("actions"), Some("runs"), Some(id)) => of_id(id).map_err(|_| NotOurs::NoRun),
        _ => Err(NotOurs::NoRun),
    }
}

/// Parses a run id that a user typed.
pub(crate) fn of_id(text: &str) -> Result<u64, NotOurs> {
    let text = text.trim();
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let id = text.parse().ok().filter(|id| digits && *id > 0);
    id.ok_or(NotOurs::NotAnId)
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
    /// Not found; the reason in safe Markdown.
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

    const PAGE: &str = "https://github.com/octo-org/web-client";

    #[rstest]
    #[case("https://github.com/octo-org/web-client/actions/runs/15", Ok(15))]
    #[case(" https://GitHub.com/Octo-Org/web-client/actions/runs/15/ ", Ok(15))]
    #[case("https://github.com/octo-org/web-client/actions/runs/15/attempts/2", Ok(15))]
    #[case("https://github.com/octo-org/web-client/actions/runs/15/job/7?pr=1#step:2:1", Ok(15))]
    #[case("https://github.com:443/octo-org/web-client/actions/runs/15", Ok(15))]
    #[case("https://github.com/octo-org/api/actions/runs/15", Err(NotOurs::OtherRepository))]
    #[case("https://github.com/evil/web-client/actions/runs/15", Err(NotOurs::OtherRepository))]
    #[case(
        "https://github.com/octo-org/web-client2/actions/runs/15",
        Err(NotOurs::OtherRepository)
    )]
    #[case(
        "https://github.com//octo-org/web-client/actions/runs/15",
        Err(NotOurs::OtherRepository)
    )]
    #[case(
        "https://github.com/octo-org/web-client/../api/actions/runs/15",
        Err(NotOurs::OtherRepository)
    )]
    #[case("https://github.com/octo-org/web-client/actions/runs/15x", Err(NotOurs::NoRun))]
    #[case("https://github.com/octo-org/web-client/actions/runs/0", Err(NotOurs::NoRun))]
    #[case("https://github.com/octo-org/web-client/actions/runs/", Err(NotOurs::NoRun))]
    #[case("https://github.com/octo-org/web-client/pull/15", Err(NotOurs::NoRun))]
    #[case("https://github.com/octo-org/web-client", Err(NotOurs::NoRun))]
    #[case("http://github.com/octo-org/web-client/actions/runs/15", Err(NotOurs::Elsewhere))]
    #[case(
        "https://github.com.evil.test/octo-org/web-client/actions/runs/15",
        Err(NotOurs::Elsewhere)
    )]
    #[case(
        "https://github.com@evil.test/octo-org/web-client/actions/runs/15",
        Err(NotOurs::Elsewhere)
    )]
    #[case("https://ada@github.com/octo-org/web-client/actions/runs/15", Err(NotOurs::Elsewhere))]
    #[case("https://github.com:8443/octo-org/web-client/actions/runs/15", Err(NotOurs::Elsewhere))]
    #[case("15", Err(NotOurs::NotAUrl))]
    #[case("", Err(NotOurs::NotAUrl))]
    fn only_runs_of_the_configured_repository_are_accepted(
        #[case] text: &str,
        #[case] expected: Result<u64, NotOurs>,
    ) {
        assert_eq!(of_url(text, PAGE), expected);
    }

    #[test]
    fn an_enterprise_server_has_its_own_url() {
        let page = "https://ghes.example.com/octo-org/web-client";
        let run = "https://ghes.example.com/octo-org/web-client/actions/runs/15";
        assert_eq!(of_url(run, page), Ok(15));
        assert_eq!(of_url(run, PAGE), Err(NotOurs::Elsewhere));
    }

    #[rstest]
    #[case("15000001013", Some(15_000_001_013))]
    #[case(" 7 ", Some(7))]
    #[case("0", None)]
    #[case("-1", None)]
    #[case("+1", None)]
    #[case("1e3", None)]
    #[case("99999999999999999999999", None)]
    #[case("7/../8", None)]
    fn an_id_is_a_number(#[case] text: &str, #[case] expected: Option<u64>) {
        assert_eq!(of_id(text).ok(), expected);
    }

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
