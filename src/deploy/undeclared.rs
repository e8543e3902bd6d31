//! Which bookkeeping inputs a workflow does not declare. GitHub refuses a dispatch with them (422, nothing was started).
//! That is remembered for a day, so that the next dispatch needs one request, and a workflow that declares them later
//! gets them again.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use tokio::time::timeout;

use super::order::Order;
use crate::github::{BOOKKEEPING, git_ref};
use crate::store::{Body, Change, Item, Key, Store, update};

/// How long it is remembered.
const KEPT: TimeDelta = TimeDelta::days(1);

/// How long the store may take. Without it the dispatch needs one request more.
const WITHIN: Duration = Duration::from_secs(2);

const SCHEMA: u64 = 1;

const UNEXPECTED: &str = "Unexpected inputs provided";

/// What is known of the workflow on this ref.
pub(super) async fn recall(
    store: &dyn Store,
    order: &Order,
    now: DateTime<Utc>,
) -> Vec<&'static str> {
    let key = key(order);
    match timeout(WITHIN, store.get(&key)).await {
        Ok(Ok(item)) => item.and_then(|item| read(&item, now)).unwrap_or_default(),
        failed => {
            tracing::warn!(?failed, "it is not known which inputs the workflow declares");
            Vec::new()
        }
    }
}

/// Remembers it. That it cannot be is no failure.
pub(super) async fn remember(
    store: &dyn Store,
    order: &Order,
    undeclared: &[&'static str],
    now: DateTime<Utc>,
) {
    let body = Body::from_iter([
        ("schema".to_owned(), json!(SCHEMA)),
        ("undeclared".to_owned(), json!(undeclared)),
        ("seen_at".to_owned(), json!(now.to_rfc3339())),
    ]);
    let key = key(order);
    let put = |read: Option<&Item>| {
        if undeclared.is_empty() {
            return read.map(|_| Change::Delete);
        }
        Some(Change::Put { body: body.clone(), expires_at: Some(now + KEPT), due: None })
    };
    match timeout(WITHIN, update(store, &key, put)).await {
        Ok(Ok(_)) => {}
        failed => {
            tracing::warn!(?failed, "it is not remembered which inputs the workflow declares");
        }
    }
}

fn read(item: &Item, now: DateTime<Utc>) -> Option<Vec<&'static str>> {
    let seen_at: DateTime<Utc> = item.body.get("seen_at")?.as_str()?.parse().ok()?;
    // An item may outlive its time.
    if now - seen_at >= KEPT {
        return None;
    }
    let named = item.body.get("undeclared")?.as_array()?;
    Some(named.iter().filter_map(|name| known(name.as_str()?)).collect())
}

/// Another ref may have another version of the workflow. GitHub takes names of repositories in any case for the same.
fn key(order: &Order) -> Key {
    let Order { repository, workflow, .. } = order;
    let repository = repository.to_string().to_ascii_lowercase();
    Key::new(format!("undeclared#{repository}#{workflow}"), git_ref::short(&order.git_ref))
}

fn known(name: &str) -> Option<&'static str> {
    BOOKKEEPING.into_iter().find(|known| *known == name)
}

/// Whether GitHub has refused inputs that the workflow does not declare.
pub(super) fn is_refused(message: &str) -> bool {
    message.contains(UNEXPECTED)
}

/// The inputs that the workflow does not declare, if all of them are bookkeeping.
pub(super) fn ours_alone(message: &str) -> Option<Vec<&'static str>> {
    let named: Vec<&str> = named(message)?.collect();
    let ours: Vec<_> = named.iter().filter_map(|name| known(name)).collect();
    (!ours.is_empty() && ours.len() == named.len()).then_some(ours)
}

/// GitHub's message without the bookkeeping inputs, which are not what is wrong.
pub(super) fn without_ours(message: &str) -> String {
    let Some(named) = named(message) else { return message.to_owned() };
    let given: Vec<&str> = named.filter(|name| known(name).is_none()).collect();
    if given.is_empty() { message.to_owned() } else { format!("{UNEXPECTED}: {given:?}") }
}

/// The names in `Unexpected inputs provided: ["a", "b"]`.
fn named(message: &str) -> Option<impl Iterator<Item = &str>> {
    let (_, list) = message.split_once(UNEXPECTED)?;
    let (_, list) = list.split_once('[')?;
    let list = list.split(']').next().unwrap_or(list);
    let names = list.split(',').map(|name| name.trim().trim_matches(['"', '\'']));
    Some(names.filter(|name| !name.is_empty()))
}

