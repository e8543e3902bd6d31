//! Agents are data, declared in `agents.toml`. Registration, option parsing, dispatch and `/agents` all
//! derive from that declaration.

mod agent;
mod checks;
mod fault;
pub mod file;
mod fixed;
mod input;
mod keys;
pub(crate) mod options;
pub(crate) mod pattern;
pub mod place;
mod ref_pattern;
pub(crate) mod registry;
pub(crate) mod reported;
pub(crate) mod rule;
mod syntax;
mod table;
pub(crate) mod verification;
mod watch;
mod watches;
mod workflow;

pub use fault::{BadFile, Mistake};
pub(crate) use input::RESERVED_OPTIONS;
pub use place::Place;
pub use ref_pattern::RefPattern;
pub use registry::{Agent, Input, Kind, Lines, NONE_REPORTED, Registry, Workflow};
pub use reported::Reported;
pub use rule::Rule;
pub use verification::Verification;
pub use watch::Watch;
pub(crate) use workflow::MAX_INPUT_OPTIONS;
