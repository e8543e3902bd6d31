//! What a store promises, and the records that it holds.

use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;

use crate::discord::{CorrelationId, InteractionId};

/// Remembers interactions, deploys and posts.
pub trait Store: Send + Sync {
    /// Takes an interaction for its one and only handling. `false` when it was taken before.
    fn take_interaction(&self, id: InteractionId) -> BoxFuture<'_, Result<bool, StoreError>>;

    /// Takes the interaction of a deploy in the same way, by noting the deploy as pending, before
    /// anything is dispatched.
    fn begin_deploy<'a>(&'a self, deploy: &'a Deploy) -> BoxFuture<'a, Result<Begun, StoreError>>;

    /// Notes the page of a deploy's run.
    fn note_run<'a>(
        &'a self,
        key: &'a DeployKey,
        page: &'a str,
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Ends a deploy, whose outcome the caller is going to announce. `false` when it was ended before: then
    /// somebody else announces it. One that is not known any more is announced.
    fn end_deploy<'a>(
        &'a self,
        key: &'a DeployKey,
        outcome: &'a DeployOutcome,
    ) -> BoxFuture<'a, Result<bool, StoreError>>;

    /// The last deploys of an agent, the newest first.
    fn history<'a>(
        &'a self,
        agent: &'a str,
        count: u16,
    ) -> BoxFuture<'a, Result<Vec<Deploy>, StoreError>>;

    /// Begins a post that must be there once, whoever tries it how often. `key` says which.
    fn begin_post<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Post, StoreError>>;

    /// Ends a post: `posted` says whether it is there. If it surely is not, it can be begun again; but
    /// one that somebody else has ended as there stays so.
    fn end_post<'a>(&'a self, key: &'a str, posted: bool) -> BoxFuture<'a, Result<(), StoreError>>;
}

/// A deploy that was asked for in Discord.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deploy {
    /// Which one.
    pub key: DeployKey,
    /// Who asked for it: `name#id`.
    pub requester: String,
    /// When.
    pub began_at: DateTime<Utc>,
    /// The page of its run, as soon as that is known.
    pub run_page: Option<String>,
    /// How far it has come.
    pub state: DeployState,
}

/// Which deploy. Keys of one agent are in the order of their interactions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeployKey {
    /// The agent's id.
    pub agent: String,
    /// The interaction that asked for it.
    pub interaction_id: InteractionId,
}

impl DeployKey {
    /// What the run carries.
    pub fn correlation_id(&self) -> CorrelationId {
        self.interaction_id.correlation_id()
    }
}

/// How far a deploy has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeployState {
    /// Its outcome was not announced yet.
    Pending,
    /// Its outcome was announced.
    Ended(DeployOutcome),
}

/// How a deploy ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeployOutcome {
    /// One word: GitHub's conclusion, like `success`, or what there is instead of one.
    pub word: String,
    /// The page of its run, if that is known.
    pub run_page: Option<String>,
    /// When it was told.
    pub at: DateTime<Utc>,
}

/// What came of [`Store::begin_deploy`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// It is the caller's to dispatch.
    Now,
    /// The same interaction began it before; this is how it stands.
    Before(Deploy),
}

/// What came of [`Store::begin_post`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Post {
    /// Nobody has tried it.
    First,
    /// Somebody has tried it and it is not known what came of it.
    Unsure,
    /// It is there.
    Done,
}

/// Why the store cannot be used; then nothing that it decides can be done. Says what to do; safe as Markdown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct StoreError(pub String);
