//! The period of a digest (a day or a week) and its time window.

use chrono::{DateTime, DurationRound, TimeDelta, Utc};

use crate::github::Run;

/// The period of a digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Period {
    /// 24 hours.
    Daily,
    /// 7 times 24 hours.
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

    /// How long it is.
    pub fn length(self) -> TimeDelta {
        match self {
            Self::Daily => TimeDelta::hours(24),
            Self::Weekly => TimeDelta::days(7),
        }
    }
}

/// A half-open span of time: `from` is in it, `to` is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Inclusive.
    pub from: DateTime<Utc>,
    /// Exclusive.
    pub to: DateTime<Utc>,
}

impl Window {
    /// The window that ends now, rounded down to whole seconds like GitHub's times.
    pub fn ending(now: DateTime<Utc>, period: Period) -> Self {
        let to = now.duration_trunc(TimeDelta::seconds(1)).unwrap_or(now);
        Self { from: to - period.length(), to }
    }

    /// The window of the same length directly before.
    pub fn before(self) -> Self {
        Self { from: self.from - (self.to - self.from), to: self.from }
    }

    /// Whether the moment is in the window.
    pub fn holds(self, moment: DateTime<Utc>) -> bool {
        self.from <= moment && moment < self.to
    }

    /// Whether the run was created in the window.
    pub fn takes(self, run: &Run) -> bool {
        run.created_at.is_some_and(|created| self.holds(created))
    }

    /// Its length in days.
    pub fn days(self) -> f64 {
        (self.to - self.from).as_seconds_f64() / 86_400.0
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    /// A completed run: created `created` seconds after a fixed moment, it took `took` seconds.
    pub(crate) fn run(id: u64, created: i64, took: i64, conclusion: &str) -> Run {
        let run = json!({
            "id": id, "status": "completed", "conclusion": conclusion,
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
    fn the_edges_are_exact(#[case] created: i64, #[case] held: bool) {
        let window = Window::ending(at(0) + TimeDelta::milliseconds(700), Period::Daily);
        assert_eq!(window.takes(&run(1, created, 60, "success")), held);
    }

    #[test]
    fn consecutive_windows_do_not_overlap() {
        let week = Window::ending(at(0), Period::Weekly);
        assert_eq!(week.before().to, week.from);
        assert_eq!(week.before().days(), 7.0);
        assert!(week.holds(week.from) && !week.before().holds(week.from));
    }

    #[test]
    fn a_run_without_a_date_is_in_no_window() {
        let odd: Run = serde_json::from_value(json!({"id": 1, "created_at": "soon"})).unwrap();
        assert!(!Window::ending(at(0), Period::Weekly).takes(&odd));
    }
}
