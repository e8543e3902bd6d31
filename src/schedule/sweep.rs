//! The sweep: every minute on Lambda, all the time with `serve`. An empty one writes no line and does nothing else.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::TimeDelta;
use tokio::time::Instant;

use crate::bot::Context;
use crate::bot::tasks::Deadline;
use crate::deploy::sweep::{Swept, due, sweep, visit_due};
use crate::deploy::{DeployKey, LEASE, Mandate};

/// How long a sweep takes at most: the next one comes in a minute.
const LONGEST: Duration = Duration::from_secs(50);

/// The loop of `serve`: acts for what is due as soon as it is due. Each deploy is a task of its own, so that none
/// waits for another.
pub async fn for_ever(context: &Arc<Context>) {
    let visited = Arc::new(Visited::default());
    // If no other process can write to the store, those that died with the one before need not wait for the end of
    // its leases.
    let mut ahead = if context.alone_since.is_some() { LEASE } else { TimeDelta::zero() };
    loop {
        let now = context.clock.now();
        match due(context.store.as_ref(), now + ahead).await {
            Ok(keys) => {
                ahead = TimeDelta::zero();
                context.sweeps.note(context.store.as_ref(), now).await;
                for key in keys.into_iter().filter(|key| visited.begins(key)) {
                    let (context, visited) = (context.clone(), visited.clone());
                    let tasks = context.tasks.clone();
                    tasks.spawn(async move {
                        let stop = context.tasks.wind_up(None);
                        let visit = visit_due(context.deploys(), &key, Mandate::Wait, stop).await;
                        visited.ends(key, visit == Some(false));
                    });
                }
            }
            Err(error) => tracing::error!(%error, "it could not be read which deploys are due"),
        }
        tokio::time::sleep(context.wait.poll_interval.max(SHORTEST)).await;
    }
}

/// The shortest pause between two looks at what is due.
const SHORTEST: Duration = Duration::from_millis(250);

/// The most deploys that a server acts for at once because they are due.
const AT_ONCE: usize = 64;

/// After a failure a deploy is left alone for this long. Perhaps this version cannot read it.
const RESTS: Duration = Duration::from_secs(60);

/// The deploys that the loop acts for.
#[derive(Default)]
struct Visited(Mutex<Visits>);

#[derive(Default)]
struct Visits {
    at_work: HashSet<DeployKey>,
    failed: HashMap<DeployKey, Instant>,
}

impl Visited {
    /// `false`: it is visited already, it has just failed, or too many are visited.
    fn begins(&self, key: &DeployKey) -> bool {
        let mut visits = self.lock();
        visits.failed.retain(|_, at| at.elapsed() < RESTS);
        visits.at_work.len() < AT_ONCE
            && !visits.failed.contains_key(key)
            && visits.at_work.insert(key.clone())
    }

    fn ends(&self, key: DeployKey, has_failed: bool) {
        let mut visits = self.lock();
        visits.at_work.remove(&key);
        if has_failed {
            visits.failed.insert(key, Instant::now());
        }
    }

    fn lock(&self) -> MutexGuard<'_, Visits> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
/// Acts for the deploys that are due. The next sweep does what this one cannot.
pub async fn run(context: &Arc<Context>, deadline: Option<Deadline>) -> Swept {
    let longest = Instant::now() + LONGEST;
    let until = deadline.map_or(longest, |deadline| longest.min(deadline.wind_up));
    match sweep(context.deploys(), until).await {
        Ok(swept) => {
            context.sweeps.note(context.store.as_ref(), context.clock.now()).await;
            swept
        }
        Err(error) => {
            tracing::error!(%error, "the sweep could not read which deploys are due");
            Swept::default()
        }
    }
}
