//! Renders a verification: the verdict, the run, the checks, and a fix for each failure.

use std::time::Duration;

use super::check::{CheckResult, Checked, Failure, TIME_LIMIT};
use super::run::{RunLookup, StepResult};
use crate::agents::verification::Target;
use crate::github::Run;
use crate::github::words::{conclusion, running};
use crate::net::url_guard::RefusedUrl;
use crate::text::{duration, escape};

/// The result of a verification.
#[derive(Debug)]
pub(crate) struct Verification<'a> {
    /// The deploy agent's name.
    pub title: &'a str,
    pub run: RunLookup,
    /// The run in one line of safe Markdown.
    pub run_line: Option<String>,
    /// A newer run that succeeded or has not ended: it is live, or soon will be.
    pub newer: Option<Run>,
    /// The steps that the registry names, or why they are unknown.
    pub steps: Result<Vec<(&'a str, StepResult)>, String>,
    pub checks: Vec<Checked>,
    /// The result of dispatching the diagnosis, in safe Markdown.
    pub diagnosis: Option<String>,
}

/// Renders the message's content.
pub(crate) fn render(verification: &Verification<'_>) -> String {
    let mut lines = vec![verdict(verification)];
    match &verification.run {
        // The verdict is about the failed checks then, so the run's problem gets its own line.
        RunLookup::Not(why) if failed(verification) > 0 => lines.push(format!("⚠️ The run: {why}")),
        RunLookup::Not(_) => {}
        RunLookup::Found(_) => lines.extend(verification.run_line.clone()),
    }
    match &verification.steps {
        Ok(steps) if steps.is_empty() => {}
        Ok(steps) => lines.push(steps.iter().map(step).collect::<Vec<_>>().join(" · ")),
        Err(why) => lines.push(format!("⚠️ The steps are not known. {why}")),
    }
    // Before the checks: a long list may be cut off, and the correlation id must not be.
    lines.extend(verification.diagnosis.clone());
    for checked in &verification.checks {
        lines.extend(checklist(checked));
    }
    lines.join("\n")
}

fn failed(verification: &Verification<'_>) -> usize {
    verification.checks.iter().filter(|c| matches!(c.result, CheckResult::Failed(_))).count()
}

fn verdict(verification: &Verification<'_>) -> String {
    let title = format!("**{}**", escape::plain(verification.title, 50));
    let total = verification.checks.len();
    let count =
        |is: fn(&CheckResult) -> bool| verification.checks.iter().filter(|c| is(&c.result)).count();
    let unknown = count(|result| matches!(result, CheckResult::NotChecked));
    let failed = failed(verification);
    if failed > 0 {
        let noun = if total == 1 { "check" } else { "checks" };
        return format!("❌ {title}: {failed} of {total} {noun} failed");
    }
    // An older deploy may pass the checks, too. `but` says why it may be one.
    let answers = |but: &str| match (unknown, total) {
        (unknown, total) if unknown == total => "Nothing was checked.".to_owned(),
        (0, _) => format!("What is live passes its checks{but}."),
        (some, _) => {
            format!("What is live passes {} of {total} checks{but}; {some} not made.", total - some)
        }
    };
    let run = match &verification.run {
        RunLookup::Not(why) => return format!("⚠️ {title}: {why} {}", answers("")),
        RunLookup::Found(run) => run,
    };
    if !run.is_completed() {
        let (_, words) = running(Some(run));
        let answers = answers(", but may be older");
        return format!("⚠️ {title}: the run has not ended ({words}). {answers}");
    }
    if run.conclusion.as_deref() != Some("success") {
        let (_, words) = conclusion(run.conclusion.as_deref());
        return format!("⚠️ {title}: the run {words}. {}", answers(", but is not of this run"));
    }
    if let Some(newer) = &verification.newer {
        let label = newer.run_number.map_or_else(|| newer.id.to_string(), |n| format!("#{n}"));
        let (_, words) = if newer.is_completed() {
            conclusion(newer.conclusion.as_deref())
        } else {
            running(Some(newer))
        };
        let answers = answers(", but may not be of this run");
        return format!("⚠️ {title}: run {label} is newer ({words}). {answers}");
    }
    match (unknown, total) {
        (_, 0) => format!("⚠️ {title}: the run succeeded, but agents.toml names nothing to check"),
        (0, 1) => format!("✅ {title} is live: its check passed"),
        (0, _) => format!("✅ {title} is live: all {total} checks passed"),
        _ => format!("⚠️ {title}: the run succeeded. {}", answers("")),
    }
}

