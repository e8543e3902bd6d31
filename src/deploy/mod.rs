//! One deploy: dispatch a workflow, find exactly the run that came of it, follow it to its end.
//!
//! `correlation` decides which run is ours, `dispatch` sends at most one dispatch, `search` finds
//! the run when GitHub did not name it, `wait` follows it, `record` remembers it, `messages` says how
//! things stand.

pub mod conclusion;
pub mod correlation;
pub mod dispatch;
pub mod dispatch_only;
pub mod failure;
pub mod follow;
pub mod messages;
pub mod order;
pub mod record;
pub mod retry_budget;
pub mod run_line;
pub mod search;
pub mod settings;
pub mod state;
pub mod wait;

pub use dispatch_only::{dispatch_only, log_end};
pub use follow::{follow, start};
pub use order::Order;
pub use settings::WaitSettings;
pub use state::{Ended, Followed, Stage, StageObserver, Target, Why};
