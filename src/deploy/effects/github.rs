//! Dispatches, and asks GitHub about the run.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::{Instant, timeout, timeout_at};

use super::{Done, Services};
use crate::deploy::cause::read::{Question, read};
use crate::deploy::cause::{self, Cause};
use crate::deploy::dispatch::{self, Sent};
use crate::deploy::event::Event;
use crate::deploy::failure;
use crate::deploy::order::{Extra, Order};
use crate::deploy::past::{self, Past};
use crate::deploy::progress::Progress;
use crate::deploy::record::{Deploy, Details, Phase};
use crate::deploy::search::{self, Learned, NoLook};
use crate::github::explain::{Subject, explain, is_for_admins};
use crate::github::runs::Tag;
use crate::github::{GithubError, Run};

/// A run that GitHub does not know for this long is looked for in another way.
const DELETED_AFTER: TimeDelta = TimeDelta::seconds(60);

/// How long the true end of a long run is looked for before it is told.
const END_WITHIN: Duration = Duration::from_secs(3);

/// How long the jobs of a run in progress are read.
const JOBS_WITHIN: Duration = Duration::from_secs(5);

/// How long earlier deploys are read.
const PAST_WITHIN: Duration = Duration::from_secs(5);

/// How long that is tried after the end.
const PAST_TRIED_FOR: TimeDelta = TimeDelta::seconds(60);

/// How long details are read.
const DETAILED_WITHIN: Duration = Duration::from_secs(40);

