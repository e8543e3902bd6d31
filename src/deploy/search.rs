//! Looks for the run of a dispatch if GitHub did not return it.

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use tokio::sync::Mutex;

use super::correlation::{ByTime, Matched, by_time, carries, carries_ids};
use super::event::Searched;
use super::order::Order;
use super::outcome::NotFound;
use super::record::Search;
use super::stored::{self, Window, window_key};
use super::target::Target;
use crate::github::account::Dispatcher;
use crate::github::{Github, GithubError, Run};
use crate::store::{Store, StoreError};

/// GitHub truncates its `Date` header and its runs' times to seconds, and a run may be created some seconds
/// before the answer to its dispatch is dated.
const SLACK: TimeDelta = TimeDelta::seconds(1);

/// A run without a correlation id must be the only match this long after the dispatch: lists of runs lag, so
/// another one that fits may show up first.
pub(super) const SETTLES_WITHIN: TimeDelta = TimeDelta::seconds(30);

/// Why a look failed.
#[derive(Debug)]
pub(super) enum NoLook {
    Github(GithubError),
    Store(StoreError),
}

impl From<GithubError> for NoLook {
    fn from(error: GithubError) -> Self {
        Self::Github(error)
    }
}

impl From<StoreError> for NoLook {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// What is read once for a match by time.
#[derive(Debug, Default)]
pub(super) struct Learned(Mutex<Facts>);

#[derive(Debug, Default)]
struct Facts {
    dispatcher: Option<Dispatcher>,
    ids_are_used: Option<bool>,
}

/// One look at GitHub's lists.
pub(super) async fn look(
    github: &Github,
    store: &dyn Store,
    order: &Order,
    search: &Search,
    learned: &Learned,
    now: DateTime<Utc>,
) -> Result<Searched, NoLook> {
    if let Some(run_id) = order.reruns() {
        return run_again(github, store, order, run_id, search).await;
    }
    let Order { repository, workflow, .. } = order;
    // GitHub's clock is unknown if no request was answered yet. Then read only the newest page.
    let since = github.to_github_time(search.sent_at).map(|at| at.trunc_subsecs(0) - SLACK);
    // GitHub's filters can lag behind for minutes, so the newest runs are looked at without one. Mostly that
    // is the only request.
    let newest = github.newest_page(repository, workflow).await;
    if let Some(run) = ours(newest.iter().flatten(), order) {
        return found(github, store, order, run, Matched::CorrelationId).await;
    }
    let filtered = github.dispatched_runs(repository, workflow, since).await;
    if let Some(run) = ours(filtered.iter().flatten(), order) {
        return found(github, store, order, run, Matched::CorrelationId).await;
    }
    let runs = match (newest, filtered) {
        (Ok(newest), Ok(filtered)) => both(newest, filtered, since),
        // One list is enough to say that the run is not there yet, but not that another run is the only match.
        (Ok(_), Err(error)) | (Err(error), Ok(_)) if error.is_passing() => {
            return Ok(Searched::Nothing);
        }
        (Err(error), _) | (_, Err(error)) => return Err(error.into()),
    };
    match since {
        // If the answer was lost, GitHub may not have accepted the dispatch. A match by time alone could then
        // be another run.
        Some(since) if !search.lost => {
            let by_time = ByTimeSearch { github, store, order, search, now };
            by_time.look(&runs, since, learned).await
        }
        _ => Ok(Searched::Nothing),
    }
}

/// Whether the run that is to be run again has begun another attempt since that was asked for.
async fn run_again(
    github: &Github,
    store: &dyn Store,
    order: &Order,
    run_id: u64,
    search: &Search,
) -> Result<Searched, NoLook> {
    let run = github.run_now(&order.repository, run_id).await?;
    let since = github.to_github_time(search.sent_at).map(|at| at.trunc_subsecs(0) - SLACK);
    let is_new =
        run.attempt() > 1 && run.run_started_at.zip(since).is_some_and(|(at, since)| at >= since);
    if !is_new {
        return Ok(Searched::Nothing);
    }
    // Another roll back may have taken the run over since.
    found(github, store, order, &run, Matched::Rerun).await
}

fn ours<'a>(mut runs: impl Iterator<Item = &'a Run>, order: &Order) -> Option<&'a Run> {
    runs.find(|run| carries(run, order.correlation_id))
}

