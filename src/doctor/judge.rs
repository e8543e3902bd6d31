//! Judges the facts.

use super::facts::{AgentFacts, Facts};
use super::finding::Finding;
use super::{discord, github, settings, store, workflow};

/// Everything that there is to say of the facts.
pub fn findings(facts: &Facts) -> Vec<Finding> {
    let mut findings = settings::findings(facts);
    findings.extend(store::findings(facts.store.as_ref()));
    findings.extend(discord::findings(facts.discord.as_ref()));
    findings.extend(github::findings(facts.github.as_ref()));
    if let Some(github) = &facts.github {
        // Where the repository cannot be seen, that is all there is to say.
        let seen = |agent: &&AgentFacts| {
            let mut unseen = github.repositories.iter().filter(|one| one.push.is_err());
            !unseen.any(|one| one.repository == agent.repository)
        };
        findings.extend(github.agents.iter().filter(seen).flat_map(workflow::findings));
    }
    findings
}
