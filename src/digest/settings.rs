//! The settings of the scheduled digest.

use super::period::Period;
use crate::config::{Reader, Setting};

/// Channel and period of the scheduled digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// The channel. `None`: no digest is posted.
    pub channel_id: Option<u64>,
    /// The default period. A schedule can set another.
    pub period: Period,
}

const CHANNEL_ID: Setting = Setting {
    name: "DIGEST_CHANNEL_ID",
    about: "the channel of the digest on a schedule; needs the bot's token",
    default: "no such digest",
    shape: "it must be a number",
};

const PERIOD: Setting = Setting {
    name: "DIGEST_PERIOD",
    about: "what that digest sums up: `daily` or `weekly`",
    default: "`daily`",
    shape: "it must be daily or weekly",
};

/// The settings of this module.
pub(crate) const DECLARED: &[&Setting] = &[&CHANNEL_ID, &PERIOD];

impl Settings {
    /// Reads these settings.
    pub fn read(reader: &mut Reader<'_>) -> Self {
        Self {
            channel_id: reader.id(&CHANNEL_ID),
            period: reader.optional(&PERIOD, Period::named).unwrap_or(Period::Daily),
        }
    }
}
