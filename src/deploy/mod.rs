//! A deploy: dispatches a workflow, finds exactly the run it created, and follows that run until it ends.
//!
//! `correlation` matches runs to the dispatch, `dispatch` sends at most one dispatch, `search` finds the run
//! if GitHub did not return it, `wait` follows it, `record` stores it, `messages` shows its state.

pub(crate) mod conclusion;
pub(crate) mod correlation;
pub(crate) mod dispatch;
pub(crate) mod dispatch_only;
pub(crate) mod failure;
pub(crate) mod follow;
pub(crate) mod given;
pub mod key;
pub(crate) mod messages;
pub(crate) mod order;
pub mod record;
pub(crate) mod retry_budget;
pub(crate) mod run_line;
pub(crate) mod search;
pub(crate) mod settings;
pub(crate) mod state;
pub(crate) mod wait;

pub(crate) use dispatch_only::{dispatch_only, log_end};
pub(crate) use follow::follow;
pub(crate) use order::Order;
pub(crate) use settings::WaitSettings;
pub(crate) use state::{Stage, StageObserver};