fn step((label, result): &(&str, StepResult)) -> String {
    let label = escape::plain(label, 40);
    let after = |took: &Option<chrono::TimeDelta>| took.map(duration::compact);
    match result {
        StepResult::Well(Some(took)) => format!("{label} {}", duration::seconds(*took)),
        StepResult::Well(None) => label,
        // The duration of a skipped step says nothing.
        StepResult::Otherwise(how, _) if how == "skipped" => {
            format!("{label} {}", escape::code(how, 40))
        }
        StepResult::Otherwise(how, took) => {
            let after = after(took).map(|took| format!(" after {took}")).unwrap_or_default();
            format!("{label} {}{after}", escape::code(how, 40))
        }
        StepResult::NotEnded => format!("{label} not ended"),
        StepResult::Missing => format!("{label}: no such step"),
    }
}

fn checklist(Checked { target, path, result }: &Checked) -> Vec<String> {
    let what = format!("{} {}", target.words(), escape::code(path, 60));
    match result {
        CheckResult::Passed { status, took, header, first } => {
            let header = header.as_ref().map(|(name, value)| {
                format!(" · {}", escape::code(&format!("{name}: {value}"), 80))
            });
            let first = first
                .as_ref()
                .map(|first| format!(" · at the second try, at first {}", happened(first)));
            vec![format!(
                "✅ {what} · {status} in {}{}{}",
                seconds(*took),
                header.unwrap_or_default(),
                first.unwrap_or_default()
            )]
        }
        CheckResult::Failed(failure) => vec![
            format!("❌ {what} · {}", happened(failure)),
            format!("-# ↳ {}", remedy(*target, failure)),
        ],
        CheckResult::NotChecked => {
            vec![format!("⚠️ {what} · not checked: set `{}`", target.setting())]
        }
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
        Failure::Body { expected, cut } => {
            let part = if *cut { "the body's first 256 KiB do" } else { "the body does" };
            format!("{part} not contain {}", escape::code(expected, 60))
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

fn remedy(target: Target, failure: &Failure) -> String {
    let setting = target.setting();
    match (failure, target) {
        (Failure::Status { got: 403 | 404, .. }, Target::Frontend) => format!(
            "Is the file in the bucket, and may CloudFront read it? Look at the step that uploads, and \
             whether `{setting}` is right."
        ),
        (Failure::Status { got: 404, .. }, Target::Api) => {
            format!("The API has no such route. Is the version deployed, and `{setting}` right?")
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
        (Failure::Body { .. }, _) => {
            "An older version, or another page? Look at it in a browser, and whether the cache was \
             invalidated."
                .to_owned()
        }
        (Failure::TimedOut, Target::Api) => {
            "Look at the API's logs and load; try again in a minute.".to_owned()
        }
        (Failure::TimedOut | Failure::Broken(_), _) => {
            format!("Try again in a minute. If it stays so, look at what serves `{setting}`.")
        }
        (Failure::Redirects | Failure::BadRedirect(_), _) => {
            format!("Fix the redirect, or set `{setting}` to where it should end.")
        }
        (Failure::Refused { why: RefusedUrl::NotAllowed, .. }, _) => {
            "Its host is not in `ALLOWED_DOMAINS`. Add it there, or fix the redirect.".to_owned()
        }
        (Failure::Refused { why: RefusedUrl::SpecialAddress, .. }, _) => format!(
            "It points to a private, local or otherwise special address. Fix its DNS record, the \
             redirect or `{setting}`."
        ),
        (Failure::Refused { why, .. }, _) => {
            format!("Where it leads is refused: {why}. Fix the redirect or `{setting}`.")
        }
        (Failure::NoConnection(_), _) => {
            format!("Does the name exist, and is its certificate valid? Look at DNS and `{setting}`.")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    fn run(status: &str, conclusion: Option<&str>) -> RunLookup {
        let run = json!({"id": 7, "status": status, "conclusion": conclusion});
        RunLookup::Found(Box::new(serde_json::from_value(run).unwrap()))
    }

    fn passed() -> CheckResult {
        let took = Duration::from_millis(120);
        CheckResult::Passed { status: 200, took, header: None, first: None }
    }

    fn checked(results: &[CheckResult]) -> Vec<Checked> {
        let checked = |result: &CheckResult| Checked {
            target: Target::Api,
            path: "/health".to_owned(),
            result: result.clone(),
        };
        results.iter().map(checked).collect()
    }

    fn verification(run: RunLookup, results: &[CheckResult]) -> Verification<'static> {
        let checks = checked(results);
        Verification {
            title: "Web",
            run,
            run_line: None,
            newer: None,
            steps: Ok(Vec::new()),
            checks,
            diagnosis: None,
        }
    }

    #[rstest]
    #[case(run("completed", Some("success")), &[passed(), passed()], "✅ **Web** is live: all 2 checks passed")]
    #[case(run("completed", Some("success")), &[passed()], "✅ **Web** is live: its check passed")]
    #[case(
        run("completed", Some("success")),
        &[passed(), CheckResult::Failed(Failure::TimedOut)],
        "❌ **Web**: 1 of 2 checks failed"
    )]
    #[case(
        run("completed", Some("failure")),
        &[CheckResult::Failed(Failure::TimedOut)],
        "❌ **Web**: 1 of 1 check failed"
    )]
    #[case(
        run("completed", Some("failure")),
        &[passed()],
        "⚠️ **Web**: the run failed (`failure`). What is live passes its checks, but is not of this run."
    )]
    #[case(
        run("completed", Some("success")),
        &[passed(), CheckResult::NotChecked],
        "⚠️ **Web**: the run succeeded. What is live passes 1 of 2 checks; 1 not made."
    )]
    #[case(
        run("completed", Some("success")),
        &[CheckResult::NotChecked],
        "⚠️ **Web**: the run succeeded. Nothing was checked."
    )]
    #[case(
        run("completed", Some("success")),
        &[],
        "⚠️ **Web**: the run succeeded, but agents.toml names nothing to check"
    )]
    #[case(
        run("completed", Some("cancelled")),
        &[CheckResult::NotChecked],
        "⚠️ **Web**: the run was cancelled (`cancelled`). Nothing was checked."
    )]
    #[case(RunLookup::Not("Why.".to_owned()), &[], "⚠️ **Web**: Why. Nothing was checked.")]
    #[case(
        run("in_progress", None),
        &[passed()],
        "⚠️ **Web**: the run has not ended (in progress). What is live passes its checks, but may be older."
    )]
    #[case(
        RunLookup::Not("GitHub did not answer.".to_owned()),
        &[passed()],
        "⚠️ **Web**: GitHub did not answer. What is live passes its checks."
    )]
    fn the_verdict_claims_only_what_is_known(
        #[case] run: RunLookup,
        #[case] results: &[CheckResult],
        #[case] expected: &str,
    ) {
        assert_eq!(verdict(&verification(run, results)), expected);
    }

    #[test]
    fn a_missing_run_is_reported_beside_failed_checks() {
        let why = "`o/r` has no run `7` (404).".to_owned();
        let text =
            render(&verification(RunLookup::Not(why), &[CheckResult::Failed(Failure::TimedOut)]));
        let lines: Vec<_> = text.lines().take(2).collect();
        assert_eq!(
            lines,
            ["❌ **Web**: 1 of 1 check failed", "⚠️ The run: `o/r` has no run `7` (404)."]
        );
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
            Failure::Body { expected: "root".to_owned(), cut: false },
            Failure::Body { expected: "root".to_owned(), cut: true },
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
        for target in [Target::Frontend, Target::Api] {
            for failure in &failures {
                let result = CheckResult::Failed(failure.clone());
                lines.extend(checklist(&Checked { target, path: "/x".to_owned(), result }));
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

    #[test]
    fn a_long_verification_fits_and_keeps_its_correlation_id() {
        let long = "x".repeat(3000);
        let failure = CheckResult::Failed(Failure::Broken(long.clone()));
        let why = "x".repeat(500);
        let mut verification = verification(RunLookup::Not(why), &vec![failure; 12]);
        verification.diagnosis = Some("Correlation id `1`".to_owned());
        let message = crate::discord::Message::public(&render(&verification));
        assert!(message.content().encode_utf16().count() <= 2000);
        assert!(message.content().contains("Correlation id `1`"), "{}", message.content());
    }
}
