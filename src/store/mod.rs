//! State that outlives an interaction.
//!
//! [`Memory`] is the store of one process. `Dynamo` (with the feature `aws`) is shared by all processes and
//! outlives them. Every deciding write is conditional: if two race, exactly one succeeds.

pub(crate) mod contract;
#[cfg(feature = "aws")]
pub(crate) mod dynamo;
pub(crate) mod memory;
pub(crate) mod settings;
pub(crate) mod unset;

pub use contract::{Begun, Deploy, DeployKey, DeployOutcome, DeployState, Post, Store, StoreError};
#[cfg(feature = "aws")]
pub use dynamo::Dynamo;
pub use memory::Memory;
pub use unset::Unset;
