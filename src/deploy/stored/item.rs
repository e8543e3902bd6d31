//! The items of the store that deploys are kept in.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::deploy::key::DeployKey;
use crate::deploy::next::due;
use crate::deploy::order::Order;
use crate::deploy::record::{Deploy, FOLLOWED_FOR, Phase};
use crate::discord::InteractionId;
use crate::github::Repository;
use crate::store::{Body, Change, Expect, Item, Key, Store, StoreError, Write};

/// The schema of the items that this version writes. An earlier version leaves them alone: it would lose what it does
/// not know, like clicks.
const SCHEMA: u64 = 3;

/// The schema of the versions before cards. What it lacks has a default.
const WITHOUT_CARDS: u64 = 2;

/// How long a run may go on after its deploy has claimed it: it is followed for so long, can be started again for 30
/// days, and is followed for so long again.
const GOES_ON: TimeDelta = TimeDelta::days(2 * FOLLOWED_FOR.num_days() + 30);

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

/// The write that puts a deploy in place of what was read. `kept`: how long after its end.
pub(in crate::deploy) fn put(deploy: &Deploy, expect: Expect, kept: TimeDelta) -> Write {
    let mut body = match serde_json::to_value(deploy) {
        Ok(Value::Object(body)) => body,
        _ => Body::new(),
    };
    body.insert("schema".to_owned(), SCHEMA.into());
    let expires_at = match &deploy.phase {
        Phase::Ended(ending) => Some(ending.at + kept),
        _ => None,
    };
    let change = Change::Put { body, expires_at, due: due(deploy) };
    Write { key: deploy.order.key.in_store(), expect, change }
}

/// The write that begins a deploy, if its interaction has not begun one. It is open, so it is kept.
pub(in crate::deploy) fn requested(deploy: &Deploy) -> Write {
    put(deploy, Expect::Absent, TimeDelta::zero())
}

