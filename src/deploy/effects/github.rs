//! Dispatches, and asks GitHub about the run.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::timeout;

use super::{Done, Services};
use crate::deploy::dispatch::{self, Sent};
use crate::deploy::event::Event;
use crate::deploy::failure;
use crate::deploy::order::{Extra, Order};
use crate::deploy::record::{Deploy, Details, Phase};
use crate::deploy::search::{self, Learned, NoLook};
use crate::github::GithubError;
use crate::github::explain::{Subject, explain};
use crate::github::runs::Tag;

/// A run that GitHub does not know for this long is looked for in another way.
const DELETED_AFTER: TimeDelta = TimeDelta::seconds(60);

/// How long the true end of a long run is looked for before it is told.
const END_WITHIN: Duration = Duration::from_secs(3);

/// How long details are read.
const DETAILED_WITHIN: Duration = Duration::from_secs(40);

impl Services<'_> {
    /// Sends the dispatch.
    pub(in crate::deploy) async fn dispatch(&self, order: &Order) -> Result<Event, GithubError> {
        Ok(match dispatch::send(self.github, order).await? {
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
                Done::with(Event::Saw(Box::new(run)))
            }
            Ok(None) => {
                let known = target.run.as_deref();
                if let Some(mut run) = known.filter(|run| !run.is_completed()).cloned() {
                    self.github.learn_gates(repository, &mut run).await;
                    if known != Some(&run) {
                        return Done::with(Event::Saw(Box::new(run)));
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
                    _ => Event::NotShown { said },
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
            let pause = self.wait.poll_interval;
            let failed = failure::find(self.github, &order.repository, run, pause);
            let extra = async {
                match order.extra {
                    Extra::Nothing => None,
                    Extra::Diagnosis => (self.extra)(self.github, order, run).await,
                }
            };
            let read = async { tokio::join!(failed, extra) };
            if let Ok((failed_at, extra)) = timeout(DETAILED_WITHIN, read).await {
                details = Details { failed_at, extra };
            }
        }
        Done::with(Event::Detailed(details))
    }
}
