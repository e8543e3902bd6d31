//! A scenario: how the stand-in behaves.

use super::{
    commit::Commit,
    fault::Fault,
    gate::Gate,
    permission::Permission,
    renamed::Renamed,
    review::Review,
    run::{NewRun, Timetable},
    workflow::{Title, Workflow},
};
use chrono::TimeDelta;
use std::time::Duration;

/// Everything about the stand-in that a test may choose.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// The token that `Authorization: Bearer …` must carry.
    pub token: String,
    /// The login of the token's account, which dispatched runs are by.
    pub account: String,
    /// The one repository there is (`owner/name`); none: any is accepted.
    pub repo: Option<String>,
    /// What the list of repositories shows, if there may be several.
    pub listed: Vec<String>,
    /// Repositories in which there is no workflow.
    pub without_workflows: Vec<String>,
    /// Base URL of the web pages, for every `html_url`.
    pub html_base: String,
    /// The repository's workflows.
    pub workflows: Vec<Workflow>,
    /// The branches and tags that can be dispatched to.
    pub refs: Vec<String>,
    /// The tags; those that are not in `refs` can be dispatched to as well.
    pub tags: Vec<String>,
    /// Permissions that the token and the App lack.
    pub denied: Vec<Permission>,
    /// The code that makes the App of its manifest, once; none: it was used.
    pub manifest_code: Option<String>,
    /// Whether the App is installed.
    pub installed: bool,
    /// An installation token younger than this is refused with this status: GitHub's servers do not know it yet.
    pub token_lag: Option<(Duration, u16)>,
    /// A repository that was renamed; see [`Github::rename`](super::Github::rename).
    pub renamed: Option<Renamed>,
    /// The environments that a run waits for while its status is `waiting`.
    pub gates: Vec<Gate>,
    /// What a reviewer says of each run's deployment.
    pub review: Option<Review>,
    /// How far GitHub's clock is ahead of ours; shifts `Date`, `created_at` and the rest.
    pub clock_skew: TimeDelta,
    /// The timetable of a dispatched run.
    pub timetable: Timetable,
    /// How long before the dispatch its commit was made.
    pub committed: TimeDelta,
    /// Where a run's correlation id can be read.
    pub title: Title,
    /// Whether a dispatch that asks for the run's details gets them; else it is answered 204.
    pub run_details: bool,
    /// Refuse the field `return_run_details` with this status (400 or 422), as Enterprise Server does.
    pub enterprise_server: Option<u16>,
    /// How many other runs of the same workflow and ref appear with each dispatch.
    pub twins: usize,
    /// Who the twins are by; none: the same account.
    pub twin_actor: Option<String>,
    /// How far a run's list of jobs lags behind the run.
    pub jobs_lag: Duration,
    /// How far a run's list of artifacts lags behind the run.
    pub artifacts_lag: Duration,
    /// How far a filtered list of runs lags behind: it does not show younger runs. The list without a
    /// filter does.
    pub filters_lag: Duration,
    /// Whether `filter=all` lists the jobs of all attempts; else it is ignored, as by servers that do not
    /// know it.
    pub lists_all_attempts: bool,
    /// A page of more items than this is answered 502.
    pub largest_page: usize,
    /// How long after a job's end its log comes.
    pub logs_lag: Duration,
    /// Where archives and logs are stored, as a base URL; none: at this server, under another path.
    pub storage: Option<String>,
    /// Which ranges that storage knows.
    pub ranges: Ranges,
    /// The commits that are known.
    pub commits: Vec<Commit>,
    /// How long a cancel takes; none: the run goes on until the cancel is forced.
    pub cancel_takes: Option<Duration>,
    /// The timetables of the next re-runs; if there is none left, that of the attempt before.
    pub reruns: Vec<Timetable>,
    /// Runs that somebody else started before; added once, when the scenario begins.
    pub history: Vec<NewRun>,
    /// Requests an hour.
    pub rate_limit: u64,
    /// What goes wrong; see [`Fault`].
    pub faults: Vec<Fault>,
}

