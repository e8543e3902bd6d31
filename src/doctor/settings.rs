//! The doctor's findings on the settings and on `agents.toml`.

use super::access;
use super::facts::Facts;
use super::finding::Finding;
use crate::config::Problem;

const ABOUT: &str = "Settings";
const AGENTS: &str = "Agents";

pub(super) fn findings(facts: &Facts) -> Vec<Finding> {
    let problem = |problem: &Problem| match problem {
        Problem::Missing(name, how) => {
            Finding::bad(ABOUT, format!("{name} is not set."), sentence(how))
        }
        Problem::Invalid(name, shape) => {
            Finding::bad(ABOUT, format!("{name} is not valid."), sentence(shape))
        }
    };
    let mut findings: Vec<_> = facts.problems.iter().map(problem).collect();
    if findings.is_empty() {
        findings.push(Finding::good(ABOUT, "All settings are there and valid."));
    }
    findings.extend(access::settings(ABOUT, &facts.access));
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

fn sentence(text: &str) -> String {
    let mut rest = text.chars();
    let first = rest.next().map(|first| first.to_uppercase().to_string());
    format!("{}{}.", first.unwrap_or_default(), rest.as_str())
}
