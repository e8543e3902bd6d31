//! Asks whether a roll back is meant: which commit it would be, what would be undone, and how it is done.

use std::time::Duration;

use tokio::time::timeout;

use super::{By, Planned, others, planned, shown, store_fails};
use crate::agents::Agent;
use crate::bot::answer_by::late;
use crate::bot::context::Context;
use crate::bot::steer::Steered;
use crate::deploy::Deploy;
use crate::deploy::about::title;
use crate::deploy::buttons::button;
use crate::deploy::given::{Given, line};
use crate::deploy::go_back::with_last_success;
use crate::deploy::order::How;
use crate::deploy::past::Success;
use crate::deploy::press::Wants;
use crate::deploy::role::started;
use crate::discord::Message;
use crate::github::compare::Comparison;
use crate::text::mask::masked_title;
use crate::text::{UserError, escape, time};

/// How long GitHub may take to compare two commits.
const COMPARED_WITHIN: Duration = Duration::from_secs(5);

/// How long it may take to read what would be gone back to.
const READ_WITHIN: Duration = Duration::from_secs(10);

/// The question, with its two answers.
pub(crate) async fn question(
    context: &Context,
    by: By<'_>,
    steered: Steered,
) -> Result<Message, UserError> {
    let Steered { deploy, agent } = steered;
    let read = timeout(READ_WITHIN, with_last_success(context.deploys(), deploy)).await;
    let deploy = read.map_err(|_| late())?.map_err(|error| store_fails(&error))?;
    let steered = &Steered { deploy, agent };
    let deploy = &steered.deploy;
    let planned = planned(context, by, steered)?;
    let success = &planned.success;
    let mut lines = vec![format!("Roll back {} to {}?", title(deploy), named(deploy, success))];
    lines.extend(undone(context, deploy, success).await);
    lines.extend(is_not_the_latest(context, steered).await);
    lines.push(match &planned.how {
        How::Input { name } => format!(
            "It dispatches the workflow with {} set to this commit.",
            escape::code(name, 100)
        ),
        How::Rerun => "The agent has no `sha_input`, so that run is run again as it was, with the same commit and \
                       inputs."
            .to_owned(),
    });
    lines.extend(other_ref(deploy, &planned));
    lines.extend(other_inputs(steered, &planned));
    Ok(Message::private(&lines.join("\n"))
        .with_buttons(vec![button(deploy, Wants::RollBackNow), button(deploy, Wants::Dismiss)]))
}

/// The ref, if it is not that of the deploy which is rolled back.
fn other_ref(deploy: &Deploy, planned: &Planned) -> Option<String> {
    let (git_ref, before) = (&planned.order.git_ref, &deploy.order.git_ref);
    let of_success = planned.success.git_ref.as_ref().unwrap_or(before);
    if git_ref != of_success {
        return Some(format!(
            "It is on {}: {}, from which that commit was deployed, may not be deployed any more.",
            escape::code(git_ref, 100),
            escape::code(of_success, 100)
        ));
    }
    (git_ref != before).then(|| {
        let (git_ref, before) = (escape::code(git_ref, 100), escape::code(before, 100));
        format!("It is on {git_ref}, not on {before} as this deploy.")
    })
}

/// The inputs, if they are not those of the deploy which is rolled back.
fn other_inputs(steered: &Steered, planned: &Planned) -> Option<String> {
    let Planned { success, how, order } = planned;
    let (inputs, before) = (shown(order, how), shown(&steered.deploy.order, how));
    if success.inputs.is_none() {
        let workflow = steered.agent.as_ref().and_then(Agent::workflow);
        let takes_some = workflow.is_some_and(|workflow| !workflow.inputs.is_empty());
        let is_doubt = *how != How::Rerun && (takes_some || !before.is_empty());
        let words = "Which inputs that run had is not known, so the workflow's defaults are used.";
        return is_doubt.then(|| words.to_owned());
    }
    if inputs == before {
        return None;
    }
    let inputs: Vec<Given> = inputs.into_iter().cloned().collect();
    let inputs = line(&inputs).unwrap_or_else(|| "Inputs: none".to_owned());
    Some(format!("{inputs}, as in that run; this deploy has others."))
}