/// The bookkeeping input that the workflow requires, in `Required input 'a' not provided`.
pub(super) fn required(message: &str) -> Option<&'static str> {
    let (_, rest) = message.split_once("Required input")?;
    known(rest.trim_start().trim_start_matches(['\'', '"']).split(['\'', '"']).next()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deploy::sample;
    use crate::store::{Memory, Unset};
    use rstest::rstest;

    fn noon() -> DateTime<Utc> {
        "2026-11-22T12:00:00Z".parse().unwrap()
    }

    #[rstest]
    #[case::both(r#"["correlation_id", "requester"]"#, Some(&["correlation_id", "requester"][..]))]
    #[case::one(r#"["channel"]"#, Some(&["channel"][..]))]
    #[case::without_spaces(r#"["requester","channel"]"#, Some(&["requester", "channel"][..]))]
    #[case::single_quotes("['requester']", Some(&["requester"][..]))]
    #[case::the_users_too(r#"["requester", "stage"]"#, None)]
    #[case::the_users(r#"["stage"]"#, None)]
    #[case::alike(r#"["Requester"]"#, None)]
    #[case::none("[]", None)]
    #[case::no_list("requester", None)]
    #[case::cut(r#"["requester", "st…"#, None)]
    fn only_bookkeeping_inputs_are_left_out(#[case] list: &str, #[case] expected: Option<&[&str]>) {
        let message = format!("Unexpected inputs provided: {list}");
        assert_eq!(ours_alone(&message).as_deref(), expected);
        assert_eq!(ours_alone(&format!("Something about {list}")), None);
    }

    #[test]
    fn what_is_told_names_only_what_was_given() {
        let told = without_ours(r#"Unexpected inputs provided: ["correlation_id", "stage", "x"]"#);
        assert_eq!(told, r#"Unexpected inputs provided: ["stage", "x"]"#);
        let as_it_is = "Unexpected inputs provided";
        assert_eq!(without_ours(as_it_is), as_it_is);
    }

    #[rstest]
    #[case("Required input 'requester' not provided", Some("requester"))]
    #[case("Required input 'stage' not provided", None)]
    #[case("requester", None)]
    fn a_required_bookkeeping_input_is_recognised(
        #[case] message: &str,
        #[case] expected: Option<&str>,
    ) {
        assert_eq!(required(message), expected);
    }

    #[tokio::test]
    async fn it_is_remembered_for_a_workflow_on_a_ref_for_a_day() {
        let store = Memory::default();
        let order = sample::order(0, None);
        assert!(recall(&store, &order, noon()).await.is_empty());
        remember(&store, &order, &["requester"], noon()).await;
        let later = noon() + TimeDelta::hours(23);
        let mut same = sample::order(7, Some("production"));
        same.git_ref = format!("refs/heads/{}", order.git_ref);
        same.repository = order.repository.to_string().to_uppercase().parse().unwrap();
        assert_eq!(recall(&store, &same, later).await, ["requester"]);
        for other in [
            Order { git_ref: "dev".to_owned(), ..order.clone() },
            Order { workflow: "other.yml".to_owned(), ..order.clone() },
            Order { repository: "octo-org/api".parse().unwrap(), ..order.clone() },
        ] {
            assert!(recall(&store, &other, later).await.is_empty());
        }
        let next_day = noon() + TimeDelta::days(1);
        assert!(recall(&store, &order, next_day).await.is_empty());
        remember(&store, &order, &["channel", "requester"], later).await;
        assert_eq!(recall(&store, &order, next_day).await, ["channel", "requester"]);
        remember(&store, &order, &[], later).await;
        assert!(recall(&store, &order, later).await.is_empty());
    }

    #[tokio::test]
    async fn a_store_that_cannot_be_used_is_no_failure() {
        let order = sample::order(0, None);
        remember(&Unset, &order, &["requester"], noon()).await;
        assert!(recall(&Unset, &order, noon()).await.is_empty());
    }

    #[tokio::test]
    async fn what_cannot_be_read_counts_as_nothing() {
        let (store, order) = (Memory::default(), sample::order(0, None));
        let odd = Body::from_iter([("undeclared".to_owned(), json!(7))]);
        let put =
            |_: Option<&Item>| Some(Change::Put { body: odd.clone(), expires_at: None, due: None });
        assert!(update(&store, &key(&order), put).await.unwrap());
        assert!(recall(&store, &order, noon()).await.is_empty());
    }
}
