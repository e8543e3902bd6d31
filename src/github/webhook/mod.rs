//! GitHub's webhooks, as they arrive: who sent them, and what they tell.
//!
//! `settings` names the secrets, `secrets` reads them, `signature` checks the raw bytes, and only then `payload`
//! parses them. `inbox` makes one of many about the same run.

mod inbox;
mod payload;
mod secrets;
pub mod settings;
mod signature;

pub use inbox::Inbox;
pub(crate) use payload::read;
pub use payload::{Delivery, RunHint};
pub(crate) use secrets::NotAccepted;
pub use secrets::Secrets;
pub use settings::Settings;

/// The route to which GitHub sends deliveries.
pub(crate) const PATH: &str = "/github/webhook";
