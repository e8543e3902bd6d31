//! One row for each workflow: its agents, its runs by outcome, and how long they took.

use super::super::chart::ChartRow;
use super::canvas::{Anchor, Canvas};
use super::{FAILURE, FAINT, GRID, HEIGHT, LABEL, RIGHT, TEXT, TITLE, outcomes};
use crate::text::duration;

/// The first column, and where the others begin or end.
const NAME: f32 = 36.0;
const BAR: f32 = 356.0;
const RUNS: f32 = 790.0;
const FAILED: f32 = 900.0;

/// So many rows fit; the last of more says how many there are.
const MOST: usize = 10;
/// All rows together.
const ROOM: f32 = 320.0;
const HIGHEST: f32 = 46.0;
const MARGIN: f32 = 22.0;

/// Draws the table at the bottom. Returns its top.
pub(super) fn draw(canvas: &mut Canvas, rows: &[ChartRow]) -> f32 {
    let shown = if rows.len() > MOST { MOST - 1 } else { rows.len() };
    let lines = rows.len().min(MOST) as f32;
    let height = (ROOM / lines).min(HIGHEST);
    let top = HEIGHT - MARGIN - height * lines;
    let heading = top - 16.0;
    canvas.text("By agent", NAME, heading, TITLE, TEXT, Anchor::Start);
    for (word, x) in [("runs", RUNS), ("failed", FAILED), ("median", RIGHT)] {
        canvas.text(word, x, heading, LABEL, FAINT, Anchor::End);
    }
    let most = rows.iter().take(shown).map(|row| row.tally.runs()).max().unwrap_or_default();
    for (number, row) in rows.iter().take(shown).enumerate() {
        draw_row(canvas, row, top + height * number as f32, height, most);
    }
    if shown < rows.len() {
        let more = format!("… and {} more", rows.len() - shown);
        let y = base(top + height * shown as f32, height);
        canvas.text(&more, NAME, y, LABEL, FAINT, Anchor::Start);
    }
    heading - TITLE
}

/// The base line of a row's text.
fn base(y: f32, height: f32) -> f32 {
    y + height / 2.0 + LABEL * 0.36
}

fn draw_row(canvas: &mut Canvas, row: &ChartRow, y: f32, height: f32, most: usize) {
    let runs = row.tally.runs();
    canvas.rectangle(NAME, y, RIGHT - NAME, 1.0, GRID);
    let color = if runs == 0 { FAINT } else { TEXT };
    let name = canvas.cut(&name(canvas, row), LABEL, BAR - NAME - 24.0);
    let line = base(y, height);
    canvas.text(&name, NAME, line, LABEL, color, Anchor::Start);
    if runs == 0 {
        canvas.text("–", RUNS, line, LABEL, FAINT, Anchor::End);
        return;
    }
    // The counts have room for six digits.
    let width = (RUNS - 84.0 - BAR) / most.max(1) as f32;
    let thickness = (height * 0.56).min(22.0);
    let mut x = BAR;
    for (_, color, count) in outcomes(&row.tally) {
        let length = count as f32 * width;
        // As in the bars above: a gap between colours, and nothing is too small to be seen.
        let shown = (length - 2.0).max(3.0) * count.min(1) as f32;
        canvas.rectangle(x, y + (height - thickness) / 2.0, shown, thickness, color);
        x += length;
    }
    canvas.text(&runs.to_string(), RUNS, line, LABEL, TEXT, Anchor::End);
    let failed = row.tally.failure;
    let color = if failed > 0 { FAILURE } else { FAINT };
    canvas.text(&failed.to_string(), FAILED, line, LABEL, color, Anchor::End);
    if let Some(median) = row.tally.durations.median() {
        canvas.text(&duration::compact(median), RIGHT, line, LABEL, TEXT, Anchor::End);
    }
}

/// The agents' names. The font has no letters but those of English, so else it is the command's name.
fn name(canvas: &Canvas, row: &ChartRow) -> String {
    let name = |(name, command): &(String, String)| {
        if canvas.has(name) { name.clone() } else { format!("/{command}") }
    };
    row.names.iter().map(name).collect::<Vec<_>>().join(", ")
}
