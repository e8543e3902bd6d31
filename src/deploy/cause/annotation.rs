//! Which annotation of a job says why it failed.

use crate::github::annotations::Annotation;
use crate::text::escape::clipped;
use crate::text::mask::masked;

use super::lines::{plain, plain_and_masked};

/// The most characters that are kept.
const MOST: usize = 300;

/// The most bytes of a text that are looked at.
const LOOKED_AT: usize = 8 * 1024;

/// The first failure that says more than that the step's program failed.
pub(super) fn said(annotations: &[Annotation]) -> Option<String> {
    annotations
        .iter()
        .filter(|one| one.annotation_level.as_deref() == Some("failure"))
        .find_map(|one| {
            let message = tidy(one.message.as_deref()?);
            (!message.is_empty() && !is_exit_code(&message)).then(|| worded(one, &message))
        })
        .map(|words| clipped(&words, MOST))
}

/// Where it is, its title, and what it says.
fn worded(annotation: &Annotation, message: &str) -> String {
    let place = match (annotation.path.as_deref(), annotation.start_line) {
        // What is about no file.
        (None | Some("" | ".github"), _) => None,
        (Some(path), Some(line)) => Some(format!("{}:{line}", tidy(path))),
        (Some(path), None) => Some(tidy(path)),
    };
    let title = annotation.title.as_deref().map(tidy);
    let title = title.filter(|title| !title.is_empty() && !message.contains(title.as_str()));
    let parts = place.into_iter().chain(title).chain([message.to_owned()]);
    parts.collect::<Vec<_>>().join(": ")
}

/// What is said of every program that failed.
fn is_exit_code(message: &str) -> bool {
    let code = message.strip_prefix("Process completed with exit code ");
    code.is_some_and(|code| code.trim_end_matches('.').parse::<i64>().is_ok())
}

/// A text in one line, without control codes and secrets.
pub(super) fn tidy(text: &str) -> String {
    let text = text.get(..text.floor_char_boundary(LOOKED_AT)).unwrap_or_default();
    let line = |line: &str| if line.contains('\r') { plain_and_masked(line) } else { plain(line) };
    let lines: Vec<String> = text.lines().take(20).map(line).collect();
    let lines = masked(&lines.join("\n"));
    lines.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::mask::MASKED;
    use rstest::rstest;
    use serde_json::{Value, json};

    #[rstest]
    #[case::the_first_failure(
        json!([
            {"annotation_level": "warning", "message": "Node 16 is old"},
            {"annotation_level": "failure", "message": "Process completed with exit code 1."},
            {"annotation_level": "failure", "message": "No such module\n\n  at a", "path": "src/a.ts", "start_line": 12,
             "title": "TS2307"},
            {"annotation_level": "failure", "message": "second"},
        ]),
        Some("src/a.ts:12: TS2307: No such module at a")
    )]
    #[case::about_no_file(
        json!([{"annotation_level": "failure", "message": "The runner has lost its connection.", "path": ".github", "start_line": 1}]),
        Some("The runner has lost its connection.")
    )]
    #[case::only_the_exit_code(
        json!([{"annotation_level": "failure", "message": "Process completed with exit code 137."}]),
        None
    )]
    #[case::a_secret(
        json!([{"annotation_level": "failure", "message": "\u{1b}[31mtoken=\u{1b}[0mabc"}]),
        Some("token=***")
    )]
    #[case::a_secret_over_returns(
        json!([{"annotation_level": "failure", "message": "ghp_16C7e42F292c6912\rE7710c838347Ae178B4a"}]),
        Some("***")
    )]
    #[case::odd(json!([{"annotation_level": 5}, {"annotation_level": "failure", "message": null}, {}]), None)]
    #[case::long(json!([{"annotation_level": "failure", "message": "x".repeat(10_000)}]), Some(&*format!("{}…", "x".repeat(299))))]
    fn the_annotation_that_tells_most_is_taken(#[case] all: Value, #[case] expected: Option<&str>) {
        let all: Vec<Annotation> = serde_json::from_value(all).unwrap();
        assert_eq!(said(&all).as_deref(), expected);
    }

    #[test]
    fn of_a_long_text_only_the_beginning_is_looked_at() {
        MASKED.set(0);
        tidy(&"x".repeat(1 << 20));
        assert!(MASKED.get() <= LOOKED_AT, "{}", MASKED.get());
    }
}
