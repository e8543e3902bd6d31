//! A deploy's record in the store: created before the dispatch, with the run and the outcome added later.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::time::timeout;

use super::conclusion::Conclusion;
use super::key::{DeployKey, partition};
use super::state::Target;
use crate::discord::InteractionId;
use crate::store::{self, Body, Change, Item, Store, StoreError};

/// Timeout of a write. A slow store must not delay messages.
const NOTED_WITHIN: Duration = Duration::from_secs(2);

const KEPT: TimeDelta = TimeDelta::days(90);

/// A deploy requested in Discord.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deploy {
    /// Its key.
    pub key: DeployKey,
    /// `name#id` of the requester.
    pub requester: String,
    /// When it was requested.
    pub began_at: DateTime<Utc>,
    /// URL of its run, once known.
    pub run_page: Option<String>,
    /// Whether its outcome was announced.
    pub state: DeployState,
}

/// The state of a deploy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeployState {
    /// The outcome is not announced yet.
    Pending,
    /// The outcome was announced.
    Ended(DeployOutcome),
}

/// The outcome of a deploy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeployOutcome {
    /// One word: GitHub's conclusion, like `success`, or the reason why there is none.
    pub word: String,
    /// URL of its run, if known.
    pub run_page: Option<String>,
    /// When it was announced.
    pub at: DateTime<Utc>,
}

/// The result of [`begin`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// New: the caller must dispatch it.
    Now,
    /// A replay: the same interaction began it before. Holds its current record.
    Before(Deploy),
}

/// What the store's item holds.
#[derive(Serialize, Deserialize)]
struct Kept {
    state: String,
    correlation_id: String,
    requester: String,
    began_at: DateTime<Utc>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    run_page: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    outcome: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ended_at: Option<DateTime<Utc>>,
}

const PENDING: &str = "pending";
const ENDED: &str = "ended";

impl Deploy {
    fn body(&self) -> Body {
        let outcome = match &self.state {
            DeployState::Pending => None,
            DeployState::Ended(outcome) => Some(outcome),
        };
        let kept = Kept {
            state: outcome.map_or(PENDING, |_| ENDED).to_owned(),
            correlation_id: self.key.correlation_id().to_string(),
            requester: self.requester.clone(),
            began_at: self.began_at,
            run_page: self.run_page.clone(),
            outcome: outcome.map(|outcome| outcome.word.clone()),
            ended_at: outcome.map(|outcome| outcome.at),
        };
        match serde_json::to_value(kept) {
            Ok(Value::Object(body)) => body,
            _ => Body::new(),
        }
    }

    /// `None` for an item in an unknown format, for example of a newer version.
    fn of(item: &Item) -> Option<Self> {
        let kept: Kept = serde_json::from_value(Value::Object(item.body.clone())).ok()?;
        let state = if kept.state == PENDING {
            DeployState::Pending
        } else {
            let run_page = kept.run_page.clone();
            DeployState::Ended(DeployOutcome { word: kept.outcome?, run_page, at: kept.ended_at? })
        };
        Some(Self {
            key: DeployKey {
                agent: item.key.partition.strip_prefix("agent#")?.to_owned(),
                interaction_id: InteractionId(item.key.sort.parse().ok()?),
            },
            requester: kept.requester,
            began_at: kept.began_at,
            run_page: kept.run_page,
            state,
        })
    }
}

/// Claims a deploy's interaction, so that it is dispatched once (idempotency): stores the deploy as
/// pending. Call it before the dispatch.
pub async fn begin(store: &dyn Store, deploy: &Deploy) -> Result<Begun, StoreError> {
    let key = deploy.key.in_store();
    if store::put_first(store, key.clone(), deploy.body(), deploy.began_at + KEPT).await? {
        return Ok(Begun::Now);
    }
    let before = store.get(&key).await?;
    before.as_ref().and_then(Deploy::of).map(Begun::Before).ok_or_else(|| {
        let what = "the store holds this deploy in a form that this version cannot read";
        StoreError::Unusable(what.to_owned())
    })
}

/// Stores the URL of a deploy's run.
pub async fn note_run(store: &dyn Store, key: &DeployKey, page: &str) -> Result<(), StoreError> {
    let change = |item: Option<&Item>| {
        let deploy = Deploy { run_page: Some(page.to_owned()), ..Deploy::of(item?)? };
        Some(put(&deploy))
    };
    store::update(store, &key.in_store(), change).await.map(drop)
}

/// Ends a deploy whose outcome the caller is about to announce. `false`: it was ended before, and another
/// caller announces it. `true` also for a deploy that is not stored any more.
pub async fn end(
    store: &dyn Store,
    key: &DeployKey,
    outcome: &DeployOutcome,
) -> Result<bool, StoreError> {
    let at = key.in_store();
    let change = |item: Option<&Item>| {
        let deploy = Deploy::of(item?)?;
        if deploy.state != DeployState::Pending {
            return None;
        }
        let run_page = outcome.run_page.clone().or(deploy.run_page.clone());
        Some(put(&Deploy { run_page, state: DeployState::Ended(outcome.clone()), ..deploy }))
    };
    let won = store::update(store, &at, change).await?;
    Ok(won || store.get(&at).await?.is_none())
}

fn put(deploy: &Deploy) -> Change {
    Change::Put { body: deploy.body(), expires_at: Some(deploy.began_at + KEPT) }
}

/// The latest deploys of an agent, newest first.
pub async fn history(
    store: &dyn Store,
    agent: &str,
    count: u16,
) -> Result<Vec<Deploy>, StoreError> {
    let items = store.list(&partition(agent), count).await?;
    Ok(items.iter().filter_map(Deploy::of).collect())
}

/// A deploy's record in the store.
pub(crate) struct Record<'a> {
    /// Where it is.
    pub store: &'a dyn Store,
    /// Which deploy.
    pub key: &'a DeployKey,
}

impl Record<'_> {
    /// Stores the run's URL. On a failure only a later lookup misses it.
    pub(crate) async fn note_run(&self, target: &Target) {
        match timeout(NOTED_WITHIN, note_run(self.store, self.key, &target.url)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the run could not be stored"),
            Err(_) => tracing::warn!("the run could not be stored in time"),
        }
    }

    /// Stores the outcome. `false`: another caller did so before and announces it. If the store fails,
    /// returns true: a duplicate announcement is better than none.
    pub(crate) async fn end(
        &self,
        conclusion: Conclusion,
        target: Option<&Target>,
        at: DateTime<Utc>,
    ) -> bool {
        let run_page = target.map(|target| target.url.clone());
        let outcome = DeployOutcome { word: conclusion.name().to_owned(), run_page, at };
        match timeout(NOTED_WITHIN, end(self.store, self.key, &outcome)).await {
            Ok(Ok(won)) => return won,
            Ok(Err(error)) => tracing::error!(%error, "the deploy's outcome could not be stored"),
            Err(_) => tracing::error!("the deploy's outcome could not be stored in time"),
        }
        true
    }
}
