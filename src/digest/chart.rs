//! The bar chart of the runs in a window: the data of the picture and its alternative text.

use chrono::{DateTime, TimeDelta, Utc};

use super::tally::Tally;
use super::{Period, Window};
use crate::github::Run;
use crate::text::duration;

/// The bar chart of a window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chart {
    /// The time span of a bar: `day`, `3 hours`.
    pub unit: &'static str,
    /// Whether the first and the last bar are cut by the window's edges.
    pub cut: bool,
    /// Oldest first.
    pub bars: Vec<Bar>,
    /// All bars together.
    pub total: Tally,
}

/// The runs of a day (UTC), or of three hours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bar {
    /// `Mon 16`, or `09:00`.
    pub label: String,
    pub tally: Tally,
}

impl Chart {
    /// The chart of those of these runs that are in the window.
    pub(crate) fn of<'a>(
        runs: impl IntoIterator<Item = &'a Run>,
        window: Window,
        period: Period,
    ) -> Self {
        let runs: Vec<&Run> = runs.into_iter().filter(|run| window.takes(run)).collect();
        let (width, unit, format) = match period {
            Period::Daily => (3 * 3600, "3 hours", "%H:%M"),
            Period::Weekly => (24 * 3600, "day", "%a %-d"),
        };
        let number = |time: DateTime<Utc>| time.timestamp().div_euclid(width);
        let last = number(window.to - TimeDelta::seconds(1));
        let bar = |at: i64| {
            let inside = runs.iter().copied();
            let inside = inside.filter(|run| run.created_at.map(number) == Some(at));
            let begin = DateTime::from_timestamp(at * width, 0).unwrap_or_default();
            Bar { label: begin.format(format).to_string(), tally: Tally::of(inside) }
        };
        Self {
            unit,
            cut: window.to.timestamp().rem_euclid(width) != 0,
            bars: (number(window.from)..=last).map(bar).collect(),
            total: Tally::of(runs.iter().copied()),
        }
    }

    /// The alternative text of the picture.
    pub(crate) fn words(&self) -> String {
        let Tally { success, failure, cancelled, other, durations } = &self.total;
        let bars = self.bars.iter().map(|Bar { label, tally }| {
            let took = tally.durations.median().map(duration::compact);
            let took = took.map_or_else(String::new, |took| format!(", median {took}"));
            match tally.runs() {
                0 => format!("{label}: none"),
                runs => format!("{label}: {runs}, {} failed{took}", tally.failure),
            }
        });
        let span = durations.shortest().zip(durations.longest()).map(|(least, most)| {
            format!(" They took {} to {}.", duration::compact(least), duration::compact(most))
        });
        format!(
            "Bar chart: runs per {} (UTC) by outcome, and how long they took. {} runs: {success} succeeded, \
             {failure} failed, {cancelled} cancelled, {other} others.{} {}.",
            self.unit,
            self.total.runs(),
            span.unwrap_or_default(),
            bars.collect::<Vec<_>>().join("; "),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::period::tests::{at, run};
    use super::*;
    use proptest::prelude::*;

    fn chart(created: &[i64], period: Period) -> Chart {
        let runs: Vec<_> = (1..).zip(created).map(|(id, at)| run(id, *at, 60, "success")).collect();
        Chart::of(&runs, Window::ending(at(0), period), period)
    }

    #[test]
    fn bars_begin_at_whole_hours_and_days() {
        // `at(0)` is 2026-11-22T10:00:00Z, a Sunday.
        let day = chart(&[-1, -3 * 3600], Period::Daily);
        let labels: Vec<_> = day.bars.iter().map(|bar| bar.label.as_str()).collect();
        assert_eq!(
            labels,
            ["09:00", "12:00", "15:00", "18:00", "21:00", "00:00", "03:00", "06:00", "09:00"]
        );
        assert_eq!(day.bars[8].tally.runs(), 1);
        let week = chart(&[], Period::Weekly);
        let labels: Vec<_> = week.bars.iter().map(|bar| bar.label.as_str()).collect();
        assert_eq!(
            labels,
            ["Sun 15", "Mon 16", "Tue 17", "Wed 18", "Thu 19", "Fri 20", "Sat 21", "Sun 22"]
        );
        assert!(week.cut);
    }

    #[test]
    fn at_midnight_a_week_has_seven_bars() {
        let midnight = Window::ending(at(14 * 3600), Period::Weekly);
        let chart = Chart::of(&[], midnight, Period::Weekly);
        assert_eq!((chart.bars.len(), chart.cut), (7, false));
    }

    #[test]
    fn the_alternative_text_has_the_pictures_numbers() {
        let words = chart(&[-1, -86_000], Period::Daily).words();
        assert!(words.contains("2 runs: 2 succeeded, 0 failed"), "{words}");
        assert!(words.contains("06:00: none; 09:00: 1, 0 failed, median 1m 0s."), "{words}");
    }

    proptest! {
        #[test]
        fn every_run_is_in_one_bar(created in prop::collection::vec(-700_000i64..10_000, 0..60)) {
            for period in [Period::Daily, Period::Weekly] {
                let chart = chart(&created, period);
                let in_bars: usize = chart.bars.iter().map(|bar| bar.tally.runs()).sum();
                prop_assert_eq!(in_bars, chart.total.runs());
            }
        }
    }
}
