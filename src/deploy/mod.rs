//! One deploy: dispatch a workflow, find exactly the run that came of it, follow it to its end.
//!
//! `correlation` decides which run is ours, `dispatch` sends at most one dispatch, `search` finds
//! the run when GitHub did not name it, `wait` follows it, `record` remembers it, `messages` says how
//! things stand.

pub(crate) mod conclusion;
pub(crate) mod correlation;
pub(crate) mod dispatch;
pub(crate) mod dispatch_only;
pub(crate) mod failure;
pub(crate) mod follow;
pub(crate) mod messages;
pub(crate) mod order;
pub(crate) mod record;
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
