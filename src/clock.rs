//! Wall time, injected so that tests can move it.

use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::Instant;

/// Tells the wall time, to compare it with times from Discord and GitHub. Timeouts and pauses use tokio's
/// time instead.
pub trait Clock: Send + Sync {
    /// The current time.
    fn now(&self) -> DateTime<Utc>;

    /// Sets the clock, if it can be set. `None`: it is the system clock again.
    fn set(&self, _: Option<DateTime<Utc>>) {}
}

/// The system clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }
}

/// A clock that can be set. It then goes on by the monotonic clock: after Lambda's freeze the system clock may
/// be minutes off, and then jump. Until it is set, it is the system clock.
#[derive(Debug, Default)]
pub struct CorrectedClock {
    set: Mutex<Option<(DateTime<Utc>, Instant)>>,
}

impl Clock for CorrectedClock {
    fn now(&self) -> DateTime<Utc> {
        match *self.set.lock().unwrap_or_else(PoisonError::into_inner) {
            Some((time, at)) => time + TimeDelta::from_std(at.elapsed()).unwrap_or_default(),
            None => Utc::now(),
        }
    }

    fn set(&self, now: Option<DateTime<Utc>>) {
        let set = now.map(|now| (now, Instant::now()));
        *self.set.lock().unwrap_or_else(PoisonError::into_inner) = set;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_was_set_goes_on_whatever_the_system_clock_says() {
        let clock = CorrectedClock::default();
        let time = "2026-11-22T09:00:00Z".parse().unwrap();
        clock.set(Some(time));
        tokio::time::advance(Duration::from_secs(90)).await;
        assert_eq!(clock.now(), time + TimeDelta::seconds(90));
        clock.set(None);
        assert!((clock.now() - Utc::now()).abs() < TimeDelta::seconds(5));
    }
}
