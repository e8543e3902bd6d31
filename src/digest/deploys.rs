//! The deploys among the runs of a workflow: each attempt of a run that was dispatched on a branch or tag
//! that an agent may deploy from.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::tally::RunOutcome;
use crate::github::Run;

/// An attempt that succeeded or failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Deploy {
    pub run: u64,
    /// From 1.
    pub attempt: u64,
    pub began: DateTime<Utc>,
    /// When it ended. `None`: not known.
    pub end: Option<DateTime<Utc>>,
    pub failed: bool,
    pub commit: Option<Commit>,
}

/// What was deployed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Commit {
    pub sha: String,
    pub date: Option<DateTime<Utc>>,
}

/// Runs as they were in earlier attempts, by run and attempt.
pub(crate) type Earlier = HashMap<(u64, u64), Run>;

/// The deploys of a workflow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Deploys {
    /// In the order in which they ended. One whose end is not known stands where it began.
    pub all: Vec<Deploy>,
    /// When those runs began again of which not every earlier attempt is known.
    pub unknown: Vec<DateTime<Utc>>,
}

/// Whether this run deploys, if `allowed` says so of its branch or tag. A pull request's run does not.
pub(crate) fn is_deploy(run: &Run, allowed: impl Fn(&str) -> bool) -> bool {
    run.event.as_deref() == Some("workflow_dispatch")
        && run.head_branch.as_deref().is_some_and(allowed)
}

/// The earlier attempts of these runs, those that began last first.
pub(crate) fn earlier_attempts<'a>(runs: impl IntoIterator<Item = &'a Run>) -> Vec<(u64, u64)> {
    let mut repeated: Vec<&Run> = runs.into_iter().filter(|run| run.attempt() > 1).collect();
    repeated.sort_by_key(|run| std::cmp::Reverse((began(run), run.id)));
    let before = |run: &Run| {
        let id = run.id;
        (1..run.attempt()).rev().map(move |attempt| (id, attempt))
    };
    repeated.into_iter().flat_map(before).collect()
}

/// When this attempt of the run began.
pub(crate) fn began(run: &Run) -> Option<DateTime<Utc>> {
    match run.attempt() {
        1 => run.created_at,
        _ => run.run_started_at.or(run.created_at),
    }
}

impl Deploys {
    /// The deploys of these runs, all of which deploy.
    pub(crate) fn of<'a>(runs: impl IntoIterator<Item = &'a Run>, earlier: &Earlier) -> Self {
        let mut deploys = Self::default();
        for run in runs {
            let before: Vec<&Run> =
                (1..run.attempt()).filter_map(|attempt| earlier.get(&(run.id, attempt))).collect();
            if before.len() as u64 + 1 < run.attempt() {
                deploys.unknown.extend(began(run));
            }
            let attempts: Vec<&Run> = before.into_iter().chain([run]).collect();
            let next = attempts.iter().skip(1).map(|next| began(next)).chain([None]);
            let each = attempts.iter().zip(next);
            deploys.all.extend(each.filter_map(|(run, next)| deploy(run, next)));
        }
        let place = |deploy: &Deploy| deploy.end.unwrap_or(deploy.began);
        deploys.all.sort_by_key(|deploy| (place(deploy), deploy.run, deploy.attempt));
        deploys
    }
}

/// `next`: when the attempt after this one began. Later than that it cannot have ended: its time moved.
fn deploy(run: &Run, next: Option<DateTime<Utc>>) -> Option<Deploy> {
    let failed = match RunOutcome::of(run) {
        RunOutcome::Success => false,
        RunOutcome::Failure => true,
        RunOutcome::Cancelled | RunOutcome::Other | RunOutcome::Open => return None,
    };
    let date = run.head_commit.as_ref().and_then(|commit| commit.timestamp);
    Some(Deploy {
        run: run.id,
        attempt: run.attempt(),
        began: began(run)?,
        end: run.ended_at().map(|end| next.map_or(end, |next| end.min(next))),
        failed,
        commit: run.head_sha.clone().map(|sha| Commit { sha, date }),
    })
}

