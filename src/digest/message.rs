//! Renders a digest.

use chrono::{DateTime, Utc};

use super::chart::{Chart, ChartRow};
use super::delivery::Delivery;
use super::lines::{Detail, counts, row_lines, rows_lines};
use super::measures;
use super::period::{Period, Window};
use super::picture;
use super::recorded::Recorded;
use super::row::{Row, RowRuns};
use super::tally::Tally;
use super::zone::Zone;
use crate::agents::NONE_REPORTED;
use crate::discord::message::fits;
use crate::discord::{Attachment, Message};
use crate::github::Run;
use crate::store::StoreError;
use crate::text::{escape, time};

/// Where the measures are defined.
const DEFINITIONS: &str =
    concat!(env!("CARGO_PKG_REPOSITORY"), "/blob/main/docs/digest.md#what-the-numbers-mean");

/// The window's exact start and end, which each digest says: it identifies the digest.
pub(crate) fn identity(window: Window) -> String {
    format!("{} to {}", time::moment(window.from), time::moment(window.to))
}

/// What matters, in one line.
fn headline(summary: &Summary) -> String {
    let word = match summary.period {
        Period::Daily => "Daily",
        Period::Weekly => "Weekly",
    };
    let runs: Vec<&Run> = known(summary).flat_map(|(_, row)| &row.runs).collect();
    let unknown = summary.rows.len() - known(summary).count();
    let Tally { failure, .. } = Tally::of(runs.iter().copied());
    let count = if runs.len() == 1 { "1 run".to_owned() } else { format!("{} runs", runs.len()) };
    let said = match (runs.len(), failure) {
        (0, _) if known(summary).next().is_none() => "nothing is known".to_owned(),
        (0, _) => "no runs".to_owned(),
        (_, 0) => format!("🟢 {count}, none failed"),
        (_, failed) => format!("🔴 {count}, {failed} failed"),
    };
    let unknown = match unknown {
        0 => String::new(),
        1 => " · ⚠️ 1 workflow is not known".to_owned(),
        more => format!(" · ⚠️ {more} workflows are not known"),
    };
    format!("📊 **{word} digest**: {said}{unknown} · {}", identity(summary.window))
}

/// Whether nothing ran, and nothing else is to be said.
fn is_empty(summary: &Summary) -> bool {
    let is_quiet = |row: &Row| {
        row.since == summary.window.from && row.runs.as_ref().is_ok_and(RowRuns::is_quiet)
    };
    let recorded = match &summary.recorded {
        Ok(recorded) => recorded.lines().is_empty(),
        Err(error) => matches!(error, StoreError::NotSetUp(_)),
    };
    summary.cut.is_none() && recorded && summary.rows.iter().all(is_quiet)
}

/// What a digest says.
pub(super) struct Summary {
    pub(super) period: Period,
    pub(super) window: Window,
    pub(super) zone: Zone,
    /// Where the last digest ended, if that is too long ago to look back to.
    pub(super) cut: Option<DateTime<Utc>>,
    pub(super) rows: Vec<Row>,
    /// Of this window and the one before, and of how many re-run runs not every attempt is known.
    pub(super) delivery: Option<(Delivery, Delivery, usize)>,
    /// What the record knows.
    pub(super) recorded: Result<Recorded, StoreError>,
}

/// Renders the message of a digest.
pub(super) fn render(summary: &Summary) -> Message {
    if summary.rows.is_empty() {
        return Message::private(NONE_REPORTED);
    }
    if is_empty(summary) {
        return Message::public(&headline(summary));
    }
    let (top, bottom) = (top(summary), bottom(summary));
    let rows = |detail| match summary.rows.as_slice() {
        [row] => vec![row_lines(row, summary.window, detail)],
        rows => rows_lines(rows, summary.window, detail),
    };
    let join = |rows: &[String]| {
        let parts = [&top].into_iter().chain(rows).chain([&bottom]);
        parts.filter(|part| !part.is_empty()).cloned().collect::<Vec<_>>().join("\n")
    };
    let all = [Detail::Full, Detail::Short, Detail::Line, Detail::Bare].map(rows);
    let whole = all.iter().map(|rows| join(rows)).find(|text| fits(text));
    let cut = || all.last().map(|rows| cut(rows, join)).unwrap_or_default();
    let message = Message::public(&whole.unwrap_or_else(cut));
    match picture(&chart(summary)) {
        Some(picture) => message.with(picture),
        None => message,
    }
}

