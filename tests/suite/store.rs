//! What a store promises, of every store: in memory, in a file, in a table. The stories about the table alone, and about secrets in SSM, are here too.

mod due;
mod lies;

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use deckhand::clock::{Clock, SystemClock};
use deckhand::deploy::stored::{State, history};
use deckhand::net::transport::Https;
use deckhand::store::{
    Body, Change, Commit, Committed, Dynamo, Expect, File, Item, Key, Memory, Store, StoreError,
    Write, put_first, update,
};
use futures_util::future::join_all;
use rstest::rstest;
use serde_json::json;
use standins::Scratch;

use self::due::{
    a_due_time_changes_and_goes_with_its_item, a_due_time_is_kept_in_milliseconds,
    due_times_are_part_of_a_commit, items_of_many_partitions_may_be_due_at_the_same_time,
    what_is_due_is_named_the_earliest_first,
};
use self::lies::{
    a_commit_that_arrives_late_undoes_nothing,
    a_commit_whose_answer_was_lost_is_known_by_its_claim,
    a_stale_index_names_candidates_and_the_items_tell, an_update_is_tried_again_after_conflicts,
};
use crate::aws;
use crate::world::{Plan, Remembers, World};

enum Kind {
    Memory,
    File,
    Table,
}

/// A store, and what must live as long as it.
struct Kept(Arc<dyn Store>, Option<Scratch>);

impl Kind {
    async fn store(&self) -> Kept {
        let clock = Arc::new(SystemClock);
        match self {
            Self::Memory => Kept(Arc::new(Memory::default()), None),
            Self::File => {
                let scratch = Scratch::new().unwrap();
                let file = File::open(&scratch.file("deckhand.redb"), clock).unwrap();
                Kept(Arc::new(file), Some(scratch))
            }
            Self::Table => {
                let (aws, table) = table().await;
                Kept(Arc::new(Dynamo::new(aws, table)), None)
            }
        }
    }
}

async fn table() -> (Arc<deckhand::aws::Aws>, String) {
    let url = aws::standin().expect("AWS_STANDIN_URL: where a stand-in of AWS listens");
    let aws = aws::at(&url, Arc::new(Https::default())).await;
    let table = aws::new_table(&aws).await;
    (aws, table)
}

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(SystemClock.now().timestamp(), 0).unwrap()
}

macro_rules! promises {
    ($($promise:ident),+ $(,)?) => {
        mod in_memory {
            $(#[tokio::test]
            async fn $promise() { super::$promise(super::Kind::Memory.store().await.0).await })+
        }
        mod in_a_file {
            $(#[tokio::test]
            async fn $promise() {
                let super::Kept(store, _scratch) = super::Kind::File.store().await;
                super::$promise(store).await
            })+
        }
        mod in_a_table {
            $(#[tokio::test]
            #[ignore = "needs a stand-in of AWS at AWS_STANDIN_URL; .ci/run starts one"]
            async fn $promise() { super::$promise(super::Kind::Table.store().await.0).await })+
        }
    };
}

promises! {
    an_item_is_read_as_it_was_written,
    a_write_needs_what_it_expects,
    a_commit_is_done_whole_or_not_at_all,
    a_repeated_commit_recognises_its_own_work,
    an_item_that_was_deleted_and_put_again_is_another,
    a_list_is_of_one_partition_the_greatest_first,
    of_many_that_race_one_wins,
    updates_that_race_are_all_done,
    what_is_due_is_named_the_earliest_first,
    items_of_many_partitions_may_be_due_at_the_same_time,
    a_due_time_is_kept_in_milliseconds,
    a_due_time_changes_and_goes_with_its_item,
    due_times_are_part_of_a_commit,
    a_commit_whose_answer_was_lost_is_known_by_its_claim,
    a_commit_that_arrives_late_undoes_nothing,
    an_update_is_tried_again_after_conflicts,
    a_stale_index_names_candidates_and_the_items_tell,
}

fn key(sort: &str) -> Key {
    Key::new("agent#deploy_client", sort)
}

fn body(n: u64) -> Body {
    let nested = json!({"n": n, "text": "ł \u{0} \"", "none": null, "list": [1.5, true]});
    nested.as_object().unwrap().clone()
}

