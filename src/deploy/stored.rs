//! Deploys in the store: their items, whose run is whose, and which began at the same time.
//!
//! | partition | sort key | what |
//! |---|---|---|
//! | `agent#ID` | the interaction's id, 20 digits | a deploy; with a due time while it is open |
//! | `run#OWNER/NAME#RUN` | `run` | which deploy has this run |
//! | `window#OWNER/NAME#WORKFLOW` | the ref | the latest dispatches of this workflow on this ref |

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::key::{DeployKey, partition};
use super::next::due;
use super::order::Order;
use super::record::{Deploy, Phase};
use crate::discord::InteractionId;
use crate::github::Repository;
use crate::store::{Body, Change, Expect, Item, Key, Store, StoreError, Write};

/// The schema of the items that this version writes.
const SCHEMA: u64 = 2;

/// How long a deploy that has ended is kept.
const KEPT: TimeDelta = TimeDelta::days(90);

/// How long the dispatches of a workflow on a ref are remembered.
const WINDOW: TimeDelta = TimeDelta::minutes(30);

/// Clocks differ, and GitHub's times are cut to seconds: a dispatch that much earlier began at the same time.
const SAME_TIME: TimeDelta = TimeDelta::seconds(30);

/// A deploy as it was read.
#[derive(Debug, Clone)]
pub struct Stored {
    /// The deploy.
    pub deploy: Deploy,
    /// The revision of its item.
    pub revision: uuid::Uuid,
}

/// Reads a deploy. `None`: there is none. An error if this version cannot read it.
pub async fn load(store: &dyn Store, key: &DeployKey) -> Result<Option<Stored>, StoreError> {
    let Some(item) = store.get(&key.in_store()).await? else { return Ok(None) };
    let deploy = deploy_of(&item).ok_or_else(|| {
        let what = "the store holds this deploy in a form that this version cannot read";
        StoreError::Unusable(what.to_owned())
    })?;
    Ok(Some(Stored { deploy, revision: item.revision }))
}

/// The write that puts a deploy in place of what was read.
pub(super) fn put(deploy: &Deploy, expect: Expect) -> Write {
    let mut body = match serde_json::to_value(deploy) {
        Ok(Value::Object(body)) => body,
        _ => Body::new(),
    };
    body.insert("schema".to_owned(), SCHEMA.into());
    let is_open = !matches!(deploy.phase, Phase::Ended(_));
    let expires_at = (!is_open).then(|| deploy.began_at + KEPT);
    let change = Change::Put { body, expires_at, due: due(deploy) };
    Write { key: deploy.order.key.in_store(), expect, change }
}

pub(super) fn deploy_of(item: &Item) -> Option<Deploy> {
    (item.body.get("schema")?.as_u64() == Some(SCHEMA)).then_some(())?;
    serde_json::from_value(Value::Object(item.body.clone())).ok()
}

/// Which deploy an item's key belongs to; `None` for an item that is no deploy.
pub fn key_of(key: &Key) -> Option<DeployKey> {
    Some(DeployKey {
        agent: key.partition.strip_prefix("agent#")?.to_owned(),
        interaction_id: InteractionId(key.sort.parse().ok()?),
    })
}

/// Where it is stored which deploy has a run.
pub fn run_key(repository: &Repository, run_id: u64) -> Key {
    let repository = repository.to_string().to_lowercase();
    Key::new(format!("run#{repository}#{run_id}"), "run")
}

/// The write that claims a run for a deploy, if no other has it.
pub(super) fn claim(order: &Order, run_id: u64, now: DateTime<Utc>) -> Write {
    let body = json!({
        "agent": order.key.agent,
        "interaction_id": order.key.interaction_id.to_string(),
    });
    let body = body.as_object().cloned().unwrap_or_default();
    let change = Change::Put { body, expires_at: Some(now + KEPT), due: None };
    Write { key: run_key(&order.repository, run_id), expect: Expect::Absent, change }
}

/// The deploy that has a run.
pub async fn owner(
    store: &dyn Store,
    repository: &Repository,
    run_id: u64,
) -> Result<Option<DeployKey>, StoreError> {
    let item = store.get(&run_key(repository, run_id)).await?;
    Ok(item.and_then(|item| {
        let text = |name: &str| item.body.get(name)?.as_str();
        let interaction_id = InteractionId(text("interaction_id")?.parse().ok()?);
        Some(DeployKey { agent: text("agent")?.to_owned(), interaction_id })
    }))
}

