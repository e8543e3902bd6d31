//! Step 2, second half: chooses workflows, and writes `agents.toml`.

use super::agent_toml::{Made, STATUS, Taken, made};
use super::discord::shown;
use super::files;
use super::stopped::Stopped;
use super::unreached;
use super::work::Work;
use super::workflows::{Candidate, Found, MOST, find};
use crate::agents::{Agent, Registry, file};
use crate::bot::Serves;
use crate::bot::command::served;
use crate::bot::registration::mistakes;
use crate::github::repositories::ListedRepository;
use crate::github::{Github, Repository};

/// The file that comes with Deckhand, with its examples.
const EXAMPLE: &str = include_str!("../../agents.toml");

/// Who may use a command of an agent that is made here.
const EVERYBODY: &str = "Everybody in the bot's servers may use them";

const AGENTS_FILE: &str = "AGENTS_FILE";
const GITHUB_REPO: &str = "GITHUB_REPO";

/// What is there.
enum There {
    /// No file, or the example.
    Nothing { is_example: bool },
    /// A file of the person's own.
    Agents { text: String, registry: Box<Registry> },
}

/// Chooses workflows, and writes `agents.toml`. Returns the agents that there are then; `None` in a dry run before
/// there is a file.
pub(super) async fn agents(
    work: &mut Work<'_>,
    github: &Github,
) -> Result<Option<Registry>, Stopped> {
    work.step("Agents");
    let there = there(work)?;
    if let There::Agents { registry, .. } = &there
        && work.flags.workflows.is_empty()
        && work.flags.repositories.is_empty()
        && work.value(GITHUB_REPO).is_some()
    {
        let commands = commands(work, registry);
        work.done(&format!(
            "{}: {commands}. Others are added with --workflow FILE.",
            work.flags.agents.display()
        ));
        keep_place(work).await?;
        return Ok(Some((**registry).clone()));
    }
    let repositories = repositories(work, github).await?;
    let found = find(github, &repositories).await.map_err(|error| unreached::github(&error))?;
    let chosen = chosen(work, &found, &there).await?;
    let registry = write(work, &there, &chosen)?;
    keep_repository(work, &chosen, &repositories).await?;
    keep_place(work).await?;
    Ok(registry)
}

fn there(work: &Work<'_>) -> Result<There, Stopped> {
    let text = match files::read(&work.flags.agents)? {
        None => return Ok(There::Nothing { is_example: false }),
        Some(text) if text == EXAMPLE => return Ok(There::Nothing { is_example: true }),
        Some(text) => text,
    };
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

/// Where to look: in the repositories that are named, or in all that the token can see.
async fn repositories(work: &Work<'_>, github: &Github) -> Result<Vec<ListedRepository>, Stopped> {
    let mut named: Vec<Repository> = work.flags.repositories.clone();
    for workflow in &work.flags.workflows {
        if let Some((repository, _)) = workflow.split_once(':') {
            let bad = || {
                Stopped::mend(format!("--workflow {workflow}: it must be FILE or OWNER/NAME:FILE."))
            };
            let repository: Repository = repository.parse().map_err(|()| bad())?;
            if !named.iter().any(|known| known.is_same(&repository)) {
                named.push(repository);
            }
        }
    }
    if named.is_empty()
        && let Some(kept) = default_repository(work)
    {
        named.push(kept);
    }
    if named.is_empty() {
        let mut all = github.repositories().await.map_err(|error| unreached::github(&error))?;
        if all.is_empty() {
            return Err(Stopped::mend(
                "The token can see no repository in which it may start a workflow. Choose the repositories on the \
                 token's page.",
            ));
        }
        if all.len() > MOST {
            work.note(&format!("Looking into the {MOST} repositories that were pushed to last; --repository OWNER/NAME names others."));
            all.truncate(MOST);
        }
        return Ok(all);
    }
    let mut listed = Vec::new();
    for repository in &named {
        let one = github.listed_repository(repository).await.map_err(|error| {
            if error.lacks_access() {
                Stopped::mend(format!("GitHub knows no repository {repository}, or the token cannot see it: choose it on the token's page."))
            } else {
                unreached::github(&error)
            }
        })?;
        listed.push(one);
    }
    Ok(listed)
}

/// The workflows to make agents of.
async fn chosen<'f>(
    work: &Work<'_>,
    found: &'f Found,
    there: &There,
) -> Result<Vec<&'f Candidate>, Stopped> {
    for why in &found.left_out {
        work.note(&format!("Left out: {}.", shown_line(why)));
    }
    let default = default_repository(work);
    let has = |candidate: &Candidate| match there {
        There::Agents { registry, .. } => {
            registry.agents().iter().any(|agent| is_of(agent, candidate, default.as_ref()))
        }
        There::Nothing { .. } => false,
    };
    let new: Vec<&Candidate> =
        found.candidates.iter().filter(|candidate| !has(candidate)).collect();
    let is_added_to = matches!(there, There::Agents { .. });
    if !work.flags.workflows.is_empty() {
        return named(work, found);
    }
    if new.is_empty() {
        if is_added_to {
            return Ok(Vec::new());
        }
        return Err(Stopped::mend(
            "No workflow was found that can be started: its file on the default branch needs the trigger \
             workflow_dispatch under on: (https://docs.github.com/actions/using-workflows/manually-running-a-workflow).",
        ));
    }
    let items: Vec<String> = new.iter().map(|candidate| item(candidate)).collect();
    let file = work.flags.agents.display();
    let (text, enter) = match there {
        There::Nothing { is_example: false } => (
            format!("Which workflows become commands? {EVERYBODY}. They are written to {file}"),
            of_one_repository(&new, default.as_ref()),
        ),
        There::Nothing { is_example: true } => (
            format!(
                "Which workflows become commands? {EVERYBODY}. They replace the examples in {file}, which is as it came"
            ),
            of_one_repository(&new, default.as_ref()),
        ),
        There::Agents { .. } => {
            let text = format!("{EVERYBODY}. Which workflows are added to {file}? none, or");
            (text, "none".to_owned())
        }
    };
    let picked = work.choose(&text, &items, Some(&enter), "--workflow FILE").await?;
    Ok(picked.into_iter().filter_map(|at| new.get(at).copied()).collect())
}

