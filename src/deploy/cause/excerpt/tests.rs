use super::*;
use crate::text::mask::MASKED;
use proptest::prelude::*;
use rstest::rstest;
use std::cell::Cell;

thread_local! {
    /// Lines among which the end of a header was looked for.
    pub(super) static LOOKED: Cell<usize> = const { Cell::new(0) };
}

fn at(second: u32) -> Option<DateTime<Utc>> {
    Some(format!("2026-11-22T10:00:{second:02}Z").parse().unwrap())
}

/// Lines with their seconds.
fn log(lines: &[(u32, &str)]) -> Vec<u8> {
    let lines =
        lines.iter().map(|(at, text)| format!("2026-11-22T10:00:{at:02}.1234567Z {text}\n"));
    format!("\u{feff}{}", lines.collect::<String>()).into_bytes()
}

fn shown(log: &[u8], from: Option<DateTime<Utc>>, to: Option<DateTime<Utc>>) -> Vec<String> {
    excerpt(log, from, to).lines
}

#[test]
fn the_lines_of_the_step_are_shown_and_errors_first() {
    let log = log(&[
        (2, "##[group]Run npm ci"),
        (3, "of the step before"),
        (5, "##[group]Run npm run build"),
        (5, "npm run build"),
        (5, "shell: /usr/bin/bash -e {0}"),
        (5, "##[endgroup]"),
        (6, "##[debug]evaluating"),
        (6, "##[command]vite build"),
        (7, "\u{1b}[31m##[error]src/a.ts(1,2): no such thing\u{1b}[0m"),
        (7, "##[warning]old"),
        (7, ""),
        (8, "1 error"),
        (9, "##[error]Process completed with exit code 1."),
        (9, "##[group]Run actions/upload"),
        (9, "of the step after"),
        (20, "much later"),
    ]);
    let found = excerpt(&log, at(5), at(9));
    let expected = [
        "src/a.ts(1,2): no such thing",
        "Process completed with exit code 1.",
        "Run npm run build",
        "vite build",
        "Warning: old",
        "1 error",
    ];
    assert_eq!((found.errors, found.lines), (2, expected.map(str::to_owned).to_vec()));
}

#[test]
fn a_step_that_was_interrupted_ends_where_the_next_begins() {
    let log = log(&[
        (5, "##[group]Run npm test"),
        (5, "##[endgroup]"),
        (7, "waiting for the database"),
        (9, "##[group]Run actions/upload"),
        (9, "of the step after"),
    ]);
    assert_eq!(shown(&log, at(5), at(9)), ["Run npm test", "waiting for the database"]);
    // A step of less than a second has one header at least.
    assert_eq!(shown(&log, at(9), at(9)), ["Run actions/upload", "of the step after"]);
}

#[test]
fn a_step_counts_one_second_longer_on_both_sides() {
    let log = log(&[(3, "a"), (4, "b"), (5, "c"), (6, "d"), (7, "e")]);
    // The lines come some moments after their seconds.
    assert_eq!(shown(&log, at(5), at(5)), ["b", "c"]);
    assert_eq!(shown(&log, at(6), None), ["c", "d", "e"]);
    assert_eq!(shown(&log, None, at(4)), ["a", "b"]);
}

#[test]
fn a_line_without_a_time_belongs_to_the_line_before() {
    let log = b"no time at all\n2026-11-22T10:00:01.0Z before\n2026-11-22T10:00:05.0Z one\n  two\nthree\n2026-11-22T10:00:09.0Z after\nfour";
    assert_eq!(shown(log, at(5), at(5)), ["one", "  two", "three"]);
}

#[rstest]
#[case::no_times(b"one\ntwo\n".as_slice(), &["one", "two"])]
#[case::nothing(b"", &[])]
#[case::only_a_mark("\u{feff}\n".as_bytes(), &[])]
#[case::windows(b"one\r\ntwo\r\n", &["one", "two"])]
fn without_times_the_end_is_shown(#[case] log: &[u8], #[case] expected: &[&str]) {
    assert_eq!(shown(log, at(5), at(9)), expected);
    assert_eq!(shown(log, None, None), expected);
}

#[test]
fn of_a_job_without_steps_the_end_of_the_log_is_shown() {
    let lines: Vec<_> = (0..30).map(|n| (n, "x")).chain([(40, "last")]).collect();
    let found = shown(&log(&lines), None, None);
    assert_eq!((found.len(), found.last().map(String::as_str)), (MOST_LINES, Some("last")));
}

#[test]
fn where_no_line_is_of_the_step_only_errors_are_shown() {
    let log = log(&[(1, "text of another step"), (2, "##[error]it broke")]);
    assert_eq!(shown(&log, at(40), at(50)), ["it broke"]);
}

#[test]
fn many_errors_leave_room_for_the_end() {
    let mut lines = vec![(5, "##[error]bad"); 300];
    lines.extend([(6, "a"), (6, "b"), (6, "c"), (6, "d"), (6, "e"), (6, "f")]);
    let found = excerpt(&log(&lines), at(5), at(6));
    assert_eq!(found.errors, MOST_ERRORS);
    assert_eq!(found.lines[MOST_ERRORS..], ["b", "c", "d", "e", "f"]);
}

