//! A stand-in for GitHub Actions.
//!
//! It takes workflow dispatches, moves the runs by a [`Timetable`] and answers as
//! <https://docs.github.com/rest/actions> says, with ETags, rate limits and pages. A [`Scenario`]
//! says how it behaves, a [`Fault`] what goes wrong. It tells a [`Hook`] what becomes of the runs.

mod annotation;
mod annotations;
mod answers;
mod app;
mod archive;
mod artifact;
mod artifacts;
mod attempts;
mod auth;
mod board;
mod commit;
mod commits;
mod concurrency;
mod course;
mod delivery;
mod deployments;
mod dispatch;
mod due;
mod fault;
mod gate;
mod history;
mod hook;
mod hooks;
mod inspect;
mod jobs;
mod jwt;
mod listing;
mod logs;
mod matrix;
mod outbox;
mod parcel;
mod payloads;
mod pending;
mod permission;
mod person;
mod presets;
mod redirect;
mod refs;
mod renamed;
mod restarts;
mod review;
mod reviews;
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

pub use annotation::Annotation;
pub use artifact::Artifact;
pub use commit::Commit;
pub use fault::{Fault, On, What};
pub use gate::Gate;
pub use hook::{Fate, Happening, Hook, Mishap, signature};
pub use parcel::Delivery;
pub use permission::Permission;
pub use renamed::Renamed;
pub use review::Review;
pub use run::{NewRun, Phase, Run, Timetable};
pub use scenario::{Ranges, Scenario};
pub use standin::Github;
pub use state::Dispatch;
pub use workflow::{Input, Job, OtherJob, Title, Workflow};
