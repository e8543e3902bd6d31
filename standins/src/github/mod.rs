//! A stand-in for GitHub Actions.
//!
//! It takes workflow dispatches, moves the runs by a [`Timetable`] and answers as
//! <https://docs.github.com/rest/actions> says, with ETags, rate limits and pages. A [`Scenario`]
//! says how it behaves, a [`Fault`] what goes wrong.

mod answers;
mod app;
mod archive;
mod artifact;
mod artifacts;
mod auth;
mod dispatch;
mod fault;
mod history;
mod inspect;
mod jobs;
mod jwt;
mod listing;
mod permission;
mod presets;
mod refs;
mod routes;
mod run;
mod runs;
mod scenario;
mod sealed;
mod secrets;
mod standin;
mod state;
#[cfg(test)]
mod tests;
mod unread;
mod variables;
mod view;
mod wire;
mod workflow;

pub use artifact::Artifact;
pub use fault::{Fault, On, What};
pub use permission::Permission;
pub use run::{NewRun, Phase, Run, Timetable};
pub use scenario::Scenario;
pub use standin::Github;
pub use state::Dispatch;
pub use workflow::{Input, Title, Workflow};
