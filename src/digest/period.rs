//! The period of a digest (a day or a week) and its time window.

use chrono::{DateTime, Datelike, DurationRound, TimeDelta, Utc, Weekday};

use super::zone::Zone;

/// The period of a digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Period {
    /// A day.
    Daily,
    /// Seven days.
    Weekly,
}

impl Period {
    /// The period of this name.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "daily" => Some(Self::Daily),
            "weekly" => Some(Self::Weekly),
            _ => None,
        }
    }

    /// Its name, in settings and options.
    pub fn name(self) -> &'static str {
        match self {
            Self::Daily => "daily",
            Self::Weekly => "weekly",
        }
    }

    fn days(self) -> u64 {
        match self {
            Self::Daily => 1,
            Self::Weekly => 7,
        }
    }
}

/// A scheduled digest looks back so many days at most.
pub const LONGEST: u64 = 14;

/// A half-open span of time: `from` is in it, `to` is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Inclusive.
    pub from: DateTime<Utc>,
    /// Exclusive.
    pub to: DateTime<Utc>,
}

impl Window {
    /// The period that ends now: since the same time of day, a day or a week before.
    pub fn ending(now: DateTime<Utc>, period: Period, zone: &Zone) -> Self {
        let to = whole_seconds(now);
        Self { from: zone.days_before(to, period.days()), to }
    }

    /// The window of a scheduled digest if it is not known where the last one ended. A schedule may rest at
    /// the weekend, so a daily one begins on a working day.
    pub fn first(due: DateTime<Utc>, period: Period, zone: &Zone) -> Self {
        let to = whole_seconds(due);
        let days = period.days();
        let begins = (days..).map(|days| zone.days_before(to, days));
        let working = |from: &DateTime<Utc>| {
            !matches!(zone.local(*from).weekday(), Weekday::Sat | Weekday::Sun)
        };
        let mut begins = begins.take(3);
        let from = match period {
            Period::Daily => begins.find(working),
            Period::Weekly => begins.next(),
        };
        Self { from: from.unwrap_or(to), to }
    }

    /// The window of the same number of days directly before, or of the same length in hours.
    pub(crate) fn before(self, zone: &Zone) -> Self {
        Self { from: zone.moment(zone.local(self.from) - self.local_length(zone)), to: self.from }
    }

    /// Whether the moment is in the window.
    pub(crate) fn holds(self, moment: DateTime<Utc>) -> bool {
        self.from <= moment && moment < self.to
    }

    /// Its length in days, as the zone's clocks show it.
    pub(crate) fn days(self, zone: &Zone) -> f64 {
        self.local_length(zone).as_seconds_f64() / 86_400.0
    }

    fn local_length(self, zone: &Zone) -> TimeDelta {
        zone.local(self.to) - zone.local(self.from)
    }
}

/// Rounded down, like GitHub's times.
pub(crate) fn whole_seconds(moment: DateTime<Utc>) -> DateTime<Utc> {
    moment.duration_trunc(TimeDelta::seconds(1)).unwrap_or(moment)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::github::Run;
    use rstest::rstest;
    use serde_json::json;

    /// A completed dispatch on `main`: created `created` seconds after a fixed moment, it took `took`
    /// seconds. Its commit is its own and ten minutes older.
    pub(crate) fn run(id: u64, created: i64, took: i64, conclusion: &str) -> Run {
        let run = json!({
            "id": id, "status": "completed", "conclusion": conclusion, "event": "workflow_dispatch",
            "head_branch": "main", "head_sha": format!("{id:040x}"), "run_attempt": 1,
            "created_at": at(created), "run_started_at": at(created), "updated_at": at(created + took),
            "head_commit": {"timestamp": at(created - 600)},
        });
        serde_json::from_value(run).unwrap()
    }

    pub(crate) fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_795_341_600 + seconds, 0).unwrap()
    }

    #[rstest]
    #[case::first_second(-86_400, true)]
    #[case::a_second_too_early(-86_401, false)]
    #[case::last_second(-1, true)]
    #[case::now(0, false)]
    fn the_edges_are_exact(#[case] moment: i64, #[case] held: bool) {
        let now = at(0) + TimeDelta::milliseconds(700);
        assert_eq!(Window::ending(now, Period::Daily, &Zone::utc()).holds(at(moment)), held);
    }

    #[test]
    fn consecutive_windows_do_not_overlap() {
        let zone = Zone::utc();
        let week = Window::ending(at(0), Period::Weekly, &zone);
        assert_eq!(week.before(&zone).to, week.from);
        assert_eq!(week.before(&zone).days(&zone), 7.0);
        assert!(week.holds(week.from) && !week.before(&zone).holds(week.from));
    }

    #[test]
    fn a_day_is_a_day_of_its_zone_also_when_the_clocks_change() {
        let zone = Zone::named("Europe/Berlin").unwrap();
        // Nine in the morning after the clocks went back, and the day after that.
        let day = |to: &str| Window::ending(to.parse().unwrap(), Period::Daily, &zone);
        let long = day("2026-10-25T08:00:00Z");
        assert_eq!((long.to - long.from).num_hours(), 25);
        assert_eq!(long.days(&zone), 1.0);
        assert_eq!((long.from - long.before(&zone).from).num_hours(), 24);
        let next = day("2026-10-26T08:00:00Z");
        assert_eq!((next.from, next.before(&zone)), (long.to, long));
    }

    #[rstest]
    #[case::monday("2026-11-23T08:00:00Z", "2026-11-20T08:00:00Z")]
    #[case::sunday("2026-11-22T08:00:00Z", "2026-11-20T08:00:00Z")]
    #[case::saturday("2026-11-21T08:00:00Z", "2026-11-20T08:00:00Z")]
    #[case::tuesday("2026-11-24T08:00:00Z", "2026-11-23T08:00:00Z")]
    #[case::over_a_change("2026-10-26T08:00:00Z", "2026-10-23T07:00:00Z")]
    fn the_first_daily_digest_begins_on_a_working_day(#[case] due: &str, #[case] from: &str) {
        let zone = Zone::named("Europe/Berlin").unwrap();
        let window = Window::first(due.parse().unwrap(), Period::Daily, &zone);
        assert_eq!(window.from, from.parse::<DateTime<Utc>>().unwrap());
    }

    #[test]
    fn the_weekday_is_that_of_the_zone() {
        // Monday morning in Auckland, Sunday evening in UTC.
        let zone = Zone::named("Pacific/Auckland").unwrap();
        let due = "2026-11-22T20:00:00Z".parse().unwrap();
        let from = Window::first(due, Period::Daily, &zone).from;
        assert_eq!(from, "2026-11-19T20:00:00Z".parse::<DateTime<Utc>>().unwrap());
        let week = Window::first(due, Period::Weekly, &zone);
        assert_eq!(week, Window::ending(due, Period::Weekly, &zone));
    }
}
