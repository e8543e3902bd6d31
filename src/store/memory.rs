//! The store of one process: enough for `serve`, tests and a first try on Lambda.

use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};

use super::Store;
use crate::BoxFuture;

/// Interactions remembered at most. A signed request is refused after five minutes, so only that
/// long must be covered; this many within five minutes is far beyond Discord's own limits.
const REMEMBERED: usize = 10_000;

/// Remembers in memory.
#[derive(Debug, Default)]
pub struct Memory {
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    ids: HashSet<u64>,
    order: VecDeque<u64>,
}

impl Store for Memory {
    fn take_interaction(&self, id: u64) -> BoxFuture<'_, bool> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let first = taken.ids.insert(id);
        if first {
            taken.order.push_back(id);
        }
        if taken.order.len() > REMEMBERED
            && let Some(oldest) = taken.order.pop_front()
        {
            taken.ids.remove(&oldest);
        }
        Box::pin(std::future::ready(first))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_interaction_is_taken_once() {
        let store = Memory::default();
        assert!(store.take_interaction(1).await);
        assert!(!store.take_interaction(1).await);
        assert!(store.take_interaction(2).await);
    }

    #[tokio::test]
    async fn the_oldest_is_forgotten_when_there_are_too_many() {
        let store = Memory::default();
        for id in 0..=REMEMBERED as u64 {
            assert!(store.take_interaction(id).await);
        }
        assert!(!store.take_interaction(REMEMBERED as u64).await);
        assert!(store.take_interaction(0).await);
    }
}
