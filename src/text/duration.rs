//! Formats durations for users.

use chrono::TimeDelta;

/// `42s`, `1m 25s`, `2h 5m`, `2d 3h`. A negative duration (clock skew) becomes `0s`.
pub(crate) fn compact(duration: TimeDelta) -> String {
    let seconds = duration.num_seconds().max(0);
    let (days, hours) = (seconds / 86_400, seconds / 3600 % 24);
    match (days, hours, seconds / 60 % 60, seconds % 60) {
        (0, 0, 0, s) => format!("{s}s"),
        (0, 0, m, s) => format!("{m}m {s}s"),
        (0, h, m, _) => format!("{h}h {m}m"),
        (d, h, ..) => format!("{d}d {h}h"),
    }
}

/// `82s`: always in seconds, so that durations of steps are easy to compare.
pub(crate) fn seconds(duration: TimeDelta) -> String {
    format!("{}s", duration.num_seconds().max(0))
}

/// `12s ago`, `5m ago`, `2h ago`, `3d ago`: in the largest unit that fits.
pub(crate) fn ago(age: TimeDelta) -> String {
    let age = age.max(TimeDelta::zero());
    match (age.num_days(), age.num_hours(), age.num_minutes(), age.num_seconds()) {
        (0, 0, 0, seconds) => format!("{seconds}s ago"),
        (0, 0, minutes, _) => format!("{minutes}m ago"),
        (0, hours, ..) => format!("{hours}h ago"),
        (days, ..) => format!("{days}d ago"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(-5, "0s")]
    #[case(0, "0s")]
    #[case(59, "59s")]
    #[case(85, "1m 25s")]
    #[case(3600, "1h 0m")]
    #[case(7530, "2h 5m")]
    #[case(86_399, "23h 59m")]
    #[case(86_400, "1d 0h")]
    #[case(183_599, "2d 2h")]
    #[case(8_640_000, "100d 0h")]
    fn compact_uses_the_two_largest_units(#[case] seconds: i64, #[case] expected: &str) {
        assert_eq!(compact(TimeDelta::seconds(seconds)), expected);
    }

    #[rstest]
    #[case(-5, "0s")]
    #[case(82, "82s")]
    #[case(600, "600s")]
    fn a_step_is_shown_in_seconds(#[case] length: i64, #[case] expected: &str) {
        assert_eq!(seconds(TimeDelta::seconds(length)), expected);
    }

    #[rstest]
    #[case(-5, "0s ago")]
    #[case(59, "59s ago")]
    #[case(60, "1m ago")]
    #[case(7_199, "1h ago")]
    #[case(7_200, "2h ago")]
    #[case(86_399, "23h ago")]
    #[case(300_000, "3d ago")]
    fn an_age_is_shown_in_its_largest_unit(#[case] age: i64, #[case] expected: &str) {
        assert_eq!(ago(TimeDelta::seconds(age)), expected);
    }
}
