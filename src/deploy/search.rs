//! Finds the run of a dispatch that GitHub did not name.

use chrono::{DateTime, TimeDelta, Utc};
use std::time::Duration;
use tokio::time::Instant;

use super::correlation::{ByTime, Matched, by_time, carries_ids};
use super::patience::Patience;
use super::{Order, Target};
use crate::github::account::Dispatcher;
use crate::github::{Github, GithubError, Run};

/// How long a run may take to show up when it is unknown whether GitHub took the dispatch.
const LOST_TIMEOUT: Duration = Duration::from_secs(30);

/// Looks for an earlier dispatch before one is sent: this often in vain before the user is told that
/// nothing was done.
const TRIES_BEFORE: u8 = 4;

/// Why it cannot be told which run is ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotFound {
    /// No run showed up in time.
    Nowhere {
        /// Whether it is unknown if GitHub took the dispatch.
        lost: bool,
    },
    /// The run names carry no correlation id, and this many runs could be ours.
    Ambiguous(usize),
    /// GitHub does not let us look.
    NotTold(GithubError),
}

/// Looks until the run shows up or the time is over. `at` is when the dispatch was sent.
pub async fn run(
    github: &Github,
    order: &Order,
    at: DateTime<Utc>,
    lost: bool,
    patience: &mut Patience,
) -> Result<Target, NotFound> {
    let give_up = match lost {
        true => patience.deadline().min(Instant::now() + LOST_TIMEOUT),
        false => patience.deadline(),
    };
    let mut lone = Lone::default();
    loop {
        match window(github, order, at).await {
            Ok(runs) => {
                if let Some(run) = runs.iter().find(|run| order.correlation_id.is_in(run)) {
                    return Ok(Target::of(github, order, run.clone(), Matched::CorrelationId));
                }
                // Of a dispatch that may not have been taken, a run that merely fits proves nothing.
                if !lost && let Some(run) = lone.look(github, order, &runs).await? {
                    return Ok(Target::of(github, order, run, Matched::Time));
                }
                patience.look_again().await;
            }
            Err(GithubError::RateLimited(wait)) => {
                if !patience.rest(wait).await {
                    return Err(NotFound::NotTold(GithubError::RateLimited(wait)));
                }
            }
            Err(error) if error.is_passing() => patience.after_a_fault().await,
            Err(error) => return Err(NotFound::NotTold(error)),
        }
        if Instant::now() >= give_up {
            return Err(NotFound::Nowhere { lost });
        }
    }
}

/// Looks for a run that an earlier delivery of the same interaction dispatched. An error means that
/// GitHub could not be asked, and that therefore nothing may be dispatched.
pub async fn earlier(
    github: &Github,
    order: &Order,
    patience: &mut Patience,
) -> Result<Option<Run>, GithubError> {
    let mut tries = 0;
    loop {
        tries += 1;
        match github.dispatched_runs(&order.repository, &order.workflow, None).await {
            Ok(runs) => return Ok(runs.into_iter().find(|run| order.correlation_id.is_in(run))),
            Err(GithubError::RateLimited(wait)) if patience.rest(wait).await => {}
            Err(error) if error.is_passing() && tries < TRIES_BEFORE && !patience.is_over() => {
                patience.after_a_fault().await;
            }
            Err(error) => return Err(error),
        }
    }
}

/// The runs that can be ours by their time. Before GitHub's clock is known (its answer to the dispatch
/// was lost), the newest page.
async fn window(
    github: &Github,
    order: &Order,
    at: DateTime<Utc>,
) -> Result<Vec<Run>, GithubError> {
    // A run's time is cut to whole seconds.
    let since = github.to_github_time(at).map(|at| at - TimeDelta::seconds(1));
    github.dispatched_runs(&order.repository, &order.workflow, since).await
}

/// The search for a run without a correlation id: it must be the only one that fits, twice in a row,
/// because a twin may show up a moment later.
#[derive(Default)]
struct Lone {
    dispatcher: Option<Dispatcher>,
    ids_are_used: Option<bool>,
    seen: Option<u64>,
}

impl Lone {
    async fn look(
        &mut self,
        github: &Github,
        order: &Order,
        runs: &[Run],
    ) -> Result<Option<Run>, NotFound> {
        if runs.is_empty() || carries_ids(runs) || self.ids_are_used == Some(true) {
            return Ok(None);
        }
        let Some(dispatcher) = self.learn(github, order).await else {
            return Ok(None);
        };
        match by_time(runs, &order.git_ref, dispatcher) {
            ByTime::Ambiguous(count) => Err(NotFound::Ambiguous(count)),
            ByTime::One(run) if self.seen == Some(run.id) => Ok(Some(run.clone())),
            ByTime::One(run) => {
                self.seen = Some(run.id);
                Ok(None)
            }
            ByTime::None => Ok(None),
        }
    }

    /// What must be known first, asked once: who we are, and that this workflow's run names really
    /// carry no correlation ids. `None`: not yet known, or they do.
    async fn learn(&mut self, github: &Github, order: &Order) -> Option<&Dispatcher> {
        if self.ids_are_used.is_none() {
            let newest =
                github.dispatched_runs(&order.repository, &order.workflow, None).await.ok()?;
            self.ids_are_used = Some(carries_ids(&newest));
        }
        if self.ids_are_used == Some(true) {
            return None;
        }
        if self.dispatcher.is_none() {
            self.dispatcher = Some(github.dispatcher().await.ok()?);
        }
        self.dispatcher.as_ref()
    }
}
