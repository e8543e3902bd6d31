//! The course of an attempt: when each of its jobs and steps runs, and how it ends.

use super::{
    run::{Phase, Run},
    workflow::{Part, Workflow},
};
use std::time::Duration;

/// When what never ends would end.
const NEVER: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// Where a job stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Stand {
    /// As the run does, which did not begin.
    Waits,
    /// It is in progress.
    Runs,
    /// It ran, or was cancelled before it could.
    Ended { conclusion: Option<String>, at: Duration },
    /// It never worked, and is completed as the run is.
    Refused,
    /// It succeeded in the attempt before.
    Kept,
    /// It never ran.
    Skipped { at: Duration },
}

/// When each job of an attempt runs. One job follows the other; they share the running time by
/// the shares of their steps, and what a failure skips takes none.
pub(super) struct Course<'a> {
    pub parts: Vec<Part<'a>>,
    /// The first job that runs; those before it are kept from the attempt before.
    pub first: usize,
    begin: Duration,
    end: Duration,
    /// How long its steps take together.
    running: Duration,
    /// The work before the step that never ends, in shares.
    hangs: Option<u32>,
    /// Whether its jobs ever work.
    works: bool,
    /// The job and the step that fail.
    failed: Option<(usize, Option<usize>)>,
    /// When a cancel ends it.
    cut: Option<Duration>,
    /// How the failing job, or the last one, ends.
    ending: Option<String>,
}

impl<'a> Course<'a> {
    pub fn of(workflow: Option<&'a Workflow>, run: &Run) -> Self {
        let timetable = &run.timetable;
        let end = timetable.first("completed");
        let begin = timetable.first("in_progress").unwrap_or(timetable.queued);
        let begin = end.map_or(begin, |end| begin.min(end));
        let ending = timetable.steps().pop().and_then(|(_, _, conclusion)| conclusion);
        let parts = workflow.map_or_else(|| vec![Part::nameless()], Workflow::parts);
        let fails = ending.as_deref().is_some_and(|ending| ending != "success");
        let bad = workflow.and_then(|workflow| workflow.failing(&timetable.fails_at));
        let failed =
            fails.then(|| bad.map_or((parts.len() - 1, None), |(job, step)| (job, Some(step))));
        let running = end.map_or(timetable.running, |end| end - begin);
        let works = run.steps().iter().any(|(_, status, _)| status == "in_progress");
        let (cut, first) = (run.cut(), run.kept);
        let hangs = bad.filter(|_| end.is_none());
        let end = end.unwrap_or(NEVER);
        let mut course =
            Self { parts, first, works, begin, end, running, hangs: None, failed, cut, ending };
        course.hangs =
            hangs.map(|(job, step)| course.shares_before(job) + course.shares(job, step));
        course
    }

    /// Whether a failure before it keeps a step from running.
    fn is_skipped(&self, job: usize, step: usize) -> bool {
        let last = step + 1 == self.parts[job].steps.len();
        match self.failed {
            Some((failing, at)) => {
                job > failing || job == failing && at.is_some_and(|at| at < step) && !last
            }
            None => false,
        }
    }

    /// The shares of a job's steps before this one, without those that are skipped.
    fn shares(&self, job: usize, to: usize) -> u32 {
        let part = &self.parts[job];
        let to = if job < self.first { 0 } else { to };
        (0..to).filter(|&step| !self.is_skipped(job, step)).map(|step| part.share(step)).sum()
    }

    fn at(&self, shares: u32) -> Duration {
        let of_job = |job: usize| self.shares(job, self.parts[job].steps.len());
        let all: u32 = (0..self.parts.len()).map(of_job).sum();
        if self.hangs.is_some_and(|hangs| hangs < shares) {
            return NEVER;
        }
        self.begin + self.running * shares / all.max(1)
    }

    fn shares_before(&self, job: usize) -> u32 {
        (0..job).map(|job| self.shares(job, self.parts[job].steps.len())).sum()
    }

    /// From when to when a job runs, counted from the attempt's start.
    pub fn window(&self, job: usize) -> (Duration, Duration) {
        let last = job + 1 == self.parts.len() || self.failed.is_some_and(|(at, _)| at <= job);
        let from = self.at(self.shares_before(job));
        (from, if last { self.end } else { self.at(self.shares_before(job + 1)) })
    }

    /// From when to when a step runs; what a cancel ends, ends with it.
    pub fn step_window(&self, job: usize, step: usize) -> (Duration, Duration) {
        let before = self.shares_before(job);
        let from = self.at(before + self.shares(job, step));
        let to = self.at(before + self.shares(job, step + 1));
        let until = self.cut.unwrap_or(self.end);
        (from.min(until), to.min(until))
    }

