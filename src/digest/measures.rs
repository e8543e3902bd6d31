//! The delivery measures in words.

use chrono::TimeDelta;

use super::delivery::{Delivery, LEAST_SAMPLES, Measure, Trend};
use crate::text::duration;

/// One line for each measure.
pub(super) fn lines(now: Delivery, before: Delivery) -> [String; 5] {
    let line = |name: &str, pick: fn(Delivery) -> Measure, words: fn(f64) -> String| {
        measure(name, pick(now), pick(before), words)
    };
    [
        line("Deployment frequency", |d| d.frequency, often),
        line("Change lead time", |d| d.lead, seconds),
        line("Change fail rate", |d| d.fail_rate, percent),
        line("Failed deployment recovery time", |d| d.recovery, seconds),
        line("Deployment rework rate", |d| d.rework_rate, percent),
    ]
}

/// The window before one of so many days: `the 3 days before`.
pub(super) fn before(days: f64) -> String {
    let whole = days.round();
    if (days - whole).abs() > 0.01 || whole < 1.0 {
        return format!("the {} before", seconds(days * 86_400.0));
    }
    if whole < 2.0 { "the day before".to_owned() } else { format!("the {whole} days before") }
}

fn measure(name: &str, now: Measure, before: Measure, words: fn(f64) -> String) -> String {
    let Some(value) = now.value else {
        return format!("{name}: n/a (n = {}, fewer than {LEAST_SAMPLES})", now.samples);
    };
    // One or two deploys give no trend.
    let has_trend = now.samples.min(before.samples) >= LEAST_SAMPLES;
    let trend = match now.trend(before).filter(|_| has_trend) {
        Some(Trend::Up) => "↑ from",
        Some(Trend::Down) => "↓ from",
        Some(Trend::Steady) => "→ from",
        None => "before:",
    };
    let then = before.value.map_or_else(|| "n/a".to_owned(), words);
    let (samples, samples_then) = (now.samples, before.samples);
    format!("{name}: **{}** {trend} {then} (n = {samples}, before {samples_then})", words(value))
}

/// `48.3 a day`, `1 a week`, `2.1 a month`: in the shortest time in which there is at least one.
pub(super) fn often(per_day: f64) -> String {
    let per = [(1.0, "day"), (7.0, "week"), (30.0, "month")];
    let enough = per.into_iter().find(|(days, _)| per_day * days >= 0.95);
    match enough {
        Some((days, unit)) => format!("{} a {unit}", short(per_day * days)),
        None if per_day > 0.0 => "less than 1 a month".to_owned(),
        None => "none".to_owned(),
    }
}

/// `91.7 %`. Only none is 0 % and only all is 100 %.
pub(super) fn percent(part: f64) -> String {
    let is_part = part > 0.0 && part < 1.0;
    let percent = part * 100.0;
    format!("{} %", short(if is_part { percent.clamp(0.1, 99.9) } else { percent }))
}

/// With one decimal place, if that is not 0.
fn short(number: f64) -> String {
    let text = format!("{number:.1}");
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}

fn seconds(value: f64) -> String {
    TimeDelta::try_milliseconds((value * 1000.0) as i64).map_or_else(String::new, duration::compact)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(48.26, "48.3 a day")]
    #[case(1.0, "1 a day")]
    #[case(1.0 / 7.0, "1 a week")]
    #[case(2.0 / 7.0, "2 a week")]
    #[case(0.1, "3 a month")]
    #[case(1.0 / 14.0, "2.1 a month")]
    #[case(0.02, "less than 1 a month")]
    #[case(0.0, "none")]
    fn how_often_is_told_in_the_unit_that_fits(#[case] per_day: f64, #[case] words: &str) {
        assert_eq!(often(per_day), words);
    }

    #[rstest]
    #[case(0.5, "50 %")]
    #[case(1.0, "100 %")]
    #[case(11.0 / 12.0, "91.7 %")]
    #[case(0.0, "0 %")]
    #[case(0.9996, "99.9 %")]
    #[case(0.0004, "0.1 %")]
    fn a_share_is_told_in_percent(#[case] part: f64, #[case] words: &str) {
        assert_eq!(percent(part), words);
    }

    #[rstest]
    #[case(1.0, "the day before")]
    #[case(3.0, "the 3 days before")]
    #[case(7.0, "the 7 days before")]
    #[case(0.5, "the 12h 0m before")]
    #[case(1.5, "the 1d 12h before")]
    fn the_window_before_is_named(#[case] days: f64, #[case] words: &str) {
        assert_eq!(before(days), words);
    }

    #[test]
    fn too_few_samples_have_no_value() {
        let (now, then) =
            (Measure { value: None, samples: 2 }, Measure { value: Some(1.0), samples: 9 });
        assert_eq!(
            measure("Change lead time", now, then, seconds),
            "Change lead time: n/a (n = 2, fewer than 3)"
        );
        let days = Measure { value: Some(2.0 * 86_400.0 + 3.0 * 3600.0), samples: 3 };
        assert_eq!(
            measure("Change lead time", days, then, seconds),
            "Change lead time: **2d 3h** ↑ from 1s (n = 3, before 9)"
        );
    }
}
