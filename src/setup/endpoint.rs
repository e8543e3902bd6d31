//! Step 4, second half: that Discord sends interactions there, if the application is nobody else's.

use serde_json::Value;

use super::address::Address;
use super::discord::{Signed, shown};
use super::stopped::Stopped;
use super::unreached;
use super::work::Work;
use crate::agents::Registry;
use crate::bot::registration;
use crate::discord::registration::{Change, Scope, changes};
use crate::discord::{Discord, DiscordError, NotOverwritten};

/// The most servers whose commands are looked at.
const MOST_SERVERS: usize = 10;

/// Has Discord send interactions there.
pub(super) async fn set(
    work: &Work<'_>,
    signed: &Signed,
    registry: &Registry,
    address: &Address,
) -> Result<(), Stopped> {
    let wanted = address.endpoint();
    let there =
        signed.application.interactions_endpoint_url.as_deref().filter(|there| !there.is_empty());
    if there == Some(wanted.as_str()) {
        work.done(&format!("Discord sends commands to {wanted}."));
        return Ok(());
    }
    let was_ours = there.is_some() && there == address.endpoint_before().as_deref();
    if !was_ours {
        let elsewhere =
            there.map(|there| format!("Discord sends its commands to {}", shown(there)));
        let others: Vec<String> =
            elsewhere.into_iter().chain(others(work, &signed.client, registry).await?).collect();
        if !others.is_empty() {
            may_take(work, &others, &wanted).await?;
        }
    }
    if !work.goes(&format!("have Discord send commands to {wanted}")) {
        return Ok(());
    }
    signed.client.set_endpoint(Some(&wanted)).await.map_err(|error| refused(&error, &wanted))?;
    work.done(&format!("Discord sends commands to {wanted}."));
    Ok(())
}

/// Asks whether to take an application over that something else uses.
async fn may_take(work: &Work<'_>, others: &[String], wanted: &str) -> Result<(), Stopped> {
    work.note(&format!("The application belongs to something else: {}.", others.join("; ")));
    let text = format!("Send its commands to {wanted} instead, and replace them?");
    if work.flags.replace_endpoint || work.confirm(&text, false, "--replace-endpoint").await? {
        return Ok(());
    }
    Err(Stopped::Declined(
        "Nothing was changed there. Use an application of its own, or --replace-endpoint."
            .to_owned(),
    ))
}

/// The commands that are registered and are not this bot's: it has none of that name, or another one. `None`: there are
/// none.
pub(super) async fn others(
    work: &Work<'_>,
    client: &Discord,
    registry: &Registry,
) -> Result<Option<String>, Stopped> {
    let allowed = work.value("ALLOWED_GUILD_IDS").unwrap_or_default();
    let given = work.value("DISCORD_GUILD_ID").unwrap_or_default();
    let mut servers: Vec<u64> = allowed
        .split(',')
        .chain([given.as_str()])
        .filter_map(|id| id.trim().parse().ok())
        .collect();
    servers.sort_unstable();
    servers.dedup();
    let mut names = Vec::new();
    for place in std::iter::once(None).chain(servers.into_iter().take(MOST_SERVERS).map(Some)) {
        let there = match (client.commands(place).await, place) {
            (Ok(there), _) => there,
            (Err(error), None) => return Err(unreached::discord(&error)),
            // It may have no commands there.
            (Err(_), Some(_)) => continue,
        };
        let scope = if place.is_some() { Scope::Guild } else { Scope::Global };
        for change in changes(&registration(work.table, registry, scope), &there) {
            let (Change::Alter(name, _) | Change::Remove(name)) = change else { continue };
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    let names: Vec<String> = names.iter().map(|name| format!("/{name}")).collect();
    let shown = crate::text::escape::clipped(&names.join(", "), 200);
    Ok((!names.is_empty()).then(|| format!("it has commands that are not this bot's: {shown}")))
}

fn refused(NotOverwritten { error, said }: &NotOverwritten, url: &str) -> Stopped {
    let is_about_the_url = said.pointer("/errors/interactions_endpoint_url").is_some();
    match error {
        DiscordError::Refused { status: 400, .. } | DiscordError::RefusedComponents(_)
            if is_about_the_url =>
        {
            Stopped::mend(format!(
                "Discord does not take {url}: it asked, and was not answered as it must be ({}). Does the server run \
                 with this application's DISCORD_PUBLIC_KEY? If its settings changed, restart it. Is the address \
                 reached from the internet, by https?",
                reason(said)
            ))
        }
        error => unreached::discord(error),
    }
}

/// What Discord says of the URL.
fn reason(said: &Value) -> String {
    let path = "/errors/interactions_endpoint_url/_errors/0/message";
    let said = said.pointer(path).and_then(Value::as_str).unwrap_or("no reason given");
    crate::text::escape::clipped(said, 200)
}
