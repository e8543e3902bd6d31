//! Runs and their timetables.

use super::review::Review;
use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use std::time::Duration;

/// How a run moves from its creation on.
#[derive(Clone, Debug, Serialize)]
pub struct Timetable {
    /// Before this, no list shows it and its id is answered 404.
    pub appears: Duration,
    /// Before this, no filtered list shows it, although its id and the whole list do.
    pub listed: Duration,
    /// How long it is queued.
    pub queued: Duration,
    /// How long it is in progress.
    pub running: Duration,
    /// Its conclusion; also words that GitHub does not know.
    pub conclusion: String,
    /// How long it is completed before its conclusion shows.
    pub concludes: Duration,
    /// The step at which a run that ends badly fails; if its workflow has none of that name, the
    /// one that takes longest.
    pub fails_at: String,
    /// Replaces queued, running, conclusion and concludes: when (counted from the creation) it gets
    /// which status and conclusion. The first entry holds from the creation. A run that was
    /// completed and goes on is started again: that is its next attempt.
    pub path: Vec<(Duration, String, Option<String>)>,
    /// Which attempt a new run begins with; those before it are not known.
    pub attempt: u64,
    /// How long after its end it was last updated. On GitHub `updated_at` moves also long after the end.
    pub touched: Duration,
}

impl Default for Timetable {
    /// Seen at once, 2 s queued, 5 s running, success.
    fn default() -> Self {
        Self {
            appears: Duration::ZERO,
            listed: Duration::ZERO,
            queued: Duration::from_secs(2),
            running: Duration::from_secs(5),
            conclusion: "success".into(),
            concludes: Duration::ZERO,
            fails_at: "Deploy".into(),
            path: Vec::new(),
            attempt: 1,
            touched: Duration::ZERO,
        }
    }
}

impl Timetable {
    /// The default timetable with this conclusion.
    pub fn ending(conclusion: &str) -> Self {
        Self { conclusion: conclusion.into(), ..Self::default() }
    }

    /// A timetable of explicit steps; see the field [`Timetable::path`].
    pub fn path(steps: &[(Duration, &str, Option<&str>)]) -> Self {
        let owned = |&(at, status, conclusion): &(Duration, &str, Option<&str>)| {
            (at, status.to_owned(), conclusion.map(str::to_owned))
        };
        Self { path: steps.iter().map(owned).collect(), ..Self::default() }
    }

    /// Queued for 2 s, then waiting for an approval for ever.
    pub fn waiting() -> Self {
        Self::path(&[(Duration::ZERO, "queued", None), (Duration::from_secs(2), "waiting", None)])
    }

    /// Queued for 2 s, then waiting until a wait timer of one minute ends, then 5 s in progress.
    pub fn timer() -> Self {
        Self::path(&[
            (Duration::ZERO, "queued", None),
            (Duration::from_secs(2), "waiting", None),
            (Duration::from_secs(60), "in_progress", None),
            (Duration::from_secs(65), "completed", Some("success")),
        ])
    }

    /// In the queue for ever: no runner takes its job.
    pub fn without_a_runner() -> Self {
        Self::path(&[(Duration::ZERO, "queued", None)])
    }

    /// Queued for 2 s, then completed with `action_required`.
    pub fn action_required() -> Self {
        Self::path(&[
            (Duration::ZERO, "queued", None),
            (Duration::from_secs(2), "completed", Some("action_required")),
        ])
    }

    /// Queued for 2 s, then in progress for ever.
    pub fn stuck() -> Self {
        Self::path(&[
            (Duration::ZERO, "queued", None),
            (Duration::from_secs(2), "in_progress", None),
        ])
    }

    /// Queued for 2 s, then failed without a job.
    pub fn startup_failure() -> Self {
        Self::path(&[
            (Duration::ZERO, "queued", None),
            (Duration::from_secs(2), "completed", Some("startup_failure")),
        ])
    }

    /// When it gets which status and conclusion.
    pub(super) fn steps(&self) -> Vec<Step> {
        if !self.path.is_empty() {
            return self.path.clone();
        }
        let end = self.queued + self.running;
        let mut steps = vec![
            (Duration::ZERO, "queued".into(), None),
            (self.queued, "in_progress".into(), None),
        ];
        if !self.concludes.is_zero() {
            steps.push((end, "completed".into(), None));
        }
        steps.push((end + self.concludes, "completed".into(), Some(self.conclusion.clone())));
        steps
    }

    /// When it first gets a status.
    pub(super) fn first(&self, status: &str) -> Option<Duration> {
        let mut steps = self.steps().into_iter();
        steps.find(|(_, known, _)| known == status).map(|(at, ..)| at)
    }
}

/// When a run gets which status and conclusion, counted from the start of its attempt.
pub(super) type Step = (Duration, String, Option<String>);