    /// Where a job stands, or none while it is not there.
    pub fn stand(&self, job: usize, phase: &Phase, age: Duration) -> Option<Stand> {
        if job < self.first {
            return Some(Stand::Kept);
        }
        let completed = phase.status == "completed";
        if !completed && phase.status != "in_progress" {
            return (job == self.first).then_some(Stand::Waits);
        }
        let (from, to) = self.window(job);
        let success = Some("success".to_owned());
        let skipped = self.failed.is_some_and(|(failing, _)| failing < job);
        if completed && !self.works && job == self.first {
            // It was cancelled, or refused, in the queue.
            return Some(Stand::Refused);
        }
        if let Some(cut) = self.cut.filter(|_| completed) {
            return Some(if to <= cut && !skipped {
                Stand::Ended { conclusion: success, at: to }
            } else if (from <= cut && !skipped) || job == self.first {
                Stand::Ended { conclusion: Some("cancelled".into()), at: cut }
            } else {
                Stand::Skipped { at: cut }
            });
        }
        if completed {
            let ends_it = match self.failed {
                Some((failing, _)) => failing == job,
                None => job + 1 == self.parts.len(),
            };
            return Some(if skipped {
                Stand::Skipped { at: self.end }
            } else {
                let conclusion = if ends_it { self.ending.clone() } else { success };
                Stand::Ended { conclusion, at: to }
            });
        }
        if skipped || (job > self.first && age < from) {
            None
        } else if age < to || to == self.end {
            Some(Stand::Runs)
        } else {
            Some(Stand::Ended { conclusion: success, at: to })
        }
    }

    /// A step's status and conclusion.
    pub fn step(
        &self,
        job: usize,
        step: usize,
        stand: &Stand,
        age: Duration,
    ) -> (&'static str, Option<&'static str>) {
        let (from, to) = self.step_window(job, step);
        let last = step + 1 == self.parts[job].steps.len();
        let Stand::Ended { conclusion, at } = stand else {
            return if last || age < from {
                ("queued", None)
            } else if age < to {
                ("in_progress", None)
            } else {
                ("completed", Some("success"))
            };
        };
        let conclusion = match (self.cut, self.failed) {
            (Some(cut), _) if *at == cut => {
                if last || to < cut {
                    "success"
                } else if from < cut {
                    "cancelled"
                } else {
                    "skipped"
                }
            }
            (None, Some((failing, Some(at)))) if failing == job && at == step => {
                match conclusion.as_deref() {
                    Some("cancelled" | "timed_out") => "cancelled",
                    _ => "failure",
                }
            }
            _ if self.is_skipped(job, step) => "skipped",
            _ => "success",
        };
        ("completed", Some(conclusion))
    }

    /// The first job that did not succeed, if one failed or was cancelled.
    pub fn first_failed(&self, phase: &Phase) -> Option<usize> {
        let stand = |job: usize| self.stand(job, phase, phase.since);
        (0..self.parts.len()).find(|&job| match stand(job) {
            Some(Stand::Ended { conclusion: Some(conclusion), .. }) => {
                !matches!(conclusion.as_str(), "success" | "skipped" | "neutral")
            }
            _ => false,
        })
    }

    /// When each job gets which status: offset, job, `queued`, `waiting`, `in_progress` or `completed`.
    pub fn moments(&self, run: &Run) -> Vec<(Duration, usize, &'static str)> {
        let mut all = Vec::new();
        for (at, status, _) in run.steps() {
            match status.as_str() {
                "queued" => all.push((at, self.first, "queued")),
                "waiting" => all.push((at, self.first, "waiting")),
                "in_progress" => all.push((at, self.first, "in_progress")),
                _ => {}
            }
        }
        let until = self.cut.unwrap_or(self.end);
        let completes = run.steps().iter().any(|(_, status, _)| status == "completed");
        for job in self.first..self.parts.len() {
            let (from, to) = self.window(job);
            let skipped = self.failed.is_some_and(|(failing, _)| failing < job);
            if job > self.first && !skipped && from < until {
                all.extend([(from, job, "queued"), (from, job, "in_progress")]);
            }
            let at = if skipped { until } else { to.min(until) };
            if completes || at < self.end {
                all.push((at, job, "completed"));
            }
        }
        all.sort_by_key(|(at, job, _)| (*at, *job));
        all
    }
}
