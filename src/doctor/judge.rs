//! Derives the findings from the facts. No I/O.

use super::facts::{AgentFacts, DiscordFacts, Facts};
use super::finding::Finding;
use super::webhook::WebhookFacts;
use super::{discord, github, ids, settings, store, watch, webhook, workflow};

/// All findings on these facts.
pub fn findings(facts: &Facts) -> Vec<Finding> {
    let mut findings = settings::findings(facts);
    findings.extend(store::findings(facts.store.as_ref(), facts.file.as_deref()));
    findings.extend(discord::findings(facts));
    let is_known = |discord: &DiscordFacts| {
        discord.asked.as_ref().is_some_and(|asked| asked.application.is_ok())
    };
    // One mistake is one finding: without the application nothing else can be asked.
    let speaks = facts.discord.as_ref().is_some_and(is_known);
    findings.extend(ids::findings(facts.ids.as_ref().filter(|_| speaks), commands_seen(facts)));
    findings.extend(github::findings(facts));
    findings.extend(webhook::findings(facts.webhook.as_ref()));
    let (watched, guilds) = (facts.watched.as_ref(), facts.access.guilds.as_ref());
    let watched = watched.filter(|_| speaks);
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

/// Whether the commands of `DISCORD_GUILD_ID` can be read. If not, that is a finding of its own.
fn commands_seen(facts: &Facts) -> bool {
    let asked = facts.discord.as_ref().and_then(|discord| discord.asked.as_ref());
    let id = facts.ids.as_ref().and_then(|ids| ids.registered_in);
    let mut of_guild = asked.into_iter().flat_map(|asked| &asked.guilds);
    of_guild.any(|(guild, commands)| Some(*guild) == id && commands.is_ok())
}
