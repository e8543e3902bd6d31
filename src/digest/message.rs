//! Renders a digest.

use chrono::TimeDelta;

use super::chart::Chart;
use super::delivery::{Delivery, LEAST_SAMPLES, Measure, Trend};
use super::period::{Period, Window};
use super::picture;
use super::tally::Tally;
use crate::agents::NONE_REPORTED;
use crate::deploy::run_line::run_line;
use crate::discord::message::fits;
use crate::discord::{Attachment, Message};
use crate::github::explain::{Subject, explain};
use crate::github::window::Listed;
use crate::github::{GithubError, Run};
use crate::text::{duration, escape, time};

/// With fewer samples the 95th percentile is simply the longest.
const LEAST_FOR_P95: usize = 20;

/// The first line. It contains the window's exact start and end, so it identifies the digest.
pub(crate) fn head(period: Period, window: Window) -> String {
    let word = match period {
        Period::Daily => "Daily",
        Period::Weekly => "Weekly",
    };
    let (from, to) = (time::moment(window.from), time::moment(window.to));
    format!("📊 **{word} digest** · {from} to {to}")
}

/// The runs of one agent's workflow.
pub(super) struct AgentRuns {
    pub(super) agent: String,
    pub(super) file: String,
    pub(super) page: String,
    pub(super) deploys: bool,
    /// The runs of this window and of the one before.
    pub(super) listed: Result<Listed, GithubError>,
}

/// Renders the message of a digest.
pub(super) fn render(period: Period, window: Window, reports: &[AgentRuns]) -> Message {
    if reports.is_empty() {
        return Message::private(NONE_REPORTED);
    }
    let before = match period {
        Period::Daily => "the 24 hours before",
        Period::Weekly => "the 7 days before",
    };
    let known: Vec<(&AgentRuns, &Listed)> =
        reports.iter().filter_map(|report| Some((report, report.listed.as_ref().ok()?))).collect();
    let inside = |run: &&Run| window.takes(run);
    let mut top = vec![head(period, window)];
    if reports.len() > 1 && !known.is_empty() {
        let all = known.iter().flat_map(|(_, listed)| listed.runs.iter()).filter(inside);
        let of = if known.len() == reports.len() {
            format!("{} agents", reports.len())
        } else {
            format!("{} of {} agents", known.len(), reports.len())
        };
        top.push(format!("**In total** · {of}"));
        top.extend(counts(&Tally::of(all)));
    }
    let deploying: Vec<&[Run]> = known
        .iter()
        .filter_map(|(report, listed)| report.deploys.then_some(listed.runs.as_slice()))
        .collect();
    let mut bottom = Vec::new();
    if !deploying.is_empty() {
        bottom.push(format!("**Delivery** · against {before}"));
        let now = Delivery::of(&deploying, window);
        bottom.extend(delivery(now, Delivery::of(&deploying, window.before())));
    }
    if !known.is_empty() {
        bottom.extend(DEFINITIONS.lines().map(|line| format!("-# {line}")));
    }
    let agents = reports.iter().map(|report| block(report, window));
    let message = Message::public(&between(&top.join("\n"), agents, &bottom.join("\n")));
    let all = known.iter().flat_map(|(_, listed)| listed.runs.iter());
    match picture(&Chart::of(all, window, period)) {
        Some(picture) => message.with(picture),
        None => message,
    }
}

/// The picture of the chart. `None` without runs.
fn picture(chart: &Chart) -> Option<Attachment> {
    let png = (chart.total.runs() > 0).then(|| picture::png(chart))?;
    if png.is_none() {
        tracing::error!("the digest's picture could not be drawn");
    }
    Some(Attachment::png("digest.png", &chart.words(), png?.into()))
}

/// The definitions of the measures, shown in the message.
const DEFINITIONS: &str = "\
Failed: also timed out, could not start. Others: skipped, neutral, not ended … Success rate and durations: of what \
succeeded or failed.
Deployment frequency: successful deploys. Change failure rate: failed deploys of those that succeeded or failed. Time to \
restore: median, end of the first failure after a success to end of the next success. Lead time: median, commit to end of its successful \
deploy. n/a: fewer than 3 samples, for p95 20. → is less than 5 % apart.";

