//! What is in `agents.toml`, and how agents are written to it.

use super::agent_toml::{Made, STATUS, Taken, made};
use super::discord::shown;
use super::files;
use super::stopped::Stopped;
use super::work::Work;
use super::workflows::Candidate;
use crate::agents::{Agent, Registry, file};
use crate::bot::Serves;
use crate::bot::command::served;
use crate::bot::registration::mistakes;
use crate::github::Repository;

/// The file that comes with Deckhand, with its examples.
const EXAMPLE: &str = include_str!("../../agents.toml");

pub(super) const AGENTS_FILE: &str = "AGENTS_FILE";
pub(super) const GITHUB_REPO: &str = "GITHUB_REPO";

/// What is there.
pub(super) enum There {
    /// No file, an empty one, or the example.
    Nothing { is_example: bool },
    /// A file of the person's own that has no agents, but watches, say.
    Agentless { text: String },
    /// A file of the person's own.
    Agents { text: String, registry: Box<Registry> },
}

/// Reads what is there, and checks it as the bot does.
pub(super) fn there(work: &Work<'_>) -> Result<There, Stopped> {
    let text = match files::read(&work.flags.agents)? {
        Some(text) if text == EXAMPLE => return Ok(There::Nothing { is_example: true }),
        Some(text) if !text.trim().is_empty() => text,
        _ => return Ok(There::Nothing { is_example: false }),
    };
    if text.parse::<toml::Table>().is_ok_and(|table| !table.contains_key("agent")) {
        // With an agent the rest of it must be right.
        let name = work.flags.agents.display().to_string();
        let checked = file::parse(&name, &with_status(&text));
        return match checked {
            Ok(_) => Ok(There::Agentless { text }),
            Err(bad) => Err(Stopped::mend(bad.to_string())),
        };
    }
    let registry = registry_of(work, &work.flags.agents)?;
    Ok(There::Agents { text, registry: Box::new(registry) })
}

/// The agents of this file, checked as the bot checks them.
fn registry_of(work: &Work<'_>, file: &std::path::Path) -> Result<Registry, Stopped> {
    let env = |name: &str| match name {
        AGENTS_FILE => Some(file.display().to_string()),
        _ => work.value(name),
    };
    (work.registries)(&env).map_err(Stopped::Mend)
}

/// Writes the file, after it was read as the bot reads it.
pub(super) fn write(
    work: &mut Work<'_>,
    there: &There,
    chosen: &[&Candidate],
) -> Result<Option<Registry>, Stopped> {
    let (mut text, mut taken) = match there {
        There::Nothing { .. } => (HEAD.to_owned() + STATUS, Taken::default()),
        There::Agentless { text } => (with_status(text), Taken::default()),
        There::Agents { text, registry } => {
            (text.trim_end().to_owned() + "\n", taken_by(work, registry))
        }
    };
    taken.commands.extend(own_commands(work));
    if !matches!(there, There::Agents { .. }) {
        taken.ids.insert("status_reporter".to_owned());
        taken.commands.extend(["status", "status-digest"].map(str::to_owned));
    }
    let default = default_repository(work);
    let mut commands = Vec::new();
    for candidate in chosen {
        if let There::Agents { registry, .. } = there
            && registry.agents().iter().any(|agent| is_of(agent, candidate, default.as_ref()))
        {
            work.done(&format!("{} has an agent already.", shown(&candidate.file)));
            continue;
        }
        let mut with = taken.clone();
        let fitting = made(candidate, &mut with).and_then(|made| {
            let longer = format!("{text}\n{}", made.text);
            fits(work, &longer).map(|()| (longer, made))
        });
        match fitting {
            Ok((longer, Made { command, notes, .. })) => {
                (text, taken) = (longer, with);
                for note in notes {
                    work.note(&format!("/{command}: {note}."));
                }
                commands.push(format!("/{command}"));
            }
            Err(why) => work.note(&format!("{} is left out: {why}.", item(candidate))),
        }
    }
    let file = work.flags.agents.clone();
    match there {
        There::Agents { registry, .. } if commands.is_empty() => {
            return Ok(Some((**registry).clone()));
        }
        _ if commands.is_empty() => {
            return Err(Stopped::mend("No workflow was chosen that can become a command."));
        }
        _ => {}
    }
    let all = commands.join(", ");
    if !work.goes(&format!("write {} with {all}", file.display())) {
        return Ok(None);
    }
    let new = files::beside(&file);
    files::write(&new, &text, files::PUBLIC)?;
    let checked = registry_of(work, &new);
    let _ = std::fs::remove_file(&new);
    let names = |text: String| text.replace(&*new.to_string_lossy(), &file.to_string_lossy());
    checked.map_err(|stopped| match stopped {
        Stopped::Mend(what) => Stopped::Mend(names(what)),
        other => other,
    })?;
    files::write(&file, &text, files::PUBLIC)?;
    let registry = registry_of(work, &file)?;
    work.agents_changed = true;
    work.done(&format!(
        "{}: {all}. Who may use them, and more, is set there (docs/agents.md).",
        file.display()
    ));
    Ok(Some(registry))
}

/// Whether the bot can have the agents of this text. An error: what is wrong with it.
fn fits(work: &Work<'_>, text: &str) -> Result<(), String> {
    let name = work.flags.agents.display().to_string();
    let registry = file::parse(&name, text).map_err(|bad| bad.to_string())?;
    match mistakes(work.table, &registry).into_iter().next() {
        Some(mistake) => Err(mistake.what),
        None => Ok(()),
    }
}

const HEAD: &str = "\
# What this bot can do. Each [[agent]] is a slash command. Made by `deckhand setup`; change it as you like.
# It is checked at start; an error names the line and the key. After a change: restart, then `deckhand register`.

";

/// A file without agents, with the one that a new file has.
fn with_status(text: &str) -> String {
    format!("{}\n\n{STATUS}", text.trim_end())
}

fn own_commands(work: &Work<'_>) -> Vec<String> {
    let own = |serves: &Serves| match serves {
        Serves::Own { name, .. } => Some((*name).to_owned()),
        Serves::Agents { .. } => None,
    };
    work.table.iter().filter_map(|command| own(&command.serves)).collect()
}

fn taken_by(work: &Work<'_>, registry: &Registry) -> Taken {
    Taken {
        ids: registry.agents().iter().map(|agent| agent.id.clone()).collect(),
        commands: served(work.table, registry).map(|served| served.name.to_owned()).collect(),
    }
}

/// The repository of agents that name none.
pub(super) fn default_repository(work: &Work<'_>) -> Option<Repository> {
    work.value(GITHUB_REPO)?.parse().ok()
}

/// Whether this is an agent of that workflow. An agent without a repository is of the default one; while there is none,
/// it may be of any.
pub(super) fn is_of(agent: &Agent, candidate: &Candidate, default: Option<&Repository>) -> bool {
    agent.workflow().is_some_and(|workflow| {
        let is_there = |repository: &Repository| repository.is_same(&candidate.repository);
        let repository = workflow.repository.as_ref().or(default);
        workflow.file == candidate.file && repository.is_none_or(is_there)
    })
}

/// A workflow, in words.
pub(super) fn item(candidate: &Candidate) -> String {
    let Candidate { repository, file, name, .. } = candidate;
    format!("{} — {repository}, {}", shown(name), shown(file))
}
