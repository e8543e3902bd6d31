//! Sends a dispatch.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::correlation::Matched;
use super::order::Order;
use super::target::Target;
use super::undeclared;
use crate::github::{DispatchAnswer, Github, GithubError};
use crate::store::Store;

/// The result of a dispatch that GitHub may have accepted.
#[derive(Debug)]
pub(super) enum Sent {
    /// GitHub returned the run.
    Named(Target),
    /// The run must be searched for. `lost`: GitHub's answer was lost, so it may not have accepted the dispatch.
    Unnamed { lost: bool },
}

/// Dispatches the workflow once. It repeats the request only after a refusal, which surely started nothing: without
/// the field `return_run_details`, and without the bookkeeping inputs that the workflow does not declare. `Err`:
/// GitHub surely did not accept it.
pub(super) async fn send(
    github: &Github,
    store: &dyn Store,
    order: &Order,
    now: DateTime<Utc>,
) -> Result<Sent, GithubError> {
    if let Some(run_id) = order.reruns() {
        return run_again(github, order, run_id).await;
    }
    let left_out = undeclared::recall(store, order, now).await;
    let mut inputs = Inputs { left_out, may_put_back: true, may_leave_out: true };
    let mut return_run_details = github.asks_for_the_run();
    let mut refused = false;
    loop {
        let Order { repository, workflow, git_ref, .. } = order;
        let sent = order.all_inputs(&inputs.left_out);
        let answer = github.dispatch(repository, workflow, git_ref, &sent, return_run_details);
        let answer = answer.await;
        if refused && answer.is_ok() {
            // Without the field the same dispatch was accepted, so this server does not know the field.
            github.do_not_ask_for_the_run();
        }
        match answer {
            Ok(Some(answer)) => return Ok(Sent::Named(named(github, order, answer))),
            Ok(None) => return Ok(Sent::Unnamed { lost: false }),
            Err(GithubError::Lost(why)) => {
                tracing::warn!(why, "the dispatch's answer was lost; it is not sent again");
                return Ok(Sent::Unnamed { lost: true });
            }
            Err(GithubError::Refused(422, message)) if inputs.change(&message, &sent) => {
                tracing::info!(
                    left_out = ?inputs.left_out,
                    "the workflow does not declare all bookkeeping inputs; nothing was started, it is sent again"
                );
                // Before it is sent again: nothing may come between a run's id and the record.
                undeclared::remember(store, order, &inputs.left_out, now).await;
            }
            Err(GithubError::Refused(422, message)) if undeclared::is_refused(&message) => {
                return Err(GithubError::Refused(422, undeclared::without_ours(&message)));
            }
            Err(GithubError::Refused(400 | 422, message))
                if return_run_details && !refuses_the_dispatch_itself(&message) =>
            {
                // Perhaps an Enterprise Server that does not know the field. There are several such error
                // texts, so retry without it.
                return_run_details = false;
                refused = true;
            }
            Err(error) => return Err(error),
        }
    }
}

/// Which bookkeeping inputs are left out of a dispatch. Each change is made once, so that the request is repeated a few
/// times at most.
struct Inputs {
    left_out: Vec<&'static str>,
    /// What was left out from memory may have been declared since.
    may_put_back: bool,
    may_leave_out: bool,
}

impl Inputs {
    /// Whether a refusal is about bookkeeping inputs alone, so that it is worth another try with others. What was given
    /// is never left out.
    fn change(&mut self, message: &str, sent: &Map<String, Value>) -> bool {
        if let Some(required) = undeclared::required(message)
            && self.left_out.contains(&required)
            && self.may_put_back
        {
            self.may_put_back = false;
            self.left_out.clear();
            return true;
        }
        let Some(named) = undeclared::ours_alone(message) else { return false };
        let is_sent = named.iter().all(|name| sent.contains_key(*name));
        if !is_sent || !self.may_leave_out {
            return false;
        }
        self.may_leave_out = false;
        self.may_put_back = false;
        self.left_out.extend(named);
        true
    }
}

/// Has the run that a roll back goes back to run again.
async fn run_again(github: &Github, order: &Order, run_id: u64) -> Result<Sent, GithubError> {
    let run = github.run_now(&order.repository, run_id).await;
    let mut run = run.map_err(GithubError::before_it_was_sent)?;
    let attempt = run.attempt();
    match github.rerun(&order.repository, run_id, attempt).await {
        Ok(()) => {
            run.begin_attempt(attempt + 1);
            Ok(Sent::Named(Target::of(github, order, run, Matched::Rerun)))
        }
        Err(GithubError::Lost(why)) => {
            tracing::warn!(why, "the answer to a re-run was lost; it is not sent again");
            Ok(Sent::Unnamed { lost: true })
        }
        Err(error) => Err(error),
    }
}

fn named(github: &Github, order: &Order, answer: DispatchAnswer) -> Target {
    let DispatchAnswer { run_id, html_url } = answer;
    Target {
        run_id,
        url: html_url.unwrap_or_else(|| github.run_page(&order.repository, run_id)),
        matched: Matched::RunId,
        run: None,
    }
}

/// Whether GitHub refused the dispatch itself, not the field `return_run_details`.
fn refuses_the_dispatch_itself(message: &str) -> bool {
    let message = message.to_lowercase();
    !message.contains("return_run_details")
        && [
            "unexpected inputs provided",
            "required input",
            "not in the list of allowed values",
            "no ref found for",
            "'workflow_dispatch'",
            "disabled",
            "archived",
        ]
        .iter()
        .any(|words| message.contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("Unexpected inputs provided: [\"x\"]", true)]
    #[case("Required input 'stage' not provided", true)]
    #[case("No ref found for: x", true)]
    #[case("Workflow does not have 'workflow_dispatch' trigger", true)]
    #[case("Cannot trigger a 'workflow_dispatch' on a disabled workflow", true)]
    #[case("Workflow is disabled", true)]
    #[case("Repository was archived so is read-only.", true)]
    #[case("Provided value 'x' for input 'stage' not in the list of allowed values", true)]
    #[case("Invalid request.\n\n\"return_run_details\" is not a permitted key.", false)]
    #[case("Problems parsing JSON", false)]
    fn a_refused_dispatch_is_distinguished_from_an_old_server(
        #[case] message: &str,
        #[case] order: bool,
    ) {
        assert_eq!(refuses_the_dispatch_itself(message), order);
    }
}
