//! Step 1: the Discord application, found by the bot's token, and its servers.

use std::cell::Cell;

use super::given::BOT_TOKEN as FLAG;
use super::stopped::Stopped;
use super::unreached;
use super::work::{Found, Work};
use crate::discord::application::Application;
use crate::discord::guild::GuildName;
use crate::discord::{Discord, DiscordError};
use crate::secrets::{Secret, mistake};
use crate::text::escape;

const NAME: &str = "DISCORD_BOT_TOKEN";
const ASKED: &str = "The bot's token (https://discord.com/developers/applications: your application, Bot, Reset Token)";

/// The application, and a client that is signed in.
pub(super) struct Signed {
    pub client: Discord,
    pub application: Application,
}

/// Finds the application, and keeps what is known by it.
pub(super) async fn sign_in(work: &mut Work<'_>) -> Result<Signed, Stopped> {
    work.step("Discord");
    let (token, signed) = signed_in(work).await?;
    let Application { id, name, verify_key, .. } = &signed.application;
    let before = work.home.value("DISCORD_APPLICATION_ID");
    if before.is_some_and(|before| before != *id) {
        return Err(Stopped::mend(format!(
            "The token is of application {id}, but {} is of another one. Use a token of that one, or another file \
             with --env-file.",
            work.home.path().display()
        )));
    }
    work.done(&format!("Application {} ({id}): its public key is known.", shown(name)));
    work.home.keep(NAME, token.expose());
    work.home.keep("DISCORD_APPLICATION_ID", id);
    work.home.keep("DISCORD_PUBLIC_KEY", verify_key);
    if let Some(base) = work.given("DISCORD_API_BASE") {
        work.home.keep("DISCORD_API_BASE", &base);
    }
    let admins = admins(work, &signed.application);
    if let Some(admins) = &admins {
        work.home.keep("ADMIN_USER_IDS", admins);
    }
    work.save().await?;
    if signed.application.bot_public == Some(true) {
        work.note(&format!(
            "Anybody may add the bot to a server of theirs. They cannot command it there. To forbid it, switch off \
             Public Bot; only this page can: {}",
            signed.application.page("bot")
        ));
    }
    Ok(signed)
}

async fn signed_in(work: &Work<'_>) -> Result<(Secret, Signed), Stopped> {
    let mut found = match work.known_secret(NAME, work.files.bot_token.as_ref(), FLAG) {
        Some(known) => known,
        None => work.asked_secret(ASKED, FLAG).await?,
    };
    loop {
        let Found { secret, place, may_be_asked } = found;
        // "Bot " belongs to the header, not to the token.
        let secret = Secret::new(secret.expose().trim_start_matches("Bot ").trim());
        let why = match foreign(&secret) {
            Some(why) => why.to_owned(),
            None => match work.discord(&secret, None)?.application().await {
                Ok(application) => {
                    let client = work.discord(&secret, Some(&application.id))?;
                    return Ok((secret, Signed { client, application }));
                }
                Err(DiscordError::Refused { status: 401, .. }) => {
                    "Discord refuses it (401): it is wrong, or was reset since".to_owned()
                }
                Err(error) => return Err(unreached::discord(&error)),
            },
        };
        let what = format!("The bot's token is of no use ({place}): {why}.");
        if !may_be_asked {
            return Err(Stopped::mend(format!(
                "{what} On the page Bot of the application choose Reset Token; Discord shows the new one only once."
            )));
        }
        work.note(&what);
        found = work.asked_secret(ASKED, FLAG).await?;
    }
}

/// Why this cannot be a bot's token. It is not sent to Discord then.
fn foreign(token: &Secret) -> Option<&'static str> {
    mistake::discord_token(token.expose()).err()
}

/// Who may use every command: who is named, or the application's owner.
fn admins(work: &Work<'_>, application: &Application) -> Option<String> {
    let named: Vec<String> = work.flags.admins.iter().map(ToString::to_string).collect();
    if !named.is_empty() {
        return Some(named.join(","));
    }
    if work.value("ADMIN_USER_IDS").is_some() || work.value("ADMIN_ROLE_IDS").is_some() {
        return None;
    }
    let owner = application.owner()?;
    work.done(&format!(
        "Admin, who may use every command: the application's owner ({owner}). --admin names others."
    ));
    Some(owner.to_owned())
}

/// Waits until the bot is in its servers, and finds out which of them may command it.
pub(super) async fn servers(work: &mut Work<'_>, signed: &Signed) -> Result<(), Stopped> {
    let kept = work.value("ALLOWED_GUILD_IDS");
    let wanted: Vec<String> = if work.flags.servers.is_empty() {
        let kept = kept.iter().flat_map(|kept| kept.split(','));
        kept.map(|id| id.trim().to_owned()).filter(|id| !id.is_empty() && id != "*").collect()
    } else {
        work.flags.servers.iter().map(ToString::to_string).collect()
    };
    let invitation = signed.application.invitation();
    let wait = format!(
        "  … Add the bot to your server with this link; this goes on when it is there:\n    {invitation}"
    );
    let is_first = Cell::new(true);
    let look = || async {
        // Trouble at the first look is told at once. While the person adds the bot it may pass.
        let is_first = is_first.replace(false);
        match there(signed, &wanted).await {
            Err(error) if error.passes() && !is_first => Ok(None),
            looked => looked.map_err(|error| unreached::discord(&error)),
        }
    };
    let there = work.patiently(&wait, look).await?;
    let Some(guilds) = there else {
        if work.flags.dry_run {
            return Ok(());
        }
        let missing = match wanted.as_slice() {
            [] => "any server".to_owned(),
            wanted => format!("all of the servers {}", wanted.join(", ")),
        };
        return Err(Stopped::mend(format!(
            "The bot is not in {missing}. Add it with this link:\n{invitation}"
        )));
    };
    let allowed = match (wanted.is_empty(), guilds.as_slice()) {
        // `*`, which the person has set.
        (true, _) if kept.is_some() => return Ok(()),
        (true, [only]) if work.flags.yes => vec![only],
        (true, guilds) => {
            let items: Vec<String> = guilds.iter().map(named).collect();
            let default = (guilds.len() == 1).then_some("all");
            let text = "Which servers may command the bot?";
            let picked = work.choose(text, &items, default, "--server ID").await?;
            picked.into_iter().filter_map(|at| guilds.get(at)).collect()
        }
        (false, guilds) => guilds.iter().filter(|guild| wanted.contains(&guild.id)).collect(),
    };
    if allowed.is_empty() {
        return Err(Stopped::mend("Without a server nobody can command the bot."));
    }
    let ids: Vec<&str> = allowed.iter().map(|guild| guild.id.as_str()).collect();
    let names: Vec<String> = allowed.iter().map(|guild| named(guild)).collect();
    work.done(&format!("It takes commands in {}, and nowhere else.", names.join(", ")));
    work.home.keep("ALLOWED_GUILD_IDS", &ids.join(","));
    work.save().await
}

/// The servers that the bot is in, if these are among them, or any.
async fn there(signed: &Signed, wanted: &[String]) -> Result<Option<Vec<GuildName>>, DiscordError> {
    let guilds = signed.client.guilds().await?;
    let is_there = |id: &String| guilds.iter().any(|guild| guild.id == *id);
    Ok((!guilds.is_empty() && wanted.iter().all(is_there)).then_some(guilds))
}

fn named(guild: &GuildName) -> String {
    format!("{} ({})", shown(&guild.name), guild.id)
}

/// A name from outside, for the terminal.
pub(super) fn shown(name: &str) -> String {
    escape::clipped(name, 60)
}
