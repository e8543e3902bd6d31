//! Deploys as a table for a terminal.

use crate::deploy::stored::{Entry, State};
use crate::text::{duration, escape};

const HEAD: [&str; 9] =
    ["BEGAN (UTC)", "AGENT", "ENVIRONMENT", "REF", "COMMIT", "OUTCOME", "WHO", "TOOK", "RUN"];

/// The most characters of a cell. The last column may be longer.
const WIDEST: usize = 40;

/// One line a deploy, under a line of titles.
pub(super) fn table(entries: &[Entry]) -> String {
    let head = HEAD.map(str::to_owned);
    let rows: Vec<[String; 9]> = std::iter::once(head).chain(entries.iter().map(row)).collect();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..HEAD.len()).map(width).collect();
    let line = |row: &[String; 9]| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        let line = cells.collect::<Vec<_>>().join("  ");
        format!("{}\n", line.trim_end())
    };
    rows.iter().map(line).collect()
}

fn row(entry: &Entry) -> [String; 9] {
    let outcome = match &entry.state {
        State::Open { .. } => "goes on",
        State::Ended { word, .. } => word.as_str(),
        State::Forgotten => "not known",
    };
    let outcome = match entry.attempts() {
        1 => outcome.to_owned(),
        attempts => format!("{outcome} (attempt {attempts})"),
    };
    let took = entry.duration().map(duration::compact);
    // Texts from outside: a terminal gets no control characters.
    let text = |text: Option<&str>| escape::clipped(text.unwrap_or("-"), WIDEST);
    [
        entry.began_at.format("%F %R").to_string(),
        text(Some(&entry.key.agent)),
        text(entry.environment.as_deref()),
        text(entry.git_ref.as_deref()),
        text(entry.short_sha()),
        text(Some(&outcome)),
        text(Some(&entry.requester.username)),
        text(took.as_deref()),
        escape::clipped(entry.run_page.as_deref().unwrap_or("-"), 500),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deploy::sample;

    #[test]
    fn one_line_a_deploy() {
        let mut again = Entry::of_deploy(&sample::deploy(3, "success"));
        again.run.as_mut().unwrap().attempts = 2;
        again.environment = None;
        let entries = [again, sample::not_found(2), Entry::of_deploy(&sample::open(1))];
        insta::assert_snapshot!(table(&entries));
    }

    #[test]
    fn a_terminal_gets_no_control_characters_and_the_lines_stay_lines() {
        let mut entry = sample::not_found(1);
        entry.requester.username = "a\u{1b}[2J\nb\u{202e}".to_owned();
        entry.git_ref = Some("x".repeat(2000));
        let table = table(&[entry]);
        assert!(!table.contains(['\u{1b}', '\u{202e}']), "{table}");
        assert_eq!(table.lines().count(), 2);
        assert!(table.lines().all(|line| line.chars().count() < 250));
    }
}