fn put(sort: &str, expect: Expect, n: u64) -> Write {
    let change =
        Change::Put { body: body(n), expires_at: Some(now() + TimeDelta::days(1)), due: None };
    Write { key: key(sort), expect, change }
}

fn delete(sort: &str, expect: Expect) -> Write {
    Write { key: key(sort), expect, change: Change::Delete }
}

async fn commit(store: &Arc<dyn Store>, writes: Vec<Write>) -> Committed {
    store.commit(&Commit::of(writes)).await.unwrap()
}

async fn read(store: &Arc<dyn Store>, sort: &str) -> Option<Item> {
    store.get(&key(sort)).await.unwrap()
}

async fn an_item_is_read_as_it_was_written(store: Arc<dyn Store>) {
    let expires_at = Some(now() + TimeDelta::days(1));
    for (sort, expires_at) in [("1", expires_at), ("2", None)] {
        let change = Change::Put { body: body(7), expires_at, due: None };
        let commit = Commit::of(vec![Write { key: key(sort), expect: Expect::Absent, change }]);
        assert_eq!(store.commit(&commit).await, Ok(Committed::Done));
        let item =
            Item { key: key(sort), revision: commit.claim, body: body(7), expires_at, due: None };
        assert_eq!(store.get(&key(sort)).await, Ok(Some(item)));
    }
    assert_eq!(store.get(&key("3")).await, Ok(None));
}

async fn a_write_needs_what_it_expects(store: Arc<dyn Store>) {
    let other = Expect::Revision(uuid::Uuid::new_v4());
    assert_eq!(commit(&store, vec![put("1", other, 1)]).await, Committed::Conflict);
    assert_eq!(commit(&store, vec![delete("1", other)]).await, Committed::Conflict);
    assert_eq!(commit(&store, vec![put("1", Expect::Absent, 1)]).await, Committed::Done);
    let first = read(&store, "1").await;
    for write in [put("1", Expect::Absent, 2), put("1", other, 2), delete("1", other)] {
        assert_eq!(commit(&store, vec![write]).await, Committed::Conflict);
    }
    assert_eq!(read(&store, "1").await, first);
    let as_read = Expect::unchanged(first.as_ref());
    assert_eq!(commit(&store, vec![put("1", as_read, 2)]).await, Committed::Done);
    assert_eq!(read(&store, "1").await.unwrap().body, body(2));
    assert_eq!(commit(&store, vec![put("1", as_read, 3)]).await, Committed::Conflict);
    let as_read = Expect::unchanged(read(&store, "1").await.as_ref());
    assert_eq!(commit(&store, vec![delete("1", as_read)]).await, Committed::Done);
    assert_eq!(read(&store, "1").await, None);
}

async fn a_commit_is_done_whole_or_not_at_all(store: Arc<dyn Store>) {
    commit(&store, vec![put("1", Expect::Absent, 1)]).await;
    let there = Expect::unchanged(read(&store, "1").await.as_ref());
    let half = vec![put("2", Expect::Absent, 2), put("1", Expect::Absent, 2)];
    assert_eq!(commit(&store, half).await, Committed::Conflict);
    assert_eq!(read(&store, "2").await, None);
    let whole = vec![put("2", Expect::Absent, 2), delete("1", there)];
    assert_eq!(commit(&store, whole).await, Committed::Done);
    assert_eq!(read(&store, "1").await, None);
    assert_eq!(read(&store, "2").await.unwrap().body, body(2));
}

async fn a_repeated_commit_recognises_its_own_work(store: Arc<dyn Store>) {
    let one = Commit::of(vec![put("1", Expect::Absent, 1)]);
    let two = Commit::of(vec![put("2", Expect::Absent, 2), put("3", Expect::Absent, 3)]);
    for commit in [&one, &two] {
        assert_eq!(store.commit(commit).await, Ok(Committed::Done));
        assert_eq!(store.commit(commit).await, Ok(Committed::Done));
    }
    assert_eq!(store.commit(&Commit::of(one.writes.clone())).await, Ok(Committed::Conflict));
    // Somebody has changed it since: the repetition does not undo that.
    let as_read = Expect::unchanged(read(&store, "1").await.as_ref());
    commit(&store, vec![put("1", as_read, 9)]).await;
    assert_eq!(store.commit(&one).await, Ok(Committed::Conflict));
    assert_eq!(read(&store, "1").await.unwrap().body, body(9));
}