impl Services<'_> {
    /// Sends the dispatch.
    pub(in crate::deploy) async fn dispatch(&self, order: &Order) -> Result<Event, GithubError> {
        Ok(match dispatch::send(self.github, self.store, order, self.clock.now()).await? {
            Sent::Named(target) => Event::Named(target),
            Sent::Unnamed { lost } => Event::Unnamed { lost },
        })
    }

    /// Looks for the run.
    pub(in crate::deploy) async fn search(&self, deploy: Deploy, learned: &Learned) -> Done {
        let Phase::Searching(search) = &deploy.phase else { return Done::nothing() };
        let now = self.clock.now();
        let order = &deploy.order;
        match search::look(self.github, self.store, order, search, learned, now).await {
            Ok(searched) => Done::with(Event::Searched(searched)),
            Err(NoLook::Store(error)) => {
                tracing::warn!(%error, "the store cannot tell whose run it is");
                Done::again(None)
            }
            Err(NoLook::Github(error)) => self.not_shown(&error),
        }
    }

    /// Looks at the run.
    pub(in crate::deploy) async fn look(
        &self,
        deploy: Deploy,
        tag: &tokio::sync::Mutex<Tag>,
    ) -> Done {
        let Some(target) = &deploy.target else { return Done::nothing() };
        let repository = &deploy.order.repository;
        let mut tag = tag.lock().await;
        match self.github.run(repository, target.run_id, &mut tag).await {
            Ok(Some(mut run)) => {
                if run.is_completed() {
                    // So that it is told at once, mostly nothing is asked here.
                    let end = self.github.find_end(repository, &mut run);
                    if timeout(END_WITHIN, end).await.is_err() {
                        tracing::debug!(run_id = run.id, "the end of a run was not found in time");
                    }
                }
                let rejected = self.rejected(&deploy, &run).await;
                let mut done = self.saw(&deploy, run).await;
                done.events.extend(rejected);
                done
            }
            Ok(None) => {
                let known = target.run.as_deref();
                if let Some(mut run) = known.filter(|run| !run.is_completed()).cloned() {
                    self.github.learn_gates(repository, &mut run).await;
                    if known != Some(&run) || self.reads_jobs(&deploy, &run) {
                        return self.saw(&deploy, run).await;
                    }
                }
                Done::with(Event::StillThere)
            }
            Err(GithubError::NotFound) if self.is_deleted(&deploy).await => {
                Done::with(Event::Deleted)
            }
            Err(error) => self.not_shown(&error),
        }
    }

    /// Whether a reviewer has ended a run that waited for an approval: then the outcome says that, and not that it
    /// failed.
    async fn rejected(&self, deploy: &Deploy, run: &Run) -> Option<Event> {
        let known = deploy.target.as_ref()?.run.as_deref()?;
        let has_waited = known.gates.known.iter().any(|gate| gate.approval);
        if !has_waited || run.conclusion.as_deref() != Some("failure") {
            return None;
        }
        let (repository, until) = (&deploy.order.repository, Instant::now() + END_WITHIN);
        let rejected = cause::read::rejected(self.github, repository, run, until).await.ok()??;
        let cause = Some(Cause { rejected: Some(rejected), ..Cause::default() });
        Some(Event::Detailed(Details { cause, ..Details::default() }))
    }

    /// The run as it is, with its jobs when they are due. Those are a detail, so an error is no failure.
    async fn saw(&self, deploy: &Deploy, run: Run) -> Done {
        if !self.reads_jobs(deploy, &run) {
            return Done::with(Event::Saw(Box::new(run)));
        }
        let (known, attempt, now) = (deploy.progress.as_ref(), run.attempt(), self.clock.now());
        let read = timeout(JOBS_WITHIN, self.github.jobs(&deploy.order.repository, &run)).await;
        let progress = match &read {
            Ok(Ok(jobs)) => Progress::of(attempt, &jobs.jobs, now).after(known),
            failed => {
                tracing::debug!(?failed, run_id = run.id, "the jobs of a run cannot be shown");
                Progress::unread(known, attempt, now)
            }
        };
        let mut done = match read {
            Ok(Err(error @ GithubError::RateLimited(_))) => self.not_shown(&error),
            _ => Done::nothing(),
        };
        done.events.splice(0..0, [Event::Saw(Box::new(run)), Event::SawJobs(progress)]);
        done
    }

    /// Whether the jobs of a run are to be read.
    fn reads_jobs(&self, deploy: &Deploy, run: &Run) -> bool {
        let (known, goes_on) =
            (deploy.progress.as_ref(), run.status.as_deref() == Some("in_progress"));
        let is_old = |at| known.is_none_or(|known| known.at < at);
        let is_asked_for = goes_on && deploy.refreshed_at.is_some_and(is_old);
        deploy.place.is_some() && (is_asked_for || Progress::is_due(known, run, self.clock.now()))
    }

    /// Reads what earlier deploys tell. It is a detail, so an error is no failure: it is tried again, but the end of the
    /// deploy is not held up for long.
    pub(in crate::deploy) async fn read_past(&self, deploy: Deploy) -> Done {
        let run = deploy.target.as_ref().and_then(|target| target.run.as_deref());
        let read = async {
            match run.filter(|_| deploy.watched.is_some()) {
                Some(run) => past::read_watched(self.store, self.github, &deploy.order, run).await,
                None => past::read(self.store, self.github, &deploy.order).await,
            }
        };
        match timeout(PAST_WITHIN, read).await {
            Ok(Ok(past)) => return Done::with(Event::Past(past)),
            Ok(Err(error)) => tracing::warn!(%error, "earlier deploys could not be read"),
            Err(_) => tracing::warn!("earlier deploys could not be read in time"),
        }
        let now = self.clock.now();
        if deploy.ending().is_some_and(|ending| now - ending.at >= PAST_TRIED_FOR) {
            return Done::with(Event::Past(Past::default()));
        }
        Done::again(None)
    }

    /// Whether a run that GitHub does not know was deleted: GitHub goes on to show the workflow's others.
    async fn is_deleted(&self, deploy: &Deploy) -> bool {
        let missing_since = deploy.trouble.as_ref().and_then(|trouble| trouble.missing_since);
        let is_missing = missing_since.is_some_and(|at| self.clock.now() - at >= DELETED_AFTER);
        let Order { repository, workflow, .. } = &deploy.order;
        is_missing && self.github.newest_page(repository, workflow).await.is_ok()
    }

    fn not_shown(&self, error: &GithubError) -> Done {
        match error {
            GithubError::RateLimited(wait) => {
                let until = TimeDelta::from_std(*wait).ok();
                let until = until.and_then(|wait| self.clock.now().checked_add_signed(wait));
                let until = until.unwrap_or(DateTime::<Utc>::MAX_UTC);
                let latest = self.clock.now() + TimeDelta::hours(1);
                let event = Event::Postponed { until: until.min(latest) };
                Done { again: Some(Some(*wait)), ..Done::with(event) }
            }
            error if error.is_passing() => {
                tracing::debug!(%error, "GitHub could not be asked");
                Done { again: Some(None), ..Done::with(Event::Unanswered) }
            }
            error => {
                tracing::debug!(%error, "GitHub does not show it");
                let said = explain(error, Subject::Run, "Actions: read");
                let event = match error {
                    GithubError::NotFound => Event::Missing { said },
                    _ => Event::NotShown { said, for_admins: is_for_admins(error) },
                };
                Done { again: Some(None), ..Done::with(event) }
            }
        }
    }

    /// Reads the details of an end.
    pub(in crate::deploy) async fn read_details(&self, deploy: Deploy) -> Done {
        let mut details = Details::default();
        if let Some(run) = deploy.target.as_ref().and_then(|target| target.run.as_deref()) {
            let order = &deploy.order;
            let until = Instant::now() + DETAILED_WITHIN;
            let why = async {
                let pause = self.wait.poll_interval;
                let (github, repository) = (self.github, &order.repository);
                let failed = failure::find(github, repository, run, pause);
                let failed = timeout_at(until, failed).await.ok().flatten();
                let last_success = deploy.past.as_ref().and_then(|past| past.last_success.as_ref());
                let failed_job = failed.as_ref();
                let question = Question {
                    github,
                    repository,
                    run,
                    commit: deploy.commit(),
                    failed: failed_job,
                    last_success,
                    pause,
                };
                let cause = timeout_at(until, read(&question)).await.ok().flatten();
                (failed.map(|failed| failed.at), cause)
            };
            let extra = async {
                match order.extra {
                    Extra::Nothing => None,
                    Extra::Diagnosis => {
                        let extra = (self.extra)(self.github, order, run);
                        timeout_at(until, extra).await.ok().flatten()
                    }
                }
            };
            let ((failed_at, cause), extra) = tokio::join!(why, extra);
            let checks = extra.as_ref().and_then(|found| found.checks);
            details = Details { failed_at, cause, extra: extra.map(|found| found.lines), checks };
        }
        Done::with(Event::Detailed(details))
    }
}
