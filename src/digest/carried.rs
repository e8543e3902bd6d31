//! What one scheduled digest leaves to the next, so that each run is counted once, by how it ended.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::deploys::{self, Deploy};
use super::period::Window;
use crate::github::Run;

/// What the last digest left.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Carried {
    /// Runs that had not ended.
    #[serde(default)]
    open: Vec<Open>,
    /// Workflows whose runs could not be read.
    #[serde(default)]
    missed: Vec<Missed>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Open {
    workflow: String,
    run: u64,
    attempt: u64,
    /// Whether the run was counted before: then this is a re-run.
    counted: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Missed {
    workflow: String,
    since: DateTime<Utc>,
}

/// So many runs are remembered at most, the oldest first.
const MOST_OPEN: usize = 100;

impl Carried {
    /// The part about this workflow (`owner/name/file`), with the window that its runs are counted in.
    pub(super) fn of(&self, workflow: &str, window: Window) -> Share {
        let open = self.open.iter().filter(|open| open.workflow == workflow).cloned();
        let missed = self.missed.iter().find(|missed| missed.workflow == workflow);
        let from = missed.map_or(window.from, |missed| missed.since.min(window.from));
        Share { window: Window { from, ..window }, open: open.collect() }
    }

    /// Adds what this digest leaves of a workflow to the next one.
    pub(super) fn leave<'a>(
        &mut self,
        workflow: &str,
        share: &Share,
        runs: Option<impl IntoIterator<Item = &'a Run>>,
        unread: &[u64],
    ) {
        let Some(runs) = runs else {
            self.missed.push(Missed { workflow: workflow.to_owned(), since: share.window.from });
            self.open.extend(share.open.iter().cloned());
            return;
        };
        let open = runs.into_iter().filter(|run| share.is_open(run)).map(|run| Open {
            workflow: workflow.to_owned(),
            run: run.id,
            attempt: run.attempt(),
            counted: !share.counts(run),
        });
        self.open.extend(open);
        let unread = share.open.iter().filter(|open| unread.contains(&open.run)).cloned();
        self.open.extend(unread);
    }

    /// Drops the newest runs if there are too many, when all workflows have left theirs.
    pub(super) fn limit(&mut self) {
        self.open.sort_by_key(|open| open.run);
        if self.open.len() > MOST_OPEN {
            let dropped = self.open.len() - MOST_OPEN;
            tracing::warn!(
                dropped,
                "too many runs have not ended: the next digest leaves some out"
            );
            self.open.truncate(MOST_OPEN);
        }
    }
}

/// What a digest counts of one workflow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Share {
    /// It begins earlier than the digest's if the last digest could not read the workflow.
    pub(super) window: Window,
    open: Vec<Open>,
}

impl Share {
    fn carried(&self, run: u64) -> Option<&Open> {
        self.open.iter().find(|open| open.run == run)
    }

    /// The carried runs that are not among these.
    pub(super) fn absent(&self, runs: &[Run]) -> Vec<u64> {
        let there = |open: &&Open| runs.iter().all(|run| run.id != open.run);
        self.open.iter().filter(there).map(|open| open.run).collect()
    }

    /// Whether this run is counted: it was created in the window, or was carried and is not counted yet.
    pub(super) fn counts(&self, run: &Run) -> bool {
        match self.carried(run.id) {
            Some(open) => !open.counted,
            None => run.created_at.is_some_and(|created| self.window.holds(created)),
        }
    }

    /// Whether this deploy is counted: it began in the window, or was carried.
    pub(super) fn counts_deploy(&self, deploy: &Deploy) -> bool {
        let is_carried = |open: &Open| open.attempt == deploy.attempt;
        self.window.holds(deploy.began) || self.carried(deploy.run).is_some_and(is_carried)
    }

    /// Whether this run is left to the next digest.
    fn is_open(&self, run: &Run) -> bool {
        let began = deploys::began(run).is_some_and(|began| self.window.holds(began));
        !run.is_completed() && (began || self.carried(run.id).is_some() || self.counts(run))
    }
}

#[cfg(test)]
mod tests {
    use super::super::deploys::{Deploys, Earlier};
    use super::super::period::tests::{at, run};
    use super::*;

    const DAY: i64 = 86_400;