/// As many rows as fit, and the number of those left out.
fn cut(rows: &[String], join: impl Fn(&[String]) -> String) -> String {
    let with = |shown: usize| {
        let more = format!("… and {} more; `/status` shows each agent.", rows.len() - shown);
        join(&rows.iter().take(shown).cloned().chain([more]).collect::<Vec<_>>())
    };
    // If even no row fits, `Message::public` cuts the text.
    (0..rows.len()).rev().map(&with).find(|text| fits(text)).unwrap_or_else(|| with(0))
}

fn known(summary: &Summary) -> impl Iterator<Item = (&Row, &RowRuns)> {
    summary.rows.iter().filter_map(|row| Some((row, row.runs.as_ref().ok()?)))
}

fn top(summary: &Summary) -> String {
    let mut lines = vec![headline(summary)];
    if let Some(last) = summary.cut {
        let (last, from) = (last.timestamp(), summary.window.from.timestamp());
        lines.push(format!(
            "⚠️ The last digest ended <t:{last}:f>, which is too long ago: what ran until <t:{from}:f> is in none."
        ));
    }
    let agents: usize = summary.rows.iter().map(|row| row.agents.len()).sum();
    let of_known: usize = known(summary).map(|(row, _)| row.agents.len()).sum();
    let busy = known(summary).filter(|(_, runs)| !runs.is_quiet()).count();
    // Else it would only repeat the one.
    if busy > 1 || (of_known > 0 && of_known < agents) {
        let of = if of_known == agents {
            format!("{agents} agents")
        } else {
            format!("{of_known} of {agents} agents")
        };
        lines.push(format!("**In total** · {of}"));
        let runs: Vec<&Run> = known(summary).flat_map(|(_, row)| &row.runs).collect();
        if !runs.is_empty() || known(summary).all(|(_, row)| row.is_quiet()) {
            lines.extend(counts(&Tally::of(runs)));
        }
    }
    lines.join("\n")
}

fn bottom(summary: &Summary) -> String {
    let mut lines = Vec::new();
    if let Some((now, before, unknown)) = summary.delivery {
        let days = summary.window.days(&summary.zone);
        lines.push(format!("**Delivery** · against {}", measures::before(days)));
        lines.extend(measures::lines(now, before));
        match unknown {
            0 => {}
            1 => lines.push("⚠️ How a re-run run had ended before is not known.".to_owned()),
            more => lines.push(format!("⚠️ How {more} re-run runs had ended before is not known.")),
        }
    }
    let left_out: Vec<String> = known(summary)
        .filter(|(row, runs)| row.deploys && !runs.is_whole())
        .map(|(row, _)| row.name())
        .collect();
    if !left_out.is_empty() {
        let names = if left_out.len() > 3 {
            format!("{} workflows", left_out.len())
        } else {
            left_out.join(", ")
        };
        lines.push(format!("⚠️ Delivery is not known of {names}: runs may be missing."));
    }
    match &summary.recorded {
        Ok(recorded) => lines.extend(recorded.lines()),
        // Without a store nothing was deployed from Discord.
        Err(StoreError::NotSetUp(_)) => {}
        Err(error) => lines.push(format!("⚠️ The record of deploys cannot be read: {error}.")),
    }
    if known(summary).next().is_some() {
        lines.push(format!("-# {}", escape::link("What the numbers mean", DEFINITIONS)));
    }
    lines.join("\n")
}

fn chart(summary: &Summary) -> Chart {
    let runs: Vec<&Run> = known(summary).flat_map(|(_, row)| &row.runs).collect();
    let row = |(row, runs): (&Row, &RowRuns)| ChartRow {
        names: row.agents.clone(),
        tally: Tally::of(&runs.runs),
    };
    let rows = known(summary).map(row).collect();
    Chart::of(&runs, rows, summary.window, &summary.zone)
}

/// The picture of the chart. `None` without runs.
fn picture(chart: &Chart) -> Option<Attachment> {
    let png = (chart.total.runs() > 0).then(|| picture::png(chart))?;
    if png.is_none() {
        tracing::error!("the digest's picture could not be drawn");
    }
    Some(Attachment::png("digest.png", &chart.words(), png?.into()))
}

#[cfg(test)]
mod tests;
