//! Wall time, injected so that tests can move it.

use chrono::{DateTime, Utc};

/// Tells the wall time. Waiting is tokio's business; this is for comparing with times that Discord
/// and GitHub give.
pub trait Clock: Send + Sync {
    /// The time now.
    fn now(&self) -> DateTime<Utc>;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }
}
