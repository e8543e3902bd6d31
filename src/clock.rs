//! Wall time, injected so that tests can move it.

use chrono::{DateTime, Utc};

/// Tells the wall time, to compare it with times from Discord and GitHub. Timeouts and pauses use tokio's
/// time instead.
pub trait Clock: Send + Sync {
    /// The current time.
    fn now(&self) -> DateTime<Utc>;
}

/// The system clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }
}
