//! The mistakes in `agents.toml`. All of them are collected in one pass, each with its line.

use std::cell::RefCell;
use std::collections::HashSet;
use std::fmt;

/// The most mistakes of one file that a message tells.
const TOLD: usize = 20;

/// Why a file of agents cannot be used: every mistake with its line and its cure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadFile {
    file: String,
    mistakes: Vec<Mistake>,
}

/// A mistake in a file of agents.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Mistake {
    /// Its line; the first is 1. 0: the whole file.
    pub line: usize,
    /// What is wrong, and the cure.
    pub what: String,
}

impl BadFile {
    /// These mistakes, in the order of the file. Of a line that is blamed twice for the same one is kept.
    pub fn new(file: impl Into<String>, mut mistakes: Vec<Mistake>) -> Self {
        let mut told = HashSet::new();
        mistakes.retain(|mistake| told.insert(mistake.clone()));
        mistakes.sort_by_key(|mistake| mistake.line);
        Self { file: file.into(), mistakes }
    }

    /// Each mistake as `file:line: what`, and how many more there are.
    pub fn lines(&self) -> Vec<String> {
        let Self { file, mistakes } = self;
        let one = |Mistake { line, what }: &Mistake| match line {
            0 => format!("{file}: {what}"),
            line => format!("{file}:{line}: {what}"),
        };
        let mut lines: Vec<String> = mistakes.iter().take(TOLD).map(one).collect();
        if let Some(more) = mistakes.len().checked_sub(TOLD).filter(|more| *more > 0) {
            lines.push(format!("{file}: and {more} more"));
        }
        lines
    }
}

impl std::error::Error for BadFile {}

impl fmt::Display for BadFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.lines().join("\n"))
    }
}

/// Collects the mistakes of one file.
pub(super) struct Faults<'a> {
    text: &'a str,
    found: RefCell<Vec<Mistake>>,
}

impl<'a> Faults<'a> {
    /// Of this text.
    pub(super) fn of(text: &'a str) -> Self {
        Self { text, found: RefCell::default() }
    }

    /// Notes a mistake at a byte of the text.
    pub(super) fn add(&self, at: usize, what: impl Into<String>) {
        self.found.borrow_mut().push(Mistake { line: self.line(at), what: what.into() });
    }

    /// The line of a byte.
    pub(super) fn line(&self, at: usize) -> usize {
        self.text.get(..at).map_or(1, |before| before.matches('\n').count() + 1)
    }

    /// A part of the text, as it is written.
    pub(super) fn written(&self, span: std::ops::Range<usize>) -> &'a str {
        self.text.get(span).unwrap_or_default()
    }

    /// All that were found.
    pub(super) fn into_mistakes(self) -> Vec<Mistake> {
        self.found.into_inner()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistake(line: usize, what: &str) -> Mistake {
        Mistake { line, what: what.to_owned() }
    }

    #[test]
    fn mistakes_are_told_in_the_order_of_the_file_and_each_once() {
        let bad = BadFile::new(
            "my agents.toml",
            vec![mistake(12, "b"), mistake(3, "a"), mistake(12, "b"), mistake(0, "c")],
        );
        assert_eq!(bad.to_string(), "my agents.toml: c\nmy agents.toml:3: a\nmy agents.toml:12: b");
    }

    #[test]
    fn a_file_full_of_mistakes_is_told_in_part() {
        let bad = BadFile::new("x.toml", (1..=25).map(|line| mistake(line, "a")).collect());
        let lines = bad.lines();
        assert_eq!(lines.len(), 21);
        assert_eq!(lines.last().unwrap(), "x.toml: and 5 more");
        let bad = BadFile::new("x.toml", (1..=20).map(|line| mistake(line, "a")).collect());
        assert_eq!(bad.lines().last().unwrap(), "x.toml:20: a");
    }
}