async fn an_item_that_was_deleted_and_put_again_is_another(store: Arc<dyn Store>) {
    commit(&store, vec![put("1", Expect::Absent, 1)]).await;
    let first = Expect::unchanged(read(&store, "1").await.as_ref());
    commit(&store, vec![delete("1", first)]).await;
    commit(&store, vec![put("1", Expect::Absent, 1)]).await;
    assert_eq!(commit(&store, vec![put("1", first, 2)]).await, Committed::Conflict);
}

async fn a_list_is_of_one_partition_the_greatest_first(store: Arc<dyn Store>) {
    let keys = [("a", "2"), ("a", "10"), ("a", "1"), ("ab", "3"), ("", "4"), ("b", "5")];
    for (partition, sort) in keys {
        // DynamoDB knows no empty partition.
        let partition = format!("agent#{partition}");
        let key = Key::new(partition, sort);
        put_first(store.as_ref(), key, body(1), now() + TimeDelta::days(1)).await.unwrap();
    }
    let sorts = async |partition: &str, count| -> Vec<String> {
        let items = store.list(partition, count).await.unwrap();
        items.into_iter().map(|item| item.key.sort).collect()
    };
    assert_eq!(sorts("agent#a", 9).await, ["2", "10", "1"]);
    assert_eq!(sorts("agent#a", 2).await, ["2", "10"]);
    assert_eq!(sorts("agent#ab", 9).await, ["3"]);
    assert!(sorts("agent", 9).await.is_empty());
    assert!(sorts("agent#c", 9).await.is_empty());
}

async fn of_many_that_race_one_wins(store: Arc<dyn Store>) {
    let one = || vec![put("1", Expect::Absent, 1)];
    let two = || vec![put("2", Expect::Absent, 2), put("3", Expect::Absent, 3)];
    for writes in [&one as &dyn Fn() -> Vec<Write>, &two] {
        let commits: Vec<_> = (0..16).map(|_| Commit::of(writes())).collect();
        let done = join_all(commits.iter().map(|commit| store.commit(commit))).await;
        assert_eq!(done.iter().filter(|done| **done == Ok(Committed::Done)).count(), 1);
        assert_eq!(done.iter().filter(|done| **done == Ok(Committed::Conflict)).count(), 15);
    }
}

async fn updates_that_race_are_all_done(store: Arc<dyn Store>) {
    let key = key("1");
    let add = |item: Option<&Item>| {
        let n = item.map_or(0, |item| item.body["n"].as_u64().unwrap()) + 1;
        Some(Change::Put { body: body(n), expires_at: None, due: None })
    };
    let done = join_all((0..4).map(|_| update(store.as_ref(), &key, add))).await;
    assert_eq!(done, [Ok(true), Ok(true), Ok(true), Ok(true)]);
    assert_eq!(store.get(&key).await.unwrap().unwrap().body, body(4));
    assert_eq!(update(store.as_ref(), &key, |_| None).await, Ok(false));
}

