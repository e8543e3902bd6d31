//! Step 2, second half: chooses workflows, and writes `agents.toml`.

use super::agents_file::{
    AGENTS_FILE, GITHUB_REPO, There, default_repository, is_of, item, there, write,
};
use super::discord::shown;
use super::files;
use super::stopped::Stopped;
use super::unreached;
use super::work::Work;
use super::workflows::{Candidate, Found, MOST, find};
use crate::agents::Registry;
use crate::bot::command::served;
use crate::github::repositories::ListedRepository;
use crate::github::{Github, Repository};

/// Who may use a command of an agent that is made here.
const EVERYBODY: &str = "Everybody in the bot's servers may use them";

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
        There::Nothing { .. } | There::Agentless { .. } => false,
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
    let new_file = |where_to: String| {
        let text = format!("Which workflows become commands? {EVERYBODY}. They {where_to}");
        (text, of_one_repository(&new, default.as_ref()))
    };
    let (text, enter) = match there {
        There::Nothing { is_example: false } => new_file(format!("are written to {file}")),
        There::Nothing { is_example: true } => {
            new_file(format!("replace the examples in {file}, which is as it came"))
        }
        There::Agentless { .. } => {
            new_file(format!("are added to {file}, which has no agents yet"))
        }
        There::Agents { .. } => {
            let text = format!("{EVERYBODY}. Which workflows are added to {file}? none, or");
            (text, "none".to_owned())
        }
    };
    let picked = work.choose(&text, &items, Some(&enter), "--workflow FILE").await?;
    Ok(picked.into_iter().filter_map(|at| new.get(at).copied()).collect())
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

fn shown_line(text: &str) -> String {
    crate::text::escape::clipped(text, 200)
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