#[cfg(test)]
mod tests {
    use super::super::period::tests::{at, run};
    use super::*;
    use crate::github::run::End;
    use rstest::rstest;

    /// A run that was repeated: as it is now.
    fn again(id: u64, attempt: u64, created: i64, started: i64, conclusion: &str) -> Run {
        Run {
            run_attempt: Some(attempt),
            run_started_at: Some(at(started)),
            updated_at: Some(at(started + 60)),
            ..run(id, created, 60, conclusion)
        }
    }

    #[rstest]
    #[case::dispatched("workflow_dispatch", Some("main"), true)]
    #[case::pull_request("pull_request", Some("main"), false)]
    #[case::push("push", Some("main"), false)]
    #[case::another_branch("workflow_dispatch", Some("feature"), false)]
    #[case::no_branch("workflow_dispatch", None, false)]
    fn a_deploy_is_dispatched_on_an_allowed_branch(
        #[case] event: &str,
        #[case] branch: Option<&str>,
        #[case] deploys: bool,
    ) {
        let run = Run {
            event: Some(event.to_owned()),
            head_branch: branch.map(str::to_owned),
            ..run(1, 0, 60, "success")
        };
        assert_eq!(is_deploy(&run, |name| name == "main"), deploys);
    }

    #[test]
    fn a_re_run_does_not_erase_the_failure_before_it() {
        let now = again(1, 2, -600, -300, "success");
        let earlier = Earlier::from([((1, 1), run(1, -600, 60, "failure"))]);
        let deploys = Deploys::of([&now], &earlier);
        let shown: Vec<_> = deploys.all.iter().map(|d| (d.attempt, d.began, d.failed)).collect();
        assert_eq!(shown, [(1, at(-600), true), (2, at(-300), false)]);
        assert!(deploys.unknown.is_empty());
        assert_eq!(Deploys::of([&now], &Earlier::new()).unknown, [at(-300)]);
    }

    #[test]
    fn an_attempt_ended_before_the_next_one_began() {
        let now = again(1, 2, -600, -300, "success");
        let moved = Run { updated_at: Some(at(-200)), ..run(1, -600, 60, "failure") };
        let ends = |first: Run| -> Vec<_> {
            let deploys = Deploys::of([&now], &Earlier::from([((1, 1), first)]));
            deploys.all.iter().map(|deploy| (deploy.attempt, deploy.end)).collect()
        };
        assert_eq!(ends(moved), [(1, Some(at(-300))), (2, Some(at(-240)))]);
        let kept = run(1, -600, 60, "failure");
        assert_eq!(ends(kept), [(1, Some(at(-540))), (2, Some(at(-240)))]);
    }

    #[test]
    fn a_deploy_whose_end_is_not_known_stands_where_it_began() {
        let unknown = Run { end: End::Unknown, ..run(1, -900, 9_000, "failure") };
        let deploys = Deploys::of([&run(2, -600, 60, "success"), &unknown], &Earlier::new());
        let order: Vec<_> = deploys.all.iter().map(|deploy| (deploy.run, deploy.end)).collect();
        assert_eq!(order, [(1, None), (2, Some(at(-540)))]);
    }

    #[test]
    fn the_attempts_to_ask_for_are_the_latest_first() {
        let runs = [
            run(1, -900, 60, "success"),
            again(2, 2, -800, -100, "success"),
            again(3, 3, -700, -50, "failure"),
        ];
        assert_eq!(earlier_attempts(&runs), [(3, 2), (3, 1), (2, 1)]);
    }

    #[test]
    fn what_did_not_end_well_or_badly_is_no_deploy() {
        let runs = ["cancelled", "skipped", "neutral"].map(|word| run(1, 0, 60, word));
        assert_eq!(Deploys::of(&runs, &Earlier::new()), Deploys::default());
    }
}
