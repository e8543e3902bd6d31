//! Registers the commands of the environment's application. It needs the settings of Discord only.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::plan::{Place, announced, body, twice};
use super::words::{unread, unregistered};
use crate::agents::Registry;
use crate::bot::authorize::Access;
use crate::bot::registration::servers;
use crate::bot::{Command, on_aws, registration};
use crate::clock::SystemClock;
use crate::config::{Problem, Reader};
use crate::discord::registration::changes;
use crate::discord::retry::Pace;
use crate::discord::settings::ANY_PUBLIC_KEY;
use crate::discord::{self, Discord, DiscordError, NotOverwritten};
use crate::net::transport::Https;

/// How long Discord's rate limits are waited for, with the requests between.
const PATIENCE: Duration = Duration::from_secs(120);

/// What is asked for on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// `None`: the server of `DISCORD_GUILD_ID`, or without it all servers.
    pub place: Option<Place>,
    /// Takes all commands back instead.
    pub remove: bool,
    /// Changes nothing.
    pub dry_run: bool,
}

/// A text for the terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// For standard output.
    Out(String),
    /// For standard error.
    Note(String),
}

/// Why nothing was registered, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotRegistered {
    /// Settings are missing or not valid.
    #[error("cannot register; fix:{lines}", lines = .0.iter().map(|one| format!("\n- {one}")).collect::<String>())]
    Settings(Vec<Problem>),
    /// The agents cannot be used.
    #[error("{0}\nThe commands cannot be made of it; nothing was changed.")]
    Agents(String),
    /// Discord did not do it.
    #[error("{0}")]
    Discord(String),
}

/// Registers the commands, or takes them back, and says what it does.
pub async fn register(
    env: impl Fn(&str) -> Option<String>,
    registry: Result<Registry, String>,
    table: &[Command],
    asked: Asked,
    say: impl Fn(Said),
) -> Result<(), NotRegistered> {
    let client = Client::new(&env, &say)?;
    let settings = client.discord.settings();
    let given = asked.place.or(settings.guild_id.map(Place::Server));
    let place = given.unwrap_or(Place::Everywhere);
    let declared = if asked.remove {
        json!([])
    } else {
        registration(table, &registry.map_err(NotRegistered::Agents)?, place.scope())
    };
    let registered = client.registered(place).await?;
    let found = changes(&declared, &registered);
    if asked.remove && found.is_empty() {
        say(Said::Out(format!("Nothing is registered for {place}.")));
        return Ok(());
    }
    say(Said::Out(announced(place, &found)));
    if asked.dry_run {
        say(Said::Out("Dry run: nothing was changed.".to_owned()));
    } else {
        client.overwrite(place, &body(&declared, &registered)).await?;
        let done = if asked.remove { "Removed" } else { "Registered" };
        say(Said::Out(format!("{done} for {place}.")));
    }
    if !asked.remove {
        let is_there = !asked.dry_run || found.is_empty();
        client.warn_of_twice(place, &declared, &servers_of(&env, settings), is_there).await;
    }
    Ok(())
}

fn servers_of(env: &dyn Fn(&str) -> Option<String>, settings: &discord::Settings) -> Vec<u64> {
    servers(settings.guild_id, &Access::read(&mut Reader::new(env)).guilds)
}

/// The client of Discord, with patience for rate limits.
struct Client<'a> {
    discord: Discord,
    say: &'a dyn Fn(Said),
    /// No wait for a rate limit goes on after this.
    until: Instant,
}

impl<'a> Client<'a> {
    fn new(
        env: &dyn Fn(&str) -> Option<String>,
        say: &'a dyn Fn(Said),
    ) -> Result<Self, NotRegistered> {
        let with_key = |name: &str| match name {
            "DISCORD_PUBLIC_KEY" => Some(ANY_PUBLIC_KEY.to_owned()),
            _ => env(name),
        };
        let mut reader = Reader::new(&with_key);
        let read = discord::Settings::read(&mut reader);
        discord::settings::require_token(&mut reader);
        let problems = reader.problems();
        let settings = match read {
            Ok(settings) if problems.is_empty() => settings,
            _ => return Err(NotRegistered::Settings(problems)),
        };
        let (transport, clock) = (Arc::new(Https::default()), Arc::new(SystemClock));
        let (secrets, _) = on_aws(transport.clone(), clock.clone(), None);
        let discord = Discord::new(settings, transport, secrets, clock);
        Ok(Self { discord, say, until: Instant::now() + PATIENCE })
    }

    fn application(&self) -> u64 {
        self.discord.settings().application_id
    }

    async fn registered(&self, place: Place) -> Result<Value, NotRegistered> {
        let read = self.read(place).await;
        read.map_err(|error| NotRegistered::Discord(unread(&error, place, self.application())))
    }

    async fn read(&self, place: Place) -> Result<Value, DiscordError> {
        let call = || self.discord.commands(place.guild_id());
        let read = patiently(self.until, self.say, call, |error| error).await?;
        if read.is_array() {
            Ok(read)
        } else {
            Err(DiscordError::Lost("it is no list of commands".to_owned()))
        }
    }

