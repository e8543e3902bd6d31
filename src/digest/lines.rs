//! The lines of a digest about runs, in as much detail as there is room for.

use super::measures::percent;
use super::period::Window;
use super::row::{Row, RowRuns};
use super::tally::Tally;
use crate::deploy::run_line::run_line;
use crate::github::Run;
use crate::github::explain::{Subject, explain_to};
use crate::github::words::conclusion;
use crate::text::{duration, escape};

/// With fewer samples the 95th percentile is simply the longest.
pub(super) const LEAST_FOR_P95: usize = 20;

/// How much is said of each workflow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Detail {
    /// Four lines, as of a single one.
    Full,
    /// Two lines.
    Short,
    /// One line, with a link to what failed last.
    Line,
    /// One line without a link.
    Bare,
}

/// The lines of all workflows. Those without runs share a line, and so do those with the same error.
pub(super) fn rows_lines(rows: &[Row], window: Window, detail: Detail) -> Vec<String> {
    let is_quiet =
        |row: &Row| row.runs.as_ref().is_ok_and(RowRuns::is_quiet) && row.since == window.from;
    let mut lines: Vec<String> = rows
        .iter()
        .filter(|row| row.runs.is_ok() && !is_quiet(row))
        .map(|row| row_lines(row, window, detail))
        .collect();
    let names = |rows: &[&Row]| rows.iter().map(|row| row.name()).collect::<Vec<_>>().join(", ");
    let mut errors: Vec<(String, Vec<&Row>)> = Vec::new();
    for (row, error) in rows.iter().filter_map(|row| Some((row, error(row)?))) {
        match errors.iter_mut().find(|(known, _)| *known == error) {
            Some((_, same)) => same.push(row),
            None => errors.push((error, vec![row])),
        }
    }
    lines.extend(errors.iter().map(|(error, rows)| format!("⚠️ {}: {error}", names(rows))));
    let quiet: Vec<&Row> = rows.iter().filter(|row| is_quiet(row)).collect();
    if !quiet.is_empty() {
        lines.push(format!("⚪ No runs in this window: {}", names(&quiet)));
    }
    lines
}

fn error(row: &Row) -> Option<String> {
    let error = row.runs.as_ref().err()?;
    Some(explain_to(row.audience, error, Subject::ThisWorkflow, "Actions: read"))
}

/// The lines of one workflow.
pub(super) fn row_lines(row: &Row, window: Window, detail: Detail) -> String {
    let name = row.name();
    let heading = || {
        let file = escape::link(&escape::code(&row.file, 100), &row.page);
        format!("{name} · {file}")
    };
    let Ok(runs) = &row.runs else {
        return [heading(), format!("⚠️ {}", error(row).unwrap_or_default())].join("\n");
    };
    let tally = Tally::of(&runs.runs);
    let latest = runs.runs.iter().max_by_key(|run| (run.created_at, run.id));
    let mut lines = match detail {
        Detail::Full => {
            let mut lines = vec![heading()];
            if tally.runs() > 0 || runs.is_quiet() {
                lines.extend(counts(&tally));
            }
            lines.extend(latest.map(|latest| format!("Latest: {}", run_line(latest))));
            lines
        }
        Detail::Short => {
            let latest = latest.map(|run| format!("latest {} {}", lamp(run), link(run)));
            let line: Vec<String> = short(&tally, runs).into_iter().chain(latest).collect();
            let line = (!line.is_empty()).then(|| line.join(" · "));
            [heading()].into_iter().chain(line).collect()
        }
        Detail::Line | Detail::Bare => {
            let lamp = ended(&runs.runs).map_or("⚪", lamp);
            let failed = |run: &&Run| lamp_is_red(run);
            let failed = runs.runs.iter().filter(failed).max_by_key(|run| (run.created_at, run.id));
            let failed = failed.filter(|_| detail == Detail::Line);
            let failed = failed.map_or_else(String::new, |run| format!(" · {}", link(run)));
            let left = runs.left;
            let left = (left > 0).then(|| format!("{left} not ended"));
            let parts: Vec<String> = short(&tally, runs).into_iter().chain(left).collect();
            vec![format!("{lamp} {name} · {}{failed}", parts.join(" · "))]
        }
    };
    if matches!(detail, Detail::Full | Detail::Short) && runs.left > 0 {
        let left = plural(runs.left, "run");
        lines.push(format!("🔵 {left} not ended yet: in the next digest."));
    }
    lines.extend(notes(row, runs, window));
    lines.join("\n")
}

