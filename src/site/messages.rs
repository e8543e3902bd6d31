//! Renders a verification: the verdict, the run, and the checks.

use super::address::{Address, Unread};
use super::check::{CheckResult, Checked};
use super::checklist::checklist;
use super::others::{Others, Relation};
use super::run::{RunLookup, StepResult};
use crate::github::Run;
use crate::github::words::{conclusion, running};
use crate::text::{duration, escape};

/// The result of a verification.
#[derive(Debug)]
pub(crate) struct Verification<'a> {
    /// The deploy agent's name.
    pub title: &'a str,
    pub run: RunLookup,
    /// The run in one line of safe Markdown.
    pub run_line: Option<String>,
    /// What the other runs of the agent mean.
    pub others: Others,
    /// The steps that the registry names, or why they are unknown.
    pub steps: Result<Vec<(&'a str, StepResult)>, String>,
    pub checks: Vec<Checked>,
    /// What is to be said of the addresses that were checked.
    pub addresses: Vec<Address>,
    /// The result of dispatching the diagnosis, in safe Markdown.
    pub diagnosis: Option<String>,
}

/// What the first line is about. The rest gets lines of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Subject {
    Checks,
    Run,
    Others,
    Addresses,
}

/// Renders the message's content.
pub(crate) fn render(verification: &Verification<'_>) -> String {
    let subject = subject(verification);
    let mut lines = vec![verdict(verification, subject)];
    match &verification.run {
        RunLookup::Unknown(why) | RunLookup::Not(why) if subject != Subject::Run => {
            lines.push(format!("⚠️ The run: {why}"));
        }
        RunLookup::Unknown(_) | RunLookup::Not(_) => {}
        RunLookup::Found(_) => {
            lines.extend(verification.run_line.as_ref().map(|line| format!("-# {line}")));
        }
    }
    if subject != Subject::Others {
        lines.extend(doubt(&verification.others).map(|doubt| format!("⚠️ Also: {doubt}.")));
    }
    lines.extend(verification.addresses.iter().filter_map(differing));
    match &verification.steps {
        Ok(steps) if steps.is_empty() => {}
        Ok(steps) => {
            let steps: Vec<String> = steps.iter().map(step).collect();
            lines.push(format!("-# {}", steps.join(" · ")));
        }
        Err(why) => lines.push(format!("⚠️ The steps are not known. {why}")),
    }
    // Before the checks: a long list may be cut off, and the correlation id must not be.
    lines.extend(verification.diagnosis.clone());
    lines.extend(not_compared(&verification.addresses));
    for checked in &verification.checks {
        lines.extend(checklist(checked));
    }
    lines.join("\n")
}

fn count(verification: &Verification<'_>, is: fn(&CheckResult) -> bool) -> usize {
    verification.checks.iter().filter(|checked| is(&checked.result)).count()
}

fn failed(verification: &Verification<'_>) -> usize {
    count(verification, |result| matches!(result, CheckResult::Failed(_)))
}

fn subject(verification: &Verification<'_>) -> Subject {
    let differs = |address: &Address| matches!(address, Address::Differs { .. });
    match (&verification.run, &verification.others) {
        _ if failed(verification) > 0 => Subject::Checks,
        (RunLookup::Unknown(_) | RunLookup::Not(_), _) => Subject::Run,
        (RunLookup::Found(run), _) if !succeeded(run) => Subject::Run,
        (_, Others::Doubt(..) | Others::Unknown(_)) => Subject::Others,
        _ if verification.addresses.iter().any(differs) => Subject::Addresses,
        _ => Subject::Checks,
    }
}

fn succeeded(run: &Run) -> bool {
    run.is_completed() && run.conclusion.as_deref() == Some("success")
}

