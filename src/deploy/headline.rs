//! How a deploy ended, in one line: what a notification shows of it.

use super::about::title;
use super::click::Action;
use super::order::Extra;
use super::outcome::{NotFound, Outcome};
use super::past;
use super::record::{Checks, Deploy, Ending};
use crate::github::Run;
use crate::github::explain::ADMINS_MEND_IT;
use crate::github::words::{conclusion, took};

/// The lamp, the agent, and how it ended.
pub(super) fn headline(deploy: &Deploy, ending: &Ending) -> String {
    let title = title(deploy);
    let run = deploy.target.as_ref().and_then(|target| target.run.as_deref());
    match &ending.outcome {
        Outcome::Concluded => concluded(deploy, &title, run),
        Outcome::NothingDone { why } => format!("⚠️ {title}: not started. {why} Type it again."),
        Outcome::NotDispatched { for_admins: true, .. } => {
            format!("🔴 {title}: not started. {ADMINS_MEND_IT}")
        }
        Outcome::NotDispatched { why, .. } => format!("🔴 {title}: not started. {why}"),
        Outcome::NotFound(why) => not_found(&title, why),
        Outcome::Deleted => format!(
            "⚠️ {title}: its run was deleted on GitHub before it was seen to end, so it is unknown how it ended."
        ),
        Outcome::GivenUp => {
            format!(
                "⚠️ {title}: its run has not ended for 35 days, so it is not followed any more."
            )
        }
    }
}

fn concluded(deploy: &Deploy, title: &str, run: Option<&Run>) -> String {
    let (icon, words) = conclusion(run.and_then(|run| run.conclusion.as_deref()));
    let attempt = deploy.attempt();
    let again = if attempt > 1 { format!(" (attempt {attempt})") } else { String::new() };
    if deploy.order.extra == Extra::Diagnosis
        && let Some(words) = checked(deploy, run)
    {
        // A run may be green although what it checked is not.
        let icon = if icon == "🟢" && words.failed { "❌" } else { icon };
        return format!("{icon} {title}{again}{}", words.text);
    }
    let words = if deploy.is_rejected() { "was not approved".to_owned() } else { words };
    let after = match run.and_then(took) {
        // It has not begun.
        _ if icon == "🟠" => String::new(),
        Some(took) => format!(" after {took}"),
        None => ", duration not known".to_owned(),
    };
    let by = cancelled_by(deploy, run);
    let means = meaning(deploy, run).map(|means| format!(" · {means}"));
    format!("{icon} {title}{again} {words}{by}{after}{}", means.unwrap_or_default())
}

/// What a diagnosis has found.
struct Found {
    text: String,
    failed: bool,
}

/// `None`: the run was not worked through, so its conclusion says more.
fn checked(deploy: &Deploy, run: Option<&Run>) -> Option<Found> {
    let run = run?;
    let success = past::succeeded(run)?;
    let worked_through = matches!(run.conclusion.as_deref(), Some("success" | "failure"));
    let details = deploy.details.as_ref().filter(|_| worked_through);
    let checks = details.and_then(|details| details.checks);
    let found = |text: String, failed| Some(Found { text, failed });
    match (checks, success) {
        (Some(Checks { failed, total }), _) if failed > 0 => {
            let noun = if total == 1 { "check" } else { "checks" };
            let run = if success { "" } else { " failed" };
            found(format!("{run}: {failed} of {total} {noun} failed"), true)
        }
        (Some(Checks { total: 0, .. }), true) => {
            found(" succeeded, but it checked nothing".to_owned(), false)
        }
        (Some(Checks { total, .. }), true) => {
            let all = if total == 1 { "its check" } else { &format!("all {total} checks") };
            found(format!(" succeeded: {all} passed"), false)
        }
        (None, true) if details.is_some() => {
            found(" succeeded, but its checks are not known".to_owned(), false)
        }
        (None, true) => found(" succeeded, its checks are still being read".to_owned(), false),
        (Some(_) | None, false) => None,
    }
}

/// Who has cancelled it here.
fn cancelled_by(deploy: &Deploy, run: Option<&Run>) -> String {
    let was_cancelled = run.is_some_and(|run| run.conclusion.as_deref() == Some("cancelled"));
    let attempt = deploy.attempt();
    let clicked = |action| deploy.clicked(action, attempt);
    let by = clicked(Action::ForceCancel).or_else(|| clicked(Action::Cancel));
    let by = by.filter(|_| was_cancelled).map(|click| format!(" by <@{}>", click.user_id));
    by.unwrap_or_default()
}

/// What an outcome means in the series of deploys before it.
fn meaning(deploy: &Deploy, run: Option<&Run>) -> Option<String> {
    let succeeded = past::succeeded(run?)?;
    let past = deploy.past.as_ref().filter(|_| !deploy.is_rejected())?;
    past::meaning(past, succeeded)
}

fn not_found(title: &str, why: &NotFound) -> String {
    match why {
        NotFound::Nowhere { lost: true, listed } => {
            let since = if *listed { NO_RUN } else { NOT_REACHED };
            format!(
                "⚠️ {title}: it is unknown whether it started. GitHub's answer was lost, and {since}."
            )
        }
        NotFound::Nowhere { lost: false, listed: false } => {
            format!("⚠️ {title}: started, but {NOT_REACHED}.")
        }
        NotFound::Nowhere { lost: false, listed: true } => {
            format!("⚠️ {title}: started, but its run did not show up in time.")
        }
        NotFound::Ambiguous { runs } => {
            format!("⚠️ {title}: ambiguous, {runs} runs could be it, so none is reported.")
        }
        NotFound::AnotherDeploy => format!(
            "⚠️ {title}: ambiguous, another deploy of the same workflow and ref began at the same time, so \
             no run is reported."
        ),
        NotFound::NotTold { said, lost, for_admins } => {
            let started = if *lost { "it is unknown whether it started" } else { "it was started" };
            let said = if *for_admins { ADMINS_MEND_IT } else { said };
            format!("⚠️ {title}: {started}, and its run could not be looked for. {said}")
        }
    }
}

pub(super) const NO_RUN: &str = "no run with its correlation id showed up";
pub(super) const NOT_REACHED: &str = "GitHub cannot be reached since";
