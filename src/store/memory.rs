//! An in-memory store for one process: for tests and the playground.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, SubsecRound, Utc};
use futures_util::future::BoxFuture;
use uuid::Uuid;

use super::contract::{Change, Commit, Committed, Expect, Item, Key, Store, StoreError, Write};

/// Above this number the items that expire first are deleted. Signed requests expire after five minutes, so
/// only replays within that time matter, and so many in five minutes are far above Discord's own limits.
const MOST: usize = 10_000;

/// A store in memory.
#[derive(Debug, Default)]
pub struct Memory(Mutex<Items>);

#[derive(Debug, Default)]
struct Items {
    items: BTreeMap<Key, Item>,
    expiries: BTreeSet<(DateTime<Utc>, Key)>,
    dues: BTreeSet<(DateTime<Utc>, Key)>,
}

impl Items {
    fn allows(&self, write: &Write) -> bool {
        match (write.expect, self.items.get(&write.key)) {
            (Expect::Absent, there) => there.is_none(),
            (Expect::Revision(expected), Some(there)) => there.revision == expected,
            (Expect::Revision(_), None) => false,
        }
    }

    /// Whether this commit was done before.
    fn holds(&self, commit: &Commit) -> bool {
        let there = commit.writes.iter().filter_map(|write| self.items.get(&write.key));
        there.into_iter().any(|item| item.revision == commit.claim)
    }

    fn write(&mut self, write: &Write, claim: Uuid) {
        self.remove(&write.key);
        if let Change::Put { body, expires_at, due } = &write.change {
            let (key, body, expires_at) = (write.key.clone(), body.clone(), *expires_at);
            let due = due.map(|due| due.trunc_subsecs(3));
            self.expiries.extend(expires_at.map(|at| (at, key.clone())));
            self.dues.extend(due.map(|at| (at, key.clone())));
            self.items.insert(key.clone(), Item { key, revision: claim, body, expires_at, due });
        }
    }

    fn remove(&mut self, key: &Key) {
        let Some(item) = self.items.remove(key) else { return };
        for (at, index) in [(item.expires_at, &mut self.expiries), (item.due, &mut self.dues)] {
            if let Some(at) = at {
                index.remove(&(at, key.clone()));
            }
        }
    }
}

impl Memory {
    fn lock(&self) -> MutexGuard<'_, Items> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn ready<T: Send + 'static>(value: T) -> BoxFuture<'static, Result<T, StoreError>> {
    Box::pin(std::future::ready(Ok(value)))
}

impl Store for Memory {
    fn get<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Option<Item>, StoreError>> {
        ready(self.lock().items.get(key).cloned())
    }

    fn commit<'a>(&'a self, commit: &'a Commit) -> BoxFuture<'a, Result<Committed, StoreError>> {
        let mut items = self.lock();
        if !commit.writes.iter().all(|write| items.allows(write)) {
            let done = items.holds(commit);
            return ready(if done { Committed::Done } else { Committed::Conflict });
        }
        for write in &commit.writes {
            items.write(write, commit.claim);
        }
        while items.items.len() > MOST
            && let Some((_, first)) = items.expiries.first().cloned()
        {
            items.remove(&first);
        }
        ready(Committed::Done)
    }

    fn list<'a>(
        &'a self,
        partition: &'a str,
        count: u16,
    ) -> BoxFuture<'a, Result<Vec<Item>, StoreError>> {
        let items = self.lock();
        let from = items.items.range(Key::new(partition, "")..).map(|(_, item)| item);
        let of_it: Vec<&Item> = from.take_while(|item| item.key.partition == partition).collect();
        ready(of_it.into_iter().rev().take(count.into()).cloned().collect())
    }

    fn due<'a>(
        &'a self,
        until: DateTime<Utc>,
        count: u16,
    ) -> BoxFuture<'a, Result<Vec<Key>, StoreError>> {
        let items = self.lock();
        let due = items.dues.iter().take_while(|(at, _)| *at <= until);
        ready(due.take(count.into()).map(|(_, key)| key.clone()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::contract::Body;
    use crate::store::put_first;

    #[tokio::test]
    async fn above_the_limit_the_items_that_expire_first_are_deleted() {
        let store = Memory::default();
        let at = |second: usize| DateTime::from_timestamp(second as i64, 0).unwrap();
        let key = |n: usize| Key::new("interaction", n.to_string());
        let kept = Key::new("open", "1");
        let change = Change::Put { body: Body::new(), expires_at: None, due: None };
        let write = Write { key: kept.clone(), expect: Expect::Absent, change };
        store.commit(&Commit::of(vec![write])).await.unwrap();
        for n in 0..MOST {
            assert_eq!(put_first(&store, key(n), Body::new(), at(n)).await, Ok(true));
        }
        assert_eq!(store.get(&key(0)).await, Ok(None));
        assert!(store.get(&key(1)).await.unwrap().is_some());
        assert!(store.get(&kept).await.unwrap().is_some());
    }
}
