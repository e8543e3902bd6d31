//! What is shown of a job's log: the lines of one step, found by their times.

use chrono::{DateTime, TimeDelta, Utc};

use super::lines::{Line, lines, plain, plain_and_masked};
use crate::text::escape::clipped;
use crate::text::mask::{MASK, mask_keys, masked_line};

/// The most lines that are shown.
pub(super) const MOST_LINES: usize = 10;

/// The most of them that are errors, so that there is room for what stands before the end.
const MOST_ERRORS: usize = 5;

/// The most characters of a line.
const WIDTH: usize = 160;

/// A step's times are whole seconds, those of lines are not.
const AROUND: TimeDelta = TimeDelta::seconds(1);

/// Lines of a log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Excerpt {
    /// Errors first, then the last lines.
    pub lines: Vec<String>,
    /// How many of them are errors.
    pub errors: usize,
}

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Shown<'a> {
    kind: Kind,
    /// Its text without the marker and control codes.
    text: String,
    /// As it stands in the log. `None`: the text is masked already.
    raw: Option<&'a str>,
}

/// What a line is to the runner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Error,
    Warning,
    Text,
    /// The beginning of a group that folds.
    Group,
    EndGroup,
    Hidden,
}

/// The lines of a step that began and ended at these times, without control codes and secrets. If no line has a time, or
/// neither time is known: the end of the log.
pub(super) fn excerpt(
    log: &[u8],
    from: Option<DateTime<Utc>>,
    to: Option<DateTime<Utc>>,
) -> Excerpt {
    let log = String::from_utf8_lossy(log);
    let all = lines(&log);
    let is_within = |at: Option<DateTime<Utc>>| {
        at.is_some_and(|at| {
            from.is_none_or(|from| at + AROUND >= from) && to.is_none_or(|to| at <= to + AROUND)
        })
    };
    let timed = all.iter().any(|line| line.at.is_some());
    let bounded = timed && (from.is_some() || to.is_some());
    let mut step: Vec<_> = all.iter().filter(|line| !bounded || is_within(line.at)).collect();
    let is_of_step = !step.is_empty();
    if !is_of_step {
        // No line is of the step's time. An error is of no other step: the job failed at this one.
        step = all.iter().collect();
    }
    let times: Vec<_> = step.iter().map(|line| line.at).collect();
    let mut shown: Vec<Shown<'_>> = step.iter().map(|line| read(line)).collect();
    hide_keys(&mut shown);
    if is_of_step && bounded {
        let is_about = |bound: Option<DateTime<Utc>>, at: Option<DateTime<Utc>>| {
            at.zip(bound).is_some_and(|(at, bound)| (bound..=bound + AROUND).contains(&at))
        };
        let begins: Vec<bool> = times.iter().map(|at| is_about(from, *at)).collect();
        let ends: Vec<bool> = times.iter().map(|at| is_about(to, *at)).collect();
        cut(&mut shown, &begins, &ends);
    }
    hide_headers(&mut shown);
    select(&shown, is_of_step)
}

