//! Lines of a job's log: their times, and their text without control codes.

use chrono::{DateTime, Utc};

use crate::text::escape::is_unseen;
use crate::text::mask::masked_line;

/// The most bytes of a line that are looked at.
const MOST: usize = 8 * 1024;

/// The most lines of a log that are looked at. With their times, a log of 4 MiB has not many more.
const MOST_LINES: usize = 100_000;

/// A line without a time is of the line before it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line<'a> {
    pub at: Option<DateTime<Utc>>,
    pub text: &'a str,
}

/// The last lines of a log, each with its time.
pub(super) fn lines(log: &str) -> Vec<Line<'_>> {
    let mut at = None;
    let mut all = Vec::new();
    let end = log.strip_suffix('\n').unwrap_or(log);
    let cut = end.rmatch_indices('\n').nth(MOST_LINES - 1).map_or(0, |(cut, _)| cut + 1);
    for line in log.get(cut..).unwrap_or_default().split('\n') {
        let (time, text) = split(line.trim_start_matches('\u{feff}'));
        at = time.or(at);
        all.push(Line { at, text });
    }
    all
}

/// `2026-11-22T10:00:00.1234567Z text`.
fn split(line: &str) -> (Option<DateTime<Utc>>, &str) {
    let (time, text) = line.split_once(' ').unwrap_or((line.trim_end(), ""));
    let looks_so =
        (20..=35).contains(&time.len()) && time.starts_with(|c: char| c.is_ascii_digit());
    let time = looks_so.then(|| DateTime::parse_from_rfc3339(time).ok()).flatten();
    time.map_or((None, line), |time| (Some(time.with_timezone(&Utc)), text))
}

/// A line as one sees it: without escape sequences, control codes and characters that do not show. A progress bar goes
/// back to the line's start again and again: what it wrote last.
pub(super) fn plain(line: &str) -> String {
    let line = without_escapes(start(line).trim_end_matches('\r'));
    let last = line.split('\r').rfind(|part| !part.trim().is_empty());
    shown(last.unwrap_or_default())
}

/// A line as [`plain`] has it, if need be with what it wrote before: what looks like a secret is not taken apart.
pub(super) fn plain_and_masked(line: &str) -> String {
    let line = without_escapes(start(line).trim_end_matches('\r'));
    if line.contains('\r') {
        let joined = shown(&line);
        let masked = masked_line(&joined);
        if masked != joined {
            return masked;
        }
    }
    masked_line(&plain(&line))
}

/// The part of a line that is looked at.
fn start(line: &str) -> &str {
    line.get(..line.floor_char_boundary(MOST)).unwrap_or_default()
}

fn shown(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    for c in line.chars() {
        match c {
            '\t' => out.push_str("  "),
            // Bytes that are no text, however many.
            char::REPLACEMENT_CHARACTER if out.ends_with(char::REPLACEMENT_CHARACTER) => {}
            c if is_unseen(c) => {}
            c => out.push(c),
        }
    }
    out.trim_end().to_owned()
}

/// Without the escape sequences of ECMA-48. One without an end takes only its introducer along.
fn without_escapes(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let (mut rest, mut may_end) = (line, true);
    while let Some(at) =
        rest.find(['\u{1b}', '\u{9b}', '\u{9d}', '\u{90}', '\u{9e}', '\u{9f}', '\u{98}'])
    {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        rest = after_escape(from, &mut may_end);
    }
    out.push_str(rest);
    out
}

/// What follows the escape sequence at the beginning of this text. `may_end`: whether the end of a string may follow. It
/// is looked for in vain once only.
fn after_escape<'a>(text: &'a str, may_end: &mut bool) -> &'a str {
    let mut chars = text.chars();
    let kind = match chars.next() {
        Some('\u{1b}') => chars.next(),
        Some('\u{9b}') => Some('['),
        _ => Some(']'),
    };
    let rest = chars.as_str();
    match kind {
        Some('[') => {
            let end = rest.find(|c: char| !matches!(c, '\u{20}'..='\u{3f}'));
            let end = end.and_then(|at| Some((at, rest.get(at..)?.chars().next()?)));
            match end {
                Some((at, '\u{40}'..='\u{7e}')) => rest.get(at + 1..).unwrap_or_default(),
                Some((at, _)) => rest.get(at..).unwrap_or_default(),
                None => "",
            }
        }
        // A string (a title, a link).
        Some(']' | 'P' | 'X' | '^' | '_') => {
            let after = if *may_end { after_string(rest) } else { None };
            *may_end = after.is_some();
            after.unwrap_or(rest)
        }
        // Of two characters or three, like the choice of a character set.
        Some('\u{20}'..='\u{2f}') => {
            let end = rest.find(|c: char| !matches!(c, '\u{20}'..='\u{2f}'));
            end.and_then(|at| rest.get(at..)).map_or("", |rest| {
                let mut rest = rest.chars();
                rest.next();
                rest.as_str()
            })
        }
        Some('\u{30}'..='\u{7e}') => rest,
        // An escape before another one, or before what is no part of a sequence.
        Some(_) => text.get(1..).unwrap_or_default(),
        None => "",
    }
}