    /// Replaces the commands, and compares what Discord then has with what was sent.
    async fn overwrite(&self, place: Place, sent: &Value) -> Result<(), NotRegistered> {
        let call = || self.discord.overwrite_commands(place.guild_id(), sent);
        let answer = patiently(self.until, self.say, call, |not: &NotOverwritten| &not.error).await;
        let answer = answer.map_err(|not| {
            NotRegistered::Discord(unregistered(&not, place, self.application(), sent))
        })?;
        let differs = differences(sent, &answer);
        if differs.is_empty() {
            return Ok(());
        }
        Err(NotRegistered::Discord(format!(
            "Discord holds something else than was sent; run this again with --dry-run:\n{}",
            differs.join("\n")
        )))
    }

    /// Says if another place has the same commands. It was not asked for, so it is no failure if that cannot be
    /// read.
    async fn warn_of_twice(&self, place: Place, declared: &Value, servers: &[u64], is_there: bool) {
        let others = match place {
            Place::Server(_) => vec![Place::Everywhere],
            Place::Everywhere => servers.iter().copied().map(Place::Server).collect(),
        };
        for other in others {
            let note = match self.read(other).await {
                Ok(registered) => twice(declared, place, other, &registered, is_there),
                Err(error) if has_none(other, &error) => None,
                Err(error) => Some(format!(
                    "Whether the same commands are registered for {other} could not be checked: {}",
                    unread(&error, other, self.application())
                )),
            };
            if let Some(note) = note {
                (self.say)(Said::Note(note));
            }
        }
    }
}

/// Calls, and waits as long as a rate limit asks for, and ever longer if that asks for little again and again.
async fn patiently<T, E, F>(
    until: Instant,
    say: &dyn Fn(Said),
    mut call: impl FnMut() -> F,
    error_of: impl Fn(&E) -> &DiscordError,
) -> Result<T, E>
where
    F: Future<Output = Result<T, E>>,
{
    let mut pace = Pace::new();
    loop {
        let error = match call().await {
            Ok(done) => return Ok(done),
            Err(error) => error,
        };
        let limit = error_of(&error);
        let is_limit = matches!(limit, DiscordError::RateLimited(_));
        let Some(pause) = is_limit.then(|| pace.after(limit, until)).flatten() else {
            return Err(error);
        };
        let seconds = pause.as_secs_f64().ceil();
        say(Said::Note(format!("Discord limits the rate; waiting {seconds} s")));
        sleep(pause).await;
    }
}

/// Whether the answer means that a server has no commands of this bot.
fn has_none(place: Place, error: &DiscordError) -> bool {
    place != Place::Everywhere
        && matches!(error, DiscordError::Refused { status: 403, .. } | DiscordError::NotFound(_))
}

/// What Discord's answer to a bulk overwrite has not, or has more than was sent.
fn differences(sent: &Value, answer: &Value) -> Vec<String> {
    if !answer.is_array() {
        return vec!["- it is no list of commands".to_owned()];
    }
    let mut differences: Vec<String> =
        changes(sent, answer).iter().map(ToString::to_string).collect();
    let there = discord::registration::kept(answer);
    for kept in discord::registration::kept(sent) {
        let same = |other: &Value| other.get("id") == kept.get("id");
        if !there.iter().any(same) {
            let name = discord::registration::name_of(&kept);
            differences.push(format!("+ {name} (the app's entry point)"));
        }
    }
    differences
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use std::cell::Cell;

    /// How often calls that fail so are made, one after the other, and how long they take in all.
    async fn tries(error: DiscordError, calls: usize) -> (usize, u64) {
        let (tried, start) = (Cell::new(0), Instant::now());
        for _ in 0..calls {
            let call = || {
                tried.set(tried.get() + 1);
                std::future::ready(Err::<(), _>(error.clone()))
            };
            let ended = patiently(start + PATIENCE, &|_| {}, call, |error| error).await;
            assert_eq!(ended, Err(error.clone()));
        }
        (tried.get(), start.elapsed().as_secs())
    }

    #[rstest]
    #[case::as_asked(DiscordError::RateLimited(Duration::from_secs(50)), 1, (3, 100))]
    #[case::too_long(DiscordError::RateLimited(Duration::from_secs(121)), 1, (1, 0))]
    #[case::of_several_calls_together(DiscordError::RateLimited(Duration::from_secs(50)), 3, (5, 100))]
    #[case::other_error(DiscordError::Fault(503), 1, (1, 0))]
    #[tokio::test(start_paused = true)]
    async fn only_a_rate_limit_is_waited_for_and_two_minutes_at_most(
        #[case] error: DiscordError,
        #[case] calls: usize,
        #[case] expected: (usize, u64),
    ) {
        assert_eq!(tries(error, calls).await, expected);
    }

    #[tokio::test(start_paused = true)]
    async fn an_endless_rate_limit_that_asks_for_no_wait_is_no_flood() {
        let (tried, seconds) = tries(DiscordError::RateLimited(Duration::ZERO), 1).await;
        assert!((15..60).contains(&tried) && (110..=120).contains(&seconds), "{tried}, {seconds}");
    }

    #[test]
    fn an_answer_is_compared_with_what_was_sent() {
        let sent = json!([
            {"type": 1, "name": "ship", "description": "Ships"},
            {"type": 4, "name": "launch", "id": "2", "handler": 2},
        ]);
        assert_eq!(differences(&sent, &sent), Vec::<String>::new());
        let other = json!([
            {"type": 1, "name": "ship", "description": "Sinks"}, {"type": 1, "name": "more"},
        ]);
        let expected = ["~ /ship (description)", "- /more", "+ launch (the app's entry point)"];
        assert_eq!(differences(&sent, &other), expected);
        assert_eq!(differences(&sent, &Value::Null).len(), 1);
    }
}
