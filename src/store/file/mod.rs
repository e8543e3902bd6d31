//! The store of `deckhand serve`: one file, by redb.
//!
//! It outlives the process: a commit is on the disk before it is answered. One process writes to it; others
//! may read it at the same time.
//!
//! | table | key | value |
//! |---|---|---|
//! | `deckhand` | `schema` | the number of this layout |
//! | `items` | partition, NUL, sort key | revision, expiry, due time and body as JSON |
//! | `expiries` | milliseconds since 1970, the item's key | nothing |
//! | `dues` | milliseconds since 1970, the item's key | nothing; earlier versions had no such table |

mod handle;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;
use redb::{ReadTransaction, ReadableTable, Table, TableError, WriteTransaction};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use self::handle::{Access, DUES, EXPIRIES, Handle, ITEMS, create, open};
use super::contract::{
    Body, Change, Commit, Committed, Expect, Item, Key, Store, StoreError, Write,
};
use super::settings::DATA_FILE;
use crate::clock::Clock;
use crate::text::escape;

/// How many expired items a commit deletes at most, so that no commit takes long.
const DELETED_AT_ONCE: usize = 100;

/// A store in a file.
pub struct File(Arc<Opened>);

struct Opened {
    path: PathBuf,
    clock: Arc<dyn Clock>,
    access: Access,
    /// `None` after a failed write.
    database: Mutex<Option<Arc<Handle>>>,
}

/// An item's value.
#[derive(Serialize, Deserialize)]
struct Kept {
    revision: Uuid,
    /// Milliseconds since 1970.
    expires_at: Option<i64>,
    /// Milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    due: Option<i64>,
    body: Body,
}

impl File {
    /// Opens the file, or makes it if there is none. A file that is damaged or is something else is an
    /// error: it is never begun anew.
    pub fn open(path: &Path, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        let unusable = |why: String| unusable(path, &why);
        if !fs::exists(path).map_err(|error| unusable(error.to_string()))? {
            create(path).map_err(|why| unusable(format!("cannot be made: {why}")))?;
        }
        Self::opened(path, clock, Access::Write)
    }

    /// Opens the file to read it, also while another process writes to it. `None`: there is none yet.
    pub fn open_to_read(path: &Path, clock: Arc<dyn Clock>) -> Option<Result<Self, StoreError>> {
        match fs::exists(path) {
            Ok(false) => None,
            Ok(true) => Some(Self::opened(path, clock, Access::Read)),
            Err(error) => Some(Err(unusable(path, &error.to_string()))),
        }
    }

    fn opened(path: &Path, clock: Arc<dyn Clock>, access: Access) -> Result<Self, StoreError> {
        let handle = open(path, access).map_err(|why| unusable(path, &why))?;
        let (path, database) = (path.to_owned(), Mutex::new(Some(Arc::new(handle))));
        Ok(Self(Arc::new(Opened { path, clock, access, database })))
    }

    /// Does it on a thread that may wait for the disk.
    async fn on_disk<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Opened, &Handle) -> Result<T, redb::Error> + Send + 'static,
    ) -> Result<T, StoreError> {
        let opened = self.0.clone();
        let done = tokio::task::spawn_blocking(move || opened.with_database(work)).await;
        done.unwrap_or_else(|_| Err(unusable(&self.0.path, "could not be used, see the log")))
    }
}

impl Opened {
    fn with_database<T>(
        &self,
        work: impl FnOnce(&Self, &Handle) -> Result<T, redb::Error>,
    ) -> Result<T, StoreError> {
        let database = self.database().map_err(|why| unusable(&self.path, &why))?;
        work(self, &database).map_err(|error| {
            if matches!(error, redb::Error::Io(_) | redb::Error::PreviousIo) {
                self.forget(&database);
            }
            unusable(&self.path, &format!("cannot be used: {error}"))
        })
    }

    /// After a failed write redb takes no more writes. The next use opens the file again, and checks it.
    fn forget(&self, failed: &Arc<Handle>) {
        let mut database = self.database.lock().unwrap_or_else(PoisonError::into_inner);
        database.take_if(|database| Arc::ptr_eq(database, failed));
    }

