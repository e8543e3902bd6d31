//! The store's contract: items with a revision and a due time, conditional writes, lists. It knows no rule of the
//! bot.

use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;
use serde_json::{Map, Value};
use uuid::Uuid;

/// Keeps items. All that decides is a conditional write: if two race, exactly one succeeds.
pub trait Store: Send + Sync {
    /// The item with this key, as of the last commit (a consistent read).
    fn get<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Option<Item>, StoreError>>;

    /// Does all these writes, or none of them.
    ///
    /// An error does not tell whether they were done. Commit the same `Commit` again to know: the items
    /// carry its claim.
    fn commit<'a>(&'a self, commit: &'a Commit) -> BoxFuture<'a, Result<Committed, StoreError>>;

    /// Up to `count` items of a partition, those with the greatest sort keys first.
    fn list<'a>(
        &'a self,
        partition: &'a str,
        count: u16,
    ) -> BoxFuture<'a, Result<Vec<Item>, StoreError>>;

    /// Whether no other process can write to it.
    fn is_ours_alone(&self) -> bool {
        false
    }

    /// Up to `count` keys of items whose `due` is at or before `until`, the earliest first.
    ///
    /// They are only candidates: the index may lag behind the items. It may name an item that is no longer
    /// due, or is gone, and miss one that has just become due. Who acts on a key reads its item first.
    fn due<'a>(
        &'a self,
        until: DateTime<Utc>,
        count: u16,
    ) -> BoxFuture<'a, Result<Vec<Key>, StoreError>>;
}

/// Where an item is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// Items that are listed together have the same.
    pub partition: String,
    /// The item's place in its partition.
    pub sort: String,
}

impl Key {
    /// This place in this partition.
    pub fn new(partition: impl Into<String>, sort: impl Into<String>) -> Self {
        Self { partition: partition.into(), sort: sort.into() }
    }
}

/// What an item holds: a JSON object. Its owner knows the schema.
pub type Body = Map<String, Value>;

/// An item that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// Where it is.
    pub key: Key,
    /// The claim of the commit that wrote it, so each write changes it.
    pub revision: Uuid,
    /// What it holds.
    pub body: Body,
    /// When it may be deleted. `None`: never.
    pub expires_at: Option<DateTime<Utc>>,
    /// When somebody must look at it again. `None`: never. It is kept in milliseconds.
    pub due: Option<DateTime<Utc>>,
}

/// Writes that are done together, or not at all.
#[derive(Debug, Clone)]
pub struct Commit {
    /// Becomes the revision of what it writes, so that a repetition recognises its own work.
    pub claim: Uuid,
    /// At least one, each for another key. DynamoDB takes up to 100.
    pub writes: Vec<Write>,
}

impl Commit {
    /// A new commit of these writes.
    pub fn of(writes: Vec<Write>) -> Self {
        Self { claim: Uuid::new_v4(), writes }
    }
}

/// A write of one item, under a condition.
#[derive(Debug, Clone)]
pub struct Write {
    /// Which item.
    pub key: Key,
    /// The condition.
    pub expect: Expect,
    /// What to do.
    pub change: Change,
}

/// The condition of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// No item has this key.
    Absent,
    /// The item has this revision.
    Revision(Uuid),
}

impl Expect {
    /// What was read is still there.
    pub fn unchanged(read: Option<&Item>) -> Self {
        read.map_or(Self::Absent, |item| Self::Revision(item.revision))
    }
}

/// What a write does.
#[derive(Debug, Clone)]
pub enum Change {
    /// Puts an item, in place of the one that is there.
    Put {
        /// What it holds.
        body: Body,
        /// When it may be deleted. `None`: never.
        expires_at: Option<DateTime<Utc>>,
        /// When somebody must look at it again. `None`: never. It is kept in milliseconds.
        due: Option<DateTime<Utc>>,
    },
    /// Deletes the item.
    Delete,
}

/// What came of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Committed {
    /// All writes are done.
    Done,
    /// A condition does not hold, so none is done.
    Conflict,
}

/// Why the store cannot be used; then nothing that it decides can be done. Safe as Markdown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// There is no store where one is required.
    #[error("{0}")]
    NotSetUp(String),
    /// It cannot be used as this is set up, and trying again does not help. Says the cure.
    #[error("{0}")]
    Wrong(String),
    /// It is there and cannot be used, for now.
    #[error("{0}")]
    Unusable(String),
}

/// Puts an item if its key is free. `false`: it is not.
pub async fn put_first(
    store: &dyn Store,
    key: Key,
    body: Body,
    expires_at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let change = Change::Put { body, expires_at: Some(expires_at), due: None };
    let commit = Commit::of(vec![Write { key, expect: Expect::Absent, change }]);
    Ok(store.commit(&commit).await? == Committed::Done)
}

/// How often a change of an item is tried while others change it too.
const CHANGES: usize = 8;

/// Changes an item by what was read, again if another process changed it meanwhile. `change` returns what
/// to write, or `None` to leave it. `Ok(false)`: it was left.
pub async fn update(
    store: &dyn Store,
    key: &Key,
    change: impl Fn(Option<&Item>) -> Option<Change> + Send,
) -> Result<bool, StoreError> {
    for _ in 0..CHANGES {
        let read = store.get(key).await?;
        let Some(change) = change(read.as_ref()) else { return Ok(false) };
        let expect = Expect::unchanged(read.as_ref());
        let commit = Commit::of(vec![Write { key: key.clone(), expect, change }]);
        if store.commit(&commit).await? == Committed::Done {
            return Ok(true);
        }
    }
    Err(StoreError::Unusable("an item is changed by too many processes at once".to_owned()))
}
