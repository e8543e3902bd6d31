//! What all commands share: context, settings, authorization, replay protection, deferred answers.

pub(crate) mod answer_by;
pub mod authorize;
pub mod command;
pub(crate) mod context;
pub(crate) mod follow_up;
mod on_aws;
pub(crate) mod order;
pub mod registration;
pub(crate) mod roll_back;
pub mod settings;
pub(crate) mod steer;
pub mod take;
pub mod tasks;

pub use command::{Call, Command, Completion, Plan, Serves};
pub use context::{Context, Parts};
pub use on_aws::{in_region, keeper, on_aws};
pub use registration::registration;
pub use settings::{BadSettings, Settings};