fn verdict(verification: &Verification<'_>, subject: Subject) -> String {
    let title = format!("**{}**", escape::plain(verification.title, 50));
    let total = verification.checks.len();
    let unknown = count(verification, |result| matches!(result, CheckResult::NotChecked(_)));
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
    let proven = verification.checks.iter().any(|checked| {
        checked.names_commit && matches!(checked.result, CheckResult::Passed { .. })
    });
    let of_this_run = if proven { " and has this commit" } else { ", but may not be of this run" };
    match (&verification.run, subject) {
        (RunLookup::Unknown(why) | RunLookup::Not(why), _) => {
            format!("⚠️ {title}: {why} {}", answers(""))
        }
        (RunLookup::Found(run), Subject::Run) if run.is_completed() => {
            let (_, words) = conclusion(run.conclusion.as_deref());
            format!("⚠️ {title}: the run {words}. {}", answers(of_this_run))
        }
        (RunLookup::Found(run), Subject::Run) => {
            let (_, words) = running(Some(run));
            let answers = answers(if proven { of_this_run } else { ", but may be older" });
            format!("⚠️ {title}: the run has not ended ({words}). {answers}")
        }
        (_, Subject::Others) => {
            let doubt = doubt(&verification.others).unwrap_or_default();
            format!("⚠️ {title}: {doubt}. {}", answers(of_this_run))
        }
        (_, Subject::Addresses) => {
            let passed = total - unknown;
            format!(
                "⚠️ {title}: {passed} of {total} checks passed, but the repository names another address"
            )
        }
        (_, Subject::Checks) => match (unknown, total) {
            (_, 0) => {
                format!("⚠️ {title}: the run succeeded, but agents.toml names nothing to check")
            }
            (0, 1) => format!("✅ {title} is live: its check passed"),
            (0, _) => format!("✅ {title} is live: all {total} checks passed"),
            _ => format!("⚠️ {title}: the run succeeded. {}", answers("")),
        },
    }
}

/// Why the run may not be what is live, without a full stop.
fn doubt(others: &Others) -> Option<String> {
    match others {
        Others::Settled => None,
        Others::Unknown(why) => {
            Some(format!("newer runs are not known. {}", why.trim_end_matches('.')))
        }
        Others::Doubt(run, relation) => {
            let name = run.run_number.map_or_else(|| run.id.to_string(), |n| format!("#{n}"));
            let (_, words) = if run.is_completed() {
                conclusion(run.conclusion.as_deref())
            } else {
                running(Some(run))
            };
            let how = match relation {
                Relation::Newer => "is newer",
                Relation::Alongside if run.is_completed() => "ran at the same time",
                Relation::Alongside => "is older and still runs",
            };
            Some(format!("run {name} {how} ({words})"))
        }
    }
}

/// The line for an address that the repository does not name, and how to mend it.
fn differing(address: &Address) -> Option<String> {
    match address {
        Address::Differs { name, checked, variable } => Some(format!(
            "⚠️ Checked was {checked}, but the repository's variable `{name}` is {variable}.\n\
             -# ↳ Set Deckhand's `{name}` to what is right, or the variable."
        )),
        Address::Unknown { .. } => None,
    }
}

/// One small line for all variables that could not be compared.
fn not_compared(addresses: &[Address]) -> Option<String> {
    let unknown = addresses.iter().filter_map(|address| match address {
        Address::Unknown { name, why } => Some((format!("`{name}`"), *why)),
        Address::Differs { .. } => None,
    });
    let (names, reasons): (Vec<_>, Vec<_>) = unknown.unzip();
    let why = match reasons.first()? {
        Unread::NoPermission => "the token lacks `Variables: read`",
        Unread::Trouble => "GitHub did not answer",
    };
    Some(format!("-# Not compared with the repository's {}: {why}.", names.join(" and ")))
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
        StepResult::NotTold => format!("{label}: not told by GitHub"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::agents::verification::Target;
    use crate::site::check::{Failure, NotChecked};
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

    const NO_URL: CheckResult = CheckResult::NotChecked(NotChecked::NoUrl);

    fn checked(results: &[CheckResult]) -> Vec<Checked> {
        results.iter().map(|result| of(Target::Api, result.clone())).collect()
    }

    fn of(target: Target, result: CheckResult) -> Checked {
        let place = "/health".to_owned();
        Checked { target, own_url: false, place, names_commit: false, result }
    }

    fn verification(run: RunLookup, results: &[CheckResult]) -> Verification<'static> {
        let checks = checked(results);
        Verification {
            title: "Web",
            run,
            run_line: None,
            others: Others::Settled,
            steps: Ok(Vec::new()),
            checks,
            addresses: Vec::new(),
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
        "⚠️ **Web**: the run failed. What is live passes its checks, but may not be of this run."
    )]
    #[case(
        run("completed", Some("success")),
        &[passed(), NO_URL],
        "⚠️ **Web**: the run succeeded. What is live passes 1 of 2 checks; 1 not made."
    )]
    #[case(
        run("completed", Some("success")),
        &[NO_URL],
        "⚠️ **Web**: the run succeeded. Nothing was checked."
    )]
    #[case(
        run("completed", Some("success")),
        &[],
        "⚠️ **Web**: the run succeeded, but agents.toml names nothing to check"
    )]
    #[case(
        run("completed", Some("cancelled")),
        &[NO_URL],
        "⚠️ **Web**: the run was cancelled. Nothing was checked."
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
        let verification = verification(run, results);
        assert_eq!(verdict(&verification, subject(&verification)), expected);
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
