//! Agents are data: what the bot can do is declared in `agents.toml`, and registration, option
//! parsing, dispatch and `/agents` all derive from that one declaration.

pub mod file;
pub mod options;
pub mod registry;
pub mod verification;

pub use registry::{Agent, Input, Kind, Registry, Workflow};
pub use verification::Verification;
