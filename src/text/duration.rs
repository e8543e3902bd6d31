//! Durations as users read them.

use chrono::TimeDelta;

/// `42s`, `1m 25s`, `2h 5m`; a negative duration (two clocks that disagree) reads `0s`.
pub fn compact(duration: TimeDelta) -> String {
    let seconds = duration.num_seconds().max(0);
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) => format!("{s}s"),
        (0, m, s) => format!("{m}m {s}s"),
        (h, m, _) => format!("{h}h {m}m"),
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
    fn reads_as_a_person_would_say_it(#[case] seconds: i64, #[case] expected: &str) {
        assert_eq!(compact(TimeDelta::seconds(seconds)), expected);
    }
}
