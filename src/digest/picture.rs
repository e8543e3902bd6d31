//! Draws a chart as a PNG: runs by time, and below them how long they took, or with several workflows each.
//!
//! It draws with tiny-skia alone: bars and a legend are few shapes, and a charting library would need
//! system fonts or a renderer.
//!
//! The background is opaque, so that the picture looks the same on Discord's dark and light theme.
//! Discord shows it at half its size, so the letters are large. The colours are those of Okabe and Ito,
//! for people with colour vision deficiencies. They also differ in lightness, and their order is fixed.

mod canvas;
mod table;

use chrono::TimeDelta;

use super::chart::{Bar, Chart};
use super::tally::Tally;
use crate::text::duration;
use canvas::{Anchor, Canvas, Rgb};

const WIDTH: f32 = 1100.0;
const HEIGHT: f32 = 740.0;
/// The plots' left and right edge.
const LEFT: f32 = 120.0;
const RIGHT: f32 = WIDTH - 36.0;

const GROUND: Rgb = Rgb(0x1f, 0x23, 0x2b);
const GRID: Rgb = Rgb(0x3a, 0x41, 0x4d);
const TEXT: Rgb = Rgb(0xf2, 0xf4, 0xf7);
const FAINT: Rgb = Rgb(0xb4, 0xbc, 0xc8);
const SUCCESS: Rgb = Rgb(0x1f, 0xb8, 0x8a);
const FAILURE: Rgb = Rgb(0xff, 0x6f, 0x3c);
const CANCELLED: Rgb = Rgb(0x8a, 0x94, 0xa3);
const OTHER: Rgb = Rgb(0xf2, 0xdc, 0x6b);
const DURATION: Rgb = Rgb(0x6c, 0xb8, 0xf0);

/// So many labels fit below the bars.
const MOST_LABELS: usize = 10;

const TITLE: f32 = 30.0;
const LABEL: f32 = 24.0;

/// Steps of the axis of durations, in seconds.
const SECONDS: &[i64] = &[
    1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14_400, 43_200, 86_400, 172_800,
];

/// The chart as a PNG; `None` if it cannot be drawn.
pub(crate) fn png(chart: &Chart) -> Option<Vec<u8>> {
    let mut canvas = Canvas::new(WIDTH, HEIGHT, GROUND)?;
    if chart.rows.len() > 1 {
        let top = table::draw(&mut canvas, &chart.rows);
        runs(&mut canvas, chart, top - 60.0);
    } else {
        runs(&mut canvas, chart, 380.0);
        durations(&mut canvas, chart);
    }
    canvas.png()
}

/// The position of a plot, and the value at its top.
struct Plot {
    top: f32,
    bottom: f32,
    most: f32,
}

impl Plot {
    /// Draws the grid lines and their labels.
    fn axis(
        canvas: &mut Canvas,
        (top, bottom): (f32, f32),
        step: i64,
        most: i64,
        label: fn(i64) -> String,
    ) -> Self {
        let steps = (most.max(1) + step - 1) / step;
        let plot = Self { top, bottom, most: float(steps * step) };
        for value in (0..=steps).map(|number| number * step) {
            let y = plot.y(float(value));
            canvas.rectangle(LEFT, y - 1.0, RIGHT - LEFT, 2.0, GRID);
            canvas.text(&label(value), LEFT - 14.0, y + 8.0, LABEL, FAINT, Anchor::End);
        }
        plot
    }

    fn y(&self, value: f32) -> f32 {
        self.bottom - (self.bottom - self.top) * value / self.most
    }
}

/// Each bar with the x of its middle and the maximum width, in pixels.
fn places(bars: &[Bar]) -> impl Iterator<Item = (&Bar, f32, f32)> {
    let slot = (RIGHT - LEFT) / bars.len().max(1) as f32;
    bars.iter().enumerate().map(move |(number, bar)| {
        (bar, LEFT + slot * (number as f32 + 0.5), (slot * 0.6).min(90.0))
    })
}

fn runs(canvas: &mut Canvas, chart: &Chart, bottom: f32) {
    let title = format!("Runs per {}", chart.unit);
    let end = canvas.text(&title, 36.0, 56.0, TITLE, TEXT, Anchor::Start);
    let cut = if chart.cut { ", first and last cut by the window" } else { "" };
    let note = format!("{}{cut}", chart.zone);
    canvas.text(&note, end + 16.0, 56.0, LABEL, FAINT, Anchor::Start);

    let mut x = 36.0;
    let known = |(name, _, count): &(&str, Rgb, usize)| *count > 0 || *name != "not ended";
    for (name, color, count) in outcomes(&chart.total).into_iter().filter(known) {
        canvas.rectangle(x, 80.0, 22.0, 22.0, color);
        x = canvas.text(&format!("{name} {count}"), x + 32.0, 100.0, LABEL, TEXT, Anchor::Start)
            + 34.0;
    }

    let most = chart.bars.iter().map(|bar| bar.tally.runs()).max().unwrap_or_default();
    let most = i64::try_from(most).unwrap_or(i64::MAX / 4);
    let plot = Plot::axis(canvas, (160.0, bottom), step_of(most), most, |value| value.to_string());
    for (bar, middle, width) in places(&chart.bars) {
        let mut below = 0.0;
        for (_, color, count) in outcomes(&bar.tally) {
            let above = below + count as f32;
            let (from, to) = (plot.y(below), plot.y(above));
            // A gap separates the colours for people who cannot tell them apart. The minimum height keeps
            // small values visible.
            canvas.rectangle(
                middle - width / 2.0,
                to,
                width,
                (from - to - 2.0).max(2.0) * (count.min(1) as f32),
                color,
            );
            below = above;
        }
        if bar.tally.runs() > 0 {
            let y = plot.y(below) - 8.0;
            canvas.text(&bar.tally.runs().to_string(), middle, y, LABEL, TEXT, Anchor::Middle);
        }
    }
    labels(canvas, chart, &plot);
}

