//! Stand-ins for GitHub Actions, Discord and a website, for tests, benches and the playground.
//!
//! They are state behind HTTP on the loopback: they know nothing of the bot's types, so what they
//! catch are mistakes on the wire. [`github::Github`] takes dispatches and moves runs by a
//! timetable; [`discord::Discord`] is the API and the user's Discord client at once; [`site::Site`]
//! is what the workflows deploy, a frontend and its API. Each can be told to misbehave.
//!
//! Time is [`Clock`]'s, which moves with tokio's, so a test that pauses tokio's clock decides how
//! fast a run goes. [`Gauge`] tells such a test when nothing is under way and it may move time.
//!
//! Set `STANDINS_RECORD` to a folder to have every request received written there, one JSON
//! document a line.

// Dev-only: a stand-in that meets the impossible should stop the test loudly.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod clock;
pub mod discord;
mod endpoint;
mod gauge;
pub mod github;
mod multipart;
mod request;
mod scratch;
pub mod server;
pub mod site;

pub use clock::Clock;
pub use endpoint::{Endpoint, Handler};
pub use gauge::{CallGuard, DeliveryGuard, Gauge, StallGuard};
pub use request::Request;
pub use scratch::Scratch;