/// What is not known of a workflow's runs, and what is added to them.
fn notes(row: &Row, runs: &RowRuns, window: Window) -> Vec<String> {
    let mut notes = Vec::new();
    if row.since < window.from {
        let since = row.since.timestamp();
        notes.push(format!(
            "⚠️ With what ran since <t:{since}:f>: the last digest could not read it."
        ));
    }
    if runs.unreadable > 0 {
        notes.push(format!("⚠️ {} could not be read.", plural(runs.unreadable, "run")));
    }
    if runs.is_unsure {
        let what = "⚠️ Runs may be missing: GitHub's lists of runs do not agree. Try again in some minutes.";
        notes.push(what.to_owned());
    }
    if runs.left_out > 0 {
        notes.push(format!(
            "⚠️ GitHub does not list {} more runs: too many within one second.",
            runs.left_out
        ));
    }
    if runs.unread > 0 {
        let unread = plural(runs.unread, "run");
        notes
            .push(format!("⚠️ {unread} of before could not be read; the next digest tries again."));
    }
    notes
}

/// The latest that has ended.
fn ended(runs: &[Run]) -> Option<&Run> {
    let ended = runs.iter().filter(|run| run.is_completed());
    ended.max_by_key(|run| (run.created_at, run.id))
}

fn lamp(run: &Run) -> &'static str {
    if run.is_completed() { conclusion(run.conclusion.as_deref()).0 } else { "🔵" }
}

fn lamp_is_red(run: &Run) -> bool {
    super::tally::RunOutcome::of(run) == super::tally::RunOutcome::Failure
}

/// `#41`, linked.
fn link(run: &Run) -> String {
    let label = run.run_number.map_or_else(|| run.id.to_string(), |number| format!("#{number}"));
    escape::link(&label, run.html_url.as_deref().unwrap_or_default())
}

/// `12 runs · 1 failed · 91.7 % · 2m 31s`. `None`: all that is known is that some have not ended.
fn short(tally: &Tally, row: &RowRuns) -> Option<String> {
    let Tally { failure, cancelled, other, open, durations, .. } = tally;
    let some = |count: &usize, word: &str| (*count > 0).then(|| format!("{count} {word}"));
    let runs = match tally.runs() {
        0 if row.is_whole() && row.left > 0 => return None,
        0 if !row.is_quiet() => "runs not known".to_owned(),
        runs => plural(runs, "run"),
    };
    let parts = [
        Some(runs),
        some(failure, "failed"),
        some(cancelled, "cancelled"),
        some(other, "other"),
        some(open, "not ended"),
        tally.success_rate().map(percent),
        durations.median().map(duration::compact),
    ];
    Some(parts.into_iter().flatten().collect::<Vec<_>>().join(" · "))
}

fn plural(count: usize, word: &str) -> String {
    if count == 1 { format!("1 {word}") } else { format!("{count} {word}s") }
}

/// Outcomes and durations in full.
pub(super) fn counts(tally: &Tally) -> Vec<String> {
    let Tally { success, failure, cancelled, other, open, repeated, durations } = tally;
    let some = |count: usize, words: String| (count > 0).then_some(words);
    if tally.runs() == 0 {
        return vec!["No runs in this window.".to_owned()];
    }
    let repeated = some(*repeated, format!(" ({repeated} after a re-run)")).unwrap_or_default();
    let others = if *other == 1 { "other" } else { "others" };
    let rate = tally.success_rate().map_or_else(|| "n/a".to_owned(), percent);
    let parts = [
        Some(format!("🟢 {success} succeeded{repeated}")),
        Some(format!("🔴 {failure} failed")),
        some(*cancelled, format!("⚪ {cancelled} cancelled")),
        some(*other, format!("⚪ {other} {others}")),
        some(*open, format!("🔵 {open} not ended")),
        Some(format!("success rate **{rate}**")),
    ];
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    let mut lines = vec![format!("{}: {}", plural(tally.runs(), "run"), parts.join(" · "))];
    if let (Some(median), Some(average)) = (durations.median(), durations.average()) {
        let p95 = durations.percentile(95).filter(|_| durations.len() >= LEAST_FOR_P95);
        let (known, of) = (durations.len(), tally.decided());
        let partly = (known < of).then(|| format!(" · {known} of {of} durations known"));
        lines.push(format!(
            "Duration: median **{}** · p95 **{}** · average **{}**{}",
            duration::compact(median),
            p95.map_or_else(|| "n/a".to_owned(), duration::compact),
            duration::compact(average),
            partly.unwrap_or_default(),
        ));
    } else if tally.decided() > 0 {
        lines.push(format!("Duration: 0 of {} durations known", tally.decided()));
    }
    lines
}
