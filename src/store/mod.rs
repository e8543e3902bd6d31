//! State that outlives an interaction.
//!
//! [`Memory`] is the store of one process. [`File`] outlives it: the store of `deckhand serve`. `Dynamo` (with
//! the feature `aws`) is shared by all processes. They keep the same contract and pass the same tests.

pub(crate) mod contract;
#[cfg(feature = "aws")]
pub(crate) mod dynamo;
pub(crate) mod file;
pub(crate) mod memory;
pub(crate) mod settings;
pub(crate) mod unset;

pub use contract::{
    Body, Change, Commit, Committed, Expect, Item, Key, Store, StoreError, Write, put_first, update,
};
#[cfg(feature = "aws")]
pub use dynamo::Dynamo;
pub use file::File;
pub use memory::Memory;
pub use settings::Settings;
pub use unset::Unset;
