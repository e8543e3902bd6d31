//! Why a deploy failed, in words: a pure function of its record.

use super::cause::read::drop_line;
use super::cause::{Cause, Changes, Commit, Rejected, Standing};
use super::failure::{FailedAt, has_failed_step};
use super::record::{Deploy, Details};
use crate::github::Run;
use crate::text::escape;

/// The most UTF-16 units that they take, so that a message with all else has room for them.
const ROOM: usize = 1_100;

/// The most characters of an annotation, and of a line of the log.
const ANNOTATION: usize = 200;
const LINE: usize = 160;

/// The most characters of the error that the outcome's own message shows.
const BRIEF: usize = 120;

/// The longest URL that is shown.
const URL: usize = 300;

/// Why it failed, as whole lines of Markdown that begin with a line feed, at most 1,100 UTF-16 units. `None`: it did not
/// fail, or nobody has asked GitHub yet.
pub(crate) fn words(deploy: &Deploy, run: Option<&Run>) -> Option<String> {
    let details = deploy.details.as_ref()?;
    let place = place(details, run)?;
    let mut cause = details.cause.clone().unwrap_or_default();
    loop {
        let words = format!("{place}{}", told(&cause));
        if words.encode_utf16().count() <= ROOM || !shorten(&mut cause) {
            return Some(words);
        }
    }
}

/// Where it failed and the first error, in one line; or who did not let it go on. `None`: nothing is known.
pub(crate) fn brief(deploy: &Deploy) -> Option<String> {
    let details = deploy.details.as_ref()?;
    let cause = details.cause.as_ref();
    if let Some(rejected) = cause.and_then(|cause| cause.rejected.as_ref()) {
        return Some(rejection(rejected).trim_start().to_owned());
    }
    let failed_at = details.failed_at.as_ref().map(failed_at);
    let first = cause.and_then(|cause| cause.annotation.as_ref().or(cause.log.first()));
    let error = first.map(|error| escape::plain(error, BRIEF));
    match (failed_at, error) {
        (Some(failed_at), Some(error)) => Some(format!("{failed_at}: {error}")),
        (failed_at, error) => failed_at.or(error),
    }
}

fn failed_at(FailedAt { job, step }: &FailedAt) -> String {
    let step = step.as_ref().map(|step| format!(" › {}", escape::plain(step, 100)));
    format!("Failed at **{}**{}", escape::plain(job, 100), step.unwrap_or_default())
}

/// Where it failed, or who did not let it go on.
fn place(details: &Details, run: Option<&Run>) -> Option<String> {
    if let Some(rejected) = details.cause.as_ref().and_then(|cause| cause.rejected.as_ref()) {
        return Some(rejection(rejected));
    }
    match &details.failed_at {
        Some(at) => Some(format!("\n{}", failed_at(at))),
        None if run.is_some_and(has_failed_step) => {
            Some("\nGitHub did not tell at which step; the run shows it.".to_owned())
        }
        // It failed before its first job, or a cause is known all the same.
        None => details.cause.as_ref().map(|_| String::new()),
    }
}

fn rejection(rejected: &Rejected) -> String {
    let Rejected { by, environments, comment } = rejected;
    let by = by
        .as_ref()
        .map_or_else(|| "a reviewer".to_owned(), |by| format!("**{}**", escape::plain(by, 60)));
    let environments: Vec<String> =
        environments.iter().map(|name| escape::code(name, 60)).collect();
    let of = if environments.is_empty() {
        String::new()
    } else {
        format!(" for {}", environments.join(", "))
    };
    let comment = comment.as_ref().map(|comment| format!("\n> {}", escape::plain(comment, 200)));
    format!(
        "\nRejected by {by}{of} on GitHub: the code did not fail.{}",
        comment.unwrap_or_default()
    )
}

