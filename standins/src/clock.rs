//! Wall time that moves with tokio's clock.

use chrono::{DateTime, SecondsFormat, Utc};
use tokio::time::Instant;

/// Wall time that moves with tokio's clock, so that paused tests move it.
#[derive(Clone, Debug)]
pub struct Clock {
    wall: DateTime<Utc>,
    started: Instant,
}

impl Clock {
    /// Starts at the machine's time.
    pub fn start() -> Self {
        Self::start_at(Utc::now())
    }

    /// Starts at a time of the caller's choice.
    pub fn start_at(wall: DateTime<Utc>) -> Self {
        Self { wall, started: Instant::now() }
    }

    /// The wall time now.
    pub fn now(&self) -> DateTime<Utc> {
        self.wall + self.started.elapsed()
    }
}

/// Writes a time as RFC 3339 with milliseconds.
pub(crate) fn serialize<S: serde::Serializer>(
    time: &DateTime<Utc>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&time.to_rfc3339_opts(SecondsFormat::Millis, true))
}

/// As [`serialize`], for a time that may be missing.
pub(crate) fn serialize_option<S: serde::Serializer>(
    time: &Option<DateTime<Utc>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => serialize(time, serializer),
        None => serializer.serialize_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn the_clock_moves_with_tokio_s() {
        let clock = Clock::start();
        let before = clock.now();
        tokio::time::advance(Duration::from_secs(90)).await;
        assert_eq!((clock.now() - before).num_seconds(), 90);
    }
}
