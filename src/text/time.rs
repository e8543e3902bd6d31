//! Timestamps in Discord's markup. Each reader sees them in their own time zone.
//!
//! <https://docs.discord.com/developers/reference#message-formatting-timestamp-styles>

use chrono::{DateTime, Utc};

/// Date and time, with the age: `22 November 2026 11:00 (2 hours ago)`.
pub(crate) fn moment(time: DateTime<Utc>) -> String {
    let seconds = time.timestamp();
    format!("<t:{seconds}:f> (<t:{seconds}:R>)")
}

/// How far away it is: `in 5 minutes`.
pub(crate) fn distance(time: DateTime<Utc>) -> String {
    format!("<t:{}:R>", time.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_uses_discords_timestamp_markup() {
        let time = DateTime::from_timestamp(1_795_341_600, 0).unwrap();
        assert_eq!(moment(time), "<t:1795341600:f> (<t:1795341600:R>)");
        assert_eq!(distance(time), "<t:1795341600:R>");
    }
}