/// Where a run stands at some time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Phase {
    /// `queued`, `in_progress`, `completed`, …
    pub status: String,
    /// How it ended.
    pub conclusion: Option<String>,
    /// Since when, counted from the attempt's start.
    pub since: Duration,
}

/// A run.
#[derive(Clone, Debug, Serialize)]
pub struct Run {
    /// Its id.
    pub id: u64,
    /// Its number among the workflow's runs.
    pub run_number: u64,
    /// `owner/name`; none: a run of whatever repository is asked for.
    pub repo: Option<String>,
    /// The workflow's file.
    pub workflow: String,
    /// What `name` holds.
    pub name: String,
    /// What `display_title` holds.
    pub display_title: String,
    /// The branch or tag.
    pub branch: String,
    /// Its commit.
    pub sha: String,
    /// `workflow_dispatch`, `push`, …
    pub event: String,
    /// The login of who started it; one that ends in `[bot]` is an App's.
    pub actor: String,
    /// When it was created, by our clock.
    #[serde(serialize_with = "crate::clock::serialize")]
    pub created: DateTime<Utc>,
    /// When its commit was made, by our clock.
    #[serde(serialize_with = "crate::clock::serialize")]
    pub committed: DateTime<Utc>,
    /// The timetable of this attempt.
    pub timetable: Timetable,
    /// Whether it came from somewhere else than a dispatch received.
    pub foreign: bool,
    /// Which attempt this is; the first is 1.
    pub attempt: u64,
    /// When this attempt was started, by our clock; the first one was when the run was created.
    #[serde(serialize_with = "crate::clock::serialize")]
    pub started: DateTime<Utc>,
    /// The login of who started this attempt.
    pub triggered_by: String,
    /// When a cancel of this attempt takes effect, by our clock.
    #[serde(serialize_with = "crate::clock::serialize_option")]
    pub cancelled: Option<DateTime<Utc>>,
    /// How many jobs it keeps from the attempt before, because they succeeded there.
    pub kept: usize,
    /// Its concurrency group.
    pub group: Option<String>,
    /// The timetable that it would have alone in its group.
    #[serde(skip)]
    pub alone: Option<Box<Timetable>>,
    /// What reviewers said of its deployment.
    pub reviews: Vec<Review>,
    /// The attempt before this one.
    #[serde(skip)]
    pub earlier: Option<Box<Run>>,
}

impl Run {
    /// Where this attempt stands, or none while it cannot be seen.
    pub fn phase(&self, now: DateTime<Utc>) -> Option<Phase> {
        let age = (now - self.started).to_std().ok()?;
        if self.is_first() && age < self.timetable.appears {
            return None;
        }
        let steps = self.steps();
        let current = steps.iter().rev().find(|(at, _, _)| *at <= age);
        let (since, status, conclusion) = current.or(steps.first())?.clone();
        Some(Phase { status, conclusion, since })
    }

    /// Whether filtered lists know it already.
    pub(super) fn is_listed(&self, now: DateTime<Utc>) -> bool {
        (now - self.created).to_std().is_ok_and(|age| age >= self.timetable.listed)
    }

    /// When this attempt gets which status and conclusion, a cancel included.
    pub(super) fn steps(&self) -> Vec<Step> {
        let mut steps = self.timetable.steps();
        if let Some(cut) = self.cut() {
            steps.retain(|(at, ..)| *at <= cut);
            steps.push((cut, "completed".into(), Some("cancelled".into())));
        }
        steps
    }

    /// When a cancel ends this attempt, if it does not end by itself before.
    pub(super) fn cut(&self) -> Option<Duration> {
        let cut = (self.cancelled? - self.started).to_std().ok()?;
        let end = self.timetable.first("completed");
        end.is_none_or(|end| cut < end).then_some(cut)
    }

    /// Whether it is a run of this repository.
    pub(super) fn is_of(&self, repo: &str) -> bool {
        let of = self.repo.as_deref();
        of.is_none_or(|of| of.eq_ignore_ascii_case(repo))
    }

    fn is_first(&self) -> bool {
        self.earlier.is_none()
    }

    /// The run as its latest attempt that began.
    pub(super) fn current(&self, now: DateTime<Utc>) -> &Run {
        let began = self.attempts().find(|run| run.started <= now);
        began.or(self.attempts().last()).unwrap_or(self)
    }

    /// The run as each of its attempts, the latest first.
    pub(super) fn attempts(&self) -> impl Iterator<Item = &Run> {
        std::iter::successors(Some(self), |run| run.earlier.as_deref())
    }

    /// The run as one of its attempts.
    pub(super) fn as_attempt(&self, number: u64) -> Option<&Run> {
        self.attempts().find(|run| run.attempt == number)
    }
}

