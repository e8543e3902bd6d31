//! What the runs before a watched one tell: those of its workflow on its branch, whoever started them.

use chrono::{DateTime, Utc};
use tokio::time::timeout;

use super::read::ASKED_FOR;
use super::{Past, Series, Success, Usual};
use crate::deploy::key::DeployKey;
use crate::deploy::order::Order;
use crate::deploy::stored::records;
use crate::github::{Github, Run, git_ref, run};
use crate::store::{Store, StoreError};

/// How many runs of before are looked at.
const LOOKED_AT: u16 = 50;

/// Whether a run succeeded or failed. `None`: neither, for example cancelled.
pub(crate) fn succeeded(run: &Run) -> Option<bool> {
    run::succeeded(run.conclusion.as_deref())
}

/// Reads them: from GitHub, whose lists may be old, and from the cards of the same channel, which may be few.
pub(crate) async fn read_watched(
    store: &dyn Store,
    github: &Github,
    order: &Order,
    run: &Run,
) -> Result<Past, StoreError> {
    let Order { repository, workflow, git_ref, key: DeployKey { agent, .. }, .. } = order;
    let asked = github.completed_runs(repository, workflow, git_ref, LOOKED_AT.into());
    let (asked, cards) = tokio::join!(timeout(ASKED_FOR, asked), records(store, agent, LOOKED_AT));
    let mut runs = match asked {
        Ok(Ok(runs)) => runs,
        failed => {
            tracing::debug!(?failed, "GitHub does not tell of earlier runs");
            Vec::new()
        }
    };
    let is_whole = runs.len() < usize::from(LOOKED_AT);
    for known in cards?.into_iter().filter_map(|card| card.target?.run) {
        match runs.iter_mut().find(|run| run.id == known.id) {
            Some(run) if is_newer(&known, run) => *run = *known,
            Some(_) => {}
            None => runs.push(*known),
        }
    }
    Ok(before(runs, run, is_whole))
}

fn is_newer(known: &Run, listed: &Run) -> bool {
    (known.attempt(), known.updated_at) > (listed.attempt(), listed.updated_at)
}

/// `is_whole`: there are no others.
fn before(runs: Vec<Run>, this: &Run, is_whole: bool) -> Past {
    let begun = |run: &Run| -> (Option<DateTime<Utc>>, u64) { (run.created_at, run.id) };
    let branch = |run: &Run| run.head_branch.as_deref().map(git_ref::short).map(str::to_owned);
    let mut runs: Vec<Run> = runs
        .into_iter()
        .filter(|run| run.is_completed() && run.id != this.id && begun(run) < begun(this))
        .filter(|run| branch(run) == branch(this) && belongs(run, this))
        .collect();
    runs.sort_by_key(|run| std::cmp::Reverse(begun(run)));
    let successes = || runs.iter().filter(|run| succeeded(run) == Some(true));
    let whole = successes().filter(|run| run.attempt() == 1 && run.event == this.event);
    Past {
        usual: Usual::of(whole.filter_map(Run::duration)),
        last_success: successes().next().map(Success::of_run),
        series: Series::of(runs.iter().filter_map(succeeded), is_whole),
    }
}

/// Whether a run is of the same series: what was started by hand and what is of a pull request are series of their own,
/// as those may deploy elsewhere or build other code.
fn belongs(run: &Run, this: &Run) -> bool {
    let is_apart = |run: &Run| {
        let event = run.event.as_deref().unwrap_or_default();
        event == "workflow_dispatch" || event.starts_with("pull_request")
    };
    run.event == this.event || (!is_apart(run) && !is_apart(this))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    fn run(id: u64, event: &str, branch: &str, conclusion: &str) -> Run {
        let minute = id % 60;
        serde_json::from_value(json!({
            "id": id, "event": event, "head_branch": branch, "status": "completed", "conclusion": conclusion,
            "created_at": format!("2026-11-22T10:{minute:02}:00Z"),
            "updated_at": format!("2026-11-22T10:{minute:02}:30Z"),
        }))
        .unwrap()
    }

    fn series(runs: &[(u64, &str, &str, &str)], is_whole: bool) -> Option<(bool, usize, bool)> {
        let all =
            runs.iter().map(|(id, event, branch, end)| run(*id, event, branch, end)).collect();
        let series = before(all, &run(50, "push", "main", "failure"), is_whole).series?;
        Some((series.success, series.count, series.or_more))
    }

    #[rstest]
    #[case::nothing_before(&[], None)]
    #[case::successes(&[(1, "push", "main", "success"), (2, "push", "main", "success")], Some((true, 2, false)))]
    #[case::the_latest_counts(&[(1, "push", "main", "success"), (2, "push", "main", "timed_out")], Some((false, 1, false)))]
    #[case::in_any_order(&[(2, "push", "main", "failure"), (1, "push", "main", "success")], Some((false, 1, false)))]
    #[case::cancelled_is_neither(&[(1, "push", "main", "failure"), (2, "push", "main", "cancelled")], Some((false, 1, false)))]
    #[case::later_ones(&[(51, "push", "main", "failure"), (1, "push", "main", "success")], Some((true, 1, false)))]
    #[case::itself(&[(50, "push", "main", "failure")], None)]
    #[case::other_branch(&[(1, "push", "dev", "failure")], None)]
    #[case::a_schedule_is_of_it(&[(1, "schedule", "main", "failure")], Some((false, 1, false)))]
    #[case::by_hand(&[(1, "workflow_dispatch", "main", "failure")], None)]
    #[case::a_forks_branch(&[(1, "pull_request", "main", "failure")], None)]
    fn the_series_is_of_the_runs_before(
        #[case] runs: &[(u64, &str, &str, &str)],
        #[case] expected: Option<(bool, usize, bool)>,
    ) {
        assert_eq!(series(runs, true), expected);
    }

    #[test]
    fn there_may_be_more_than_was_read() {
        let runs = [(1, "push", "main", "success"), (2, "push", "main", "success")];
        assert_eq!(series(&runs, false), Some((true, 2, true)));
    }

    #[test]
    fn the_usual_duration_is_that_of_the_same_event() {
        let runs = |event: &str| (1..=5).map(|id| run(id, event, "main", "success")).collect();
        let this = run(50, "push", "main", "success");
        assert_eq!(before(runs("push"), &this, true).usual, Some(Usual { seconds: 30, of: 5 }));
        let past = before(runs("schedule"), &this, true);
        assert_eq!((past.usual, past.last_success.map(|success| success.run_id)), (None, Some(5)));
    }

    #[test]
    fn a_card_knows_a_later_attempt_than_an_old_list() {
        let listed = run(1, "push", "main", "failure");
        let mut known = run(1, "push", "main", "success");
        assert!(!is_newer(&known, &listed));
        known.run_attempt = Some(2);
        assert!(is_newer(&known, &listed) && !is_newer(&listed, &known));
    }
}
