//! Renders the checks: what was asked, what happened, and a fix for each failure.

use std::time::Duration;

use super::check::{CheckResult, Checked, Failure, NotChecked, TIME_LIMIT};
use crate::agents::verification::Target;
use crate::net::url_guard::RefusedUrl;
use crate::text::escape;

/// The lines of one check: its result, and what to do if it failed.
pub(super) fn checklist(checked: &Checked) -> Vec<String> {
    let Checked { target, place, result, .. } = checked;
    let what = format!("{} {}", target.words(), escape::code(place, 60));
    match result {
        CheckResult::Passed { status, took, header, first } => {
            let header = header.as_ref().map(|(name, value)| {
                format!(" · {}", escape::code(&format!("{name}: {value}"), 80))
            });
            let commit = if checked.names_commit { " · this commit" } else { "" };
            let first = first
                .as_ref()
                .map(|first| format!(" · at the second try, at first {}", happened(first)));
            vec![format!(
                "✅ {what} · {status} in {}{}{commit}{}",
                seconds(*took),
                header.unwrap_or_default(),
                first.unwrap_or_default()
            )]
        }
        CheckResult::Failed(failure) => vec![
            format!("❌ {what} · {}", happened(failure)),
            format!("-# ↳ {}", remedy(*target, &url_of(checked), failure)),
        ],
        CheckResult::NotChecked(NotChecked::NoUrl) => {
            vec![format!("⚠️ {what} · not checked: set {}", url_of(checked))]
        }
        CheckResult::NotChecked(NotChecked::NoCommit) => {
            vec![format!("⚠️ {what} · not checked: the run's commit is not known")]
        }
    }
}

/// Where the URL of a check is set.
fn url_of(Checked { target, own_url, .. }: &Checked) -> String {
    match target.setting().filter(|_| !own_url) {
        Some(setting) => format!("`{setting}`"),
        None => "the check's `url`".to_owned(),
    }
}

/// `120 ms`, `2.4 s`.
fn seconds(took: Duration) -> String {
    match took.as_millis() {
        ms if ms < 1000 => format!("{ms} ms"),
        ms => format!("{}.{} s", ms / 1000, ms % 1000 / 100),
    }
}

fn happened(failure: &Failure) -> String {
    match failure {
        Failure::Status { got, expected } => format!("{got}, expected {expected}"),
        Failure::Header { name, got: None, .. } => {
            format!("the header {} is missing", escape::code(name, 40))
        }
        Failure::Header { name, got: Some(got), .. } => {
            format!("the header is {}", escape::code(&format!("{name}: {got}"), 80))
        }
        Failure::Body { expected, cut, .. } => {
            let part = if *cut { "the body's first 256 KiB do" } else { "the body does" };
            format!("{part} not contain {}", escape::code(expected, 80))
        }
        Failure::TimedOut => format!("no whole answer in {} s", TIME_LIMIT.as_secs()),
        Failure::Redirects => "more than 5 redirects".to_owned(),
        Failure::BadRedirect(to) => {
            format!("redirects to {}, which is no URL", escape::code(to, 60))
        }
        Failure::Refused { host, .. } => format!("{} may not be asked", escape::code(host, 60)),
        Failure::NoConnection(why) => format!("no connection ({})", escape::plain(why, 80)),
        Failure::Broken(why) => format!("the connection broke ({})", escape::plain(why, 80)),
    }
}

