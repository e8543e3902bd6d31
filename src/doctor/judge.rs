//! Derives the findings from the facts. No I/O.

use super::facts::{AgentFacts, Facts};
use super::finding::Finding;
use super::webhook::WebhookFacts;
use super::{discord, github, settings, store, watch, webhook, workflow};

/// All findings on these facts.
pub fn findings(facts: &Facts) -> Vec<Finding> {
    let mut findings = settings::findings(facts);
    findings.extend(store::findings(facts.store.as_ref()));
    findings.extend(discord::findings(facts.discord.as_ref(), facts.access.guilds.as_ref()));
    findings.extend(github::findings(facts.github.as_ref()));
    findings.extend(webhook::findings(facts.webhook.as_ref()));
    let (watched, guilds) = (facts.watched.as_ref(), facts.access.guilds.as_ref());
    let has_secret = !matches!(facts.webhook, Some(WebhookFacts::NotSet));
    findings.extend(watch::findings(watched, facts.watches, has_secret, guilds));
    if let Some(github) = &facts.github {
        // If the repository cannot be read, its workflows cannot be judged.
        let seen = |agent: &&AgentFacts| {
            let mut unseen = github.repositories.iter().filter(|one| one.push.is_err());
            !unseen.any(|one| one.repository == agent.repository)
        };
        findings.extend(github.agents.iter().filter(seen).flat_map(workflow::findings));
    }
    findings
}
