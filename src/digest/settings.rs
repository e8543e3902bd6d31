//! The settings of the digest.

use super::period::Period;
use super::zone::Zone;
use crate::config::{Reader, Setting};

/// Channel and period of the scheduled digest, and the time zone of every digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The channel. `None`: no digest is posted.
    pub channel_id: Option<u64>,
    /// The default period. A schedule can set another.
    pub period: Period,
    /// Whose days are counted.
    pub zone: Zone,
}

const CHANNEL_ID: Setting = Setting {
    name: "DIGEST_CHANNEL_ID",
    about: "the channel of the digest on a schedule; needs the bot's token",
    default: "no such digest",
    shape: "it must be a number",
};

const PERIOD: Setting = Setting {
    name: "DIGEST_PERIOD",
    about: "what that digest is, `daily` or `weekly`: its name, and how far the first one looks back",
    default: "`daily`",
    shape: "it must be daily or weekly",
};

const TIME_ZONE: Setting = Setting {
    name: "DIGEST_TIME_ZONE",
    about: "whose days every digest counts: a name of the IANA database, like `Europe/Berlin`",
    default: "`UTC`",
    shape: "it must be a name of the IANA time zone database, like Europe/Berlin",
};

/// The settings of this module.
pub(crate) const DECLARED: &[&Setting] = &[&CHANNEL_ID, &PERIOD, &TIME_ZONE];

impl Settings {
    /// Reads these settings.
    pub fn read(reader: &mut Reader<'_>) -> Self {
        Self {
            channel_id: reader.id(&CHANNEL_ID),
            period: reader.optional(&PERIOD, Period::named).unwrap_or(Period::Daily),
            zone: reader.optional(&TIME_ZONE, Zone::named).unwrap_or_else(Zone::utc),
        }
    }
}