    fn database(&self) -> Result<Arc<Handle>, String> {
        let mut database = self.database.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(database) = database.as_ref() {
            return Ok(database.clone());
        }
        let opened = Arc::new(open(&self.path, self.access)?);
        Ok(database.insert(opened).clone())
    }

    fn commit(&self, database: &Handle, commit: &Commit) -> Result<Committed, redb::Error> {
        let transaction = database.begin_write()?;
        let conflict = {
            let items = transaction.open_table(ITEMS)?;
            conflict(&items, commit)?
        };
        if let Some(conflict) = conflict {
            transaction.abort()?;
            return Ok(conflict);
        }
        {
            let mut tables = Tables::of(&transaction)?;
            for write in &commit.writes {
                tables.apply(write, commit.claim)?;
            }
            tables.delete_expired(self.clock.now())?;
        }
        transaction.commit()?;
        Ok(Committed::Done)
    }
}

type Items<'a> = Table<'a, &'static str, &'static [u8]>;
/// Items by a time.
type Times<'a> = Table<'a, (i64, &'static str), ()>;

/// What is changed together.
struct Tables<'a> {
    items: Items<'a>,
    expiries: Times<'a>,
    dues: Times<'a>,
}

/// Whether a condition does not hold, or the commit was done before. `None`: it can be done.
fn conflict(items: &Items<'_>, commit: &Commit) -> Result<Option<Committed>, redb::Error> {
    let mut holds = true;
    let mut done = false;
    for Write { key, expect, .. } in &commit.writes {
        let there = items.get(name(key).as_str())?.map(|kept| kept_of(kept.value())).transpose()?;
        let revision = there.map(|kept| kept.revision);
        done |= revision == Some(commit.claim);
        holds &= match expect {
            Expect::Absent => revision.is_none(),
            Expect::Revision(expected) => revision == Some(*expected),
        };
    }
    Ok(match (done, holds) {
        (true, _) => Some(Committed::Done),
        (false, false) => Some(Committed::Conflict),
        (false, true) => None,
    })
}

impl<'a> Tables<'a> {
    fn of(transaction: &'a WriteTransaction) -> Result<Self, redb::Error> {
        let items = transaction.open_table(ITEMS)?;
        let expiries = transaction.open_table(EXPIRIES)?;
        Ok(Self { items, expiries, dues: transaction.open_table(DUES)? })
    }

    fn apply(&mut self, write: &Write, claim: Uuid) -> Result<(), redb::Error> {
        let name = name(&write.key);
        self.remove(&name)?;
        let Change::Put { body, expires_at, due } = &write.change else { return Ok(()) };
        let [expires_at, due] = [expires_at, due].map(|at| at.map(|at| at.timestamp_millis()));
        let kept = Kept { revision: claim, expires_at, due, body: body.clone() };
        let bytes = serde_json::to_vec(&kept).map_err(|error| corrupted(&error))?;
        self.items.insert(name.as_str(), bytes.as_slice())?;
        for (at, times) in [(expires_at, &mut self.expiries), (due, &mut self.dues)] {
            if let Some(at) = at {
                times.insert((at, name.as_str()), ())?;
            }
        }
        Ok(())
    }

    fn remove(&mut self, name: &str) -> Result<(), redb::Error> {
        let before = self.items.remove(name)?.map(|kept| kept_of(kept.value())).transpose()?;
        let Some(before) = before else { return Ok(()) };
        for (at, times) in [(before.expires_at, &mut self.expiries), (before.due, &mut self.dues)] {
            if let Some(at) = at {
                times.remove((at, name))?;
            }
        }
        Ok(())
    }

    fn delete_expired(&mut self, now: DateTime<Utc>) -> Result<(), redb::Error> {
        for _ in 0..DELETED_AT_ONCE {
            let Some((at, name)) = self.expiries.first()?.map(|(key, _)| {
                let (at, name) = key.value();
                (at, name.to_owned())
            }) else {
                break;
            };
            if at > now.timestamp_millis() {
                break;
            }
            self.expiries.remove((at, name.as_str()))?;
            self.remove(&name)?;
        }
        Ok(())
    }
}

