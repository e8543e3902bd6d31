//! A store that does to its callers what a table does on a bad day, around one that works.
//!
//! A commit meets the next of the fates that were lined up, in the order of the calls that lined them up, and
//! is done if there is none. The other knobs hold until they are turned back.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use chrono::{DateTime, Utc};
use deckhand::store::{Commit, Committed, Item, Key, Store, StoreError};
use futures_util::future::BoxFuture;
use tokio::time::Instant;

/// What a caller reads when it gets no answer.
pub(crate) const NO_ANSWER: &str = "the store does not answer, on purpose";

/// A store that works, and what it is made to say.
pub(crate) struct Lying {
    store: Arc<dyn Store>,
    lies: Mutex<Lies>,
}

#[derive(Default)]
struct Lies {
    fates: VecDeque<Fate>,
    held: Vec<Commit>,
    down: bool,
    down_until: Option<Instant>,
    panics: bool,
    unlisted: bool,
    slow: Duration,
    /// What the index by due time held when it stopped to follow.
    index: Option<Vec<(DateTime<Utc>, Key)>>,
    asked: Asked,
}

/// What becomes of a commit.
#[derive(Clone, Copy)]
enum Fate {
    IsDone,
    Conflicts,
    Fails,
    LosesAnswer,
    IsHeld,
    BreaksDown(Duration),
}

/// How often the store was asked for what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    pub gets: usize,
    pub commits: usize,
    pub lists: usize,
    pub dues: usize,
}

impl Lying {
    /// It tells the truth until a knob is turned.
    pub(crate) fn around(store: Arc<dyn Store>) -> Arc<Self> {
        Arc::new(Self { store, lies: Mutex::default() })
    }

    /// The next commits are done, and what was lined up after this comes later.
    pub(crate) fn does(&self, times: usize) {
        self.line_up(Fate::IsDone, times);
    }

    /// The next commits are not done: another transaction is said to be in the way.
    pub(crate) fn conflicts(&self, times: usize) {
        self.line_up(Fate::Conflicts, times);
    }

    /// The next commits are not done, and nothing is known of them.
    pub(crate) fn fails(&self, times: usize) {
        self.line_up(Fate::Fails, times);
    }

    /// The next commits are done, and nothing is known of them.
    pub(crate) fn loses_answers(&self, times: usize) {
        self.line_up(Fate::LosesAnswer, times);
    }

    /// The next commits are held up on their way, and nothing is known of them. See [`Self::lets_land`].
    pub(crate) fn holds_up(&self, times: usize) {
        self.line_up(Fate::IsHeld, times);
    }

    /// The next commit is not done, and for so long nothing else is.
    pub(crate) fn breaks_down(&self, time: Duration) {
        self.line_up(Fate::BreaksDown(time), 1);
    }

    /// What was held up arrives at last. What came of it, which nobody asks for any more.
    pub(crate) async fn lets_land(&self) -> Vec<Result<Committed, StoreError>> {
        let held = std::mem::take(&mut self.lies().held);
        let mut landed = Vec::new();
        for commit in &held {
            landed.push(self.store.commit(commit).await);
        }
        landed
    }

    /// Nothing is done, and nothing is answered but an error.
    pub(crate) fn is_down(&self, is: bool) {
        self.lies().down = is;
    }

    /// It lists nothing, and answers with an error.
    pub(crate) fn lists_nothing(&self, is: bool) {
        self.lies().unlisted = is;
    }

    /// Whoever asks for something panics.
    pub(crate) fn panics(&self, does: bool) {
        self.lies().panics = does;
    }

    /// All is done at once and answered so much later: a read tells how it was, a write that was given up is
    /// done all the same.
    pub(crate) fn is_slow(&self, by: Duration) {
        self.lies().slow = by;
    }

    /// From now on the index by due time names what it names now: items that have ended, and none that is new.
    /// Then it knows all again.
    pub(crate) async fn stale_due(&self, is: bool) {
        let mut index = Vec::new();
        if is {
            for key in self.store.due(DateTime::<Utc>::MAX_UTC, u16::MAX).await.unwrap() {
                let item = self.store.get(&key).await.unwrap().unwrap();
                index.push((item.due.unwrap(), key));
            }
        }
        self.lies().index = is.then_some(index);
    }

    /// How often it was asked for what, until now.
    pub(crate) fn asked(&self) -> Asked {
        self.lies().asked
    }

    fn line_up(&self, fate: Fate, times: usize) {
        self.lies().fates.extend(std::iter::repeat_n(fate, times));
    }

    fn lies(&self) -> MutexGuard<'_, Lies> {
        self.lies.lock().unwrap()
    }

    async fn answer<T>(
        &self,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let (down, panics, slow) = {
            let lies = self.lies();
            let is_broken = lies.down_until.is_some_and(|until| Instant::now() < until);
            (lies.down || is_broken, lies.panics, lies.slow)
        };
        assert!(!panics, "on purpose");
        let answer = if down { no_answer() } else { work.await };
        if !slow.is_zero() {
            tokio::time::sleep(slow).await;
        }
        answer
    }

    async fn decide(&self, commit: &Commit) -> Result<Committed, StoreError> {
        let fate = self.lies().fates.pop_front().unwrap_or(Fate::IsDone);
        match fate {
            Fate::IsDone => return self.store.commit(commit).await,
            Fate::Conflicts => return Ok(Committed::Conflict),
            Fate::Fails => {}
            Fate::LosesAnswer => drop(self.store.commit(commit).await),
            Fate::IsHeld => self.lies().held.push(commit.clone()),
            Fate::BreaksDown(time) => self.lies().down_until = Some(Instant::now() + time),
        }
        no_answer()
    }
}

fn no_answer<T>() -> Result<T, StoreError> {
    Err(StoreError::Unusable(NO_ANSWER.to_owned()))
}

impl Store for Lying {
    fn get<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Option<Item>, StoreError>> {
        self.lies().asked.gets += 1;
        Box::pin(self.answer(self.store.get(key)))
    }

    fn commit<'a>(&'a self, commit: &'a Commit) -> BoxFuture<'a, Result<Committed, StoreError>> {
        self.lies().asked.commits += 1;
        Box::pin(self.answer(self.decide(commit)))
    }

    fn list<'a>(
        &'a self,
        partition: &'a str,
        count: u16,
    ) -> BoxFuture<'a, Result<Vec<Item>, StoreError>> {
        self.lies().asked.lists += 1;
        let unlisted = self.lies().unlisted;
        Box::pin(self.answer(async move {
            if unlisted { no_answer() } else { self.store.list(partition, count).await }
        }))
    }

    fn due<'a>(
        &'a self,
        until: DateTime<Utc>,
        count: u16,
    ) -> BoxFuture<'a, Result<Vec<Key>, StoreError>> {
        self.lies().asked.dues += 1;
        let index = self.lies().index.clone();
        Box::pin(self.answer(async move {
            let Some(index) = index else { return self.store.due(until, count).await };
            let due = index.into_iter().filter(|(at, _)| *at <= until);
            Ok(due.map(|(_, key)| key).take(count.into()).collect())
        }))
    }
}
