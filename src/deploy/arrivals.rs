//! Whether GitHub's webhooks of a repository arrive: a secret without a hook delivers nothing.
//!
//! A process notes a rightly signed delivery once an hour, under a key that nobody else has. So noting it takes one
//! write and never a read, also when many processes get a burst of deliveries.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use uuid::Uuid;

use crate::github::Repository;
use crate::store::{Body, Key, Store, StoreError, put_first};

/// Webhooks arrive if one was delivered within this time.
pub const RECENT: TimeDelta = TimeDelta::days(3);

/// How long a note is kept.
const KEPT: TimeDelta = TimeDelta::days(4);

const SCHEMA: u64 = 1;

/// What this process noted in the hour that passes, so that a burst of deliveries costs one write.
#[derive(Debug, Default)]
pub struct Arrivals(Mutex<Noted>);

#[derive(Debug, Default)]
struct Noted {
    hour: String,
    partitions: HashSet<String>,
}

impl Arrivals {
    /// Notes a delivery of this repository, if this process did not in this hour.
    pub(crate) async fn note(
        &self,
        store: &dyn Store,
        repository: &Repository,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let (partition, hour) = (partition(repository), hour(now));
        // Before the write: the deliveries that come meanwhile need none.
        if !self.lock().add(&hour, &partition) {
            return Ok(());
        }
        let noted = note(store, repository, now).await;
        if noted.is_err() {
            self.lock().partitions.remove(&partition);
        }
        noted
    }

    fn lock(&self) -> MutexGuard<'_, Noted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Noted {
    /// `false`: it is there already.
    fn add(&mut self, hour: &str, partition: &str) -> bool {
        if self.hour != hour {
            *self = Self { hour: hour.to_owned(), partitions: HashSet::new() };
        }
        self.partitions.insert(partition.to_owned())
    }
}

/// Notes a delivery of this repository.
pub(crate) async fn note(
    store: &dyn Store,
    repository: &Repository,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let body = Body::from_iter([
        ("schema".to_owned(), json!(SCHEMA)),
        ("seen_at".to_owned(), json!(now.to_rfc3339())),
    ]);
    // Notes sort by time. One is never in the place of another, so the store need not be read to tell them apart.
    let key = Key::new(partition(repository), format!("{}#{}", hour(now), Uuid::new_v4()));
    put_first(store, key, body, now + KEPT).await.map(drop)
}

/// Whether webhooks of this repository arrive.
pub async fn arrive(
    store: &dyn Store,
    repository: &Repository,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let seen = last_seen(store, repository).await?;
    Ok(seen.is_some_and(|seen| now - seen < RECENT))
}

/// When a delivery of this repository was last noted. It may have been seen again up to an hour later.
pub async fn last_seen(
    store: &dyn Store,
    repository: &Repository,
) -> Result<Option<DateTime<Utc>>, StoreError> {
    let notes = store.list(&partition(repository), 1).await?;
    Ok(notes.first().and_then(|note| note.body.get("seen_at")?.as_str()?.parse().ok()))
}

fn hour(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H").to_string()
}

/// GitHub takes names in any case for the same.
fn partition(repository: &Repository) -> String {
    format!("webhook#{}", repository.to_string().to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Memory;
    use rstest::rstest;

    fn noon() -> DateTime<Utc> {
        "2026-11-22T12:00:00Z".parse().unwrap()
    }

    fn repository(name: &str) -> Repository {
        name.parse().unwrap()
    }

    async fn notes(store: &Memory, name: &str) -> Vec<String> {
        let notes = store.list(&partition(&repository(name)), 100).await.unwrap();
        notes.into_iter().map(|item| item.key.sort[..13].to_owned()).collect()
    }

    #[tokio::test]
    async fn each_process_notes_each_repository_once_an_hour() {
        let store = Memory::default();
        let processes = [Arrivals::default(), Arrivals::default()];
        for minutes in [0, 20, 59, 60, 61] {
            let now = noon() + TimeDelta::minutes(minutes);
            for process in &processes {
                process.note(&store, &repository("octo-org/Web"), now).await.unwrap();
            }
        }
        processes[0].note(&store, &repository("octo-org/api"), noon()).await.unwrap();
        let hours = ["2026-11-22T13", "2026-11-22T13", "2026-11-22T12", "2026-11-22T12"];
        assert_eq!(notes(&store, "octo-org/web").await, hours);
        assert_eq!(notes(&store, "octo-org/api").await, ["2026-11-22T12"]);
        let seen = last_seen(&store, &repository("OCTO-ORG/web")).await.unwrap();
        assert_eq!(seen, Some(noon() + TimeDelta::hours(1)));
    }

    #[tokio::test]
    async fn a_note_that_could_not_be_written_is_tried_again() {
        let arrivals = Arrivals::default();
        let web = repository("octo-org/web");
        assert!(arrivals.note(&crate::store::Unset, &web, noon()).await.is_err());
        let store = Memory::default();
        arrivals.note(&store, &web, noon()).await.unwrap();
        assert_eq!(notes(&store, "octo-org/web").await, ["2026-11-22T12"]);
        let [note] = &store.list("webhook#octo-org/web", 9).await.unwrap()[..] else { panic!() };
        assert_eq!(note.expires_at, Some(noon() + TimeDelta::days(4)));
        assert_eq!(note.body["schema"], 1);
    }

    #[rstest]
    #[case::now(0, true)]
    #[case::our_clock_was_set_back(-60, true)]
    #[case::nearly_three_days(3 * 24 * 60 - 1, true)]
    #[case::three_days(3 * 24 * 60, false)]
    #[tokio::test]
    async fn webhooks_arrive_for_three_days_after_the_last(
        #[case] minutes: i64,
        #[case] expected: bool,
    ) {
        let (store, web) = (Memory::default(), repository("octo-org/web"));
        let now = noon() + TimeDelta::minutes(minutes);
        assert_eq!(arrive(&store, &web, now).await, Ok(false));
        note(&store, &web, noon()).await.unwrap();
        assert_eq!(arrive(&store, &web, now).await, Ok(expected));
        assert_eq!(arrive(&store, &repository("octo-org/web2"), now).await, Ok(false));
    }

    #[tokio::test]
    async fn a_note_that_cannot_be_read_counts_as_none() {
        let store = Memory::default();
        let web = repository("octo-org/web");
        let body = Body::from_iter([("seen_at".to_owned(), json!(7))]);
        let key = Key::new(partition(&web), "2026-11-22T12");
        put_first(&store, key, body, noon() + KEPT).await.unwrap();
        assert_eq!(last_seen(&store, &web).await, Ok(None));
    }
}
