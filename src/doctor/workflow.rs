//! The doctor's findings on one agent's workflow: whether it can be dispatched, and whether its run name
//! carries the correlation id.

use super::facts::AgentFacts;
use super::finding::{Finding, listed};
use super::github::trouble;
use super::workflow_file::{self, Declared, Input};
use crate::github::explain::inactive;
use crate::github::{BOOKKEEPING, GithubError};
use crate::text::escape;

pub(super) fn findings(agent: &AgentFacts) -> Vec<Finding> {
    let about = format!("/{}", agent.command);
    let mut findings: Vec<Finding> =
        [state(&about, agent), text(&about, agent).err()].into_iter().flatten().collect();
    if let Ok(declared) = text(&about, agent) {
        findings.extend(judged(&about, agent, &declared));
    }
    if findings.is_empty() {
        let AgentFacts { file, git_ref, sends, .. } = agent;
        findings.push(Finding::good(
            &about,
            format!(
                "{file} on {git_ref} is active, can be dispatched, takes all {} inputs, and its run name \
                 carries the correlation id.",
                sends.len()
            ),
        ));
    }
    findings
}

fn state(about: &str, agent: &AgentFacts) -> Option<Finding> {
    let AgentFacts { repository, file, page, .. } = agent;
    match &agent.state {
        Ok(state) => inactive(state).map(|(what, fix)| {
            let what = format!("{file} {what} ({state}), so it cannot be dispatched.");
            Finding::bad(about, what, fix).on_page(page)
        }),
        Err(GithubError::NotFound) => Some(Finding::bad(
            about,
            format!("GitHub knows no workflow {file} in {repository}."),
            "Put it into .github/workflows on the default branch, or fix the agent's workflow in \
                 agents.toml.",
        )),
        Err(error) => Some(unchecked(about, &format!("The state of {file}"), error)),
    }
}

/// The file's declarations, or the finding that says why they are unknown.
fn text(about: &str, agent: &AgentFacts) -> Result<Declared, Finding> {
    let AgentFacts { file, git_ref, .. } = agent;
    let text = agent.text.as_ref().map_err(|error| match error {
        GithubError::NotFound => Finding::bad(
            about,
            format!("{file} does not exist on {git_ref}, where it is dispatched."),
            format!("Merge it into {git_ref}, or fix the agent's ref in agents.toml."),
        ),
        error => unchecked(about, &format!("The text of {file}"), error),
    })?;
    workflow_file::read(text).map_err(|why| {
        let what = format!("{file} on {git_ref} cannot be read: {why}.");
        Finding::bad(about, what, "Fix the file; actionlint names its mistakes.")
    })
}

fn unchecked(about: &str, subject: &str, error: &GithubError) -> Finding {
    match error {
        error if error.lacks_access() => Finding::doubtful(
            about,
            format!("{subject} could not be checked: the token lacks the permission for it."),
            "Give the token the permission that is named for the repository.",
        ),
        error => {
            let (what, fix) = trouble(subject, error);
            Finding::doubtful(about, what, fix)
        }
    }
}

fn judged(about: &str, agent: &AgentFacts, declared: &Declared) -> Vec<Finding> {
    let AgentFacts { file, git_ref, sends, .. } = agent;
    let Some(inputs) = &declared.dispatch else {
        return vec![Finding::bad(
            about,
            format!(
                "{file} on {git_ref} has no workflow_dispatch trigger, so it cannot be dispatched."
            ),
            "Add workflow_dispatch with the inputs to its on: section.",
        )];
    };
    let mut findings = Vec::new();
    let declares = |name: &str| inputs.iter().any(|input| input.name == name);
    let unknown = |always: bool| -> Vec<String> {
        let undeclared = sends.iter().filter(|one| one.always == always && !declares(&one.input));
        undeclared.map(|one| one.input.clone()).collect()
    };
    let fix = "Declare it under on: workflow_dispatch: inputs:, or take it out of agents.toml.";
    let (left_out, refused): (Vec<String>, Vec<String>) =
        unknown(true).into_iter().partition(|name| BOOKKEEPING.contains(&name.as_str()));
    match refused.as_slice() {
        [] => {}
        names => findings.push(Finding::bad(
            about,
            format!("{file} does not declare {}: GitHub refuses every dispatch.", listed(names)),
            fix,
        )),
    }
    match unknown(false).as_slice() {
        [] => {}
        names => findings.push(Finding::bad(
            about,
            format!(
                "{file} does not declare {}: GitHub refuses a dispatch that gives it.",
                listed(names)
            ),
            fix,
        )),
    }
    findings.extend(needed(about, agent, inputs));
    findings.extend(filled_in(about, agent, inputs));
    if !left_out.is_empty() {
        findings.push(Finding::doubtful(
            about,
            format!(
                "{file} does not declare {}, so a dispatch leaves that out. When GitHub does not say which run \
                 it started, it can be told by time only, or not at all.",
                listed(&left_out)
            ),
            "To mend that, declare it under on: workflow_dispatch: inputs:, and use the correlation id in run-name:.",
        ));
    } else if !declared.names_runs_by_correlation_id() {
        findings.push(Finding::doubtful(
            about,
            format!(
                "The run name of {file} does not carry the correlation id: when GitHub does not say which \
                 run it started, it can be told by time only, or not at all."
            ),
            "Add to the file: run-name: … ${{ inputs.correlation_id }} by ${{ inputs.requester }}",
        ));
    }
    if agent.deploys && !declared.queues {
        findings.push(Finding::doubtful(
            about,
            format!("{file} has no concurrency group: two runs may deploy side by side, and the slower one wins."),
            "Add to the file: concurrency: { group: deploy, cancel-in-progress: false }",
        ));
    }
    findings
}