/// The commit, its run, and when that was.
fn named(deploy: &Deploy, success: &Success) -> String {
    let label =
        success.number.map_or_else(|| success.run_id.to_string(), |number| format!("#{number}"));
    let run = match &success.url {
        Some(url) => escape::link(&format!("Run {label}"), url),
        None => format!("Run {label}"),
    };
    let commit = success
        .sha
        .as_deref()
        .and_then(|sha| deploy.order.commit_link(sha, success.url.as_deref()));
    let at = success.at.map(|at| format!(" {}", time::distance(at))).unwrap_or_default();
    match commit {
        Some(commit) => format!("{commit} ({run}{at})"),
        None => format!("what {run} deployed{at}"),
    }
}

/// The commits that would not be deployed any more.
async fn undone(context: &Context, deploy: &Deploy, success: &Success) -> Option<String> {
    let head = deploy.commit()?;
    let base = success.sha.as_deref()?;
    if base == head {
        return Some(SAME.to_owned());
    }
    let repository = &deploy.order.repository;
    let compared = context.github.compare(repository, base, head);
    Some(match timeout(COMPARED_WITHIN, compared).await {
        Ok(Ok(compared)) => undoes(&compared),
        Ok(Err(error)) => {
            tracing::debug!(%error, "it is not known what a roll back would undo");
            "What would be undone is not known: GitHub cannot compare the two commits.".to_owned()
        }
        Err(_) => {
            "What would be undone is not known: GitHub did not compare the two commits in time."
                .to_owned()
        }
    })
}

const SAME: &str = "It is the same commit: nothing of the code would be undone.";

/// That something else was deployed since. It is a detail, so an error is no failure.
async fn is_not_the_latest(context: &Context, steered: &Steered) -> Option<String> {
    let others = others(context, steered).await.unwrap_or_else(|error| {
        tracing::warn!(%error, "it is not known what was deployed since");
        Vec::new()
    });
    let latest = others.first()?;
    if latest.interaction() <= steered.deploy.interaction() {
        return None;
    }
    let at = time::distance(latest.began_at);
    Some(match started(latest) {
        Some(started) => format!(
            "⚠️ It is not the latest: another run, {started}, began {at}. That would be undone as well."
        ),
        None => format!(
            "⚠️ It is not the latest: <@{}> deployed again {at}. That would be undone as well.",
            latest.order.requester.user_id
        ),
    })
}

/// How many commits are named.
const NAMED: usize = 5;

/// What a roll back would undo, by the comparison of what is to be deployed with what is.
fn undoes(compared: &Comparison) -> String {
    let count = match (compared.status.as_deref(), compared.total_commits) {
        (Some("identical"), _) => {
            return SAME.to_owned();
        }
        (Some("ahead"), Some(count)) => count,
        (Some("diverged"), Some(count)) => {
            return format!(
                "The commits have diverged: {count} would be undone, and others come back."
            );
        }
        (Some("behind"), _) => return "That commit is newer than what is deployed now.".to_owned(),
        _ => return "What would be undone is not known: GitHub does not say it.".to_owned(),
    };
    let mut lines =
        vec![format!("Undone would be {count} {}:", if count == 1 { "commit" } else { "commits" })];
    let newest = compared.commits.iter().rev().take(NAMED);
    lines.extend(newest.map(|commit| {
        let sha: String = commit.sha.chars().take(7).collect();
        let title = masked_title(commit.message.lines().next().unwrap_or_default());
        format!("- {} {}", escape::code(&sha, 7), escape::plain(&title, 100))
    }));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_would_be_undone_is_told_without_secrets() {
        let commit =
            json!({"sha": "0123456789", "commit": {"message": "Try PASSWORD=abc\n\nmore"}});
        let compared = json!({"status": "ahead", "total_commits": 1, "commits": [commit]});
        let told = undoes(&serde_json::from_value(compared).unwrap());
        assert_eq!(told, "Undone would be 1 commit:\n- `0123456` Try PASSWORD=\\*\\*\\*");
    }
}
