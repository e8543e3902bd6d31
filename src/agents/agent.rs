//! The `[[agent]]`s of `agents.toml`: each is an entry point of the bot.

use toml::Spanned;

use super::fault::{COMMAND_NAME, Fault, checked, entries, fault, fits, is_command_name};
use super::raw::RawAgent;
use super::registry::{Agent, Kind, Lines};
use super::rule::Rule;
use super::verification::verification;
use super::workflow::workflow;
use crate::config;

/// Checks one agent. Its lines are still to be found.
pub(super) fn agent(raw: &RawAgent) -> Result<Agent, Fault> {
    Ok(Agent {
        id: checked(&raw.id, "id", "lowercase letters, digits and _", is_id)?,
        name: checked(&raw.name, "name", "1 to 50 characters", |s| fits(s, 50))?,
        description: checked(&raw.description, "description", "1 to 100 characters", |s| {
            fits(s, 100)
        })?,
        command: checked(&raw.command, "command", COMMAND_NAME, is_command_name)?,
        rule: Rule {
            users: ids(raw.allowed_users.as_ref(), "allowed_users")?,
            roles: ids(raw.allowed_roles.as_ref(), "allowed_roles")?,
        },
        kind: kind(raw)?,
        lines: Lines::default(),
    })
}

fn kind(raw: &RawAgent) -> Result<Kind, Fault> {
    if raw.kind.as_ref() != "verify" {
        without_verification(raw)?;
    }
    match raw.kind.as_ref().as_str() {
        "deploy" => Ok(Kind::Deploy(workflow(raw)?)),
        "diagnose" => Ok(Kind::Diagnose(workflow(raw)?)),
        "status" => without_workflow(raw, Kind::Status),
        "verify" => {
            let Some(verifies) = &raw.verifies else {
                let what =
                    "an agent of kind \"verify\" needs verifies = \"<id of a deploy agent>\"";
                return Err(fault(&raw.kind, what));
            };
            let run_command = raw.run_command.as_ref();
            let verification = verification(verifies, run_command, &raw.steps, &raw.checks)?;
            without_workflow(raw, Kind::Verify(verification))
        }
        "workflow" => Ok(Kind::Workflow(workflow(raw)?)),
        other => {
            let what =
                format!("kind {other:?} is not one of deploy, diagnose, status, verify, workflow");
            Err(fault(&raw.kind, what))
        }
    }
}

/// Refuses keys without an effect: they are a mistake.
fn without_workflow(raw: &RawAgent, kind: Kind) -> Result<Kind, Fault> {
    let texts = [
        ("workflow", &raw.workflow),
        ("repository", &raw.repository),
        ("ref", &raw.default_ref),
        ("environment", &raw.environment),
        ("sha_input", &raw.sha_input),
    ];
    let key = (texts.into_iter().find_map(|(key, text)| Some((key, text.as_ref()?.span()))))
        .or_else(|| raw.allowed_refs.first().map(|name| ("allowed_refs", name.span())))
        .or_else(|| raw.inputs.first().map(|input| ("inputs", input.option.span())))
        .or_else(|| raw.reported.as_ref().map(|reported| ("reported", reported.span())));
    match key {
        Some((key, span)) => {
            let what = format!("an agent of kind {:?} takes no {key}", raw.kind.as_ref());
            Err(Fault { at: span.start, what })
        }
        None => Ok(kind),
    }
}

fn without_verification(raw: &RawAgent) -> Result<(), Fault> {
    let texts = [("verifies", &raw.verifies), ("run_command", &raw.run_command)];
    let key = (texts.into_iter().find_map(|(key, text)| Some((key, text.as_ref()?.span().start))))
        .or_else(|| raw.steps.first().map(|step| ("steps", step.at())))
        .or_else(|| raw.checks.first().map(|check| ("checks", check.span().start)));
    match key {
        Some((key, at)) => {
            let what = format!("an agent of kind {:?} takes no {key}", raw.kind.as_ref());
            Err(Fault { at, what })
        }
        None => Ok(()),
    }
}

fn ids(list: Option<&Spanned<Vec<Spanned<String>>>>, key: &str) -> Result<Vec<u64>, Fault> {
    let given = entries(list, key, "to let everyone in the servers use the agent")?;
    let id = |id: &Spanned<String>| {
        config::id(id.as_ref()).ok_or_else(|| fault(id, format!("{key} holds ids, as texts")))
    };
    given.iter().map(id).collect()
}

fn is_id(text: &str) -> bool {
    is_command_name(text) && !text.contains('-')
}