pub(in crate::deploy) fn deploy_of(item: &Item) -> Option<Deploy> {
    let schema = item.body.get("schema")?.as_u64()?;
    if !matches!(schema, SCHEMA | WITHOUT_CARDS) {
        return None;
    }
    let mut deploy: Deploy = serde_json::from_value(Value::Object(item.body.clone())).ok()?;
    if schema == WITHOUT_CARDS {
        deploy.wait_seconds = (deploy.wait_until - deploy.began_at).num_seconds();
    }
    Some(deploy)
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

/// Whose a run is: one deploy's at most, and the cards that watches show of it.
#[derive(Debug)]
pub struct Claim {
    /// The deploy that has it.
    pub deploy: Option<DeployKey>,
    /// The deploys that had it before roll backs took it over to run it again, the latest last.
    before: Vec<DeployKey>,
    /// The cards of the channels that watch it.
    pub watched: Vec<DeployKey>,
    item: Option<Item>,
    key: Key,
}

impl Claim {
    /// That nobody has the run, as far as is known.
    pub(in crate::deploy) fn nobodys(repository: &Repository, run_id: u64) -> Self {
        let key = run_key(repository, run_id);
        Self { deploy: None, before: Vec::new(), watched: Vec::new(), item: None, key }
    }

    /// Reads it.
    pub async fn read(
        store: &dyn Store,
        repository: &Repository,
        run_id: u64,
    ) -> Result<Self, StoreError> {
        let key = run_key(repository, run_id);
        let item = store.get(&key).await?;
        let body = item.as_ref().map(|item| Value::Object(item.body.clone())).unwrap_or_default();
        let all = |name: &str| {
            let keys = body.get(name).and_then(Value::as_array);
            keys.into_iter().flatten().filter_map(named).collect()
        };
        let (before, watched) = (all("before"), all("watched"));
        Ok(Self { deploy: named(&body), before, watched, item, key })
    }

    /// All that must learn of the run.
    pub fn followers(self) -> Vec<DeployKey> {
        self.deploy.into_iter().chain(self.watched).collect()
    }

    /// The write that adds the card of a watch.
    pub(in crate::deploy) fn with_watched(
        &self,
        card: &DeployKey,
        kept: TimeDelta,
        now: DateTime<Utc>,
    ) -> Write {
        let cards: Vec<_> = self.watched.iter().chain([card]).map(naming).collect();
        let mut body = self.item.as_ref().map(|item| item.body.clone()).unwrap_or_default();
        body.insert("watched".to_owned(), json!(cards));
        self.write(body, kept, now)
    }

    /// The write that claims the run for a deploy, if it is still whose it was when this was read. The cards of
    /// watches stay.
    pub(in crate::deploy) fn with_deploy(
        &self,
        deploy: &DeployKey,
        kept: TimeDelta,
        now: DateTime<Utc>,
    ) -> Write {
        let others = self.had_it().filter(|one| *one != deploy);
        self.write(self.body(&others.chain([deploy]).collect::<Vec<_>>()), kept, now)
    }

    /// The write by which a deploy gives the run back to whoever had it before. `None`: it does not have it.
    pub(in crate::deploy) fn without_deploy(
        &self,
        deploy: &DeployKey,
        kept: TimeDelta,
        now: DateTime<Utc>,
    ) -> Option<Write> {
        self.had_it().find(|one| *one == deploy)?;
        let others: Vec<_> = self.had_it().filter(|one| *one != deploy).collect();
        let body = self.body(&others);
        if !body.is_empty() {
            return Some(self.write(body, kept, now));
        }
        let expect = Expect::unchanged(self.item.as_ref());
        Some(Write { key: self.key.clone(), expect, change: Change::Delete })
    }

    /// Whether what is done to the run now is for another deploy to tell of.
    pub(in crate::deploy) fn is_of_another(&self, key: &DeployKey) -> bool {
        self.deploy.as_ref().is_some_and(|owner| owner != key) && !self.watched.contains(key)
    }

    /// The deploys that had it, and the one that has it.
    fn had_it(&self) -> impl Iterator<Item = &DeployKey> {
        self.before.iter().chain(&self.deploy)
    }

    /// `deploys`: the last one has it.
    fn body(&self, deploys: &[&DeployKey]) -> Body {
        let mut body = Body::new();
        let mut add = |name: &str, keys: Vec<Value>| {
            if !keys.is_empty() {
                body.insert(name.to_owned(), json!(keys));
            }
        };
        add("watched", self.watched.iter().map(naming).collect());
        if let Some((deploy, before)) = deploys.split_last() {
            add("before", before.iter().map(|key| naming(key)).collect());
            body.extend(naming(deploy).as_object().cloned().unwrap_or_default());
        }
        body
    }

    /// The claim outlives the deploy, which is kept for `kept` after its end.
    fn write(&self, body: Body, kept: TimeDelta, now: DateTime<Utc>) -> Write {
        let change = Change::Put { body, expires_at: Some(now + GOES_ON + kept), due: None };
        Write { key: self.key.clone(), expect: Expect::unchanged(self.item.as_ref()), change }
    }
}

fn naming(key: &DeployKey) -> Value {
    json!({"agent": key.agent, "interaction_id": key.interaction_id.to_string()})
}

fn named(body: &Value) -> Option<DeployKey> {
    let text = |name: &str| body.get(name)?.as_str();
    let interaction_id = InteractionId(text("interaction_id")?.parse().ok()?);
    Some(DeployKey { agent: text("agent")?.to_owned(), interaction_id })
}

/// The deploy that has a run.
pub async fn owner(
    store: &dyn Store,
    repository: &Repository,
    run_id: u64,
) -> Result<Option<DeployKey>, StoreError> {
    Ok(Claim::read(store, repository, run_id).await?.deploy)
}

pub(in crate::deploy) fn window_key(repository: &Repository, workflow: &str, git_ref: &str) -> Key {
    let repository = repository.to_string().to_lowercase();
    Key::new(format!("window#{repository}#{workflow}"), git_ref)
}

/// The latest dispatches of a workflow on a ref.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(in crate::deploy) struct Window {
    dispatches: Vec<Dispatch>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Dispatch {
    interaction_id: InteractionId,
    at: DateTime<Utc>,
}

impl Window {
    pub(in crate::deploy) fn of(item: Option<&Item>) -> Self {
        let body = item.map(|item| Value::Object(item.body.clone()));
        body.and_then(|body| serde_json::from_value(body).ok()).unwrap_or_default()
    }

    /// The write that adds a dispatch.
    pub(in crate::deploy) fn with(
        mut self,
        item: Option<&Item>,
        order: &Order,
        now: DateTime<Utc>,
    ) -> Write {
        self.dispatches.retain(|one| now - one.at < WINDOW);
        let interaction_id = order.key.interaction_id;
        self.dispatches.retain(|one| one.interaction_id != interaction_id);
        self.dispatches.push(Dispatch { interaction_id, at: now });
        let body = serde_json::to_value(self).ok();
        let body = body.and_then(|body| body.as_object().cloned()).unwrap_or_default();
        let change = Change::Put { body, expires_at: Some(now + TimeDelta::days(1)), due: None };
        let Order { repository, workflow, git_ref, .. } = order;
        Write {
            key: window_key(repository, workflow, git_ref),
            expect: Expect::unchanged(item),
            change,
        }
    }

    /// The deploys that were dispatched in this time.
    pub(in crate::deploy) fn dispatched(
        &self,
        since: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> impl Iterator<Item = InteractionId> {
        let fits = move |one: &&Dispatch| one.at >= since && one.at <= until;
        self.dispatches.iter().filter(fits).map(|one| one.interaction_id)
    }

    /// Whether another deploy was dispatched at the same time or since.
    pub(in crate::deploy) fn has_another(&self, order: &Order, sent_at: DateTime<Utc>) -> bool {
        self.dispatches.iter().any(|one| {
            one.interaction_id != order.key.interaction_id && one.at >= sent_at - SAME_TIME
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deploy::sample;

    fn expiry(write: &Write) -> Option<DateTime<Utc>> {
        match &write.change {
            Change::Put { expires_at, .. } => *expires_at,
            Change::Delete => panic!("it is deleted"),
        }
    }

    #[test]
    fn a_deploy_is_kept_from_its_end_on_and_an_open_one_stays() {
        let day = TimeDelta::days(1);
        assert_eq!(expiry(&put(&sample::open(1), Expect::Absent, day)), None);
        let deploy = sample::deploy(1, "success");
        let ended = deploy.ending().unwrap().at;
        assert_eq!(expiry(&put(&deploy, Expect::Absent, day)), Some(ended + day));
        let kept = TimeDelta::days(3650);
        assert_eq!(expiry(&put(&deploy, Expect::Absent, kept)), Some(ended + kept));
    }

    #[test]
    fn a_claim_outlives_a_deploy_that_is_started_again_as_late_as_can_be() {
        let (order, kept) = (sample::order(1, None), TimeDelta::days(1));
        let now = order.key.interaction_id.created_at();
        let last_end = now + FOLLOWED_FOR + TimeDelta::days(30) + FOLLOWED_FOR;
        assert!(
            expiry(&Claim::nobodys(&order.repository, 7).with_deploy(&order.key, kept, now))
                .unwrap()
                >= last_end + kept
        );
    }

    #[tokio::test]
    async fn a_run_has_one_deploy_and_the_cards_of_its_watches() {
        let store = crate::store::Memory::default();
        let repository: Repository = "octo-org/web".parse().unwrap();
        let (now, kept) = (sample::interaction(1).created_at(), TimeDelta::days(1));
        let card =
            |n: u64| DeployKey { agent: format!("watch-{n}"), interaction_id: InteractionId(n) };
        let deploy = DeployKey { agent: "client".to_owned(), interaction_id: InteractionId(7) };
        for n in [1, 2] {
            let claim = Claim::read(&store, &repository, 9).await.unwrap();
            let write = claim.with_watched(&card(n), kept, now);
            store.commit(&crate::store::Commit::of(vec![write])).await.unwrap();
        }
        let claim = Claim::read(&store, &repository, 9).await.unwrap();
        assert_eq!((claim.deploy.clone(), claim.watched.clone()), (None, vec![card(1), card(2)]));
        assert_eq!(owner(&store, &repository, 9).await.unwrap(), None);
        let write = claim.with_deploy(&deploy, kept, now);
        store.commit(&crate::store::Commit::of(vec![write])).await.unwrap();
        let claim = Claim::read(&store, &repository, 9).await.unwrap();
        assert_eq!(claim.followers(), [deploy.clone(), card(1), card(2)]);
        assert_eq!(owner(&store, &repository, 9).await.unwrap(), Some(deploy));
    }

    /// What the version before cards has stored is gone on with; what this one stores it leaves alone.
    #[test]
    fn an_item_of_the_version_before_cards_is_read() {
        let deploy = sample::open(1);
        let Change::Put { mut body, .. } = put(&deploy, Expect::Absent, TimeDelta::zero()).change
        else {
            panic!("it is not stored");
        };
        assert_eq!(body["schema"], 3);
        body.insert("schema".to_owned(), 2.into());
        body.remove("wait_seconds");
        let (key, revision) = (deploy.order.key.in_store(), uuid::Uuid::nil());
        let mut item = Item { key, revision, body, expires_at: None, due: None };
        assert_eq!(deploy_of(&item), Some(deploy));
        item.body.insert("schema".to_owned(), 4.into());
        assert_eq!(deploy_of(&item), None);
    }

    #[tokio::test]
    async fn a_run_that_was_taken_over_can_be_given_back() {
        let store = crate::store::Memory::default();
        let repository: Repository = "octo-org/web".parse().unwrap();
        let (now, kept) = (sample::interaction(1).created_at(), TimeDelta::days(1));
        let key =
            |n: u64| DeployKey { agent: "client".to_owned(), interaction_id: InteractionId(n) };
        let commit = async |write: Option<Write>| {
            let commit = crate::store::Commit::of(vec![write.unwrap()]);
            assert_eq!(store.commit(&commit).await.unwrap(), crate::store::Committed::Done);
            Claim::read(&store, &repository, 9).await.unwrap()
        };
        let mut claim = Claim::nobodys(&repository, 9);
        for n in [1, 2, 3, 3] {
            claim = commit(Some(claim.with_deploy(&key(n), kept, now))).await;
            assert_eq!(claim.deploy, Some(key(n)));
        }
        claim = commit(Some(claim.with_watched(&key(7), kept, now))).await;
        assert!(claim.without_deploy(&key(4), kept, now).is_none(), "it never had it");
        // One that another has taken the run from gives nothing back to the one before it.
        claim = commit(claim.without_deploy(&key(2), kept, now)).await;
        assert_eq!(claim.deploy, Some(key(3)));
        claim = commit(claim.without_deploy(&key(3), kept, now)).await;
        assert_eq!(claim.deploy, Some(key(1)));
        claim = commit(claim.without_deploy(&key(1), kept, now)).await;
        assert_eq!(claim.followers(), [key(7)]);
    }
}
