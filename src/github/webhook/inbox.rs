//! Deliveries that wait for a look at their run. Of one run only one is looked at at a time in this process, and
//! those that come meanwhile become one: a burst of deliveries must not become a burst of looks.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::payload::RunHint;

/// A run: its repository in lower case, and its id.
type RunKey = (String, u64);

/// What waits, by run. A run that is here is being looked at.
#[derive(Debug, Default)]
pub struct Inbox(Mutex<HashMap<RunKey, Option<RunHint>>>);

/// The right to look at a run. When it is dropped, the run is free.
#[derive(Debug)]
pub(crate) struct Turn<'a> {
    inbox: &'a Inbox,
    run: Option<RunKey>,
}

impl Inbox {
    /// Puts a delivery in. `None`: its run is being looked at, and whoever does that takes this one next.
    pub(crate) fn put(&self, hint: RunHint) -> Option<Turn<'_>> {
        let run = (hint.repository.to_string().to_ascii_lowercase(), hint.run_id);
        match self.lock().entry(run.clone()) {
            Entry::Vacant(place) => {
                place.insert(Some(hint));
                Some(Turn { inbox: self, run: Some(run) })
            }
            Entry::Occupied(mut waiting) => {
                let waiting = waiting.get_mut();
                *waiting = Some(match waiting.take() {
                    Some(before) => before.or_later(hint),
                    None => hint,
                });
                None
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<RunKey, Option<RunHint>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn<'_> {
    /// What to look at next. `None`: nothing waits, and the run is free.
    pub(crate) fn next(&mut self) -> Option<RunHint> {
        let mut inbox = self.inbox.lock();
        let next = inbox.get_mut(self.run.as_ref()?).and_then(Option::take);
        if next.is_none()
            && let Some(run) = self.run.take()
        {
            inbox.remove(&run);
        }
        next
    }
}

/// Also when the work panics or is aborted. What waits is lost then, as deliveries may be.
impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if let Some(run) = self.run.take() {
            self.inbox.lock().remove(&run);
        }
    }
}

impl RunHint {
    /// The one of two that tells more: of the later attempt, of its end, or that came later. It keeps the jobs of
    /// both.
    fn or_later(mut self, mut later: Self) -> Self {
        let tells_more = later.rank() >= self.rank();
        let mut jobs = std::mem::take(&mut self.jobs);
        jobs.append(&mut later.jobs);
        let of_run = self.of_run || later.of_run;
        let more = if tells_more { later } else { self };
        Self { jobs, of_run, ..more }
    }

    /// The end of a job is not the end of its run.
    fn rank(&self) -> (u64, bool, bool) {
        let is_completed = self.action.as_deref() == Some("completed")
            || self.run.as_ref().is_some_and(crate::github::Run::is_completed);
        (self.attempt.unwrap_or(1), self.of_run && is_completed, self.of_run)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn hint(repository: &str, run_id: u64, attempt: u64, action: &str) -> RunHint {
        RunHint {
            repository: repository.parse().unwrap(),
            run_id,
            attempt: (attempt > 0).then_some(attempt),
            action: Some(action.to_owned()),
            of_run: true,
            run: None,
            jobs: Vec::new(),
        }
    }

    fn of_run(action: &str) -> RunHint {
        hint("o/r", 7, 1, action)
    }

    #[test]
    fn what_comes_during_a_look_is_looked_at_once_after_it() {
        let inbox = Inbox::default();
        let mut turn = inbox.put(of_run("requested")).unwrap();
        assert_eq!(turn.next(), Some(of_run("requested")));
        for action in ["in_progress", "completed", "requested"] {
            assert!(inbox.put(of_run(action)).is_none());
        }
        assert_eq!(turn.next(), Some(of_run("completed")));
        assert_eq!(turn.next(), None);
        assert_eq!(turn.next(), None);
        // The run is free, also while the turn is still held.
        let mut another = inbox.put(of_run("completed")).unwrap();
        drop(turn);
        assert!(inbox.put(of_run("completed")).is_none());
        assert!(another.next().is_some());
    }

    #[test]
    fn other_runs_do_not_wait() {
        let inbox = Inbox::default();
        let _turn = inbox.put(of_run("requested")).unwrap();
        assert!(inbox.put(hint("o/r", 8, 1, "requested")).is_some());
        assert!(inbox.put(hint("o/s", 7, 1, "requested")).is_some());
        assert!(inbox.put(hint("O/R", 7, 1, "requested")).is_none());
    }

    #[test]
    fn work_that_is_given_up_frees_its_run() {
        let inbox = Inbox::default();
        let mut turn = inbox.put(of_run("requested")).unwrap();
        turn.next();
        assert!(inbox.put(of_run("completed")).is_none());
        drop(turn);
        let mut turn = inbox.put(of_run("in_progress")).unwrap();
        assert_eq!(turn.next(), Some(of_run("in_progress")));
    }

    #[rstest]
    #[case::later((1, "requested"), (1, "in_progress"), (1, "in_progress"))]
    #[case::the_end_stays((1, "completed"), (1, "in_progress"), (1, "completed"))]
    #[case::the_next_attempt((1, "completed"), (2, "requested"), (2, "requested"))]
    #[case::an_earlier_attempt((2, "requested"), (1, "completed"), (2, "requested"))]
    #[case::unknown_is_the_first((0, "in_progress"), (1, "requested"), (1, "requested"))]
    fn the_one_that_tells_more_is_kept(
        #[case] before: (u64, &str),
        #[case] after: (u64, &str),
        #[case] kept: (u64, &str),
    ) {
        let hint = |(attempt, action)| hint("o/r", 7, attempt, action);
        assert_eq!(hint(before).or_later(hint(after)), hint(kept));
    }

    #[test]
    fn the_end_of_a_job_does_not_replace_the_run() {
        let job = |id: u64| {
            serde_json::from_value(serde_json::json!({"id": id, "name": "build"})).unwrap()
        };
        let of_job = |id| RunHint { of_run: false, jobs: vec![job(id)], ..of_run("completed") };
        let merged = of_run("in_progress").or_later(of_job(1)).or_later(of_job(2));
        assert_eq!(merged, RunHint { jobs: vec![job(1), job(2)], ..of_run("in_progress") });
        assert_eq!(of_job(1).or_later(of_run("requested")).action.as_deref(), Some("requested"));
    }
}