/// A run that somebody else started.
#[derive(Clone, Debug)]
pub struct NewRun {
    /// `owner/name`; none: whatever repository is asked for.
    pub repo: Option<String>,
    /// The workflow's file.
    pub workflow: String,
    /// What `name` holds; none: the workflow's name.
    pub name: Option<String>,
    /// What `display_title` holds.
    pub title: String,
    /// The branch or tag.
    pub branch: String,
    /// `workflow_dispatch`, `push`, …
    pub event: String,
    /// The login of who started it.
    pub actor: String,
    /// When it was created, counted from now; negative: before now.
    pub created: TimeDelta,
    /// How long before that its commit was made.
    pub committed: TimeDelta,
    /// Its commit; none: the branch's.
    pub sha: Option<String>,
    /// Its timetable.
    pub timetable: Timetable,
}

impl Default for NewRun {
    /// A dispatch of `client-deploy.yml` on `main` by somebody else, just now.
    fn default() -> Self {
        Self {
            repo: None,
            workflow: "client-deploy.yml".into(),
            name: None,
            title: "Client Deploy".into(),
            branch: "main".into(),
            event: "workflow_dispatch".into(),
            actor: "somebody-else".into(),
            created: TimeDelta::zero(),
            committed: TimeDelta::minutes(10),
            sha: None,
            timetable: Timetable::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(timetable: Timetable) -> Run {
        Run {
            id: 1,
            run_number: 1,
            repo: None,
            workflow: "w.yml".into(),
            name: "W".into(),
            display_title: "W".into(),
            branch: "main".into(),
            sha: "0".into(),
            event: "push".into(),
            actor: "a".into(),
            created: DateTime::UNIX_EPOCH,
            committed: DateTime::UNIX_EPOCH,
            timetable,
            foreign: false,
            attempt: 1,
            started: DateTime::UNIX_EPOCH,
            triggered_by: "a".into(),
            cancelled: None,
            kept: 0,
            group: None,
            alone: None,
            reviews: Vec::new(),
            earlier: None,
        }
    }

    fn at(run: &Run, seconds: f64) -> Option<(String, Option<String>)> {
        let now = run.created + Duration::from_secs_f64(seconds);
        run.phase(now).map(|phase| (phase.status, phase.conclusion))
    }

    #[test]
    fn a_run_moves_by_its_timetable() {
        let run = run(Timetable::ending("failure"));
        let status = |seconds| at(&run, seconds).unwrap().0;
        assert_eq!(status(0.0), "queued");
        assert_eq!(status(1.999), "queued");
        assert_eq!(status(2.0), "in_progress");
        assert_eq!(status(6.999), "in_progress");
        let end = ("completed".to_owned(), Some("failure".to_owned()));
        assert_eq!(at(&run, 7.0).unwrap(), end);
        assert_eq!(at(&run, 1e6).unwrap(), end);
    }

    #[test]
    fn a_late_run_cannot_be_seen_before_it_appears() {
        let run = run(Timetable { appears: Duration::from_secs(8), ..Timetable::default() });
        assert_eq!(at(&run, 7.9), None);
        assert_eq!(at(&run, 8.0).unwrap().0, "completed");
    }

    #[test]
    fn a_path_says_anything_also_words_github_does_not_know() {
        let waiting = run(Timetable::waiting());
        assert_eq!(at(&waiting, 1e9).unwrap().0, "waiting");
        let odd = run(Timetable::path(&[(Duration::ZERO, "pondering", Some("undecided"))]));
        let shown = ("pondering".to_owned(), Some("undecided".to_owned()));
        assert_eq!(at(&odd, 3.0).unwrap(), shown);
    }

    #[test]
    fn a_cancel_ends_a_run_unless_it_ended_before() {
        let mut run = run(Timetable::default());
        let cancel = |run: &mut Run, second: u64| {
            run.cancelled = Some(run.started + Duration::from_secs(second));
        };
        cancel(&mut run, 4);
        assert_eq!(at(&run, 3.9).unwrap().0, "in_progress");
        assert_eq!(at(&run, 4.0).unwrap().1.as_deref(), Some("cancelled"));
        assert_eq!(at(&run, 9.0).unwrap().1.as_deref(), Some("cancelled"));
        cancel(&mut run, 8);
        assert_eq!(at(&run, 9.0).unwrap().1.as_deref(), Some("success"));
    }

    #[test]
    fn a_conclusion_can_come_after_the_completion() {
        let concludes = Duration::from_secs(3);
        let run = run(Timetable { concludes, ..Timetable::default() });
        assert_eq!(at(&run, 7.0).unwrap(), ("completed".to_owned(), None));
        assert_eq!(at(&run, 10.0).unwrap().1.as_deref(), Some("success"));
    }
}