#[test]
fn a_secret_is_masked_also_where_control_codes_interrupt_it_or_the_line_is_cut() {
    let long = format!("{}ghp_16C7e42F292c6912E7710c838347Ae178B4a", "x".repeat(150));
    let log = log(&[
        (5, "ghp_16C7e42F\u{1b}[31m292c6912E7710c838347Ae178B4a"),
        (5, "PASS\u{200b}WORD=hunt\u{202e}er2"),
        (5, &long),
        (5, "-----BEGIN RSA PRIVATE KEY-----"),
        (5, "MIIEpAIBAAKCAQEA0Z3VS5JJcds3xfn/ygWyF8PbnGy0AHB7"),
        (5, "MIIEpAIBAAKCAQEA0Z3VS5JJcds3xfn/ygWyF8PbnGy0AHB7"),
        (5, "-----END RSA PRIVATE KEY-----"),
        (5, "end"),
    ]);
    let cut = format!("{}***", "x".repeat(150));
    assert_eq!(shown(&log, at(5), at(5)), ["***", "PASSWORD=***", &cut, "***", "end"]);
}

#[test]
fn a_key_of_many_lines_is_masked_when_only_its_end_is_shown() {
    let mut lines = vec![(5, "-----BEGIN RSA PRIVATE KEY-----")];
    lines.extend([(5, "MIIEpAIBAAKCAQEA0Z3VS5JJcds3xfn/ygWyF8PbnGy0AHB7"); 40]);
    assert_eq!(shown(&log(&lines), at(5), at(5)), ["***"]);
}

#[test]
fn a_key_in_errors_is_masked() {
    let log = log(&[
        (5, "##[error]-----BEGIN RSA PRIVATE KEY-----"),
        (5, "##[error]MIIEpAIBAAKCAQEA0Z3VS5JJ"),
        (5, "##[error]abc"),
        (5, "##[error]-----END RSA PRIVATE KEY-----"),
        (5, "##[error]bad"),
        (6, "10 %\r-----BEGIN RSA PRIVATE KEY-----"),
        (6, "MIIEpAIBAAKCAQEA0Z3V\rMIIEpAIBAAKCAQEA0Z3V"),
    ]);
    let found = excerpt(&log, at(5), at(6));
    assert_eq!(found, Excerpt { lines: vec!["***".into(), "bad".into(), "***".into()], errors: 2 });
}

#[rstest]
#[case::a_progress_bar("10 %\r20 %".to_owned() + &"x".repeat(8_000))]
#[case::pairs("\ra:a:".repeat(1_600))]
#[case::titles("\u{1b}]".repeat(4_000))]
#[case::titles_in_one_code("\u{9d}".repeat(4_000))]
#[case::plain("x".repeat(8_000))]
fn only_what_is_shown_is_searched_by_patterns(#[case] line: String) {
    let lines = vec![(5, line.as_str()); 520];
    let log = log(&lines);
    MASKED.set(0);
    shown(&log, at(5), at(5));
    // Of each line that is shown, what was written before as well.
    assert!(MASKED.get() <= 2 * MOST_LINES * 8 * 1024, "{}", MASKED.get());
}

#[test]
fn groups_that_are_never_closed_are_looked_at_once() {
    let lines = vec!["##[group]Run x"; 3_000].join("\n");
    LOOKED.set(0);
    assert_eq!(shown(lines.as_bytes(), None, None).len(), MOST_LINES);
    assert!(LOOKED.get() <= 3_000, "{}", LOOKED.get());
}

#[rstest]
#[case::binary((0..200_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect())]
#[case::one_endless_line(vec![b'x'; 4 << 20])]
#[case::full_of_escapes(b"\x1b[31mx\x1b]0;".repeat(400_000))]
#[case::only_line_feeds(vec![b'\n'; 1 << 20])]
#[case::only_returns(vec![b'\r'; 1 << 20])]
fn any_log_is_read_in_bounds(#[case] log: Vec<u8>) {
    for times in [(None, None), (at(5), at(6))] {
        let found = shown(&log, times.0, times.1);
        assert!(found.len() <= MOST_LINES);
        assert!(found.iter().all(|line| line.chars().count() <= WIDTH));
    }
}

proptest! {
    #[test]
    fn an_excerpt_holds_no_control_codes_and_keeps_its_bounds(
        lines in proptest::collection::vec(("[0-9]{1}", r"(\PC|##\[error\]|##\[group\]Run |##\[endgroup\]|\x1b\[3|\r){0,30}"), 0..40)
    ) {
        let text: String = lines.iter().map(|(at, text)| format!("2026-11-22T10:00:0{at}.5Z {text}\n")).collect();
        let found = excerpt(text.as_bytes(), at(3), at(6));
        prop_assert!(found.lines.len() <= MOST_LINES && found.errors <= found.lines.len());
        for line in found.lines {
            prop_assert!(line.chars().count() <= WIDTH);
            prop_assert!(!line.chars().any(crate::text::escape::is_unseen));
        }
    }
}
