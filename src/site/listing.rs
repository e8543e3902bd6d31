//! The runs of a deploy agent, read from its workflow's list page by page, newest first.

use std::collections::HashSet;

use chrono::{DateTime, Utc};

use crate::agents::Workflow;
use crate::github::git_ref::short;
use crate::github::{Github, GithubError, Repository, Run};

const PAGE: usize = 100;
/// How far a listing is read.
const MAX_PAGES: usize = 5;

/// Which runs are an agent's.
#[derive(Debug, Clone)]
pub(crate) struct Deploys {
    pub repository: Repository,
    pub workflow: Workflow,
    /// The runs of other agents that deploy elsewhere with the same workflow, as far as the record knows them.
    pub of_others: HashSet<u64>,
}

impl Deploys {
    /// Whether a run of the workflow is a deploy: on a branch or tag that the agent allows, not of a pull request, whose
    /// code has not been accepted, and not of another agent that deploys elsewhere.
    pub(crate) fn holds(&self, run: &Run) -> bool {
        !is_of_pull_request(run) && self.allows_ref_of(run) && !self.of_others.contains(&run.id)
    }

    /// What GitHub does not say speaks for the run.
    pub(crate) fn allows_ref_of(&self, run: &Run) -> bool {
        let name = |name: &str| self.workflow.allows_ref(short(name));
        run.head_branch.as_deref().is_none_or(name)
    }
}

pub(crate) fn is_of_pull_request(run: &Run) -> bool {
    // `pull_request`, `pull_request_target`, `pull_request_review`, …; `merge_group`: the queue before a merge.
    let event = run.event.as_deref().unwrap_or_default();
    event.starts_with("pull_request") || event == "merge_group"
}

/// When its latest attempt was started.
pub(crate) fn began(run: &Run) -> Option<DateTime<Utc>> {
    run.run_started_at.or(run.created_at)
}

/// Whether a run was started later than another. A re-run counts from its latest attempt, so ids and numbers
/// do not tell.
pub(crate) fn is_later(run: &Run, than: &Run) -> bool {
    match (began(run), began(than)) {
        (Some(one), Some(other)) if one != other => one > other,
        _ => run.id > than.id,
    }
}

/// What has been read of the list.
pub(crate) struct Listing<'a> {
    github: &'a Github,
    deploys: &'a Deploys,
    pages: usize,
    runs: Vec<Run>,
    unreadable: usize,
    ended: bool,
}

impl<'a> Listing<'a> {
    pub(crate) fn new(github: &'a Github, deploys: &'a Deploys) -> Self {
        Self { github, deploys, pages: 0, runs: Vec::new(), unreadable: 0, ended: false }
    }

    /// The agent's runs among those that were read.
    pub(crate) fn deploys(&self) -> impl Iterator<Item = &Run> {
        self.runs.iter().filter(|run| self.deploys.holds(run))
    }

    /// All runs that were read.
    pub(crate) fn runs(&self) -> &[Run] {
        &self.runs
    }

    /// How many runs on the pages that were read could not be parsed.
    pub(crate) fn unreadable(&self) -> usize {
        self.unreadable
    }

    /// Whether there is nothing more to read.
    pub(crate) fn has_ended(&self) -> bool {
        self.ended
    }

    /// Whether it is not read any further.
    pub(crate) fn is_enough(&self) -> bool {
        self.ended || self.pages >= MAX_PAGES
    }

    /// Reads one page more.
    pub(crate) async fn more(&mut self) -> Result<(), GithubError> {
        let Deploys { repository, workflow, .. } = self.deploys;
        let number = self.pages + 1;
        let page = self.github.unfiltered_page(repository, &workflow.file, PAGE, number).await?;
        self.pages = number;
        self.ended = !page.goes_on;
        self.unreadable += page.unreadable;
        // A run created between two requests pushes others to the next page, so they appear twice.
        for run in page.items {
            if !self.runs.iter().any(|known| known.id == run.id) {
                self.runs.push(run);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agents::file;
    use rstest::rstest;
    use serde_json::{Value, json};

    pub(crate) fn deploys() -> Deploys {
        let registry = file::load(None).unwrap();
        let agent = registry.by_id("deploy_client").unwrap();
        let repository = "octo-org/web-client".parse().unwrap();
        Deploys {
            repository,
            workflow: agent.workflow().unwrap().clone(),
            of_others: HashSet::new(),
        }
    }

    fn run(mut run: Value) -> Run {
        run["id"] = json!(7);
        serde_json::from_value(run).unwrap()
    }

    #[rstest]
    #[case::dispatched(json!({"event": "workflow_dispatch", "head_branch": "main"}), true)]
    #[case::pushed(json!({"event": "push", "head_branch": "main"}), true)]
    #[case::scheduled(json!({"event": "schedule", "head_branch": "main"}), true)]
    #[case::release_branch(json!({"event": "workflow_dispatch", "head_branch": "release/1.0"}), true)]
    #[case::in_full(json!({"event": "push", "head_branch": "refs/heads/release/1.0"}), true)]
    #[case::other_branch(json!({"event": "push", "head_branch": "feature/x"}), false)]
    #[case::prefix_only(json!({"event": "push", "head_branch": "release/"}), false)]
    #[case::pull_request(json!({"event": "pull_request", "head_branch": "main"}), false)]
    #[case::of_a_fork(json!({"event": "pull_request_target", "head_branch": "main"}), false)]
    #[case::review(json!({"event": "pull_request_review", "head_branch": "main"}), false)]
    #[case::merge_queue(json!({"event": "merge_group", "head_branch": "main"}), false)]
    #[case::unknown(json!({"event": null, "head_branch": null}), true)]
    fn a_deploy_is_on_an_allowed_ref_and_of_no_pull_request(
        #[case] given: Value,
        #[case] expected: bool,
    ) {
        assert_eq!(deploys().holds(&run(given)), expected);
    }
}