    fn day(number: i64) -> Window {
        Window { from: at(number * DAY), to: at((number + 1) * DAY) }
    }

    fn going(id: u64, created: i64) -> Run {
        let status = Some("in_progress".to_owned());
        Run { status, conclusion: None, ..run(id, created, 0, "") }
    }

    /// The ids of the runs that each day counts, if it sees the runs like this.
    fn counted(days: &[Vec<Run>]) -> Vec<Vec<u64>> {
        let mut carried = Carried::default();
        let each = (0..).zip(days).map(|(number, runs)| {
            let share = carried.of("w", day(number));
            let mut next = Carried::default();
            next.leave("w", &share, Some(runs), &[]);
            carried = serde_json::from_value(serde_json::to_value(next).unwrap()).unwrap();
            let ended = runs.iter().filter(|run| run.is_completed() && share.counts(run));
            ended.map(|run| run.id).collect()
        });
        each.collect()
    }

    #[test]
    fn a_run_is_counted_once_on_the_day_that_knows_its_end() {
        let (early, late) = (run(1, 60, 60, "success"), run(2, DAY - 60, 120, "failure"));
        let days = [
            vec![early.clone(), going(2, DAY - 60)],
            vec![early.clone(), late.clone()],
            vec![early, late],
        ];
        assert_eq!(counted(&days), [vec![1], vec![2], vec![]]);
    }

    #[test]
    fn a_run_that_lasts_for_days_is_carried_on() {
        let ended = run(1, 60, 2 * DAY, "success");
        let days = [vec![going(1, 60)], vec![going(1, 60)], vec![ended.clone()], vec![ended]];
        assert_eq!(counted(&days), [vec![], vec![], vec![1], vec![]]);
        let mut carried = Carried::default();
        carried.leave("w", &Carried::default().of("w", day(0)), Some(&[going(1, 60)]), &[]);
        let share = carried.of("w", day(1));
        assert_eq!(share.absent(&[]), [1]);
        assert_eq!(share.absent(&[going(1, 60)]), [] as [u64; 0]);
        assert!(carried.of("another", day(1)).absent(&[]).is_empty());
        // GitHub did not answer for it: it is looked at again the next time.
        let mut next = Carried::default();
        next.leave("w", &share, Some(&[] as &[Run]), &[1]);
        assert_eq!(next, carried);
    }

    #[test]
    fn a_re_run_of_a_counted_run_is_a_deploy_of_the_day_that_knows_its_end() {
        let again = |status: &str, conclusion: &str| Run {
            run_attempt: Some(2),
            run_started_at: Some(at(2 * DAY - 60)),
            updated_at: Some(at(2 * DAY + 60)),
            status: Some(status.to_owned()),
            ..run(1, 60, 60, conclusion)
        };
        let mut carried = Carried::default();
        let share = carried.of("w", day(1));
        carried.leave("w", &share, Some(&[again("in_progress", "failure")]), &[]);
        let share = carried.of("w", day(2));
        let ended = again("completed", "success");
        assert!(!share.counts(&ended), "as a run it was counted on the first day");
        let first = run(1, 60, 60, "failure");
        let deploys = Deploys::of([&ended], &Earlier::from([((1, 1), first)]));
        let flags: Vec<_> = deploys.all.iter().map(|deploy| share.counts_deploy(deploy)).collect();
        assert_eq!(flags, [false, true]);
    }

    #[test]
    fn a_workflow_that_could_not_be_read_is_caught_up_on() {
        let mut carried = Carried::default();
        let share = carried.of("w", day(0));
        carried.leave("w", &share, None::<&[Run]>, &[]);
        assert_eq!(carried.of("w", day(1)).window, Window { from: at(0), to: at(2 * DAY) });
        assert_eq!(carried.of("another", day(1)).window, day(1));
    }

    #[test]
    fn of_too_many_the_oldest_are_remembered() {
        let mut carried = Carried::default();
        let share = carried.of("w", day(0));
        let runs = |ids: std::ops::Range<u64>| ids.map(|id| going(id, 60)).collect::<Vec<_>>();
        carried.leave("new", &share, Some(&runs(90..200)), &[]);
        carried.leave("old", &share, Some(&runs(0..90)), &[]);
        carried.limit();
        assert!(carried.open.iter().map(|open| open.run).eq(0..100));
    }
}
