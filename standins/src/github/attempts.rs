//! Attempts: a run that is started again, and one that is cancelled.
//!
//! <https://docs.github.com/rest/actions/workflow-runs>

use super::{
    app::BOT,
    auth::Caller,
    course::Course,
    run::{Phase, Run, Timetable},
    state::State,
    view::View,
    wire::{Found, Refusal, not_found},
};
use crate::server::Answer;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

/// How long after its creation a run can be started again.
const RERUN_WITHIN: TimeDelta = TimeDelta::days(30);
/// How often a run can be started again.
const MOST_RERUNS: u64 = 50;

impl View<'_> {
    /// One attempt of a run that can be seen, and where it stands.
    pub(super) fn attempt(
        &self,
        repo: &str,
        id: &str,
        number: &str,
    ) -> Result<(Run, Phase), Refusal> {
        let (run, _) = self.run(repo, id)?;
        let number = number.parse().map_err(|_| not_found())?;
        let attempt = run.as_attempt(number).cloned().ok_or_else(not_found)?;
        let phase = attempt.phase(self.now).ok_or_else(not_found)?;
        Ok((attempt, phase))
    }

    /// Starts a run again, or only what failed of it.
    pub(super) fn rerun(&mut self, repo: &str, id: &str, failed_only: bool) -> Found {
        self.options()?;
        let (run, phase) = self.run(repo, id)?;
        let forbidden = |why: &str| Err((403, why.to_owned()));
        if phase.status != "completed" {
            return forbidden("This workflow is already running");
        }
        if self.now > run.created + RERUN_WITHIN {
            let why = "Unable to retry this workflow run because it was created over a month ago";
            return forbidden(why);
        }
        if run.attempt > MOST_RERUNS {
            return forbidden(
                "Unable to retry this workflow run because it has been run too often",
            );
        }
        let mut kept = 0;
        if failed_only {
            let workflow = self.state.scenario.workflow(&run.workflow);
            match Course::of(workflow, &run).first_failed(&phase) {
                Some(failed) => kept = failed,
                None => {
                    return forbidden(
                        "Unable to retry this workflow run because it was not attempted with failed jobs.",
                    );
                }
            }
        }
        let by = self.login();
        self.state.start_again(run.id, &by, None, kept, self.now);
        Ok(Answer::json(201, &json!({})))
    }

    /// Asks for the end of a run.
    pub(super) fn cancel(&mut self, repo: &str, id: &str, forced: bool) -> Found {
        let (run, phase) = self.run(repo, id)?;
        if phase.status == "completed" {
            let why = "Cannot cancel a workflow run that is completed.";
            return Err((409, why.to_owned()));
        }
        self.state.end_early(run.id, forced, self.now);
        Ok(Answer::json(202, &json!({})))
    }

    fn login(&self) -> String {
        match self.caller {
            Caller::Installation(_) | Caller::App => BOT.to_owned(),
            Caller::Account => self.state.scenario.account.clone(),
        }
    }

    /// Checks the body of a re-run, which may be missing.
    fn options(&self) -> Result<(), Refusal> {
        if self.request.body.is_empty() {
            return Ok(());
        }
        let body = self.object()?;
        let known = body.as_object().is_some_and(|body| {
            body.iter().all(|(key, value)| key == "enable_debug_logging" && value.is_boolean())
        });
        if known { Ok(()) } else { Err((422, format!("Invalid request.\n\n{body}"))) }
    }
}

impl State {
    pub fn run_mut(&mut self, id: u64) -> Option<&mut Run> {
        self.runs.iter_mut().find(|run| run.id == id)
    }

    /// Forgets the attempts that a timetable planned and that did not begin.
    fn forget_plans(&mut self, id: u64, now: DateTime<Utc>) {
        if let Some(run) = self.run_mut(id) {
            *run = run.current(now).clone();
            let attempt = run.attempt;
            self.outbox.forget_after(id, attempt);
        }
    }

    /// Begins the next attempt of a run; its timetable is the scenario's next one, or that of the
    /// attempt before.
    pub fn start_again(
        &mut self,
        id: u64,
        by: &str,
        timetable: Option<Timetable>,
        kept: usize,
        now: DateTime<Utc>,
    ) {
        let planned = &mut self.scenario.reruns;
        let timetable =
            timetable.or_else(|| if planned.is_empty() { None } else { Some(planned.remove(0)) });
        self.forget_plans(id, now);
        let Some(run) = self.run_mut(id) else { return };
        let before = Box::new(run.clone());
        let alone = before.alone.as_deref().unwrap_or(&before.timetable);
        let timetable = timetable.unwrap_or_else(|| alone.clone());
        run.earlier = Some(before);
        run.attempt += 1;
        run.started = now;
        run.triggered_by = by.to_owned();
        run.cancelled = None;
        run.kept = kept;
        run.timetable = timetable;
        run.alone = None;
        run.reviews.clear();
        let run = run.clone();
        self.outbox.expect(&self.scenario, &run, now);
        self.line_up(now);
    }

    pub fn end_early(&mut self, id: u64, forced: bool, now: DateTime<Utc>) {
        let takes = self.scenario.cancel_takes;
        self.forget_plans(id, now);
        let takes = if forced { Some(takes.unwrap_or_default()) } else { takes };
        let Some((takes, run)) = takes.zip(self.run_mut(id)) else { return };
        let ends = now + takes;
        run.cancelled = Some(run.cancelled.map_or(ends, |sooner| sooner.min(ends)));
        let run = run.clone();
        self.outbox.expect(&self.scenario, &run, now);
        self.line_up(now);
    }
}

impl View<'_> {
    /// The job of an id, with the run it is of.
    pub(super) fn find_job(&self, repo: &str, id: &str) -> Result<(Run, Value), Refusal> {
        let of_repo = self.state.runs.iter().filter(|run| run.is_of(repo));
        let attempts = of_repo.flat_map(|run| run.current(self.now).attempts());
        let id: u64 = id.parse().map_err(|_| not_found())?;
        let site = self.site(repo);
        let seen = self.now - self.state.scenario.jobs_lag;
        for run in attempts {
            let jobs = run.phase(seen).map(|phase| site.jobs(run, &phase, seen));
            let mut jobs = jobs.unwrap_or_default().into_iter();
            if let Some(job) = jobs.find(|job| job["id"] == id) {
                return Ok((run.clone(), job));
            }
        }
        Err(not_found())
    }

    /// One job by its id.
    pub(super) fn one_job(&self, repo: &str, id: &str) -> Found {
        let (_, job) = self.find_job(repo, id)?;
        Ok(self.json(&job))
    }
}
