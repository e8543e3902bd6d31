//! Discord's three seconds.
//!
//! An interaction that is not answered within 3 s of its *creation* is dead. Its id is a snowflake
//! that carries the creation time in milliseconds, so a cold start counts.
//! <https://docs.discord.com/developers/reference#snowflakes>

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

/// The first millisecond of 2015, the epoch of Discord's snowflakes.
const DISCORD_EPOCH_MS: u64 = 1_420_070_400_000;

/// From the interaction's creation until our answer must be on its way: 3 s less what the way
/// there takes.
const ANSWER_WITHIN: Duration = Duration::from_millis(2_400);

/// When the thing with this id was created.
pub fn created_at(snowflake: u64) -> DateTime<Utc> {
    let ms = (snowflake >> 22) + DISCORD_EPOCH_MS;
    i64::try_from(ms).ok().and_then(DateTime::from_timestamp_millis).unwrap_or_default()
}

/// What is left of the three seconds. Zero when they are spent; never more than the whole budget,
/// also when Discord's clock is ahead of ours.
pub fn remaining(snowflake: u64, now: DateTime<Utc>) -> Duration {
    let age = (now - created_at(snowflake)).max(TimeDelta::zero());
    ANSWER_WITHIN.saturating_sub(age.to_std().unwrap_or(ANSWER_WITHIN))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[test]
    fn the_creation_time_is_in_the_id() {
        // The example of Discord's documentation.
        let created = created_at(175_928_847_299_117_063);
        assert_eq!(created.to_rfc3339(), "2016-04-30T11:18:25.796+00:00");
    }

    #[rstest]
    #[case::just_created(0, 2_400)]
    #[case::cold_start(1_000, 1_400)]
    #[case::spent(2_400, 0)]
    #[case::long_dead(1_000_000_000, 0)]
    #[case::clock_behind(-60_000, 2_400)]
    fn age_is_taken_off(#[case] age_ms: i64, #[case] expected_ms: u64) {
        let id = 1_300_000_000_000_000_000;
        let now = created_at(id) + TimeDelta::milliseconds(age_ms);
        assert_eq!(remaining(id, now), Duration::from_millis(expected_ms));
    }

    #[rstest]
    #[case(0)]
    #[case(u64::MAX)]
    fn no_id_overflows(#[case] id: u64) {
        assert!(remaining(id, DateTime::UNIX_EPOCH) <= ANSWER_WITHIN);
    }
}
