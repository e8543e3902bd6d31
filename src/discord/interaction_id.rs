//! An interaction's id, and what is derived from it: the creation time, the time left of Discord's three
//! seconds, and the correlation id.
//!
//! Discord drops an interaction that is not answered within 3 s of its *creation*. The id is a snowflake with
//! the creation time in milliseconds, so the time of a cold start is included.
//! <https://docs.discord.com/developers/reference#snowflakes>

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The epoch of Discord's snowflakes: the start of 2015, in milliseconds.
const DISCORD_EPOCH_MS: u64 = 1_420_070_400_000;

/// From the interaction's creation until we must send the answer: 3 s minus the network time.
const ANSWER_WITHIN: Duration = Duration::from_millis(2_400);

/// An interaction that is not answered in this time is dead: its user reads that the application did not
/// respond.
const ANSWERED_WITHIN: TimeDelta = TimeDelta::seconds(3);

/// No interaction is under way that long. If one seems older, AWS's clock and Discord's differ, and Discord's own
/// answer tells whether it lives.
const CLOCKS_DIFFER: TimeDelta = TimeDelta::minutes(2);

/// How long an interaction's token lives, from the interaction's creation.
const TOKEN_LIVES: Duration = Duration::from_secs(15 * 60);

/// The namespace of Deckhand's correlation ids (RFC 9562, version 5).
const NAMESPACE: Uuid = Uuid::from_u128(0x5d1c_6f0a_2a0b_4f57_9d6e_8c3b_7f41_e2d9);

/// The id of an interaction, a snowflake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct InteractionId(pub u64);

impl InteractionId {
    /// When the interaction was created, by Discord's clock.
    pub fn created_at(self) -> DateTime<Utc> {
        let ms = (self.0 >> 22) + DISCORD_EPOCH_MS;
        i64::try_from(ms).ok().and_then(DateTime::from_timestamp_millis).unwrap_or_default()
    }

    /// The first id that an interaction of this second could have, by Unix time.
    pub(crate) fn first_of_second(second: i64) -> Self {
        let ms = u64::try_from(second).unwrap_or_default().saturating_mul(1000);
        Self(ms.saturating_sub(DISCORD_EPOCH_MS).min(u64::MAX >> 23) << 22)
    }

    /// How much of the three seconds is left. At least zero; at most the whole budget, even if Discord's
    /// clock is ahead of ours.
    pub fn time_left(self, now: DateTime<Utc>) -> Duration {
        let age = (now - self.created_at()).max(TimeDelta::zero());
        ANSWER_WITHIN.saturating_sub(age.to_std().unwrap_or(ANSWER_WITHIN))
    }

    /// Whether Discord had surely given the interaction up before it was received, by AWS's own clock.
    pub(super) fn is_dead(self, received_at: DateTime<Utc>) -> bool {
        let age = received_at - self.created_at();
        age > ANSWERED_WITHIN && age <= CLOCKS_DIFFER
    }

    /// How long the interaction's token still lives. At most its whole life, even if Discord's clock is ahead
    /// of ours.
    pub fn token_left(self, now: DateTime<Utc>) -> Duration {
        let age = (now - self.created_at()).to_std().unwrap_or_default();
        TOKEN_LIVES.saturating_sub(age)
    }

    /// The correlation id, which goes into the run's name. It is the same for every delivery of an
    /// interaction, so a replay is recognised.
    pub fn correlation_id(self) -> CorrelationId {
        CorrelationId(Uuid::new_v5(&NAMESPACE, self.0.to_string().as_bytes()))
    }
}

impl fmt::Display for InteractionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Links a run to its interaction: a UUID, lowercase with hyphens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CorrelationId(Uuid);

impl CorrelationId {
    /// Whether a text can be one: a UUID of version 5.
    pub(crate) fn is_one(text: &str) -> bool {
        Uuid::try_parse(text).is_ok_and(|id| id.get_version_num() == 5)
    }
}

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
        // The example in Discord's documentation.
        let created = InteractionId(175_928_847_299_117_063).created_at();
        assert_eq!(created.to_rfc3339(), "2016-04-30T11:18:25.796+00:00");
    }

    #[rstest]
    #[case::just_created(0, 2_400)]
    #[case::cold_start(1_000, 1_400)]
    #[case::spent(2_400, 0)]
    #[case::long_dead(1_000_000_000, 0)]
    #[case::clock_behind(-60_000, 2_400)]
    fn the_age_is_subtracted_from_the_budget(#[case] age_ms: i64, #[case] expected_ms: u64) {
        let id = InteractionId(1_300_000_000_000_000_000);
        let now = id.created_at() + TimeDelta::milliseconds(age_ms);
        assert_eq!(id.time_left(now), Duration::from_millis(expected_ms));
    }

    #[rstest]
    #[case::just_created(0, 900)]
    #[case::clock_behind(-60, 900)]
    #[case::later(840, 60)]
    #[case::dead(901, 0)]
    fn a_token_lives_a_quarter_of_an_hour(#[case] age: i64, #[case] left: u64) {
        let id = InteractionId(1_300_000_000_000_000_000);
        let now = id.created_at() + TimeDelta::seconds(age);
        assert_eq!(id.token_left(now), Duration::from_secs(left));
    }

    #[rstest]
    #[case(0)]
    #[case(u64::MAX)]
    fn no_id_overflows(#[case] id: u64) {
        assert!(InteractionId(id).time_left(DateTime::UNIX_EPOCH) <= ANSWER_WITHIN);
    }

    #[test]
    fn each_interaction_has_its_own_stable_correlation_id() {
        let id = InteractionId(1_300_000_000_000_000_000).correlation_id();
        assert_eq!(id, InteractionId(1_300_000_000_000_000_000).correlation_id());
        assert_ne!(id, InteractionId(1_300_000_000_000_000_001).correlation_id());
        assert_eq!(id.to_string(), "0fb8dd02-4fe3-541e-ab56-d5e6408fec1f");
    }
}
