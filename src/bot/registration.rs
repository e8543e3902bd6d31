//! The commands as they are registered with Discord, and what keeps them from being registered.
//!
//! <https://docs.discord.com/developers/interactions/application-commands>

use serde_json::{Value, json};

use super::authorize::{AccessLevel, Guilds};
use super::command::{Command, Served, served};
use crate::agents::options::OptionSpec;
use crate::agents::{Mistake, Registry};
use crate::discord::limits::{self, MAX_COMMANDS, Part, Refused};
use crate::discord::registration::{PERMISSIONS, Scope};

/// The empty permission set: Discord shows the command only to a server's administrators, until they
/// show it to others. [`authorize`](super::authorize) still checks every call.
const ADMINISTRATORS: &str = "0";

/// The request body of Discord's bulk overwrite of commands.
pub fn registration(table: &[Command], registry: &Registry, scope: Scope) -> Value {
    served(table, registry).map(|served| declaration(&served, scope)).collect()
}

fn declaration(served: &Served<'_>, scope: Scope) -> Value {
    let mut options = served.options();
    // Discord requires the required options first.
    options.sort_by_key(|option| !option.required);
    let options: Vec<Value> = options.iter().map(OptionSpec::to_json).collect();
    let mut declared = json!({
        "type": 1,
        "name": served.name,
        "description": served.description,
        "options": options,
    });
    if let Some(declared) = declared.as_object_mut() {
        if scope == Scope::Global {
            // Servers only (context 0): nobody else sees a deploy in a direct message.
            declared.insert("contexts".to_owned(), json!([0]));
            declared.insert("integration_types".to_owned(), json!([0]));
        }
        if served.access() == AccessLevel::Admin {
            declared.insert(PERMISSIONS.to_owned(), json!(ADMINISTRATORS));
        }
    }
    declared
}

/// The servers that may have commands of their own: that of `DISCORD_GUILD_ID` and those of `ALLOWED_GUILD_IDS`,
/// as far as these are known, and at most ten: each takes a request.
pub fn servers(guild_id: Option<u64>, guilds: &Guilds) -> Vec<u64> {
    let mut servers: Vec<u64> = guild_id.into_iter().collect();
    if let Guilds::These(allowed) = guilds {
        for id in allowed {
            if !servers.contains(id) {
                servers.push(*id);
            }
        }
    }
    servers.truncate(10);
    servers
}

/// What keeps the commands from being registered, checked as a whole: names that are there twice, and
/// Discord's limits. Each blames a place in the file of the agents, the second of two.
pub fn mistakes(table: &[Command], registry: &Registry) -> Vec<Mistake> {
    let mut all: Vec<Served<'_>> = served(table, registry).collect();
    // In the order of the file; the bot's own commands come first.
    all.sort_by_key(|served| key(served).map_or(0, |key| key.line));
    let id = |served: &Served<'_>| served.agent.map(|agent| agent.id.clone());
    let mut mistakes: Vec<(usize, String)> = Vec::new();
    for (at, served) in all.iter().enumerate() {
        let Some(key) = key(served) else { continue };
        if let Some(first) = all.iter().take(at).find(|other| other.name == served.name) {
            let of_one_agent = id(first) == id(served);
            let key = if of_one_agent { second_key(served).unwrap_or(key) } else { key };
            mistakes.push((key.line, taken(served.name, &key, first)));
        }
        if at == MAX_COMMANDS {
            let own = all.iter().filter(|served| served.agent.is_none()).count();
            let Key { name, value, line } = key;
            let what = format!(
                "{name} {value:?} is one command too many: Discord takes at most {MAX_COMMANDS}, and {own} are \
                 built in"
            );
            mistakes.push((line, what));
        }
    }
    for served in &all {
        // What is in one scope and not in the other has no limit.
        let declared = declaration(served, Scope::Global);
        let found = limits::refused(&declared).into_iter();
        mistakes.extend(found.map(|Refused { part, why }| beyond(served, &part, &why)));
    }
    mistakes.sort();
    mistakes.dedup();
    mistakes.into_iter().map(|(line, what)| Mistake { line, what }).collect()
}

/// The key of an agent that gives a command its name.
#[derive(Clone, Copy)]
struct Key<'a> {
    name: &'static str,
    value: &'a str,
    line: usize,
}

/// `None`: the command is built in.
fn key<'a>(served: &Served<'a>) -> Option<Key<'a>> {
    let agent = served.agent?;
    if served.name != agent.command {
        return second_key(served);
    }
    Some(Key { name: "command", value: &agent.command, line: agent.lines.command })
}

/// The same for a command that an agent has beside its first.
fn second_key<'a>(served: &Served<'a>) -> Option<Key<'a>> {
    let agent = served.agent?;
    let run_command = agent.verification().and_then(|it| it.run_command.as_deref());
    Some(if run_command == Some(served.name) {
        Key { name: "run_command", value: served.name, line: agent.lines.run_command }
    } else {
        Key { name: "kind", value: agent.kind.word(), line: agent.lines.kind }
    })
}

/// The words for a command whose name is there already.
fn taken(command: &str, Key { name, value, .. }: &Key<'_>, first: &Served<'_>) -> String {
    match key(first) {
        None => format!("{name} {value:?} is built in, choose another name for the agent's"),
        Some(Key { name: "kind", line, .. }) if *name == "kind" => format!(
            "{name} {value:?} is given twice, first in line {line}; only one agent can have it, because it \
             comes with the command /{command}"
        ),
        Some(Key { name: of_first, line, .. }) if *name == "kind" || of_first == "kind" => format!(
            "{name} {value:?} makes a second command /{command}, the first comes from the {of_first} in line \
             {line}: choose another name for the agent's"
        ),
        Some(Key { line, .. }) => format!("{name} {value:?} is given twice, first in line {line}"),
    }
}

/// The line and the words for what is beyond a limit of Discord's.
fn beyond(served: &Served<'_>, part: &Part, why: &str) -> (usize, String) {
    let name = served.name;
    let (Some(agent), Some(key)) = (served.agent, key(served)) else {
        return (0, format!("the built-in command /{name} {why}"));
    };
    let inputs = agent.workflow().map(|workflow| workflow.inputs.as_slice()).unwrap_or_default();
    let line_of = |option: &str| {
        let at = inputs.iter().position(|input| input.option.name == option)?;
        agent.lines.inputs.get(at).copied()
    };
    match part {
        Part::Name => (key.line, format!("{} {why}", key.name)),
        Part::Description => (agent.lines.description, format!("description {why}")),
        Part::Options => {
            let line = agent.lines.inputs.last().copied().unwrap_or(key.line);
            (line, format!("inputs: the options of /{name} {why}"))
        }
        Part::Option(option) => {
            (line_of(option).unwrap_or(key.line), format!("option {option:?} of /{name} {why}"))
        }
        Part::Whole(longest) => {
            let longest = longest.as_deref().and_then(|option| Some((option, line_of(option)?)));
            match longest {
                Some((option, line)) => (
                    line,
                    format!(
                        "option {option:?}: /{name} {why}. This option has most of them; shorten it"
                    ),
                ),
                None => (key.line, format!("{} /{name} {why}", key.name)),
            }
        }
    }
}