/// A run is never taken from another deploy.
async fn found(
    github: &Github,
    store: &dyn Store,
    order: &Order,
    run: &Run,
    matched: Matched,
) -> Result<Searched, NoLook> {
    let owner = stored::owner(store, &order.repository, run.id).await?;
    if owner.is_some_and(|owner| owner != order.key) {
        return Ok(Searched::Nothing);
    }
    Ok(Searched::Found(Target::of(github, order, run.clone(), matched)))
}

/// The dispatched runs of both lists that were created since then, each once.
fn both(newest: Vec<Run>, filtered: Vec<Run>, since: Option<DateTime<Utc>>) -> Vec<Run> {
    let fits = |run: &Run| {
        run.event.as_deref() == Some("workflow_dispatch")
            && since.is_none_or(|since| run.created_at.is_some_and(|created| created >= since))
    };
    let mut runs = filtered;
    for run in newest.into_iter().filter(fits) {
        if !runs.iter().any(|known| known.id == run.id) {
            runs.push(run);
        }
    }
    runs
}

/// A search for a run without a correlation id.
struct ByTimeSearch<'a> {
    github: &'a Github,
    store: &'a dyn Store,
    order: &'a Order,
    search: &'a Search,
    now: DateTime<Utc>,
}

impl ByTimeSearch<'_> {
    async fn look(
        &self,
        runs: &[Run],
        since: DateTime<Utc>,
        learned: &Learned,
    ) -> Result<Searched, NoLook> {
        let mut facts = learned.0.lock().await;
        if runs.is_empty() || carries_ids(runs) || facts.ids_are_used == Some(true) {
            return Ok(Searched::Nothing);
        }
        let Some(dispatcher) = self.learn(&mut facts).await? else { return Ok(Searched::Nothing) };
        let matched = match dispatcher {
            Dispatcher::Login(_) => Matched::Time,
            Dispatcher::SomeBot | Dispatcher::Unknown => Matched::TimeOnly,
        };
        let run = match by_time(runs, &self.order.git_ref, since, dispatcher) {
            ByTime::None => return Ok(Searched::Nothing),
            ByTime::Ambiguous(runs) => {
                return Ok(Searched::NotFound(NotFound::Ambiguous { runs }));
            }
            ByTime::One(run) => run,
        };
        let is_settled = self.now - self.search.sent_at >= SETTLES_WITHIN;
        if !is_settled || self.search.candidate != Some(run.id) {
            return Ok(Searched::Candidate(run.id));
        }
        if self.began_with_another().await? {
            return Ok(Searched::NotFound(NotFound::AnotherDeploy));
        }
        found(self.github, self.store, self.order, run, matched).await
    }

    async fn began_with_another(&self) -> Result<bool, NoLook> {
        let Order { repository, workflow, git_ref, .. } = self.order;
        let item = self.store.get(&window_key(repository, workflow, git_ref)).await?;
        Ok(Window::of(item.as_ref()).has_another(self.order, self.search.sent_at))
    }

    /// Reads once what a match by time needs: our account, and whether this workflow puts correlation ids
    /// into run names. `None`: it does.
    async fn learn<'f>(&self, facts: &'f mut Facts) -> Result<Option<&'f Dispatcher>, NoLook> {
        if facts.ids_are_used.is_none() {
            let Order { repository, workflow, .. } = self.order;
            let newest = self.github.dispatched_runs(repository, workflow, None).await?;
            facts.ids_are_used = Some(carries_ids(&newest));
        }
        if facts.ids_are_used == Some(true) {
            return Ok(None);
        }
        if facts.dispatcher.is_none() {
            facts.dispatcher = Some(self.github.dispatcher().await?);
        }
        Ok(facts.dispatcher.as_ref())
    }
}
