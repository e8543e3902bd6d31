//! The bar chart of the runs in a window: the data of the picture and its alternative text.

use chrono::{DateTime, NaiveDateTime, TimeDelta};

use super::period::Window;
use super::tally::Tally;
use super::zone::Zone;
use crate::github::Run;
use crate::text::duration;

/// The bar chart of a window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chart {
    /// The time span of a bar: `day`, `3 hours`.
    pub unit: &'static str,
    /// The name of the time zone.
    pub zone: String,
    /// Whether the first and the last bar are cut by the window's edges.
    pub cut: bool,
    /// Oldest first.
    pub bars: Vec<Bar>,
    /// All bars together.
    pub total: Tally,
    /// The workflows, in the order of the message.
    pub rows: Vec<ChartRow>,
}

/// The runs of a day of the time zone, or of three hours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bar {
    /// `Mon 16`, or `09:00`.
    pub label: String,
    pub tally: Tally,
}

/// The runs of a workflow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ChartRow {
    /// Name and command of each agent.
    pub names: Vec<(String, String)>,
    pub tally: Tally,
}

impl Chart {
    /// The chart of these runs. Those from before the window, which the last digest left, are in its first bar.
    pub(crate) fn of(runs: &[&Run], rows: Vec<ChartRow>, window: Window, zone: &Zone) -> Self {
        let created =
            |run: &Run| run.created_at.map(|at| at.max(window.from)).filter(|at| window.holds(*at));
        let runs: Vec<(NaiveDateTime, &Run)> =
            runs.iter().filter_map(|run| Some((zone.local(created(run)?), *run))).collect();
        let (width, unit, format) = if window.days(zone) <= 1.5 {
            (3 * 3600, "3 hours", "%H:%M")
        } else {
            (24 * 3600, "day", "%a %-d")
        };
        let seconds = |time: NaiveDateTime| time.and_utc().timestamp();
        let number = |time: NaiveDateTime| seconds(time).div_euclid(width);
        let (first, end) = (zone.local(window.from), zone.local(window.to));
        let last = number(end - TimeDelta::seconds(1));
        let bar = |at: i64| {
            let inside = runs.iter().filter(|(time, _)| number(*time) == at).map(|(_, run)| *run);
            let begin = DateTime::from_timestamp(at * width, 0).unwrap_or_default();
            Bar { label: begin.format(format).to_string(), tally: Tally::of(inside) }
        };
        let is_whole = |time: NaiveDateTime| seconds(time).rem_euclid(width) == 0;
        Self {
            unit,
            zone: zone.name().to_owned(),
            cut: !is_whole(first) || !is_whole(end),
            bars: (number(first)..=last).map(bar).collect(),
            total: Tally::of(runs.iter().map(|(_, run)| *run)),
            rows,
        }
    }

    /// The alternative text of the picture.
    pub(crate) fn words(&self) -> String {
        let Tally { success, failure, cancelled, other, open, durations, .. } = &self.total;
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
        let what = if self.rows.len() > 1 { "of each agent" } else { "how long they took" };
        format!(
            "Bar chart: runs per {} ({}) by outcome, and {what}. {} runs: {success} succeeded, \
             {failure} failed, {cancelled} cancelled, {other} others, {open} not ended.{} {}.",
            self.unit,
            self.zone,
            self.total.runs(),
            span.unwrap_or_default(),
            bars.collect::<Vec<_>>().join("; "),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::Period;
    use super::super::period::tests::{at, run};
    use super::*;
    use proptest::prelude::*;

    fn of(created: &[i64], window: Window, zone: &Zone) -> Chart {
        let runs: Vec<_> = (1..).zip(created).map(|(id, at)| run(id, *at, 60, "success")).collect();
        Chart::of(&runs.iter().collect::<Vec<_>>(), Vec::new(), window, zone)
    }

    fn chart(created: &[i64], period: Period) -> Chart {
        of(created, Window::ending(at(0), period, &Zone::utc()), &Zone::utc())
    }

    fn labels(chart: &Chart) -> Vec<&str> {
        chart.bars.iter().map(|bar| bar.label.as_str()).collect()
    }

    #[test]
    fn bars_begin_at_whole_hours_and_days() {
        // `at(0)` is 2026-11-22T10:00:00Z, a Sunday.
        let day = chart(&[-1, -3 * 3600], Period::Daily);
        assert_eq!(
            labels(&day),
            ["09:00", "12:00", "15:00", "18:00", "21:00", "00:00", "03:00", "06:00", "09:00"]
        );
        assert_eq!(day.bars[8].tally.runs(), 1);
        let week = chart(&[], Period::Weekly);
        assert_eq!(
            labels(&week),
            ["Sun 15", "Mon 16", "Tue 17", "Wed 18", "Thu 19", "Fri 20", "Sat 21", "Sun 22"]
        );
        assert!(week.cut);
    }

    #[test]
    fn at_midnight_a_week_has_seven_bars() {
        let utc = Zone::utc();
        let midnight = Window::ending(at(14 * 3600), Period::Weekly, &utc);
        let chart = of(&[], midnight, &utc);
        assert_eq!((chart.bars.len(), chart.cut), (7, false));
    }

    #[test]
    fn days_begin_at_midnight_of_the_zone() {
        let berlin = Zone::named("Europe/Berlin").unwrap();
        // From Friday to Monday at nine; the clocks go back on Sunday.
        let window = Window::first("2026-10-26T08:00:00Z".parse().unwrap(), Period::Daily, &berlin);
        let created =
            |text: &str| (text.parse::<DateTime<chrono::Utc>>().unwrap() - at(0)).num_seconds();
        let late = [created("2026-10-23T22:30:00Z"), created("2026-10-25T22:30:00Z")];
        let chart = of(&late, window, &berlin);
        assert_eq!(labels(&chart), ["Fri 23", "Sat 24", "Sun 25", "Mon 26"]);
        let runs: Vec<_> = chart.bars.iter().map(|bar| bar.tally.runs()).collect();
        assert_eq!(runs, [0, 1, 1, 0]);
        assert!(chart.words().contains("runs per day (Europe/Berlin)"));
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
            for zone in [Zone::utc(), Zone::named("America/New_York").unwrap()] {
                for period in [Period::Daily, Period::Weekly] {
                    let chart = of(&created, Window::ending(at(0), period, &zone), &zone);
                    let in_bars: usize = chart.bars.iter().map(|bar| bar.tally.runs()).sum();
                    prop_assert_eq!(in_bars, chart.total.runs());
                }
            }
        }
    }
}
