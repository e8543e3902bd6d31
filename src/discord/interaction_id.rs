//! An interaction's id, and what follows from it: when it was created, how much of the three seconds is
//! left, and the correlation id that ties a run to it.
//!
//! An interaction that is not answered within 3 s of its *creation* is dead. Its id is a snowflake
//! that carries the creation time in milliseconds, so a cold start counts.
//! <https://docs.discord.com/developers/reference#snowflakes>

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

/// The first millisecond of 2015, the epoch of Discord's snowflakes.
const DISCORD_EPOCH_MS: u64 = 1_420_070_400_000;

/// From the interaction's creation until our answer must be on its way: 3 s less the time that the
/// answer travels.
const ANSWER_WITHIN: Duration = Duration::from_millis(2_400);

/// The namespace of Deckhand's correlation ids (RFC 9562, version 5).
const NAMESPACE: Uuid = Uuid::from_u128(0x5d1c_6f0a_2a0b_4f57_9d6e_8c3b_7f41_e2d9);

/// The id of an interaction, a snowflake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct InteractionId(pub u64);

impl InteractionId {
    /// When the interaction was created, by Discord's clock.
    pub fn created_at(self) -> DateTime<Utc> {
        let ms = (self.0 >> 22) + DISCORD_EPOCH_MS;
        i64::try_from(ms).ok().and_then(DateTime::from_timestamp_millis).unwrap_or_default()
    }

    /// How much of the three seconds is left. Zero when they are spent; never more than the whole
    /// budget, also when Discord's clock is ahead of ours.
    pub fn time_left(self, now: DateTime<Utc>) -> Duration {
        let age = (now - self.created_at()).max(TimeDelta::zero());
        ANSWER_WITHIN.saturating_sub(age.to_std().unwrap_or(ANSWER_WITHIN))
    }

    /// What the run that this interaction asks for carries in its name. The same interaction always has
    /// the same one, so a replay is recognised.
    pub fn correlation_id(self) -> CorrelationId {
        CorrelationId(Uuid::new_v5(&NAMESPACE, self.0.to_string().as_bytes()))
    }
}

impl fmt::Display for InteractionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Ties a run to the interaction that asked for it: a UUID, lowercase with hyphens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CorrelationId(Uuid);

impl fmt::Display for CorrelationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[test]
    fn the_creation_time_is_in_the_id() {
        // The example of Discord's documentation.
        let created = InteractionId(175_928_847_299_117_063).created_at();
        assert_eq!(created.to_rfc3339(), "2016-04-30T11:18:25.796+00:00");
    }

    #[rstest]
    #[case::just_created(0, 2_400)]
    #[case::cold_start(1_000, 1_400)]
    #[case::spent(2_400, 0)]
    #[case::long_dead(1_000_000_000, 0)]
    #[case::clock_behind(-60_000, 2_400)]
    fn age_is_taken_off(#[case] age_ms: i64, #[case] expected_ms: u64) {
        let id = InteractionId(1_300_000_000_000_000_000);
        let now = id.created_at() + TimeDelta::milliseconds(age_ms);
        assert_eq!(id.time_left(now), Duration::from_millis(expected_ms));
    }

    #[rstest]
    #[case(0)]
    #[case(u64::MAX)]
    fn no_id_overflows(#[case] id: u64) {
        assert!(InteractionId(id).time_left(DateTime::UNIX_EPOCH) <= ANSWER_WITHIN);
    }

    #[test]
    fn the_same_interaction_has_the_same_correlation_id_and_another_has_another() {
        let id = InteractionId(1_300_000_000_000_000_000).correlation_id();
        assert_eq!(id, InteractionId(1_300_000_000_000_000_000).correlation_id());
        assert_ne!(id, InteractionId(1_300_000_000_000_000_001).correlation_id());
        assert_eq!(id.to_string(), "0fb8dd02-4fe3-541e-ab56-d5e6408fec1f");
    }
}
