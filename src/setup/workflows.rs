//! Finds the workflows that can be started.

use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt};

use crate::doctor::workflow_file::{self, Input};
use crate::github::repositories::ListedRepository;
use crate::github::workflows::{ListedWorkflow, MOST_WORKFLOWS};
use crate::github::{Github, GithubError, Repository};

/// The most repositories that are looked into. Each takes a request, and each of its workflows another one.
pub(super) const MOST: usize = 30;

/// Repositories that are looked into at the same time, and workflows of each.
const AT_ONCE: usize = 8;

/// A workflow that can be started.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    pub repository: Repository,
    /// The repository's default branch.
    pub branch: String,
    /// The file's name.
    pub file: String,
    /// The workflow's name.
    pub name: String,
    pub inputs: Vec<Input>,
}

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub candidates: Vec<Candidate>,
    /// What cannot be used, and why.
    pub left_out: Vec<String>,
}

/// Looks into these repositories.
pub(super) async fn find(
    github: &Github,
    repositories: &[ListedRepository],
) -> Result<Found, GithubError> {
    let mut all = Found::default();
    for some in repositories.chunks(AT_ONCE) {
        for found in join_all(some.iter().map(|one| look(github, one))).await {
            let Found { candidates, left_out } = found?;
            all.candidates.extend(candidates);
            all.left_out.extend(left_out);
        }
    }
    Ok(all)
}

async fn look(github: &Github, repository: &ListedRepository) -> Result<Found, GithubError> {
    let name = &repository.repository;
    let (listed, has_more) = match github.workflows(name).await {
        Ok(listed) => listed,
        Err(error) if error.lacks_access() => {
            let why = format!(
                "{name}: the token may not see its workflows; it needs Actions: read and write"
            );
            return Ok(Found { left_out: vec![why], ..Found::default() });
        }
        Err(error) => return Err(error),
    };
    let mut found = Found::default();
    if has_more {
        let why = format!("{name}: what it has beyond its first {MOST_WORKFLOWS} workflows");
        found.left_out.push(why);
    }
    let read = stream::iter(listed.iter().map(|workflow| read(github, repository, workflow)));
    let read: Vec<_> = read.buffered(AT_ONCE).collect().await;
    for (workflow, read) in listed.iter().zip(read) {
        match read? {
            Ok(Some(candidate)) => found.candidates.push(candidate),
            // It is started by something else.
            Ok(None) => {}
            Err(why) => found.left_out.push(format!("{name}, {}: {why}", workflow.file)),
        }
    }
    Ok(found)
}

/// The workflow, if it can be started by hand; the inner error says why it cannot be used.
async fn read(
    github: &Github,
    repository: &ListedRepository,
    workflow: &ListedWorkflow,
) -> Result<Result<Option<Candidate>, String>, GithubError> {
    let ListedRepository { repository, default_branch } = repository;
    let text = match github.workflow_file(repository, &workflow.file, default_branch).await {
        Ok(Ok(text)) => text,
        Ok(Err(why)) => return Ok(Err(why.to_owned())),
        Err(GithubError::NotFound) => {
            return Ok(Err(format!(
                "it is not on {default_branch}, or the token lacks Contents: read"
            )));
        }
        Err(error) if error.lacks_access() => {
            return Ok(Err("the token lacks Contents: read".to_owned()));
        }
        // GitHub has something against this one file.
        Err(error @ (GithubError::Refused(..) | GithubError::Moved)) => {
            return Ok(Err(error.to_string()));
        }
        Err(error) => return Err(error),
    };
    Ok(match workflow_file::read(&text) {
        Err(why) => Err(why.to_string()),
        Ok(declared) => match declared.dispatch {
            None => Ok(None),
            Some(_) if workflow.state != "active" => {
                Err(format!("it is switched off ({})", workflow.state))
            }
            Some(inputs) => Ok(Some(Candidate {
                repository: repository.clone(),
                branch: default_branch.clone(),
                file: workflow.file.clone(),
                name: workflow.name.clone(),
                inputs,
            })),
        },
    })
}
