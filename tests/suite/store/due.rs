//! What a store promises of the times when somebody must look at its items again.

use std::sync::Arc;

use aws_sdk_dynamodb::types::AttributeValue;
use chrono::{DateTime, TimeDelta, Utc};
use deckhand::store::{Change, Committed, Dynamo, Expect, Item, Key, Store, StoreError, Write};

use super::{body, commit, delete, key, read, table};

/// 2026-11-22, 12:00 UTC.
const NOON: DateTime<Utc> = DateTime::from_timestamp(1_795_348_800, 0).unwrap();

fn put(sort: &str, expect: Expect, due: Option<DateTime<Utc>>) -> Write {
    let change = Change::Put { body: body(1), expires_at: None, due };
    Write { key: key(sort), expect, change }
}

async fn put_due(store: &Arc<dyn Store>, sort: &str, due: Option<DateTime<Utc>>) {
    let expect = Expect::unchanged(read(store, sort).await.as_ref());
    assert_eq!(commit(store, vec![put(sort, expect, due)]).await, Committed::Done);
}

async fn sorts(store: &Arc<dyn Store>, until: DateTime<Utc>, count: u16) -> Vec<String> {
    let keys = store.due(until, count).await.unwrap();
    assert!(keys.iter().all(|named| *named == key(&named.sort)), "{keys:?}");
    keys.into_iter().map(|key| key.sort).collect()
}

pub(super) fn at(milliseconds: i64) -> DateTime<Utc> {
    NOON + TimeDelta::milliseconds(milliseconds)
}

pub(super) async fn what_is_due_is_named_the_earliest_first(store: Arc<dyn Store>) {
    assert!(store.due(at(99_000), 9).await.unwrap().is_empty());
    // Their order is that of the times, not of the keys nor of the writes.
    for (sort, due) in [("3", 1), ("1", 3000), ("2", -2000), ("4", 60_000)] {
        put_due(&store, sort, Some(at(due))).await;
    }
    put_due(&store, "never", None).await;
    // A time from long ago has fewer digits.
    put_due(&store, "long ago", DateTime::from_timestamp(1, 0)).await;
    assert_eq!(sorts(&store, at(3000), 9).await, ["long ago", "2", "3", "1"]);
    assert_eq!(sorts(&store, at(2999), 9).await, ["long ago", "2", "3"]);
    assert_eq!(sorts(&store, at(3000), 2).await, ["long ago", "2"]);
    assert!(sorts(&store, at(3000), 0).await.is_empty());
    assert_eq!(sorts(&store, DateTime::UNIX_EPOCH, 9).await, Vec::<String>::new());
    assert_eq!(sorts(&store, DateTime::<Utc>::MAX_UTC, 9).await.len(), 5);
}

pub(super) async fn items_of_many_partitions_may_be_due_at_the_same_time(store: Arc<dyn Store>) {
    let keys: Vec<_> = ["a", "b", "c"].map(|one| Key::new(format!("agent#{one}"), "1")).into();
    for key in &keys {
        let change = Change::Put { body: body(1), expires_at: None, due: Some(at(0)) };
        let write = Write { key: key.clone(), expect: Expect::Absent, change };
        assert_eq!(commit(&store, vec![write]).await, Committed::Done);
    }
    let mut due = store.due(at(0), 9).await.unwrap();
    due.sort();
    assert_eq!(due, keys);
    assert_eq!(store.due(at(0), 2).await.unwrap().len(), 2);
    assert!(store.due(at(-1), 9).await.unwrap().is_empty());
}

pub(super) async fn a_due_time_is_kept_in_milliseconds(store: Arc<dyn Store>) {
    let due = NOON + TimeDelta::nanoseconds(5_999_999);
    put_due(&store, "1", Some(due)).await;
    let item = read(&store, "1").await.unwrap();
    assert_eq!(item, Item { due: Some(at(5)), ..item.clone() });
    // It is no part of what the item holds.
    assert_eq!(item.body, body(1));
    assert_eq!(sorts(&store, due, 9).await, ["1"]);
    assert!(sorts(&store, at(4), 9).await.is_empty());
    put_due(&store, "1", None).await;
    assert_eq!(read(&store, "1").await.unwrap().due, None);
}

pub(super) async fn a_due_time_changes_and_goes_with_its_item(store: Arc<dyn Store>) {
    for sort in ["1", "2", "3"] {
        put_due(&store, sort, Some(at(1000))).await;
    }
    put_due(&store, "1", Some(at(5000))).await;
    put_due(&store, "2", None).await;
    let there = Expect::unchanged(read(&store, "3").await.as_ref());
    assert_eq!(commit(&store, vec![delete("3", there)]).await, Committed::Done);
    assert!(sorts(&store, at(4999), 9).await.is_empty());
    assert_eq!(sorts(&store, at(5000), 9).await, ["1"]);
    // Put again, and sooner than before.
    put_due(&store, "2", Some(at(3))).await;
    put_due(&store, "3", Some(at(2))).await;
    put_due(&store, "1", Some(at(1))).await;
    assert_eq!(sorts(&store, at(9000), 9).await, ["1", "3", "2"]);
}

pub(super) async fn due_times_are_part_of_a_commit(store: Arc<dyn Store>) {
    put_due(&store, "1", Some(at(1))).await;
    let there = Expect::unchanged(read(&store, "1").await.as_ref());
    let half = vec![put("2", Expect::Absent, Some(at(2))), put("1", Expect::Absent, None)];
    assert_eq!(commit(&store, half).await, Committed::Conflict);
    assert_eq!(sorts(&store, at(9), 9).await, ["1"]);
    let whole = vec![put("2", Expect::Absent, Some(at(2))), put("1", there, Some(at(3)))];
    assert_eq!(commit(&store, whole).await, Committed::Done);
    assert_eq!(sorts(&store, at(9), 9).await, ["2", "1"]);
}

/// Somebody, or a later version, has put what this version cannot read.
#[tokio::test]
#[ignore = "needs a stand-in of AWS at AWS_STANDIN_URL; .ci/run starts one"]
async fn an_item_that_cannot_be_read_is_named_and_hides_no_other() {
    let (aws, table) = table().await;
    let client = aws_sdk_dynamodb::Client::new(aws.config().await.unwrap());
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let claim = text("5b0e9c1e-53a7-4b7a-9a3f-5d5ad1b1e9a1");
    let odd = [
        (
            "binary",
            claim.clone(),
            AttributeValue::B(b"\0".to_vec().into()),
            NOON.timestamp_millis(),
        ),
        ("claimless", text("not a claim"), text("x"), NOON.timestamp_millis() + 1),
        ("no_time", claim, text("x"), i64::MAX),
    ];
    for (sort, claim, member, due) in odd {
        let put = client.put_item().table_name(&table).item("pk", text("agent#deploy_client"));
        let put = put.item("sk", text(sort)).item("claim", claim).item("odd", member);
        let put = put.item("due_pk", text("due"));
        put.item("due_at", AttributeValue::N(due.to_string())).send().await.unwrap();
    }
    let store: Arc<dyn Store> = Arc::new(Dynamo::new(aws, table));
    put_due(&store, "fine", Some(at(5))).await;
    assert_eq!(sorts(&store, at(9), 9).await, ["binary", "claimless", "fine"]);
    for sort in ["binary", "claimless", "no_time"] {
        let Err(StoreError::Unusable(why)) = store.get(&key(sort)).await else { panic!("{sort}") };
        assert!(why.contains("holds an item that this version cannot read"), "{why}");
    }
}
