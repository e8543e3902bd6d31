//! An in-memory store for one process: for `serve`, tests and a first try on Lambda.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::contract::{
    Begun, Deploy, DeployKey, DeployOutcome, DeployState, Post, Store, StoreError,
};
use futures_util::future::BoxFuture;

use crate::discord::InteractionId;

/// Limit for each kind of record. Signed requests expire after five minutes, so only replays within that time
/// matter. This many requests in five minutes are far above Discord's own limits.
const REMEMBERED: usize = 10_000;

/// A store in memory.
#[derive(Debug, Default)]
pub struct Memory(Mutex<Remembered>);

#[derive(Debug, Default)]
struct Remembered {
    interactions: Recent<InteractionId, ()>,
    deploys: Recent<(String, InteractionId), Deploy>,
    /// Whether it was posted.
    posts: Recent<String, bool>,
}

/// A map that evicts its oldest entries.
#[derive(Debug)]
struct Recent<K, V> {
    entries: BTreeMap<K, V>,
    order: VecDeque<K>,
}

impl<K: Ord, V> Default for Recent<K, V> {
    fn default() -> Self {
        Self { entries: BTreeMap::new(), order: VecDeque::new() }
    }
}

impl<K: Ord + Clone, V> Recent<K, V> {
    /// Inserts a value if the key is free; otherwise returns the existing one.
    fn insert(&mut self, key: K, value: V) -> Option<&V> {
        if self.entries.contains_key(&key) {
            return self.entries.get(&key);
        }
        self.entries.insert(key.clone(), value);
        self.order.push_back(key);
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.entries.remove(&oldest);
        }
        None
    }

    fn remove(&mut self, key: &K) {
        self.entries.remove(key);
        self.order.retain(|kept| kept != key);
    }
}

impl Memory {
    fn lock(&self) -> MutexGuard<'_, Remembered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn ready<T: Send + 'static>(value: T) -> BoxFuture<'static, Result<T, StoreError>> {
    Box::pin(std::future::ready(Ok(value)))
}

fn slot(key: &DeployKey) -> (String, InteractionId) {
    (key.agent.clone(), key.interaction_id)
}

impl Store for Memory {
    fn take_interaction(&self, id: InteractionId) -> BoxFuture<'_, Result<bool, StoreError>> {
        ready(self.lock().interactions.insert(id, ()).is_none())
    }

    fn begin_deploy<'a>(&'a self, deploy: &'a Deploy) -> BoxFuture<'a, Result<Begun, StoreError>> {
        let mut kept = self.lock();
        let before = kept.deploys.insert(slot(&deploy.key), deploy.clone()).cloned();
        ready(before.map_or(Begun::Now, Begun::Before))
    }

    fn note_run<'a>(
        &'a self,
        key: &'a DeployKey,
        page: &'a str,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        if let Some(deploy) = self.lock().deploys.entries.get_mut(&slot(key)) {
            deploy.run_page = Some(page.to_owned());
        }
        ready(())
    }

    fn end_deploy<'a>(
        &'a self,
        key: &'a DeployKey,
        outcome: &'a DeployOutcome,
    ) -> BoxFuture<'a, Result<bool, StoreError>> {
        let mut kept = self.lock();
        let deploy = kept.deploys.entries.get_mut(&slot(key));
        let won = match deploy {
            Some(Deploy { state: DeployState::Ended(_), .. }) => false,
            Some(deploy) => {
                deploy.state = DeployState::Ended(outcome.clone());
                deploy.run_page = outcome.run_page.clone().or(deploy.run_page.take());
                true
            }
            None => true,
        };
        ready(won)
    }

    fn history<'a>(
        &'a self,
        agent: &'a str,
        count: u16,
    ) -> BoxFuture<'a, Result<Vec<Deploy>, StoreError>> {
        let kept = self.lock();
        let all = (agent.to_owned(), InteractionId(u64::MIN))
            ..=(agent.to_owned(), InteractionId(u64::MAX));
        let deploys = kept.deploys.entries.range(all).rev().take(count.into());
        ready(deploys.map(|(_, deploy)| deploy.clone()).collect())
    }

    fn begin_post<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Post, StoreError>> {
        ready(match self.lock().posts.insert(key.to_owned(), false) {
            None => Post::First,
            Some(false) => Post::Unsure,
            Some(true) => Post::Done,
        })
    }

    fn end_post<'a>(&'a self, key: &'a str, posted: bool) -> BoxFuture<'a, Result<(), StoreError>> {
        let posts = &mut self.lock().posts;
        match posts.entries.get_mut(key) {
            Some(there) if posted => *there = true,
            Some(false) => posts.remove(&key.to_owned()),
            Some(true) | None => {}
        }
        ready(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_oldest_entries_are_evicted_above_the_limit() {
        let store = Memory::default();
        for id in 0..=REMEMBERED as u64 {
            assert_eq!(store.take_interaction(InteractionId(id)).await, Ok(true));
        }
        assert_eq!(store.take_interaction(InteractionId(REMEMBERED as u64)).await, Ok(false));
        assert_eq!(store.take_interaction(InteractionId(0)).await, Ok(true));
    }

    #[tokio::test]
    async fn a_failed_try_does_not_undo_a_finished_post() {
        let store = Memory::default();
        assert_eq!(store.begin_post("a").await, Ok(Post::First));
        assert_eq!(store.begin_post("a").await, Ok(Post::Unsure));
        store.end_post("a", true).await.unwrap();
        store.end_post("a", false).await.unwrap();
        assert_eq!(store.begin_post("a").await, Ok(Post::Done));
        store.begin_post("b").await.unwrap();
        store.end_post("b", false).await.unwrap();
        assert_eq!(store.begin_post("b").await, Ok(Post::First));
    }
}
