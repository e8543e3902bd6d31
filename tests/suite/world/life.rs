//! The life of one of the bot's processes. All that a process can do to the outside goes through its calls, so a
//! process whose calls never end is dead, and one whose calls are held up is frozen.

use std::future::pending;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use deckhand::net::transport::{CallError, Transport};
use deckhand::store::{Commit, Committed, Item, Key, Store, StoreError};
use futures_util::future::BoxFuture;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

/// What befalls a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Blow {
    /// It is killed.
    Dies,
    /// It stands still for so long, as on Lambda between two invocations; then it goes on.
    Freezes(Duration),
}

/// Counts the calls of a process to GitHub, Discord and the store.
#[derive(Clone, Default)]
pub(crate) struct Life(Arc<State>);

#[derive(Default)]
struct State {
    calls: AtomicUsize,
    blow: Mutex<Option<(usize, Blow)>>,
    struck: CancellationToken,
    dead: CancellationToken,
    frozen_until: Mutex<Option<Instant>>,
}

impl Life {
    /// Strikes the process when this call from now on was answered, and before it knows the answer.
    pub(crate) fn meets(&self, blow: Blow, call: usize) {
        let call = self.0.calls.load(Ordering::Relaxed) + call;
        *self.0.blow.lock().unwrap() = Some((call, blow));
    }

    /// Waits for the blow.
    pub(crate) async fn struck(&self) {
        self.0.struck.cancelled().await;
    }

    /// Whether the blow has come.
    pub(crate) fn is_struck(&self) -> bool {
        self.0.struck.is_cancelled()
    }

    /// Every task ends where it is.
    pub(crate) fn kill(&self) {
        self.0.dead.cancel();
    }

    /// Does work as long as the process lives.
    pub(crate) async fn lives<T>(&self, work: impl Future<Output = T>) -> T {
        tokio::select! {
            biased;
            () = self.0.dead.cancelled() => pending().await,
            done = async {
                let done = work.await;
                self.thaws().await;
                done
            } => done,
        }
    }

    async fn call<T>(&self, work: impl Future<Output = T>) -> T {
        let call = async {
            self.thaws().await;
            let call = self.0.calls.fetch_add(1, Ordering::Relaxed) + 1;
            let answer = work.await;
            self.strike(call);
            answer
        };
        self.lives(call).await
    }

    fn strike(&self, call: usize) {
        let blow = self.0.blow.lock().unwrap().take_if(|(at, _)| *at == call);
        match blow {
            Some((_, Blow::Dies)) => self.kill(),
            Some((_, Blow::Freezes(time))) => {
                *self.0.frozen_until.lock().unwrap() = Some(Instant::now() + time);
            }
            None => return,
        }
        self.0.struck.cancel();
    }

    async fn thaws(&self) {
        if self.0.dead.is_cancelled() {
            return pending().await;
        }
        let until = *self.0.frozen_until.lock().unwrap();
        if let Some(until) = until {
            sleep_until(until).await;
        }
    }
}

/// What a process calls.
pub(crate) struct Mortal<T> {
    pub inner: T,
    pub life: Life,
}

impl Transport for Mortal<Arc<dyn Transport>> {
    fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> BoxFuture<'_, Result<http::Response<Bytes>, CallError>> {
        // A task of its own, so that it ends even while its caller waits for something else: an open call keeps the
        // pacemaker from moving the clock.
        let inner = self.inner.clone();
        let call = async move {
            let sent = tokio::spawn(async move { inner.send(request).await });
            AbortOnDropHandle::new(sent).await.unwrap()
        };
        Box::pin(self.life.call(call))
    }
}

impl Store for Mortal<Arc<dyn Store>> {
    fn get<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Option<Item>, StoreError>> {
        Box::pin(self.life.call(self.inner.get(key)))
    }

    fn commit<'a>(&'a self, commit: &'a Commit) -> BoxFuture<'a, Result<Committed, StoreError>> {
        Box::pin(self.life.call(self.inner.commit(commit)))
    }

    fn list<'a>(
        &'a self,
        partition: &'a str,
        count: u16,
    ) -> BoxFuture<'a, Result<Vec<Item>, StoreError>> {
        Box::pin(self.life.call(self.inner.list(partition, count)))
    }

    fn due<'a>(
        &'a self,
        until: DateTime<Utc>,
        count: u16,
    ) -> BoxFuture<'a, Result<Vec<Key>, StoreError>> {
        Box::pin(self.life.call(self.inner.due(until, count)))
    }
}