/// A deploy as version 0.1 wrote it.
#[tokio::test]
#[ignore = "needs a stand-in of AWS at AWS_STANDIN_URL; .ci/run starts one"]
async fn what_an_older_version_left_in_the_table_is_read() {
    let (aws, table) = table().await;
    let text = |text: &str| aws_sdk_dynamodb::types::AttributeValue::S(text.to_owned());
    let item = [
        ("pk", "agent#deploy_client"),
        ("sk", "00000000000000000001"),
        ("state", "pending"),
        ("correlation_id", "b9b1cdb8-0a0a-5d3c-8a43-1f2f7cb6f2c5"),
        ("requester", "ada#7"),
        ("began_at", "2026-11-22T10:00:00+00:00"),
        ("claim", "5b0e9c1e-53a7-4b7a-9a3f-5d5ad1b1e9a1"),
        ("run_page", "https://github.com/o/r/actions/runs/1"),
    ];
    let put =
        aws_sdk_dynamodb::Client::new(aws.config().await.unwrap()).put_item().table_name(&table);
    let item = item.into_iter().map(|(name, value)| (name.to_owned(), text(value))).collect();
    put.set_item(Some(item)).send().await.unwrap();
    let store = Dynamo::new(aws, table);
    let [deploy] = &history(&store, "deploy_client", 9).await.unwrap()[..] else { panic!() };
    assert_eq!((deploy.requester.to_input().as_str(), deploy.key.interaction_id.0), ("ada#7", 1));
    assert_eq!(deploy.run_page.as_deref(), Some("https://github.com/o/r/actions/runs/1"));
    assert_eq!(deploy.state, State::Forgotten);
    // It must not be begun again, nor acted for.
    assert_eq!(store.due(now() + TimeDelta::days(400), 9).await, Ok(Vec::new()));
}

#[tokio::test]
#[ignore = "needs a stand-in of AWS at AWS_STANDIN_URL; .ci/run starts one"]
async fn a_missing_table_is_named() {
    let (aws, _) = table().await;
    let store = Dynamo::new(aws, "deckhand-nowhere".to_owned());
    let what = "the table `deckhand-nowhere` (`TABLE_NAME`) does not exist in the region us-east-1: correct its name, or set AWS_REGION to its region";
    let error = Err(StoreError::Wrong(what.to_owned()));
    assert_eq!(store.get(&key("1")).await.map(drop), error);
    assert_eq!(store.list("agent#deploy_client", 1).await.map(drop), error);
    assert_eq!(store.due(now(), 1).await.map(drop), error);
    for writes in [
        vec![put("1", Expect::Absent, 1)],
        vec![put("1", Expect::Absent, 1), put("2", Expect::Absent, 2)],
    ] {
        assert_eq!(store.commit(&Commit::of(writes)).await.map(drop), error);
    }
}

#[tokio::test(start_paused = true)]
#[ignore = "needs a stand-in of AWS at AWS_STANDIN_URL; .ci/run starts one"]
async fn a_replay_in_a_new_process_is_refused_with_the_state_of_the_deploy() {
    let mut world = World::new().await;
    let interaction = world.interaction("ada", "/deploy-client wait:true");
    let first = world.deliver(&interaction).await;
    world.passes(Duration::from_secs(2)).await;
    let other_process = world.tasks.clone();
    world.restart();
    let (_, during) = world.post(&interaction).await;
    other_process.drained().await;
    let (_, after) = world.post(&interaction).await;
    world.settle().await;
    let run = format!("/actions/runs/{}", world.dispatch().run_id);
    for (replay, standing) in [(during, "It is under way"), (after, "It ended: `success`")] {
        let content = replay["data"]["content"].as_str().unwrap().to_owned();
        assert!(content.contains("was taken already"), "{content}");
        assert!(content.contains(standing) && content.contains(&run), "{content}");
        assert_eq!(replay["data"]["flags"], 64);
    }
    world.told(&interaction, first).both_say("🟢");
}

#[rstest]
#[case::deploy("/deploy-client wait:true")]
#[case::quick_deploy("/deploy-client")]
#[tokio::test(start_paused = true)]
#[ignore = "needs a stand-in of AWS at AWS_STANDIN_URL; .ci/run starts one"]
async fn without_its_table_nothing_is_dispatched(#[case] text: &str) {
    let remembers = Remembers::InTable("deckhand-nowhere".to_owned());
    let world = World::of(Plan { remembers, ..Plan::default() }).await;
    let told = world.types("ada", text).await;
    let content = &told.original().content;
    assert!(content.contains("Nothing was done"), "{content}");
    assert!(content.contains("`deckhand-nowhere` (`TABLE_NAME`) does not exist"), "{content}");
    assert!(told.original().ephemeral);
    assert!(world.github.requests().is_empty());
    // What decides nothing works all the same.
    let told = world.types("ada", "/agents").await;
    assert!(told.original().content.contains("`/deploy-client`"), "{}", told.transcript());
}
