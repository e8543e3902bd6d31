//! A watch: runs that nobody started in Discord and that a channel is told of.

use super::ref_pattern::RefPattern;
use crate::github::{Repository, Run, git_ref};

/// Runs that a channel is told of. An empty list means: all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watch {
    /// The repository of the runs; `None`: `GITHUB_REPO`.
    pub repository: Option<Repository>,
    /// The files of their workflows.
    pub workflows: Vec<String>,
    /// Their branches or tags.
    pub branches: Vec<RefPattern>,
    /// The events that started them. Empty: all but those of pull requests.
    pub events: Vec<String>,
    /// How they ended, in GitHub's words.
    pub only: Vec<String>,
    /// The channel that is told.
    pub channel: u64,
    /// The role that is pinged on the first failure and on recovery.
    pub ping: Option<u64>,
}

/// Anybody can start such a run from a fork, whose branch may have any name.
const OF_PULL_REQUESTS: &str = "pull_request";

impl Watch {
    /// Whether the channel is told of this run as it is now. With `only` it is told once the run has ended like
    /// that. `default`: the repository of a watch that names none.
    pub fn fits(
        &self,
        run: &Run,
        workflow_file: &str,
        repository: &Repository,
        default: &Repository,
    ) -> bool {
        self.covers(run, workflow_file, repository, default) && self.wants(run)
    }

    /// Whether the run is one of those that are watched, however it ends.
    pub fn covers(
        &self,
        run: &Run,
        workflow_file: &str,
        repository: &Repository,
        default: &Repository,
    ) -> bool {
        let event = run.event.as_deref().unwrap_or_default();
        let branch = run.head_branch.as_deref().map(git_ref::short);
        let fits_event = match self.events.as_slice() {
            [] => !event.starts_with(OF_PULL_REQUESTS),
            events => events.iter().any(|one| one == event),
        };
        fits_event
            && self.repository.as_ref().unwrap_or(default).is_same(repository)
            && (self.workflows.is_empty() || self.workflows.iter().any(|one| one == workflow_file))
            && (self.branches.is_empty()
                || branch.is_some_and(|name| self.branches.iter().any(|one| one.matches(name))))
    }

    /// Whether its end is one of those that are told, if only some are.
    fn wants(&self, run: &Run) -> bool {
        let conclusion = run.conclusion.as_deref().filter(|_| run.is_completed());
        self.only.is_empty()
            || conclusion.is_some_and(|conclusion| self.only.iter().any(|one| one == conclusion))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agents::watches::tests::parsed;
    use rstest::rstest;
    use serde_json::json;

    fn run(event: &str, branch: &str, conclusion: Option<&str>) -> Run {
        let status = if conclusion.is_some() { "completed" } else { "in_progress" };
        serde_json::from_value(json!({
            "id": 1, "event": event, "head_branch": branch, "status": status, "conclusion": conclusion,
        }))
        .unwrap()
    }

    fn fits(watch: &str, run: &Run, file: &str, repository: &str) -> bool {
        let default = "octo-org/web".parse().unwrap();
        parsed(watch).unwrap().fits(run, file, &repository.parse().unwrap(), &default)
    }

    #[rstest]
    #[case::all("", "schedule", "x", true)]
    #[case::branch("branches = [\"main\", \"release/*\"]", "push", "release/1", true)]
    #[case::other_branch("branches = [\"main\"]", "push", "mainline", false)]
    #[case::event("events = [\"push\"]", "push", "main", true)]
    #[case::other_event("events = [\"push\"]", "schedule", "main", false)]
    #[case::a_forks_branch("branches = [\"main\"]", "pull_request", "main", false)]
    #[case::a_forks_secrets("", "pull_request_target", "main", false)]
    #[case::pull_requests_by_name("events = [\"pull_request\"]", "pull_request", "x", true)]
    #[case::workflow("workflows = [\"ci.yml\"]", "push", "main", true)]
    #[case::other_workflow("workflows = [\"cd.yml\"]", "push", "main", false)]
    #[case::default_repository("repository = \"Octo-Org/Web\"", "push", "main", true)]
    #[case::other_repository("repository = \"octo-org/api\"", "push", "main", false)]
    fn a_run_fits_by_all_that_the_watch_names(
        #[case] watch: &str,
        #[case] event: &str,
        #[case] branch: &str,
        #[case] expected: bool,
    ) {
        let watch = format!("channel = \"5\"\n{watch}");
        assert_eq!(fits(&watch, &run(event, branch, None), "ci.yml", "octo-org/web"), expected);
    }

    #[test]
    fn without_a_repository_it_is_the_default_one() {
        let run = run("push", "main", None);
        assert!(fits("channel = 5", &run, "ci.yml", "OCTO-org/web"));
        assert!(!fits("channel = 5", &run, "ci.yml", "octo-org/api"));
    }

    #[rstest]
    #[case::goes_on(None, true, false)]
    #[case::failed(Some("failure"), true, true)]
    #[case::succeeded(Some("success"), true, false)]
    #[case::invented_later(Some("exploded"), true, false)]
    fn with_only_a_run_fits_once_it_has_ended_like_that(
        #[case] conclusion: Option<&str>,
        #[case] of_all: bool,
        #[case] of_failures: bool,
    ) {
        let run = run("push", "main", conclusion);
        assert_eq!(fits("channel = 5", &run, "ci.yml", "octo-org/web"), of_all);
        let failures = "channel = 5\nonly = [\"failure\"]";
        assert_eq!(fits(failures, &run, "ci.yml", "octo-org/web"), of_failures);
        let default: Repository = "octo-org/web".parse().unwrap();
        assert!(parsed(failures).unwrap().covers(&run, "ci.yml", &default, &default));
    }

    #[test]
    fn a_run_without_a_branch_fits_no_branch() {
        let run: Run = serde_json::from_value(json!({"id": 1, "event": "push"})).unwrap();
        assert!(!fits("channel = 5\nbranches = [\"*\"]", &run, "ci.yml", "octo-org/web"));
        assert!(fits("channel = 5", &run, "ci.yml", "octo-org/web"));
    }
}