/// What follows the end of a string: BEL or ST.
fn after_string(text: &str) -> Option<&str> {
    let mut chars = text.chars();
    loop {
        #[cfg(test)]
        tests::LOOKED.set(tests::LOOKED.get() + 1);
        match chars.next()? {
            '\u{7}' | '\u{9c}' => return Some(chars.as_str()),
            '\u{1b}' => {
                if let Some(after) = chars.as_str().strip_prefix('\\') {
                    return Some(after);
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;
    use std::cell::Cell;

    thread_local! {
        /// Characters among which the end of a string was looked for.
        pub(super) static LOOKED: Cell<usize> = const { Cell::new(0) };
    }

    #[rstest]
    #[case::without_an_end("\u{1b}]")]
    #[case::in_one_code("\u{9d}")]
    #[case::with_an_end("\u{1b}]x\u{7}")]
    #[case::with_both("\u{1b}]x\u{1b}\\")]
    #[case::of_all_kinds("\u{1b}P\u{1b}]\u{90}\u{1b}_")]
    fn each_part_of_a_line_is_looked_at_once(#[case] codes: &str) {
        let line = codes.repeat(MOST / codes.len());
        LOOKED.set(0);
        plain(&line);
        assert!(LOOKED.get() <= line.len(), "{} of {}", LOOKED.get(), line.len());
    }

    #[rstest]
    #[case("\u{1b}[31mred\u{1b}[0m", "red")]
    #[case("ghp_\u{1b}[1;31mabc\u{1b}[m", "ghp_abc")]
    #[case("\u{1b}]0;title\u{7}text", "text")]
    #[case("\u{1b}]8;;https://evil.test\u{1b}\\link\u{1b}]8;;\u{1b}\\", "link")]
    #[case("\u{1b}]open title", "open title")]
    #[case("\u{9b}31mred", "red")]
    #[case("\u{1b}(Bx\u{1b}7y\u{1b}\u{1b}[2Kz", "xyz")]
    #[case("a\u{1b}[31", "a")]
    #[case("a\u{1b}", "a")]
    #[case("\u{1b}é", "é")]
    #[case("a\u{8}\u{0}b\u{202e}c\u{200b}d\u{feff}", "abcd")]
    #[case("10 %\r50 %\r100 %\r", "100 %")]
    #[case("ghp_16C7e42F292c6912\rE7710c838347Ae178B4a", "E7710c838347Ae178B4a")]
    #[case("  in\tdented  ", "  in  dented")]
    #[case("a\u{fffd}\u{fffd}\u{fffd}b", "a\u{fffd}b")]
    fn control_codes_are_left_out(#[case] line: &str, #[case] expected: &str) {
        assert_eq!(plain(line), expected);
    }

    #[rstest]
    #[case("ghp_16C7e42F292c6912\rE7710c838347Ae178B4a", "***")]
    #[case("10 %\r50 %\rtoken=abc\r", "10 %50 %token=***")]
    #[case("token=abc\r50 %", "token=*** %")]
    #[case("10 %\r50 %\r", "50 %")]
    #[case("token=\u{1b}[31mabc", "token=***")]
    fn a_secret_is_not_taken_apart(#[case] line: &str, #[case] expected: &str) {
        assert_eq!(plain_and_masked(line), expected);
    }

    #[test]
    fn only_the_last_lines_are_looked_at() {
        let log = format!("{}\n{}", "2026-11-22T10:00:00Z old", "x\n".repeat(MOST_LINES));
        let found = lines(&log);
        assert_eq!((found.len(), found[0].text), (MOST_LINES + 1, "x"));
    }

    #[test]
    fn a_line_without_a_time_is_of_the_line_before() {
        let log = "\u{feff}2026-11-22T10:00:00.1234567Z one\ntwo\n2026-11-22T10:00:05Z\n2026 three";
        let found: Vec<_> = lines(log)
            .iter()
            .map(|line| (line.at.map(|at| at.timestamp() % 60), line.text))
            .collect();
        let expected = [(Some(0), "one"), (Some(0), "two"), (Some(5), ""), (Some(5), "2026 three")];
        assert_eq!(found, expected);
    }

    proptest! {
        #[test]
        fn any_line_is_plain(line in r"(\PC|\x1b|[\x00-\x1f]|\x1b\[|\x1b\]|\x9b|\x9d){0,60}") {
            prop_assert!(!plain(&line).chars().any(is_unseen));
        }
    }
}