/// Which ranges of bytes a storage knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ranges {
    /// Those that begin at a byte (`bytes=5-`), as Azure's does; others are ignored.
    #[default]
    FromStart,
    /// Also those that are counted from the end (`bytes=-5`).
    FromEnd,
    /// None: they are ignored.
    Ignored,
    /// None: they are refused with 416.
    Refused,
}

impl Default for Scenario {
    fn default() -> Self {
        Self {
            token: "ghs_standin_token".into(),
            account: "deckhand-bot".into(),
            repo: None,
            listed: vec!["octo-org/web-client".into()],
            without_workflows: Vec::new(),
            html_base: "https://github.com".into(),
            workflows: vec![Workflow::client_deploy(), Workflow::diagnose_dispatch()],
            refs: ["main", "release/1.0", "v1.0.0"].map(String::from).into(),
            tags: vec!["v1.0.0".into()],
            denied: Vec::new(),
            manifest_code: Some("made-in-a-browser".into()),
            installed: true,
            token_lag: None,
            renamed: None,
            gates: vec![Gate::approval("production")],
            review: None,
            clock_skew: TimeDelta::zero(),
            timetable: Timetable::default(),
            committed: TimeDelta::minutes(10),
            title: Title::DisplayTitle,
            run_details: true,
            enterprise_server: None,
            twins: 0,
            twin_actor: None,
            jobs_lag: Duration::ZERO,
            artifacts_lag: Duration::ZERO,
            filters_lag: Duration::ZERO,
            lists_all_attempts: true,
            largest_page: usize::MAX,
            logs_lag: Duration::ZERO,
            storage: None,
            ranges: Ranges::default(),
            commits: Vec::new(),
            cancel_takes: Some(Duration::from_secs(2)),
            reruns: Vec::new(),
            history: Vec::new(),
            rate_limit: 5000,
            faults: Vec::new(),
        }
    }
}

impl Scenario {
    /// Adds a workflow, or replaces the one of the same file.
    pub fn add_workflow(&mut self, workflow: Workflow) {
        self.workflows.retain(|known| known.file != workflow.file);
        self.workflows.push(workflow);
    }

    /// A workflow by its file's name, to change it.
    ///
    /// # Panics
    /// When there is none of that name.
    pub fn workflow_mut(&mut self, file: &str) -> &mut Workflow {
        let found = self.workflows.iter_mut().find(|known| known.file == file);
        found.unwrap_or_else(|| panic!("there is no workflow {file}"))
    }

    /// What the list of repositories shows.
    pub(crate) fn repositories(&self) -> Vec<String> {
        self.repo.as_ref().map_or_else(|| self.listed.clone(), |only| vec![only.clone()])
    }

    /// The names of the branches, in order.
    pub(crate) fn branches(&self) -> Vec<&str> {
        let is_branch = |name: &&String| !self.tags.contains(name);
        sorted(self.refs.iter().filter(is_branch))
    }

    /// The names of the tags, in order.
    pub(crate) fn tag_names(&self) -> Vec<&str> {
        sorted(self.tags.iter())
    }

    /// Whether there is such a branch or tag.
    pub(crate) fn has_ref(&self, name: &str) -> bool {
        let mut all = self.refs.iter().chain(&self.tags);
        all.any(|known| known == name)
    }

    /// A workflow by its file's name or its id, as GitHub takes both.
    pub(crate) fn workflow(&self, file_or_id: &str) -> Option<&Workflow> {
        self.workflows
            .iter()
            .find(|known| known.file == file_or_id || known.id().to_string() == file_or_id)
    }
}

fn sorted<'a>(names: impl Iterator<Item = &'a String>) -> Vec<&'a str> {
    let mut names: Vec<&str> = names.map(String::as_str).collect();
    names.sort_unstable();
    names
}
