//! A store that lies, around each: what is said of a commit that is not known, of conflicts and of a stale index
//! holds whatever lies below.

use std::sync::Arc;
use std::time::Duration;

use deckhand::store::{
    Change, Commit, Committed, Expect, Memory, Store, StoreError, Write, update,
};
use tokio::time::{Instant, timeout};

use super::due::at;
use super::{body, commit, key, put, read};
use crate::world::{Asked, Lying, NO_ANSWER};

fn no_answer<T>() -> Result<T, StoreError> {
    Err(StoreError::Unusable(NO_ANSWER.to_owned()))
}

fn around(store: &Arc<dyn Store>) -> (Arc<Lying>, Arc<dyn Store>) {
    let lying = Lying::around(store.clone());
    (lying.clone(), lying)
}

pub(super) async fn a_commit_whose_answer_was_lost_is_known_by_its_claim(store: Arc<dyn Store>) {
    let (lying, store) = around(&store);
    let one = || vec![put("1", Expect::Absent, 1)];
    let two = || vec![put("2", Expect::Absent, 2), put("3", Expect::Absent, 3)];
    for writes in [one(), two()] {
        let (ours, of_another) = (Commit::of(writes.clone()), Commit::of(writes));
        lying.loses_answers(2);
        // Also if it is lost twice.
        assert_eq!(store.commit(&ours).await, no_answer());
        assert_eq!(store.commit(&ours).await, no_answer());
        assert_eq!(store.commit(&ours).await, Ok(Committed::Done));
        assert_eq!(store.commit(&of_another).await, Ok(Committed::Conflict));
    }
    // What was not done is done by the repetition.
    let there = Expect::unchanged(read(&store, "1").await.as_ref());
    let ours = Commit::of(vec![put("1", there, 9)]);
    lying.fails(1);
    assert_eq!(store.commit(&ours).await, no_answer());
    assert_eq!(read(&store, "1").await.unwrap().body, body(1));
    assert_eq!(store.commit(&ours).await, Ok(Committed::Done));
    assert_eq!(read(&store, "1").await.unwrap().body, body(9));
}

pub(super) async fn a_commit_that_arrives_late_undoes_nothing(store: Arc<dyn Store>) {
    let (lying, store) = around(&store);
    let late = Commit::of(vec![put("1", Expect::Absent, 1)]);
    lying.holds_up(2);
    assert_eq!(store.commit(&late).await, no_answer());
    assert_eq!(store.commit(&Commit::of(vec![put("2", Expect::Absent, 2)])).await, no_answer());
    assert_eq!((read(&store, "1").await, read(&store, "2").await), (None, None));
    // Its repetition overtakes it, and somebody has changed the item since.
    assert_eq!(store.commit(&late).await, Ok(Committed::Done));
    let there = Expect::unchanged(read(&store, "1").await.as_ref());
    commit(&store, vec![put("1", there, 9)]).await;
    assert_eq!(lying.lets_land().await, [Ok(Committed::Conflict), Ok(Committed::Done)]);
    assert_eq!(read(&store, "1").await.unwrap().body, body(9));
    assert_eq!(read(&store, "2").await.unwrap().body, body(2));
    assert!(lying.lets_land().await.is_empty());
}

pub(super) async fn an_update_is_tried_again_after_conflicts(store: Arc<dyn Store>) {
    let (lying, store) = around(&store);
    let change = |_: Option<&_>| Some(Change::Put { body: body(1), expires_at: None, due: None });
    lying.conflicts(3);
    assert_eq!(update(store.as_ref(), &key("1"), change).await, Ok(true));
    assert_eq!(lying.asked(), Asked { gets: 4, commits: 4, lists: 0, dues: 0 });
    lying.conflicts(8);
    let error = update(store.as_ref(), &key("2"), change).await.unwrap_err();
    assert!(error.to_string().contains("too many processes"), "{error}");
    assert_eq!(read(&store, "2").await, None);
}

pub(super) async fn a_stale_index_names_candidates_and_the_items_tell(store: Arc<dyn Store>) {
    let (lying, store) = around(&store);
    let [early, late] = [1000, 2000].map(|time| Some(at(time)));
    let put = async |sort: &str, due| {
        let there = read(&store, sort).await;
        let change = Change::Put { body: body(1), expires_at: None, due };
        let expect = Expect::unchanged(there.as_ref());
        let write = Write { key: key(sort), expect, change };
        assert_eq!(commit(&store, vec![write]).await, Committed::Done);
    };
    put("ended", early).await;
    put("later", late).await;
    lying.stale_due(true).await;
    put("ended", None).await;
    put("new", early).await;
    let due = async |until| store.due(at(until), 9).await.unwrap();
    assert_eq!(due(5000).await, [key("ended"), key("later")]);
    assert_eq!(due(1000).await, [key("ended")]);
    assert_eq!(read(&store, "ended").await.unwrap().due, None);
    assert_eq!(read(&store, "new").await.unwrap().due, early);
    lying.stale_due(false).await;
    assert_eq!(due(5000).await, [key("new"), key("later")]);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_down_does_nothing_and_one_that_is_slow_does_it() {
    let (lying, store) = around(&(Arc::new(Memory::default()) as Arc<dyn Store>));
    let ours = Commit::of(vec![put("1", Expect::Absent, 1)]);
    lying.is_down(true);
    assert_eq!(store.get(&key("1")).await, no_answer());
    assert_eq!(store.list("agent#deploy_client", 9).await, no_answer());
    assert_eq!(store.due(at(0), 9).await, no_answer());
    assert_eq!(store.commit(&ours).await, no_answer());
    lying.is_down(false);
    assert_eq!(read(&store, "1").await, None);
    lying.is_slow(Duration::from_secs(4));
    // Given up by its caller.
    assert!(timeout(Duration::from_secs(3), store.commit(&ours)).await.is_err());
    let asked = Instant::now();
    assert_eq!(read(&store, "1").await.unwrap().body, body(1));
    assert_eq!(asked.elapsed(), Duration::from_secs(4));
    assert_eq!(lying.asked(), Asked { gets: 3, commits: 2, lists: 1, dues: 1 });
}