/// All else that is known, as lines.
fn told(cause: &Cause) -> String {
    let mut lines = String::new();
    let mut line = |text: &str| {
        lines.push('\n');
        lines.push_str(text);
    };
    if let Some(annotation) = &cause.annotation
        && !cause.log.iter().any(|line| line.contains(annotation.as_str()))
    {
        line(&format!("> {}", escape::plain(annotation, ANNOTATION)));
    }
    if !cause.log.is_empty() {
        line(&escape::code_block(&cause.log, LINE));
    }
    if cause.log_is_late {
        line("-# GitHub did not have the step's log in time; the run shows it.");
    }
    if let Some(changes) = &cause.changes {
        line(&changed(changes));
        changes.newest.iter().for_each(|one| line(&commit(one)));
    }
    if !cause.missing.is_empty() {
        let missing = cause.missing.join(", ");
        line(&format!("-# GitHub tells more to a token with the permission {missing}."));
    }
    lines
}

/// How the commit stands to the last success.
fn changed(changes: &Changes) -> String {
    let base = escape::code(&changes.base.chars().take(7).collect::<String>(), 7);
    let url = changes.url.as_deref().filter(|url| url.len() <= URL);
    let compare = url.map(|url| format!(" · {}", escape::link("compare", url))).unwrap_or_default();
    let words = match changes.standing {
        Standing::Ahead { commits } => {
            format!("{} since the last success ({base})", counted(commits))
        }
        Standing::Behind { commits } => {
            format!("An older commit: {} behind the last success ({base})", counted(commits))
        }
        Standing::Diverged { commits, lacks } => format!(
            "Diverged from the last success ({base}), by a force-push or as another branch: {} that it had not, {} \
             of it missing",
            counted(commits),
            counted(lacks),
        ),
        Standing::Same => {
            format!("The same commit as the last success ({base}): no change of the code")
        }
        Standing::Unknown => format!(
            "What changed since the last success is not known: GitHub cannot compare its commit ({base}), which may \
             be gone after a force-push"
        ),
    };
    format!("{words}{compare}")
}

fn counted(commits: u64) -> String {
    format!("{commits} {}", if commits == 1 { "commit" } else { "commits" })
}

fn commit(commit: &Commit) -> String {
    let Commit { sha, title, author } = commit;
    let title = if title.is_empty() { "(no title)" } else { title };
    let author = author.as_ref().map(|author| format!(" · {}", escape::plain(author, 40)));
    format!(
        "- {} {}{}",
        escape::code(sha, 7),
        escape::plain(title, 100),
        author.unwrap_or_default()
    )
}

