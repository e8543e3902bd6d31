//! What somebody can do about how a deploy ended.

use super::outcome::{NotFound, Outcome};
use super::record::{Deploy, Ending};
use crate::github::Run;
use crate::text::escape;

/// In one line. `None`: there is nothing to do, or the buttons of its message say it.
pub(super) fn what_now(deploy: &Deploy, ending: &Ending) -> Option<String> {
    let run = deploy.target.as_ref().and_then(|target| target.run.as_deref());
    match &ending.outcome {
        Outcome::Concluded => after(deploy, run),
        Outcome::NothingDone { .. } | Outcome::NotDispatched { .. } => None,
        Outcome::NotFound(why) => Some(look_for_it(why)),
        Outcome::Deleted => {
            verify(deploy).map(|verify| format!("Check what is live with {verify}."))
        }
        Outcome::GivenUp => Some("Look at its run on GitHub.".to_owned()),
    }
}

fn after(deploy: &Deploy, run: Option<&Run>) -> Option<String> {
    let words = match run?.conclusion.as_deref() {
        Some("startup_failure") => {
            let page = deploy.target.as_ref().map(|target| format!("{}/workflow", target.url));
            let file = escape::link("workflow file", &page.unwrap_or_default());
            return Some(format!("Usually a mistake in the {file}: GitHub marks the line there."));
        }
        Some("timed_out") => {
            "A time limit was reached: look at the step that hung, or raise `timeout-minutes` in the workflow."
        }
        Some("cancelled") if has_worked(deploy) => {
            return verify(deploy)
                .map(|verify| format!("It may be half deployed: check with {verify}."));
        }
        Some("action_required") => "Whoever may approve it does that on the run's page.",
        Some("stale") => "GitHub gave it up, as it did not go on for too long. Start it again.",
        Some("skipped") => "No job's condition (`if`) was met, so nothing was deployed.",
        None => "Look at its run on GitHub.",
        Some(_) => return None,
    };
    Some(words.to_owned())
}

/// Whether a job had begun, so that something may be deployed.
fn has_worked(deploy: &Deploy) -> bool {
    let progress = deploy.progress.as_ref().filter(|known| known.attempt == deploy.attempt());
    let failed_at = deploy.details.as_ref().and_then(|details| details.failed_at.as_ref());
    progress.is_some_and(|known| known.running > 0 || known.done > 0 || known.total == 0)
        || failed_at.is_some()
}

/// The command that tells what is live.
fn verify(deploy: &Deploy) -> Option<String> {
    let command = deploy.order.verified_by.as_ref()?;
    Some(escape::code(&format!("/{command}"), 40))
}

fn look_for_it(why: &NotFound) -> String {
    const OUTAGES: &str = "githubstatus.com tells about outages";
    const NAME_IT: &str =
        "With the input `correlation_id` in the workflow's `run-name`, the next one can be told.";
    match why {
        NotFound::Nowhere { lost: true, listed: false } => format!(
            "It was not sent again. Look at the workflow's runs before you try again; {OUTAGES}."
        ),
        NotFound::Nowhere { lost: true, listed: true } => {
            "It was not sent again. Look at the workflow's runs before you try again.".to_owned()
        }
        NotFound::Nowhere { lost: false, listed: false } => {
            format!("Look at the workflow's runs; {OUTAGES}.")
        }
        NotFound::Nowhere { lost: false, listed: true }
        | NotFound::Ambiguous { .. }
        | NotFound::AnotherDeploy => format!("Look at the workflow's runs. {NAME_IT}"),
        NotFound::NotTold { .. } => "Look at the workflow's runs before you try again.".to_owned(),
    }
}
