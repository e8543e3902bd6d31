//! The doctor's findings on the settings and on `agents.toml`.

use super::access;
use super::facts::Facts;
use super::finding::{Finding, commands, listed};
use crate::config::Problem;

const ABOUT: &str = "Settings";
pub(super) const AGENTS: &str = "Agents";

pub(super) fn findings(facts: &Facts) -> Vec<Finding> {
    let problem = |problem: &Problem| match problem {
        Problem::Missing(name, how) => {
            Finding::bad(ABOUT, format!("{name} is not set."), sentence(how))
        }
        Problem::Swapped(one, other) => Finding::bad(
            ABOUT,
            format!("{one} and {other} are swapped."),
            "Give each the other's value.",
        ),
        Problem::Invalid(name, shape) => {
            Finding::bad(ABOUT, format!("{name} is not valid."), sentence(shape))
        }
    };
    let mut findings: Vec<_> = facts.problems.iter().map(problem).collect();
    // One mistake is one finding: what cannot be asked therefore is said with it.
    for (asked, prefix, what) in [
        (facts.discord.is_some(), "DISCORD_", "Discord is not asked before that."),
        (facts.github.is_some(), "GITHUB_", "GitHub and the workflows are not asked before that."),
    ] {
        let at = facts.problems.iter().position(|problem| problem.name().starts_with(prefix));
        if let Some(finding) = at.and_then(|at| findings.get_mut(at)).filter(|_| !asked) {
            finding.fix = format!("{} {what}", finding.fix);
        }
    }
    if findings.is_empty() {
        findings.push(Finding::good(ABOUT, "All settings are there and valid."));
    }
    let admins_known = !facts.problems.iter().any(|problem| problem.name().starts_with("ADMIN_"));
    findings.extend(access::settings(ABOUT, &facts.access, admins_known));
    findings.extend(bases(facts));
    findings.extend(
        facts.in_the_clear.iter().map(|what| {
            Finding::doubtful(ABOUT, format!("A secret is not kept as one: {what}."), "")
        }),
    );
    match &facts.agents_file {
        Err(mistakes) => findings.extend(mistakes.lines().map(|what| {
            Finding::bad(
                AGENTS,
                format!("The agents cannot be used: {what}"),
                "Correct that line; docs/agents.md describes the keys.",
            )
        })),
        Ok(place) => findings.push(Finding::good(AGENTS, format!("{place} is valid."))),
    }
    findings.extend(access::agents(AGENTS, &facts.access));
    findings
}

/// Base URLs that are not set although checks need them.
fn bases(facts: &Facts) -> Option<Finding> {
    let names: Vec<String> = facts.bases.iter().map(|(name, _)| (*name).to_owned()).collect();
    let mut makers: Vec<String> =
        facts.bases.iter().flat_map(|(_, makers)| makers.clone()).collect();
    makers.sort_unstable();
    makers.dedup();
    let verb = if names.len() == 1 { "is" } else { "are" };
    let what = format!(
        "{} {verb} not set: {} cannot make the checks that need it.",
        listed(&names),
        commands(&makers)
    );
    let fix = "Set it to the address of the deployed site, or take the checks out of agents.toml.";
    (!names.is_empty()).then(|| Finding::doubtful(ABOUT, what, fix))
}

fn sentence(text: &str) -> String {
    let mut rest = text.chars();
    let first = rest.next().map(|first| first.to_uppercase().to_string());
    format!("{}{}.", first.unwrap_or_default(), rest.as_str())
}