/// Leaves out lines of the step before and of the one after, as far as the runner's headers tell. `begins` and `ends`:
/// which lines are of the seconds in which the step began and ended.
fn cut(shown: &mut [Shown<'_>], begins: &[bool], ends: &[bool]) {
    let header = shown.iter().zip(begins).position(|(line, begins)| *begins && is_header(line));
    for line in shown.iter_mut().take(header.unwrap_or_default()) {
        line.kind = Kind::Hidden;
    }
    let is_next = |line: &Shown<'_>| is_header(line) || is_clean_up(line);
    let last = shown.iter().rposition(|line| line.kind == Kind::Error);
    let next = match (last, header) {
        (Some(last), _) => shown.iter().skip(last + 1).position(is_next).map(|at| last + 1 + at),
        // It was interrupted.
        (None, Some(header)) => {
            let after = shown.iter().zip(ends).skip(header + 1);
            let next = after.clone().position(|(line, ends)| *ends && is_next(line));
            next.map(|at| header + 1 + at)
        }
        (None, None) => None,
    };
    if let Some(next) = next {
        shown.iter_mut().skip(next).for_each(|line| line.kind = Kind::Hidden);
    }
}

/// What the runner writes before it cleans up after a job.
fn is_clean_up(line: &Shown<'_>) -> bool {
    let words = ["Post job cleanup.", "Cleaning up orphan processes"];
    line.kind == Kind::Text && words.contains(&line.text.as_str())
}

/// What a step begins with: the command, folded.
fn is_header(line: &Shown<'_>) -> bool {
    line.kind == Kind::Group && line.text.starts_with("Run ")
}

/// Masks keys of many lines. Of such a key one line is shown.
fn hide_keys(shown: &mut [Shown<'_>]) {
    let mut texts: Vec<&mut String> = shown.iter_mut().map(|line| &mut line.text).collect();
    for at in mask_keys(&mut texts).into_iter().rev() {
        let (before, rest) = shown.split_at_mut(at);
        let Some(line) = rest.first_mut() else { continue };
        line.raw = None;
        let continues =
            |before: &Shown<'_>| before.text.ends_with(MASK) && before.kind == line.kind;
        if line.text == MASK && before.last().is_some_and(continues) {
            line.kind = Kind::Hidden;
        }
    }
}

/// Leaves out what is folded in a step's header: its script, shell and environment.
fn hide_headers(shown: &mut [Shown<'_>]) {
    let is_mark = |line: &Shown<'_>| {
        #[cfg(test)]
        tests::LOOKED.set(tests::LOOKED.get() + 1);
        matches!(line.kind, Kind::EndGroup | Kind::Group)
    };
    let mut from = 0;
    while let Some(header) = shown.iter().skip(from).position(is_header).map(|at| from + at) {
        let mut rest = shown.iter().skip(header + 1);
        // Where another group begins first, it is open.
        let Some(folded) = rest.position(is_mark) else { return };
        let end = header + 1 + folded;
        if shown.get(end).is_some_and(|end| end.kind == Kind::EndGroup) {
            let folded = shown.iter_mut().skip(header + 1).take(folded);
            folded
                .filter(|line| line.kind != Kind::Error)
                .for_each(|line| line.kind = Kind::Hidden);
        }
        from = end;
    }
}

fn select(shown: &[Shown<'_>], is_of_step: bool) -> Excerpt {
    // Only what is shown is searched for secrets by patterns: that takes long.
    let line = |line: &Shown<'_>| clipped_line(&line.masked());
    let has_text = |line: &&Shown<'_>| !line.text.trim().is_empty();
    let errors = shown.iter().filter(|line| line.kind == Kind::Error).filter(has_text);
    let mut lines: Vec<String> = errors.take(MOST_ERRORS).map(line).collect();
    let errors = lines.len();
    let is_text = |line: &&Shown<'_>| matches!(line.kind, Kind::Text | Kind::Warning | Kind::Group);
    let texts = shown.iter().rev().filter(is_text).filter(has_text);
    let room = if is_of_step { MOST_LINES - errors } else { 0 };
    let mut last: Vec<String> = texts.take(room).map(line).collect();
    last.reverse();
    lines.append(&mut last);
    Excerpt { lines, errors }
}

impl Shown<'_> {
    /// The text without secrets.
    fn masked(&self) -> String {
        let text = match self.raw {
            Some(raw) => {
                let masked = plain_and_masked(raw);
                unmarked(&masked).map_or(masked.as_str(), |(_, text)| text).to_owned()
            }
            None => masked_line(&self.text),
        };
        if self.kind == Kind::Warning { format!("Warning: {text}") } else { text }
    }
}

/// A line of at most [`WIDTH`] characters that keeps its indentation.
fn clipped_line(line: &str) -> String {
    clipped(line, WIDTH).trim_end().to_owned()
}

/// Reads the runner's markers (`##[error]…`).
fn read<'a>(line: &Line<'a>) -> Shown<'a> {
    let text = plain(line.text);
    let (kind, text) = match unmarked(&text) {
        Some((marker, text)) => (kind(marker), text.to_owned()),
        None => (Kind::Text, text),
    };
    Shown { kind, text, raw: Some(line.text) }
}

/// A line's marker, and what follows it.
fn unmarked(line: &str) -> Option<(&str, &str)> {
    line.trim_start().strip_prefix("##[")?.split_once(']')
}

fn kind(marker: &str) -> Kind {
    match marker {
        "error" => Kind::Error,
        "warning" => Kind::Warning,
        "group" => Kind::Group,
        "endgroup" => Kind::EndGroup,
        "debug" | "add-matcher" | "remove-matcher" => Kind::Hidden,
        _ => Kind::Text,
    }
}

#[cfg(test)]
mod tests;