pub(super) fn window_key(order: &Order) -> Key {
    let repository = order.repository.to_string().to_lowercase();
    Key::new(format!("window#{repository}#{}", order.workflow), order.git_ref.clone())
}

/// The latest dispatches of a workflow on a ref.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Window {
    dispatches: Vec<Dispatch>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Dispatch {
    interaction_id: InteractionId,
    at: DateTime<Utc>,
}

impl Window {
    pub(super) fn of(item: Option<&Item>) -> Self {
        let body = item.map(|item| Value::Object(item.body.clone()));
        body.and_then(|body| serde_json::from_value(body).ok()).unwrap_or_default()
    }

    /// The write that adds a dispatch.
    pub(super) fn with(mut self, item: Option<&Item>, order: &Order, now: DateTime<Utc>) -> Write {
        self.dispatches.retain(|one| now - one.at < WINDOW);
        let interaction_id = order.key.interaction_id;
        self.dispatches.retain(|one| one.interaction_id != interaction_id);
        self.dispatches.push(Dispatch { interaction_id, at: now });
        let body = serde_json::to_value(self).ok();
        let body = body.and_then(|body| body.as_object().cloned()).unwrap_or_default();
        let change = Change::Put { body, expires_at: Some(now + TimeDelta::days(1)), due: None };
        Write { key: window_key(order), expect: Expect::unchanged(item), change }
    }

    /// Whether another deploy was dispatched at the same time or since.
    pub(super) fn has_another(&self, order: &Order, sent_at: DateTime<Utc>) -> bool {
        self.dispatches.iter().any(|one| {
            one.interaction_id != order.key.interaction_id && one.at >= sent_at - SAME_TIME
        })
    }
}

/// A deploy in a list, also one that an earlier version has stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its key.
    pub key: DeployKey,
    /// `name#id` of the requester.
    pub requester: String,
    /// When it was requested.
    pub began_at: DateTime<Utc>,
    /// URL of its run, once known.
    pub run_page: Option<String>,
    /// How it stands.
    pub state: State,
}

/// How a deploy in a list stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Stored by an earlier version that never told how it ended.
    Forgotten,
    /// It goes on.
    Open {
        /// When somebody had to look at it.
        due: Option<DateTime<Utc>>,
    },
    /// It has ended.
    Ended {
        /// GitHub's conclusion, like `success`, or the reason why there is none.
        word: String,
        /// Why its requester was not told, if so.
        untold: Option<String>,
    },
}

/// What version 0.1 stored.
#[derive(Deserialize)]
struct Older {
    state: String,
    requester: String,
    began_at: DateTime<Utc>,
    run_page: Option<String>,
    outcome: Option<String>,
}

impl Entry {
    /// `None` for an item in an unknown format, for example of a newer version.
    pub(super) fn of(item: &Item) -> Option<Self> {
        let key = key_of(&item.key)?;
        if let Some(deploy) = deploy_of(item) {
            return Some(Self::of_deploy(&deploy));
        }
        if item.body.contains_key("schema") {
            return None;
        }
        let older: Older = serde_json::from_value(Value::Object(item.body.clone())).ok()?;
        let state = if older.state == "pending" {
            State::Forgotten
        } else {
            State::Ended { word: older.outcome?, untold: None }
        };
        let Older { requester, began_at, run_page, .. } = older;
        Some(Self { key, requester, began_at, run_page, state })
    }

    /// A deploy in a list.
    pub fn of_deploy(deploy: &Deploy) -> Self {
        let run = deploy.target.as_ref().and_then(|target| target.run.as_deref());
        let state = match &deploy.phase {
            Phase::Ended(ending) => State::Ended {
                word: ending.outcome.word(run).to_owned(),
                untold: ending.telling.untold().map(str::to_owned),
            },
            _ => State::Open { due: due(deploy) },
        };
        Self {
            key: deploy.order.key.clone(),
            requester: deploy.order.requester.to_input(),
            began_at: deploy.began_at,
            run_page: deploy.target.as_ref().map(|target| target.url.clone()),
            state,
        }
    }
}

/// How a deploy stands. `None`: there is none, or this version cannot read it.
pub async fn entry(store: &dyn Store, key: &DeployKey) -> Result<Option<Entry>, StoreError> {
    Ok(store.get(&key.in_store()).await?.as_ref().and_then(Entry::of))
}

/// The latest deploys of an agent, newest first.
pub async fn history(store: &dyn Store, agent: &str, count: u16) -> Result<Vec<Entry>, StoreError> {
    let items = store.list(&partition(agent), count).await?;
    Ok(items.iter().filter_map(Entry::of).collect())
}
