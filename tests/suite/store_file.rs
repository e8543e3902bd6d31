//! The store in a file: what becomes of it between two processes, and what a damaged file says.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use deckhand::clock::{Clock, SystemClock};
use deckhand::store::{
    Body, Change, Commit, Committed, Expect, File, Key, Store, StoreError, Write, put_first,
};
use rstest::rstest;
use standins::Scratch;

fn open(path: &Path) -> Result<File, StoreError> {
    File::open(path, Arc::new(SystemClock))
}

fn reader(path: &Path) -> File {
    File::open_to_read(path, Arc::new(SystemClock)).unwrap().unwrap()
}

async fn put(store: &File, sort: &str) -> Result<bool, StoreError> {
    put_lasting(store, sort, TimeDelta::days(1)).await
}

async fn put_lasting(store: &File, sort: &str, lasts: TimeDelta) -> Result<bool, StoreError> {
    put_first(store, Key::new("p", sort), Body::new(), SystemClock.now() + lasts).await
}

async fn sorts(store: &File) -> Vec<String> {
    store.list("p", 100).await.unwrap().into_iter().map(|item| item.key.sort).collect()
}

fn words(opened: Result<File, StoreError>) -> String {
    opened.map(drop).unwrap_err().to_string()
}

#[tokio::test]
async fn what_was_put_is_there_in_the_next_process() {
    let scratch = Scratch::new().unwrap();
    let path = scratch.file("deckhand.redb");
    let store = open(&path).unwrap();
    assert_eq!(put(&store, "1").await, Ok(true));
    drop(store);
    let store = open(&path).unwrap();
    assert_eq!(put(&store, "1").await, Ok(false));
    assert_eq!(sorts(&store).await, ["1"]);
    // Names of people and of what they ship are nobody else's business.
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn a_file_that_others_can_read_is_theirs_no_more() {
    let scratch = Scratch::new().unwrap();
    let path = scratch.file("deckhand.redb");
    drop(open(&path).unwrap());
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    drop(open(&path).unwrap());
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn one_process_writes_and_others_read_meanwhile() {
    let scratch = Scratch::new().unwrap();
    let path = scratch.file("deckhand.redb");
    assert!(File::open_to_read(&path, Arc::new(SystemClock)).is_none());
    let writer = open(&path).unwrap();
    put(&writer, "1").await.unwrap();
    let second = words(open(&path));
    assert!(second.contains("`DATA_FILE`") && second.contains("in use by another"), "{second}");
    let reader = reader(&path);
    assert_eq!(sorts(&reader).await, ["1"]);
    put(&writer, "2").await.unwrap();
    assert_eq!(sorts(&reader).await, ["2", "1"]);
    assert!(put(&reader, "3").await.unwrap_err().to_string().contains("read-only"));
    assert_eq!(sorts(&reader).await, ["2", "1"]);
    assert_eq!(put(&writer, "3").await, Ok(true));
}

#[tokio::test]
async fn what_has_expired_is_deleted_with_the_next_commit() {
    let scratch = Scratch::new().unwrap();
    let store = open(&scratch.file("deckhand.redb")).unwrap();
    put_lasting(&store, "1", TimeDelta::seconds(-1)).await.unwrap();
    put_lasting(&store, "2", TimeDelta::days(1)).await.unwrap();
    assert_eq!(sorts(&store).await, ["2"]);
}

async fn put_due(store: &File, sort: &str, lasts: Option<TimeDelta>) {
    let [expires_at, due] =
        [lasts, Some(TimeDelta::zero())].map(|at| Some(SystemClock.now() + at?));
    let change = Change::Put { body: Body::new(), expires_at, due };
    let write = Write { key: Key::new("p", sort), expect: Expect::Absent, change };
    assert_eq!(store.commit(&Commit::of(vec![write])).await, Ok(Committed::Done));
}

async fn due(store: &File) -> Vec<String> {
    let due = store.due(DateTime::<Utc>::MAX_UTC, 9).await.unwrap();
    due.into_iter().map(|key| key.sort).collect()
}

#[tokio::test]
async fn what_is_due_is_so_in_the_next_process_and_for_readers() {
    let scratch = Scratch::new().unwrap();
    let path = scratch.file("deckhand.redb");
    let store = open(&path).unwrap();
    put_due(&store, "1", None).await;
    put_due(&store, "2", None).await;
    assert_eq!(due(&reader(&path)).await, ["1", "2"]);
    drop(store);
    let store = open(&path).unwrap();
    assert_eq!(due(&store).await, ["1", "2"]);
    let item = store.get(&Key::new("p", "1")).await.unwrap();
    let write = Write {
        key: Key::new("p", "1"),
        expect: Expect::unchanged(item.as_ref()),
        change: Change::Delete,
    };
    assert_eq!(store.commit(&Commit::of(vec![write])).await, Ok(Committed::Done));
    drop(store);
    assert_eq!(due(&open(&path).unwrap()).await, ["2"]);
}

#[tokio::test]
async fn what_has_expired_is_no_longer_due() {
    let scratch = Scratch::new().unwrap();
    let store = open(&scratch.file("deckhand.redb")).unwrap();
    put_due(&store, "1", Some(TimeDelta::seconds(-1))).await;
    put_due(&store, "2", Some(TimeDelta::days(1))).await;
    assert_eq!(due(&store).await, ["2"]);
}

const ITEMS: redb::TableDefinition<'_, &str, &[u8]> = redb::TableDefinition::new("items");
const DUES: redb::TableDefinition<'_, (i64, &str), ()> = redb::TableDefinition::new("dues");

fn change_file(path: &Path, change: impl FnOnce(&redb::WriteTransaction)) {
    let database = redb::Database::open(path).unwrap();
    let transaction = database.begin_write().unwrap();
    change(&transaction);
    transaction.commit().unwrap();
}

/// An item as versions wrote it that knew no due time.
const OF_AN_EARLIER_VERSION: &[u8] =
    br#"{"revision":"5b0e9c1e-53a7-4b7a-9a3f-5d5ad1b1e9a1","expires_at":null,"body":{"n":1}}"#;

#[tokio::test]
async fn a_file_of_a_version_that_knew_no_due_time_is_read_and_written() {
    let scratch = Scratch::new().unwrap();
    let path = scratch.file("deckhand.redb");
    drop(open(&path).unwrap());
    change_file(&path, |transaction| {
        assert!(transaction.delete_table(DUES).unwrap());
        let mut items = transaction.open_table(ITEMS).unwrap();
        items.insert("p\0old", OF_AN_EARLIER_VERSION).unwrap();
    });
    let read = reader(&path);
    assert_eq!((sorts(&read).await, due(&read).await), (vec!["old".to_owned()], Vec::new()));
    drop(read);
    let store = open(&path).unwrap();
    let item = store.get(&Key::new("p", "old")).await.unwrap().unwrap();
    assert_eq!((item.due, &item.body["n"]), (None, &1.into()));
    assert!(due(&store).await.is_empty());
    put_due(&store, "new", None).await;
    assert_eq!(due(&store).await, ["new"]);
}

#[tokio::test]
async fn what_such_a_version_has_written_since_is_not_due() {
    let scratch = Scratch::new().unwrap();
    let path = scratch.file("deckhand.redb");
    let store = open(&path).unwrap();
    for sort in ["a", "b", "c"] {
        put_due(&store, sort, None).await;
    }
    drop(store);
    change_file(&path, |transaction| {
        let mut items = transaction.open_table(ITEMS).unwrap();
        items.insert("p\0a", OF_AN_EARLIER_VERSION).unwrap();
        items.remove("p\0b").unwrap();
    });
    assert_eq!(due(&open(&path).unwrap()).await, ["c"]);
}

#[rstest]
#[case::nothing(b"")]
#[case::text(b"this is no database\n")]
#[case::zeros(&[0; 100_000])]
fn a_foreign_file_is_an_error_and_stays_as_it_is(#[case] content: &[u8]) {
    let scratch = Scratch::new().unwrap();
    let path = scratch.file("deckhand.redb");
    fs::write(&path, content).unwrap();
    let error = words(open(&path));
    assert!(error.contains("deckhand.redb") && error.contains("`DATA_FILE`"), "{error}");
    assert_eq!(fs::read(&path).unwrap(), content);
    let read = File::open_to_read(&path, Arc::new(SystemClock)).unwrap();
    assert!(read.is_err());
}

#[test]
fn a_file_of_a_newer_layout_or_of_another_program_is_an_error() {
    let scratch = Scratch::new().unwrap();
    let path = scratch.file("deckhand.redb");
    drop(open(&path).unwrap());
    let about = redb::TableDefinition::<&str, u64>::new("deckhand");
    let database = redb::Database::open(&path).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction.open_table(about).unwrap().insert("schema", 2).unwrap();
    transaction.commit().unwrap();
    drop(database);
    assert!(words(open(&path)).contains("newer version of Deckhand (layout 2)"));
    let database = redb::Database::open(&path).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction.delete_table(about).unwrap();
    transaction.commit().unwrap();
    drop(database);
    assert!(words(open(&path)).contains("is no file of Deckhand's"));
}

/// Wherever a byte has changed or the end is missing: an error, or all is there. Never a panic, never less.
#[tokio::test]
async fn a_damaged_file_is_an_error_or_loses_nothing() {
    let scratch = Scratch::new().unwrap();
    let path = scratch.file("deckhand.redb");
    let store = open(&path).unwrap();
    for n in 0..20 {
        put(&store, &n.to_string()).await.unwrap();
    }
    let all = sorts(&store).await;
    drop(store);
    let whole = fs::read(&path).unwrap();
    let mut damaged = Vec::new();
    for at in (0..whole.len()).step_by(whole.len() / 200) {
        let mut flipped = whole.clone();
        flipped[at] ^= 0x5a;
        damaged.push(flipped);
        damaged.push(whole[..at].to_vec());
    }
    let mut errors = 0;
    for (n, content) in damaged.iter().enumerate() {
        let path = scratch.file(&format!("{n}.redb"));
        fs::write(&path, content).unwrap();
        match open(&path) {
            Ok(store) => assert_eq!(sorts(&store).await, all, "{n}"),
            Err(error) => {
                errors += 1;
                assert!(error.to_string().contains("`DATA_FILE`"), "{error}");
            }
        }
    }
    assert!(errors > damaged.len() / 2, "{errors} of {}", damaged.len());
}

#[test]
fn a_file_that_cannot_be_made_is_an_error() {
    let scratch = Scratch::new().unwrap();
    let error = words(open(&scratch.file("nowhere/deckhand.redb")));
    assert!(error.contains("cannot be made") && error.contains("nowhere"), "{error}");
    let error = words(open(scratch.path()));
    assert!(error.contains("`DATA_FILE`"), "{error}");
}

#[tokio::test]
async fn of_processes_that_make_the_file_at_once_one_has_it() {
    let scratch = Scratch::new().unwrap();
    let path = scratch.file("deckhand.redb");
    let opened: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| open(&path))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let mut opened: Vec<File> = opened.into_iter().filter_map(Result::ok).collect();
    assert_eq!(opened.len(), 1);
    assert_eq!(put(&opened.remove(0), "1").await, Ok(true));
}
