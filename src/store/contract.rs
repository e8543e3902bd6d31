//! The store's contract, and its records.

use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;

use crate::discord::{CorrelationId, InteractionId};

/// Stores interactions, deploys and posts.
pub trait Store: Send + Sync {
    /// Claims an interaction, so that it is handled once (idempotency). `false`: it was claimed before.
    fn take_interaction(&self, id: InteractionId) -> BoxFuture<'_, Result<bool, StoreError>>;

    /// Claims a deploy's interaction in the same way: stores the deploy as pending. Call it before the
    /// dispatch.
    fn begin_deploy<'a>(&'a self, deploy: &'a Deploy) -> BoxFuture<'a, Result<Begun, StoreError>>;

    /// Stores the URL of a deploy's run.
    fn note_run<'a>(
        &'a self,
        key: &'a DeployKey,
        page: &'a str,
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Ends a deploy whose outcome the caller is about to announce. `false`: it was ended before, and another
    /// caller announces it. `true` also for a deploy that is not stored any more.
    fn end_deploy<'a>(
        &'a self,
        key: &'a DeployKey,
        outcome: &'a DeployOutcome,
    ) -> BoxFuture<'a, Result<bool, StoreError>>;

    /// The latest deploys of an agent, newest first.
    fn history<'a>(
        &'a self,
        agent: &'a str,
        count: u16,
    ) -> BoxFuture<'a, Result<Vec<Deploy>, StoreError>>;

    /// Begins a post that must not be duplicated, whoever retries it. `key` identifies it.
    fn begin_post<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Post, StoreError>>;

    /// Ends a post. `posted: false` means that it was certainly not posted; then it can be begun again,
    /// unless another process has ended it as posted.
    fn end_post<'a>(&'a self, key: &'a str, posted: bool) -> BoxFuture<'a, Result<(), StoreError>>;
}

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

/// The key of a deploy. Keys of one agent sort by interaction, so by time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeployKey {
    /// The agent's id.
    pub agent: String,
    /// The interaction that requested it.
    pub interaction_id: InteractionId,
}

impl DeployKey {
    /// The correlation id of its run.
    pub fn correlation_id(&self) -> CorrelationId {
        self.interaction_id.correlation_id()
    }
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

/// The result of [`Store::begin_deploy`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// New: the caller must dispatch it.
    Now,
    /// A replay: the same interaction began it before. Holds its current record.
    Before(Deploy),
}

/// The result of [`Store::begin_post`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Post {
    /// New: nobody has tried to post it.
    First,
    /// Another try began it, but its result is not known.
    Unsure,
    /// Already posted.
    Done,
}

/// Why the store cannot be used; then nothing that it decides can be done. Safe as Markdown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// There is no store where one is required.
    #[error("{0}")]
    NotSetUp(String),
    /// It is there and cannot be used, for now or by us.
    #[error("{0}")]
    Unusable(String),
}