/// The bars' labels: as many as there is room for.
fn labels(canvas: &mut Canvas, chart: &Chart, plot: &Plot) {
    let every = chart.bars.len().div_ceil(MOST_LABELS).max(1);
    for (bar, middle, _) in places(&chart.bars).step_by(every) {
        canvas.text(&bar.label, middle, plot.bottom + 34.0, LABEL, FAINT, Anchor::Middle);
    }
}

fn outcomes(tally: &Tally) -> [(&'static str, Rgb, usize); 5] {
    [
        ("succeeded", SUCCESS, tally.success),
        ("failed", FAILURE, tally.failure),
        ("cancelled", CANCELLED, tally.cancelled),
        ("others", OTHER, tally.other),
        ("not ended", DURATION, tally.open),
    ]
}

fn durations(canvas: &mut Canvas, chart: &Chart) {
    let end = canvas.text("Duration", 36.0, 478.0, TITLE, TEXT, Anchor::Start);
    let note = "median, and from the shortest to the longest";
    canvas.text(note, end + 16.0, 478.0, LABEL, FAINT, Anchor::Start);
    let most = chart.total.durations.longest().map_or(1, |longest| longest.num_seconds());
    let fits = |step: &&i64| most <= **step * 4;
    let step = SECONDS.iter().find(fits).copied().unwrap_or_else(|| step_of(most));
    let plot = Plot::axis(canvas, (515.0, 665.0), step, most, tick);
    for (bar, middle, width) in places(&chart.bars) {
        let sample = &bar.tally.durations;
        if let (Some(shortest), Some(median), Some(longest)) =
            (sample.shortest(), sample.median(), sample.longest())
        {
            let y = |duration: TimeDelta| plot.y(float(duration.num_seconds()));
            let (low, high) = (y(shortest), y(longest));
            canvas.rectangle(
                middle - 4.0,
                high,
                8.0,
                (low - high).max(2.0),
                DURATION.faded(GROUND),
            );
            let half = (width / 2.0).min(26.0);
            canvas.rectangle(middle - half, y(median) - 4.0, half * 2.0, 8.0, DURATION);
        }
    }
    labels(canvas, chart, &plot);
}

/// The axis step: 1, 2 or 5 times a power of ten, so that at most four steps reach the highest value.
fn step_of(most: i64) -> i64 {
    let mut power = 1i64;
    loop {
        for factor in [1, 2, 5] {
            let step = power.saturating_mul(factor);
            if most <= step.saturating_mul(4) {
                return step;
            }
        }
        power = power.saturating_mul(10);
    }
}

/// `30s`, `5m`, `1m 30s`, `2h`, `1d 12h`.
fn tick(seconds: i64) -> String {
    let words = duration::compact(TimeDelta::seconds(seconds));
    match words.split_once(' ') {
        Some((whole, rest)) if rest.starts_with('0') => whole.to_owned(),
        _ => words,
    }
}

fn float(number: i64) -> f32 {
    number as f32
}

#[cfg(test)]
mod tests {
    use super::super::chart::ChartRow;
    use super::super::period::tests::{at, run};
    use super::super::{Period, Window, Zone};
    use super::*;
    use crate::github::Run;
    use rstest::rstest;

    #[rstest]
    #[case(0, 1)]
    #[case(4, 1)]
    #[case(5, 2)]
    #[case(21, 10)]
    #[case(215, 100)]
    #[case(i64::MAX, i64::MAX)]
    fn at_most_four_steps(#[case] most: i64, #[case] step: i64) {
        assert!(step_of(most) <= step && step_of(most) > 0, "{}", step_of(most));
    }

    #[rstest]
    #[case(0, "0s")]
    #[case(30, "30s")]
    #[case(300, "5m")]
    #[case(90, "1m 30s")]
    #[case(7200, "2h")]
    #[case(129_600, "1d 12h")]
    #[case(172_800, "2d")]
    fn a_tick_is_short(#[case] seconds: i64, #[case] words: &str) {
        assert_eq!(tick(seconds), words);
    }

    #[rstest]
    #[case::nothing(&[])]
    #[case::one(&[(60, "success")])]
    #[case::absurd(&[(i64::from(i32::MAX), "failure"), (0, "skipped"), (-9, "success")])]
    fn any_runs_can_be_drawn(#[case] history: &[(i64, &str)]) {
        let runs = (1..).zip(history).map(|(id, (took, word))| run(id, -60, *took, word));
        let runs: Vec<_> = runs.collect();
        let runs: Vec<&Run> = runs.iter().collect();
        let zone = Zone::utc();
        for rows in [0, 1, 2, 10, 11, 60] {
            let row = |number: usize| ChartRow {
                names: vec![(format!("Déploiement {number}"), "deploy".to_owned())],
                tally: Tally::of(runs.iter().copied().take(number % 4)),
            };
            for period in [Period::Daily, Period::Weekly] {
                let window = Window::ending(at(0), period, &zone);
                let chart = Chart::of(&runs, (0..rows).map(row).collect(), window, &zone);
                let png = png(&chart).unwrap();
                assert!(png.starts_with(b"\x89PNG") && png.len() < 100_000, "{}", png.len());
            }
        }
    }
}
