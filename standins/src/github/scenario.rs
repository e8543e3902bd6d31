//! How the stand-in behaves: what it knows, how runs go, what goes wrong.

use super::{Fault, Timetable};
use chrono::TimeDelta;
use serde_json::{Map, Value};
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
    /// Where pages for people are, for every `html_url`.
    pub html_base: String,
    /// The workflows there are.
    pub workflows: Vec<Workflow>,
    /// The branches and tags that can be dispatched to.
    pub refs: Vec<String>,
    /// How far GitHub's clock is ahead of ours; shifts `Date`, `created_at` and the rest.
    pub clock_skew: TimeDelta,
    /// How a dispatched run goes.
    pub timetable: Timetable,
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
    /// Requests an hour.
    pub rate_limit: u64,
    /// What goes wrong; see [`Fault`].
    pub faults: Vec<Fault>,
}

impl Default for Scenario {
    fn default() -> Self {
        Self {
            token: "ghs_standin_token".into(),
            account: "deckhand-bot".into(),
            repo: None,
            html_base: "https://github.com".into(),
            workflows: vec![Workflow::client_deploy(), Workflow::diagnose_dispatch()],
            refs: ["main", "release/1.0", "v1.0.0"].map(String::from).into(),
            clock_skew: TimeDelta::zero(),
            timetable: Timetable::default(),
            title: Title::DisplayTitle,
            run_details: true,
            enterprise_server: None,
            twins: 0,
            twin_actor: None,
            jobs_lag: Duration::ZERO,
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

    /// A workflow by its file's name or its id, as GitHub takes both.
    pub(crate) fn workflow(&self, file_or_id: &str) -> Option<&Workflow> {
        self.workflows
            .iter()
            .find(|known| known.file == file_or_id || known.id().to_string() == file_or_id)
    }
}

/// Where a run's correlation id can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Title {
    /// `display_title` carries the run's name, `name` the workflow's: what GitHub documents.
    DisplayTitle,
    /// `name` carries the run's name, `display_title` the commit's message.
    NameOnly,
    /// Nowhere: the workflow has no `run-name`.
    Neither,
}

/// A workflow file.
#[derive(Clone, Debug)]
pub struct Workflow {
    /// The file's name, without its folder.
    pub file: String,
    /// The workflow's name.
    pub name: String,
    /// Its `run-name`, with `{input}` for an input's value.
    pub run_name: Option<String>,
    /// Its `workflow_dispatch` inputs.
    pub inputs: Vec<Input>,
    /// Whether it has a `workflow_dispatch` trigger.
    pub dispatchable: bool,
    /// `active`, `disabled_manually`, …
    pub state: String,
    /// The steps of its one job.
    pub steps: Vec<String>,
}

/// An input of a workflow.
#[derive(Clone, Debug)]
pub struct Input {
    /// Its name.
    pub name: String,
    /// Whether a dispatch must give it.
    pub required: bool,
    /// The values it takes, for an input of type `choice`; empty: any.
    pub options: Vec<String>,
}

impl Workflow {
    /// A dispatchable workflow without inputs.
    pub fn new(file: &str, name: &str) -> Self {
        let steps = ["Set up job", "Check out", "Build", "Deploy", "Complete job"];
        Self {
            file: file.into(),
            name: name.into(),
            run_name: None,
            inputs: Vec::new(),
            dispatchable: true,
            state: "active".into(),
            steps: steps.map(String::from).into(),
        }
    }

    /// The same with a `run-name`.
    pub fn run_name(mut self, run_name: &str) -> Self {
        self.run_name = Some(run_name.into());
        self
    }

    /// The same with one more input.
    pub fn input(mut self, name: &str, required: bool) -> Self {
        self.inputs.push(Input { name: name.into(), required, options: Vec::new() });
        self
    }

    fn client_deploy() -> Self {
        Self::new("client-deploy.yml", "Client Deploy")
            .run_name("Client Deploy — {correlation_id} by {requester}")
            .input("correlation_id", true)
            .input("requester", true)
            .input("VITE_API_BASE", false)
    }

    fn diagnose_dispatch() -> Self {
        Self::new("diagnose-dispatch.yml", "Diagnose Dispatch")
            .run_name("Diagnose — {correlation_id} by {requester}")
            .input("correlation_id", false)
            .input("requester", false)
    }

    /// Its id: made from the file's name, so that it stays the same.
    pub(crate) fn id(&self) -> u64 {
        let digest = super::answers::digest(&self.file);
        100_000_000 + u64::from_str_radix(&digest[..6], 16).expect("a hex digest")
    }

    /// What a run of it is called.
    pub(crate) fn title_of_run(&self, inputs: &Map<String, Value>) -> Option<String> {
        let mut title = self.run_name.clone()?;
        for input in &self.inputs {
            let value = match inputs.get(&input.name) {
                Some(Value::String(text)) => text.clone(),
                Some(other) => other.to_string(),
                None => String::new(),
            };
            title = title.replace(&format!("{{{}}}", input.name), &value);
        }
        Some(title)
    }
}
