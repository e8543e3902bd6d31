//! A time zone: its days are 23, 24 or 25 hours long.
//!
//! The database is in the binary, because Lambda's image need not have one.

use chrono::{DateTime, Datelike, Days, NaiveDateTime, TimeDelta, Timelike, Utc};
use jiff::Timestamp;
use jiff::civil;
use jiff::tz::TimeZone;

/// A time zone of the IANA database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone(TimeZone);

impl Zone {
    /// The zone of this name, like `Europe/Berlin`.
    pub fn named(name: &str) -> Option<Self> {
        TimeZone::get(name).ok().map(Self)
    }

    /// Coordinated universal time.
    pub fn utc() -> Self {
        Self(TimeZone::UTC)
    }

    /// Its name.
    pub(crate) fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }

    /// What its clocks show at this moment.
    pub(crate) fn local(&self, moment: DateTime<Utc>) -> NaiveDateTime {
        let offset = Timestamp::from_second(moment.timestamp()).map(|at| self.0.to_offset(at));
        let seconds = offset.map_or(0, jiff::tz::Offset::seconds);
        moment.naive_utc() + TimeDelta::seconds(seconds.into())
    }

    /// When its clocks show this. Of two such moments the first; a time that is skipped is moved by as much.
    pub(crate) fn moment(&self, local: NaiveDateTime) -> DateTime<Utc> {
        let found = civil_of(local).and_then(|civil| self.0.to_timestamp(civil).ok());
        let found = found.and_then(|at| DateTime::from_timestamp(at.as_second(), 0));
        found.unwrap_or_else(|| local.and_utc())
    }

    /// The same time of day so many days before.
    pub(crate) fn days_before(&self, moment: DateTime<Utc>, days: u64) -> DateTime<Utc> {
        let local = self.local(moment);
        self.moment(local.checked_sub_days(Days::new(days)).unwrap_or(local))
    }
}

/// In whole seconds.
fn civil_of(local: NaiveDateTime) -> Option<civil::DateTime> {
    let small = |number: u32| i8::try_from(number).ok();
    civil::DateTime::new(
        i16::try_from(local.year()).ok()?,
        small(local.month())?,
        small(local.day())?,
        small(local.hour())?,
        small(local.minute())?,
        small(local.second())?,
        0,
    )
    .ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[rstest]
    #[case::winter("Europe/Berlin", "2026-11-23T08:00:00Z", "2026-11-22T08:00:00Z")]
    #[case::clocks_go_back("Europe/Berlin", "2026-10-25T08:00:00Z", "2026-10-24T07:00:00Z")]
    #[case::clocks_go_forward("Europe/Berlin", "2026-03-29T07:00:00Z", "2026-03-28T08:00:00Z")]
    #[case::the_other_half_of_the_world(
        "America/New_York",
        "2026-03-08T13:00:00Z",
        "2026-03-07T14:00:00Z"
    )]
    #[case::half_an_hour("Australia/Lord_Howe", "2026-10-03T22:00:00Z", "2026-10-02T22:30:00Z")]
    #[case::no_changes("Asia/Kolkata", "2026-03-29T07:00:00Z", "2026-03-28T07:00:00Z")]
    #[case::by_rule_alone("Europe/Berlin", "2061-03-27T07:00:00Z", "2061-03-26T08:00:00Z")]
    fn a_day_before_is_the_same_time_of_day(
        #[case] zone: &str,
        #[case] moment: &str,
        #[case] before: &str,
    ) {
        assert_eq!(Zone::named(zone).unwrap().days_before(at(moment), 1), at(before));
    }

    #[test]
    fn a_time_that_is_there_twice_is_the_first_and_one_that_is_skipped_moves_on() {
        let berlin = Zone::named("Europe/Berlin").unwrap();
        let local = |text: &str| berlin.moment(text.parse().unwrap());
        assert_eq!(local("2026-10-25T02:30:00"), at("2026-10-25T00:30:00Z"));
        assert_eq!(local("2026-03-29T02:30:00"), at("2026-03-29T01:30:00Z"));
    }

    #[rstest]
    #[case("UTC", true)]
    #[case("US/Eastern", true)]
    #[case("Europe/Kyiv", true)]
    #[case("Europe/Berlyn", false)]
    #[case("", false)]
    #[case("../etc/passwd", false)]
    fn a_name_is_one_of_the_database(#[case] name: &str, #[case] known: bool) {
        assert_eq!(Zone::named(name).is_some(), known);
    }

    proptest! {
        #[test]
        fn a_moment_comes_back_unless_its_hour_is_there_twice(second in 1_700_000_000i64..2_600_000_000) {
            let moment = DateTime::from_timestamp(second, 0).unwrap();
            for name in ["Europe/Berlin", "America/New_York", "Pacific/Auckland", "UTC"] {
                let zone = Zone::named(name).unwrap();
                let back = zone.moment(zone.local(moment));
                prop_assert!(back == moment || back == moment - TimeDelta::hours(1));
            }
        }
    }
}
