//! Moments, in the markup that Discord shows each reader in their own time zone.
//!
//! <https://docs.discord.com/developers/reference#message-formatting-timestamp-styles>

use chrono::{DateTime, Utc};

/// Date and time, with how long ago: `22 November 2026 11:00 (2 hours ago)`.
pub(crate) fn moment(time: DateTime<Utc>) -> String {
    let seconds = time.timestamp();
    format!("<t:{seconds}:f> (<t:{seconds}:R>)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_discords_markup() {
        let time = DateTime::from_timestamp(1_795_341_600, 0).unwrap();
        assert_eq!(moment(time), "<t:1795341600:f> (<t:1795341600:R>)");
    }
}