/// Joins `top`, as many of the agents' blocks as fit, the number of those left out, and `bottom`.
fn between(top: &str, blocks: impl Iterator<Item = String>, bottom: &str) -> String {
    let whole = |blocks: &[String]| {
        let parts = [top].into_iter().chain(blocks.iter().map(String::as_str)).chain([bottom]);
        parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n")
    };
    let all: Vec<String> = blocks.collect();
    let more = |shown: usize| match all.len() - shown {
        0 => Vec::new(),
        hidden => vec![format!("… and {hidden} more agents; `/status` shows their last runs.")],
    };
    let with = |shown: usize| {
        let blocks: Vec<String> = all.iter().take(shown).cloned().chain(more(shown)).collect();
        whole(&blocks)
    };
    // If even no block fits, `Message::public` cuts the text.
    (0..=all.len()).rev().map(with).find(|text| fits(text)).unwrap_or_else(|| with(0))
}

/// The lines about one agent.
fn block(report: &AgentRuns, window: Window) -> String {
    let workflow = escape::link(&escape::code(&report.file, 100), &report.page);
    let mut lines = vec![format!("**{}** · {workflow}", escape::plain(&report.agent, 50))];
    match &report.listed {
        Err(error) => {
            lines.push(format!("⚠️ {}", explain(error, Subject::ThisWorkflow, "Actions: read")))
        }
        Ok(listed) => {
            let inside = listed.runs.iter().filter(|run| window.takes(run));
            lines.extend(counts(&Tally::of(inside.clone())));
            if let Some(latest) = inside.max_by_key(|run| (run.created_at, run.id)) {
                lines.push(format!("Latest: {}", run_line(latest)));
            }
            if listed.left_out > 0 {
                lines.push(format!(
                    "⚠️ GitHub does not list {} more runs: too many within one second.",
                    listed.left_out
                ));
            }
        }
    }
    lines.join("\n")
}

fn counts(tally: &Tally) -> Vec<String> {
    if tally.runs() == 0 {
        return vec!["No runs in this window.".to_owned()];
    }
    let runs = match tally.runs() {
        1 => "1 run".to_owned(),
        more => format!("{more} runs"),
    };
    let Tally { success, failure, cancelled, other, durations } = tally;
    let rate = tally.success_rate().map_or_else(|| "n/a".to_owned(), percent);
    let mut lines = vec![format!(
        "{runs}: 🟢 {success} succeeded · 🔴 {failure} failed · ⚪ {cancelled} cancelled · ⚪ {other} others · \
         success rate **{rate}**"
    )];
    if let (Some(median), Some(average)) = (durations.median(), durations.average()) {
        let p95 = durations.percentile(95).filter(|_| durations.len() >= LEAST_FOR_P95);
        lines.push(format!(
            "Duration: median **{}** · p95 **{}** · average **{}**",
            duration::compact(median),
            p95.map_or_else(|| "n/a".to_owned(), duration::compact),
            duration::compact(average),
        ));
    }
    lines
}

fn delivery(now: Delivery, before: Delivery) -> [String; 4] {
    let line = |name: &str, pick: fn(Delivery) -> Measure, words: fn(f64) -> String| {
        measure(name, pick(now), pick(before), words)
    };
    [
        line("Deployment frequency", |d| d.frequency, |value| format!("{value:.1} a day")),
        line("Change failure rate", |d| d.failure_rate, percent),
        line("Time to restore", |d| d.restore, seconds),
        line("Lead time", |d| d.lead, seconds),
    ]
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

fn percent(part: f64) -> String {
    format!("{:.1} %", part * 100.0)
}

fn seconds(value: f64) -> String {
    TimeDelta::try_milliseconds((value * 1000.0) as i64).map_or_else(String::new, duration::compact)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_definitions_match_the_constants() {
        assert!(DEFINITIONS.contains(&format!("fewer than {LEAST_SAMPLES} samples")));
        assert!(DEFINITIONS.contains(&format!("p95 {LEAST_FOR_P95}")));
        assert_eq!(
            measure(
                "Lead time",
                Measure { value: None, samples: 2 },
                Measure { value: Some(1.0), samples: 9 },
                seconds
            ),
            "Lead time: n/a (n = 2, fewer than 3)"
        );
    }

    proptest! {
        #[test]
        fn agents_that_do_not_fit_are_left_out_and_counted(
            lengths in prop::collection::vec(1usize..900, 0..12),
        ) {
            let blocks: Vec<_> = lengths.iter().map(|length| "x".repeat(*length)).collect();
            let (top, bottom) = ("t".repeat(400), "b".repeat(900));
            let text = between(&top, blocks.clone().into_iter(), &bottom);
            prop_assert!(fits(&text));
            prop_assert!(text.starts_with(&top) && text.ends_with(&bottom));
            let shown = text.lines().filter(|line| line.starts_with('x')).count();
            let left_out = text.lines().find_map(|line| line.strip_prefix("… and ")?.split(' ').next()?.parse().ok());
            prop_assert_eq!(shown + left_out.unwrap_or(0usize), blocks.len());
        }
    }
}
