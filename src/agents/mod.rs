//! Agents are data, declared in `agents.toml`. Registration, option parsing, dispatch and `/agents` all
//! derive from that declaration.

mod fault;
pub mod file;
mod input;
pub(crate) mod options;
pub(crate) mod pattern;
pub(crate) mod registry;
pub(crate) mod reported;
pub(crate) mod rule;
pub(crate) mod verification;

pub use registry::{Agent, Input, Kind, NONE_REPORTED, Registry, Workflow};
pub use reported::Reported;
pub use rule::Rule;
pub use verification::Verification;