/// Leaves out the oldest commit, else the oldest line of the log, else more. False: there is nothing left.
fn shorten(cause: &mut Cause) -> bool {
    if let Some(changes) = &mut cause.changes
        && changes.newest.pop().is_some()
    {
        return true;
    }
    if drop_line(&mut cause.log, &mut cause.errors) {
        return true;
    }
    let url = cause.changes.as_mut().and_then(|changes| changes.url.take());
    url.is_some() || cause.annotation.take().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    fn changes(standing: Standing) -> Changes {
        let newest = Commit {
            sha: "1234567".to_owned(),
            title: "Fix *it* for @everyone".to_owned(),
            author: Some("ada".to_owned()),
        };
        Changes {
            standing,
            base: "abcdef0123456789".to_owned(),
            newest: vec![newest],
            url: Some("https://github.com/o/r/compare/a...b".to_owned()),
        }
    }

    #[test]
    fn all_that_is_known_is_told() {
        let cause = Cause {
            annotation: Some("src/a.ts:12: no `such` module".to_owned()),
            log: ["error: ```", "last line"].map(str::to_owned).to_vec(),
            errors: 1,
            changes: Some(changes(Standing::Ahead { commits: 3 })),
            missing: vec!["Checks: read".to_owned()],
            ..Cause::default()
        };
        let expected = "\n> src/a.ts:12: no \\`such\\` module\n```\nerror: ˋˋˋ\nlast line\n```\n\
            3 commits since the last success (`abcdef0`) · [compare](<https://github.com/o/r/compare/a...b>)\n\
            - `1234567` Fix \\*it\\* for @\u{200b}everyone · ada\n\
            -# GitHub tells more to a token with the permission Checks: read.";
        assert_eq!(told(&cause), expected);
    }

    #[rstest]
    #[case(Standing::Ahead { commits: 1 }, "1 commit since the last success (`abcdef0`)")]
    #[case(Standing::Behind { commits: 2 }, "An older commit: 2 commits behind the last success (`abcdef0`)")]
    #[case(Standing::Diverged { commits: 3, lacks: 1 }, "Diverged from the last success (`abcdef0`), by a force-push or as another branch: 3 commits that it had not, 1 commit of it missing")]
    #[case(
        Standing::Same,
        "The same commit as the last success (`abcdef0`): no change of the code"
    )]
    #[case(
        Standing::Unknown,
        "What changed since the last success is not known: GitHub cannot compare its commit (`abcdef0`), which may be gone after a force-push"
    )]
    fn each_standing_is_said(#[case] standing: Standing, #[case] expected: &str) {
        let bare = Changes { url: None, ..changes(standing) };
        assert_eq!(changed(&bare), expected);
    }

    #[test]
    fn an_annotation_that_the_log_shows_is_not_repeated() {
        let cause = Cause {
            annotation: Some("no such module".to_owned()),
            log: vec!["Error: no such module".to_owned()],
            ..Cause::default()
        };
        assert_eq!(told(&cause), "\n```\nError: no such module\n```");
    }

    #[test]
    fn a_rejection_is_no_failure_of_the_code() {
        let rejected = Rejected {
            by: Some("grace*".to_owned()),
            environments: vec!["production".to_owned(), "eu".to_owned()],
            comment: Some("Not on <@1>'s Friday".to_owned()),
        };
        let said = "\nRejected by **grace\\*** for `production`, `eu` on GitHub: the code did not fail.\n\
            > Not on <\u{200b}@\u{200b}1>'s Friday";
        assert_eq!(rejection(&rejected), said);
        let nobody = Rejected { by: None, environments: Vec::new(), comment: None };
        assert_eq!(
            rejection(&nobody),
            "\nRejected by a reviewer on GitHub: the code did not fail."
        );
    }

    proptest! {
        #[test]
        fn it_all_has_room(
            lines in proptest::collection::vec(r"[`<*\PC]{0,160}", 0..10),
            titles in proptest::collection::vec(r"[*@<\PC]{0,100}", 0..5),
            annotation in r"[*<@\PC]{0,300}",
            (job, step) in (r"[*<@\PC]{0,200}", r"[*<@\PC]{0,200}"),
        ) {
            let newest = titles.iter().map(|title| Commit {
                sha: "1234567".to_owned(), title: title.clone(), author: Some(title.clone()),
            });
            let diverged = Standing::Diverged { commits: u64::MAX, lacks: u64::MAX };
            let url = Some(format!("https://github.com/{}", "x".repeat(270)));
            let changes = Changes { newest: newest.collect(), url, ..changes(diverged) };
            let missing = ["Checks: read", "Actions: read", "Contents: read"].map(str::to_owned).to_vec();
            let mut cause = Cause {
                annotation: Some(annotation), errors: lines.len().min(3), log: lines, log_is_late: true,
                changes: Some(changes), missing, ..Cause::default()
            };
            let failed_at = Some(FailedAt { job, step: Some(step) });
            let place = place(&Details { failed_at, ..Details::default() }, None).unwrap();
            let fits = |cause: &Cause| format!("{place}{}", told(cause)).encode_utf16().count() <= ROOM;
            while !fits(&cause) {
                prop_assert!(shorten(&mut cause), "{place}{}", told(&cause));
            }
            prop_assert_eq!(told(&cause).matches("```").count() % 2, 0);
        }
    }
}