impl Store for File {
    fn is_ours_alone(&self) -> bool {
        matches!(self.0.access, Access::Write)
    }

    fn get<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Option<Item>, StoreError>> {
        let key = key.clone();
        Box::pin(self.on_disk(move |_, database| {
            let items = database.begin_read()?.open_table(ITEMS)?;
            let kept = items.get(name(&key).as_str())?;
            kept.map(|kept| item(key, kept.value())).transpose()
        }))
    }

    fn commit<'a>(&'a self, commit: &'a Commit) -> BoxFuture<'a, Result<Committed, StoreError>> {
        let commit = commit.clone();
        Box::pin(self.on_disk(move |opened, database| opened.commit(database, &commit)))
    }

    fn list<'a>(
        &'a self,
        partition: &'a str,
        count: u16,
    ) -> BoxFuture<'a, Result<Vec<Item>, StoreError>> {
        let partition = partition.to_owned();
        Box::pin(self.on_disk(move |_, database| list(&database.begin_read()?, &partition, count)))
    }

    fn due<'a>(
        &'a self,
        until: DateTime<Utc>,
        count: u16,
    ) -> BoxFuture<'a, Result<Vec<Key>, StoreError>> {
        Box::pin(self.on_disk(move |_, database| due(&database.begin_read()?, until, count)))
    }
}

fn list(
    transaction: &ReadTransaction,
    partition: &str,
    count: u16,
) -> Result<Vec<Item>, redb::Error> {
    let items = transaction.open_table(ITEMS)?;
    // The character after NUL ends the partition.
    let (from, to) = (format!("{partition}\0"), format!("{partition}\u{1}"));
    let range = items.range(from.as_str()..to.as_str())?.rev().take(count.into());
    range
        .map(|entry| {
            let (name, kept) = entry?;
            let sort = name.value().get(from.len()..).unwrap_or_default();
            item(Key::new(partition, sort), kept.value())
        })
        .collect()
}

fn due(
    transaction: &ReadTransaction,
    until: DateTime<Utc>,
    count: u16,
) -> Result<Vec<Key>, redb::Error> {
    let dues = match transaction.open_table(DUES) {
        Ok(dues) => dues,
        // A file of an earlier version that only readers have opened since.
        Err(TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    let items = transaction.open_table(ITEMS)?;
    let mut keys = Vec::new();
    for entry in dues.range(..(until.timestamp_millis().saturating_add(1), ""))? {
        let (entry, _) = entry?;
        let (at, name) = entry.value();
        if keys.len() == usize::from(count) {
            break;
        }
        // An earlier version, which knows no such table, may have changed the item since.
        let kept = items.get(name)?.map(|kept| kept_of(kept.value())).transpose()?;
        if let Some((partition, sort)) = name.split_once('\0')
            && kept.is_some_and(|kept| kept.due == Some(at))
        {
            keys.push(Key::new(partition, sort));
        }
    }
    Ok(keys)
}

fn name(Key { partition, sort }: &Key) -> String {
    format!("{partition}\0{sort}")
}

fn kept_of(bytes: &[u8]) -> Result<Kept, redb::Error> {
    serde_json::from_slice(bytes).map_err(|error| corrupted(&error))
}

fn item(key: Key, bytes: &[u8]) -> Result<Item, redb::Error> {
    let Kept { revision, expires_at, due, body } = kept_of(bytes)?;
    let [expires_at, due] =
        [expires_at, due].map(|at| at.and_then(DateTime::from_timestamp_millis));
    Ok(Item { key, revision, body, expires_at, due })
}

fn corrupted(error: &serde_json::Error) -> redb::Error {
    redb::Error::Corrupted(format!("an item is not JSON as expected ({:?})", error.classify()))
}

fn unusable(path: &Path, why: &str) -> StoreError {
    let path = escape::code(&path.to_string_lossy(), 200);
    let why = escape::plain(why, 300);
    StoreError::Unusable(format!("the file {path} (`{}`) {why}", DATA_FILE.name))
}