/// Whether this is an agent of that workflow. An agent without a repository is of the default one; while there is none,
/// it may be of any.
fn is_of(agent: &Agent, candidate: &Candidate, default: Option<&Repository>) -> bool {
    agent.workflow().is_some_and(|workflow| {
        let is_there = |repository: &Repository| repository.is_same(&candidate.repository);
        let repository = workflow.repository.as_ref().or(default);
        workflow.file == candidate.file && repository.is_none_or(is_there)
    })
}

/// The repository of agents that name none.
pub(super) fn default_repository(work: &Work<'_>) -> Option<Repository> {
    work.value(GITHUB_REPO)?.parse().ok()
}

/// What Enter picks of a new file's workflows: those of one repository, the default one or else the first.
fn of_one_repository(new: &[&Candidate], default: Option<&Repository>) -> String {
    let of = |repository: &Repository| -> Vec<String> {
        let numbered = (1..).zip(new);
        let own = numbered.filter(|(_, candidate)| candidate.repository.is_same(repository));
        own.map(|(number, _): (usize, _)| number.to_string()).collect()
    };
    let first = new.first().map(|candidate| of(&candidate.repository)).unwrap_or_default();
    let picked = default.map(of).filter(|picked| !picked.is_empty()).unwrap_or(first);
    if picked.len() == new.len() { "all".to_owned() } else { picked.join(",") }
}

/// Those that the flags name.
fn named<'f>(work: &Work<'_>, found: &'f Found) -> Result<Vec<&'f Candidate>, Stopped> {
    if work.flags.workflows.iter().any(|name| name == "all") {
        return Ok(found.candidates.iter().collect());
    }
    let mut chosen: Vec<&Candidate> = Vec::new();
    for name in &work.flags.workflows {
        let (repository, file) = name.split_once(':').unwrap_or(("", name));
        let before = chosen.len();
        chosen.extend(found.candidates.iter().filter(|candidate| {
            candidate.file == file
                && (repository.is_empty()
                    || candidate.repository.to_string().eq_ignore_ascii_case(repository))
        }));
        if chosen.len() == before {
            let all: Vec<String> = found
                .candidates
                .iter()
                .map(|one| format!("{}:{}", one.repository, shown(&one.file)))
                .collect();
            let all = if all.is_empty() { "none".to_owned() } else { all.join(", ") };
            return Err(Stopped::mend(format!(
                "--workflow {name}: there is none that can be started. There are: {all}."
            )));
        }
    }
    Ok(chosen)
}

fn item(candidate: &Candidate) -> String {
    let Candidate { repository, file, name, .. } = candidate;
    format!("{} — {repository}, {}", shown(name), shown(file))
}

fn shown_line(text: &str) -> String {
    crate::text::escape::clipped(text, 200)
}

/// Writes the file, after it was read as the bot reads it.
fn write(
    work: &mut Work<'_>,
    there: &There,
    chosen: &[&Candidate],
) -> Result<Option<Registry>, Stopped> {
    let (mut text, mut taken) = match there {
        There::Nothing { .. } => (HEAD.to_owned() + STATUS, Taken::default()),
        There::Agents { text, registry } => {
            (text.trim_end().to_owned() + "\n", taken_by(work, registry))
        }
    };
    taken.commands.extend(own_commands(work));
    if let There::Nothing { .. } = there {
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
        There::Nothing { .. } if commands.is_empty() => {
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

/// The commands of the agents, as people type them.
pub(super) fn commands(work: &Work<'_>, registry: &Registry) -> String {
    let of_agents = served(work.table, registry).filter(|served| served.agent.is_some());
    let names: Vec<String> = of_agents.map(|served| format!("/{}", served.name)).collect();
    names.join(", ")
}

/// The repository of agents that name none.
async fn keep_repository(
    work: &mut Work<'_>,
    chosen: &[&Candidate],
    looked_into: &[ListedRepository],
) -> Result<(), Stopped> {
    if work.value(GITHUB_REPO).is_some() {
        return Ok(());
    }
    let first = chosen.first().map(|candidate| &candidate.repository);
    let first = first.or_else(|| Some(&looked_into.first()?.repository));
    if let Some(first) = first {
        let first = first.to_string();
        work.home.keep(GITHUB_REPO, &first);
    }
    work.save().await
}

async fn keep_place(work: &mut Work<'_>) -> Result<(), Stopped> {
    let file = files::absolute(&work.flags.agents)?;
    work.home.keep(AGENTS_FILE, &file.display().to_string());
    work.save().await
}