/// Findings for required inputs that a dispatch does not send, or not always.
fn needed(about: &str, agent: &AgentFacts, inputs: &[Input]) -> Vec<Finding> {
    let file = &agent.file;
    let required = inputs.iter().filter(|input| input.required);
    let finding = |Input { name, .. }: &Input| match agent
        .sends
        .iter()
        .find(|one| one.input == *name)
    {
        Some(sent) if sent.always => None,
        Some(_) => Some(Finding::doubtful(
            about,
            format!("{file} requires {name}, but the command's option for it may be left out."),
            "Set required = true on that input in agents.toml, or give it a default in the file.",
        )),
        None => Some(Finding::bad(
            about,
            format!("{file} requires {name}, which is never given: GitHub refuses every dispatch."),
            "Add it to the agent's inputs in agents.toml, or give it a default in the file.",
        )),
    };
    required.filter_map(finding).collect()
}

/// Findings for inputs that the bot fills in, and that do not take its text.
fn filled_in(about: &str, agent: &AgentFacts, inputs: &[Input]) -> Vec<Finding> {
    let is_filled_in = |input: &&Input| {
        let is_sent = || agent.sends.iter().any(|one| one.always && one.input == input.name);
        BOOKKEEPING.contains(&input.name.as_str()) && is_sent()
    };
    let odd = inputs.iter().filter(is_filled_in).filter(|input| !input.takes_any_text());
    let finding = |Input { name, form, .. }: &Input| {
        let kind = escape::clipped(form.kind.as_deref().unwrap_or_default(), 20);
        Finding::bad(
            about,
            format!(
                "{} has {name} of type {kind}, and the bot fills it in with a text: GitHub refuses every dispatch.",
                agent.file
            ),
            "Make it of type string in the workflow file.",
        )
    };
    odd.map(finding).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agents::file;
    use crate::doctor::Level;
    use crate::doctor::probe::sends;
    use rstest::rstest;

    macro_rules! example {
        ($file:literal) => {
            include_str!(concat!("../../examples/target-repo/.github/workflows/", $file))
        };
    }

    fn examined(command: &str, text: &str) -> Vec<Finding> {
        let registry = file::load(None).unwrap();
        let agent = registry.by_command(command).unwrap();
        let workflow = agent.workflow().unwrap();
        findings(&AgentFacts {
            command: agent.command.clone(),
            deploys: matches!(agent.kind, crate::agents::Kind::Deploy(_)),
            repository: "octo-org/web-client".parse().unwrap(),
            file: workflow.file.clone(),
            git_ref: workflow.default_ref.clone(),
            page: String::new(),
            sends: sends(agent, workflow),
            state: Ok("active".to_owned()),
            text: Ok(text.to_owned()),
        })
    }

    #[rstest]
    #[case("deploy-client", example!("client-deploy.yml"), "takes all 3 inputs")]
    #[case("diagnose", example!("diagnose-dispatch.yml"), "takes all 5 inputs")]
    fn the_example_workflows_pass_and_a_broken_one_fails(
        #[case] command: &str,
        #[case] text: &str,
        #[case] praise: &str,
    ) {
        let found = examined(command, text);
        assert!(found.len() == 1 && found[0].level == Level::Good, "{found:?}");
        assert!(found[0].what.contains(praise), "{found:?}");
        let broken = text.replace("correlation_id", "id");
        assert!(examined(command, &broken).iter().all(|found| found.level != Level::Good));
    }

    #[rstest]
    #[case("deploy-client", example!("client-deploy.yml"), "requester")]
    #[case("diagnose", example!("diagnose-dispatch.yml"), "channel")]
    fn an_input_that_the_bot_fills_in_must_take_its_text(
        #[case] command: &str,
        #[case] text: &str,
        #[case] input: &str,
    ) {
        let (before, after) = text.split_once(&format!("      {input}:\n")).unwrap();
        let after = after.replacen("type: string", "type: choice\n        options: [a, b]", 1);
        let found = examined(command, &format!("{before}      {input}:\n{after}"));
        let [found] = &found[..] else { panic!("{found:?}") };
        assert_eq!(found.level, Level::Bad);
        assert!(found.what.contains(&format!("has {input} of type choice")), "{found:?}");
    }
}
