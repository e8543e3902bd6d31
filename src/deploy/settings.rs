//! Timeout and poll interval for following a run, and for how long its deploy is remembered.

use std::time::Duration;

use chrono::TimeDelta;

use crate::config::{Reader, Setting};

/// `WAIT_TIMEOUT_SECONDS`, `POLL_INTERVAL_SECONDS`, `HISTORY_DAYS`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WaitSettings {
    /// From the command until its message says that the run goes on. The deploy is followed all the same.
    pub timeout: Duration,
    /// Pause between two polls of a run.
    pub poll_interval: Duration,
    /// How long a deploy is kept after its end.
    pub kept: TimeDelta,
}

impl Default for WaitSettings {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(180),
            poll_interval: Duration::from_secs(3),
            kept: TimeDelta::days(90),
        }
    }
}

const TIMEOUT: Setting = Setting {
    name: "WAIT_TIMEOUT_SECONDS",
    about: "how long a run is looked at every few seconds and its wait shown, 1 to 840; \
            after that the message says that it goes on, and its end is told all the same",
    default: "180",
    shape: "it must be 1 to 840 seconds",
};

const INTERVAL: Setting = Setting {
    name: "POLL_INTERVAL_SECONDS",
    about: "pause between two polls of a run, 0.05 to 60",
    default: "3",
    shape: "it must be 0.05 to 60 seconds",
};

const HISTORY: Setting = Setting {
    name: "HISTORY_DAYS",
    about: "how many days a deploy is remembered after its end, 1 to 3650: for `/history`, usual durations and roll \
            backs. It counts for deploys that end from then on.",
    default: "90",
    shape: "it must be a whole number of days, 1 to 3650",
};

/// The settings of this module.
pub(crate) const DECLARED: &[&Setting] = &[&TIMEOUT, &INTERVAL, &HISTORY];

impl WaitSettings {
    /// Reads these settings.
    pub fn read(reader: &mut Reader<'_>) -> Self {
        let default = Self::default();
        Self {
            timeout: reader.seconds(&TIMEOUT, [1.0, 840.0], default.timeout),
            poll_interval: reader.seconds(&INTERVAL, [0.05, 60.0], default.poll_interval),
            kept: reader.optional(&HISTORY, days).unwrap_or(default.kept),
        }
    }
}

fn days(text: &str) -> Option<TimeDelta> {
    let days = text.parse().ok().filter(|days| (1..=3650).contains(days))?;
    Some(TimeDelta::days(days))
}