/// What to do; `url` says where the check's URL is set.
fn remedy(target: Target, url: &str, failure: &Failure) -> String {
    match (failure, target) {
        (Failure::Status { got: 403 | 404, .. }, Target::Frontend) => format!(
            "Is the file in the bucket, and may CloudFront read it? Look at the step that uploads, and \
             whether {url} is right."
        ),
        (Failure::Status { got: 404, .. }, Target::Api) => {
            format!("The API has no such route. Is the version deployed, and {url} right?")
        }
        (Failure::Status { got: 401 | 403, .. }, Target::Api) => {
            "The API asks for a login here. Let this path be public, or check another one.".to_owned()
        }
        (Failure::Status { got: 429, .. }, _) => {
            "Too many requests. Try again in a minute.".to_owned()
        }
        (Failure::Status { got: 500.., .. }, Target::Api) => {
            "The API is there but not well. Look at its logs; if it began with this deploy, deploy the \
             version before."
                .to_owned()
        }
        (Failure::Status { got: 403 | 404, .. }, Target::Page) => {
            format!("Is it deployed, and is {url} right?")
        }
        (Failure::Status { got: 500.., .. }, Target::Page) => {
            "The server is there but not well. Look at its logs.".to_owned()
        }
        (Failure::Status { got: 500.., .. }, Target::Frontend) => {
            "The server in front is there but not well. Look at CloudFront's origin.".to_owned()
        }
        (Failure::Status { .. }, _) => {
            "If that is right, set the check's status in agents.toml.".to_owned()
        }
        (Failure::Header { name, expected, .. }, _) if !expected.is_empty() => {
            let expected: Vec<_> = expected.iter().map(|text| escape::code(text, 40)).collect();
            format!(
                "Have the deploy set {} so that it contains {}, and invalidate the cache.",
                escape::code(name, 40),
                expected.join(" or ")
            )
        }
        (Failure::Header { name, .. }, _) => {
            format!("Have the deploy set {}, and invalidate the cache.", escape::code(name, 40))
        }
        (Failure::Body { commit: true, .. }, _) => {
            "Another commit is live, or the page does not name its commit. Look at the step that uploads, and \
             whether the cache was invalidated."
                .to_owned()
        }
        (Failure::Body { .. }, _) => {
            "An older version, or another page? Look at it in a browser, and whether the cache was \
             invalidated."
                .to_owned()
        }
        (Failure::TimedOut, Target::Api) => {
            "Look at the API's logs and load; try again in a minute.".to_owned()
        }
        (Failure::TimedOut | Failure::Broken(_), _) => {
            format!("Try again in a minute. If it stays so, look at what serves {url}.")
        }
        (Failure::Redirects | Failure::BadRedirect(_), _) => {
            format!("Fix the redirect, or set {url} to where it should end.")
        }
        (Failure::Refused { why: RefusedUrl::NotAllowed, .. }, _) => {
            "Its host is not in `ALLOWED_DOMAINS`. Add it there, or fix the redirect.".to_owned()
        }
        (Failure::Refused { why: RefusedUrl::SpecialAddress, .. }, _) => format!(
            "It points to a private, local or otherwise special address. Fix its DNS record, the \
             redirect or {url}."
        ),
        (Failure::Refused { why, .. }, _) => {
            format!("Where it leads is refused: {why}. Fix the redirect or {url}.")
        }
        (Failure::NoConnection(_), _) => {
            format!("Does the name exist, and is its certificate valid? Look at DNS and {url}.")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(target: Target, result: CheckResult) -> Checked {
        let place = "/x".to_owned();
        Checked { target, own_url: false, place, names_commit: false, result }
    }

    #[test]
    fn a_check_that_was_not_made_says_why() {
        let no_url = of(Target::Api, CheckResult::NotChecked(NotChecked::NoUrl));
        assert_eq!(checklist(&no_url), ["⚠️ API `/x` · not checked: set `VITE_API_BASE`"]);
        let no_commit = of(Target::Frontend, CheckResult::NotChecked(NotChecked::NoCommit));
        let expected = ["⚠️ Frontend `/x` · not checked: the run's commit is not known"];
        assert_eq!(checklist(&no_commit), expected);
    }

    #[test]
    fn every_failure_says_what_happened_and_what_to_do() {
        let header = |got: Option<&str>, expected: &[&str]| Failure::Header {
            name: "cache-control".to_owned(),
            got: got.map(str::to_owned),
            expected: expected.iter().map(|text| (*text).to_owned()).collect(),
        };
        let refused = |why| Failure::Refused { host: "10.0.0.1".to_owned(), why };
        let failures = [
            Failure::Status { got: 404, expected: 200 },
            Failure::Status { got: 401, expected: 200 },
            Failure::Status { got: 429, expected: 200 },
            Failure::Status { got: 503, expected: 200 },
            Failure::Status { got: 200, expected: 301 },
            header(None, &["no-cache", "max-age=0"]),
            header(Some("max-age=600"), &["no-cache"]),
            header(None, &[]),
            Failure::Body { expected: "root".to_owned(), commit: false, cut: false },
            Failure::Body { expected: "root".to_owned(), commit: false, cut: true },
            Failure::Body { expected: "0b3b1c8e".to_owned(), commit: true, cut: false },
            Failure::TimedOut,
            Failure::Redirects,
            Failure::BadRedirect("https://".to_owned()),
            refused(RefusedUrl::SpecialAddress),
            refused(RefusedUrl::NotAllowed),
            refused(RefusedUrl::NotHttps),
            Failure::NoConnection("dns error".to_owned()),
            Failure::Broken("connection reset".to_owned()),
        ];
        let mut lines = Vec::new();
        for target in [Target::Frontend, Target::Api, Target::Page] {
            for failure in &failures {
                let own_url = target == Target::Page;
                let result = CheckResult::Failed(failure.clone());
                lines.extend(checklist(&Checked { own_url, ..of(target, result) }));
            }
        }
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn text_from_a_server_is_escaped() {
        let hostile = "`@everyone` **x**\n# [a](https://evil.test) \u{202e}<@1>";
        let failures = [
            Failure::Header {
                name: "x".to_owned(),
                got: Some(hostile.to_owned()),
                expected: vec![],
            },
            Failure::BadRedirect(hostile.to_owned()),
            Failure::Refused { host: hostile.to_owned(), why: RefusedUrl::NotAllowed },
            Failure::NoConnection(hostile.to_owned()),
            Failure::Broken(hostile.to_owned()),
        ];
        for failure in failures {
            let text = happened(&failure);
            let outside: String = text.split('`').step_by(2).collect();
            assert!(!text.contains(['\n', '\u{202e}']), "{text}");
            assert!(!outside.contains("@everyone") && !outside.contains("<@"), "{text}");
            assert!(!outside.contains("://"), "{text}");
        }
    }
}
