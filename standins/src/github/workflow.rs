//! Workflow files: what the stand-in knows of them, and how they read.

use super::{annotation::Annotation, artifact::Artifact, wire::digest};
use bytes::Bytes;
use serde_json::{Map, Value, json};
use std::fmt::Write;

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
    /// The jobs before its last one, each of which needs the one before.
    pub before: Vec<Job>,
    /// The name of its last job, most often its only one.
    pub job: String,
    /// The steps of its last job.
    pub steps: Vec<String>,
    /// Other jobs, listed before it.
    pub other_jobs: Vec<OtherJob>,
    /// How its steps share a run's running time; a step without one has 1.
    pub shares: Vec<u32>,
    /// The environment that its last job deploys to.
    pub environment: Option<String>,
    /// Its concurrency group, in which one run goes on at a time.
    pub concurrency: Option<String>,
    /// What the runner of its jobs must have (`runs-on`).
    pub runs_on: Vec<String>,
    /// How many more jobs it has that run side by side with the others.
    pub matrix: usize,
    /// What each run of it leaves behind when it is completed.
    pub artifacts: Vec<Artifact>,
    /// What its steps print into the log of their job: a step's name and a line.
    pub prints: Vec<(String, String)>,
    /// The log of its jobs as it is, instead of one that is made of their steps.
    pub log: Option<Bytes>,
    /// What its jobs say of their failure.
    pub annotations: Vec<Annotation>,
}

/// A job of a workflow.
#[derive(Clone, Debug)]
pub struct Job {
    /// Its name.
    pub name: String,
    /// Its steps.
    pub steps: Vec<String>,
    /// How its steps share a run's running time; a step without one has 1.
    pub shares: Vec<u32>,
}

/// A job as it stands in a workflow.
pub(super) struct Part<'a> {
    pub name: &'a str,
    pub steps: &'a [String],
    shares: &'a [u32],
}

impl Part<'_> {
    /// The one job of a workflow that nothing is known of.
    pub fn nameless() -> Self {
        Part { name: "deploy", steps: &[], shares: &[] }
    }

    /// The share of the running time that a step has.
    pub fn share(&self, step: usize) -> u32 {
        self.shares.get(step).copied().unwrap_or(1)
    }
}

/// A job beside the one that a run's timetable is about. It is listed when the run is completed.
#[derive(Clone, Debug)]
pub struct OtherJob {
    /// Its name; none: `null`, which the API description does not allow.
    pub name: Option<String>,
    /// The attempt in which it was run.
    pub attempt: u64,
    /// Its conclusion.
    pub conclusion: String,
    /// Its steps, with their conclusions.
    pub steps: Vec<(String, String)>,
}

impl OtherJob {
    /// A job of the first attempt, without steps.
    pub fn new(name: &str, conclusion: &str) -> Self {
        let (name, conclusion) = (Some(name.to_owned()), conclusion.to_owned());
        Self { name, attempt: 1, conclusion, steps: Vec::new() }
    }

    /// Adds a step.
    pub fn step(mut self, name: &str, conclusion: &str) -> Self {
        self.steps.push((name.to_owned(), conclusion.to_owned()));
        self
    }
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
            before: Vec::new(),
            job: "deploy".into(),
            steps: steps.map(String::from).into(),
            other_jobs: Vec::new(),
            shares: Vec::new(),
            environment: None,
            concurrency: None,
            runs_on: vec!["ubuntu-latest".into()],
            matrix: 0,
            artifacts: Vec::new(),
            prints: Vec::new(),
            log: None,
            annotations: Vec::new(),
        }
    }

    /// Sets the concurrency group.
    pub fn concurrency(mut self, group: &str) -> Self {
        self.concurrency = Some(group.into());
        self
    }

    /// Sets what the runner of its jobs must have.
    pub fn runs_on(mut self, labels: &[&str]) -> Self {
        self.runs_on = labels.iter().map(|&label| label.to_owned()).collect();
        self
    }

    /// Adds a matrix of so many jobs.
    pub fn matrix(mut self, jobs: usize) -> Self {
        self.matrix = jobs;
        self
    }

    /// Sets the `run-name`.
    pub fn run_name(mut self, run_name: &str) -> Self {
        self.run_name = Some(run_name.into());
        self
    }

    /// Adds an input.
    pub fn input(mut self, name: &str, required: bool) -> Self {
        self.inputs.push(Input { name: name.into(), required, options: Vec::new() });
        self
    }

    /// Adds an input of type `choice`.
    pub fn choice(mut self, name: &str, required: bool, options: &[&str]) -> Self {
        let options = options.iter().map(|&option| option.to_owned()).collect();
        self.inputs.push(Input { name: name.into(), required, options });
        self
    }

    /// Sets the steps, each with its share of the running time.
    pub fn steps(mut self, steps: &[(&str, u32)]) -> Self {
        self.steps = steps.iter().map(|&(name, _)| name.to_owned()).collect();
        self.shares = steps.iter().map(|&(_, share)| share).collect();
        self
    }

    /// Adds a job before the last one, of steps that each have a share of the running time.
    pub fn job_before(mut self, name: &str, steps: &[(&str, u32)]) -> Self {
        self.before.push(Job {
            name: name.into(),
            steps: steps.iter().map(|&(name, _)| name.to_owned()).collect(),
            shares: steps.iter().map(|&(_, share)| share).collect(),
        });
        self
    }

    /// Lets a step print a line into its job's log.
    pub fn prints(mut self, step: &str, line: &str) -> Self {
        self.prints.push((step.into(), line.into()));
        self
    }

    /// Adds an artifact, or replaces the one of the same name.
    pub fn artifact(mut self, artifact: Artifact) -> Self {
        self.artifacts.retain(|known| known.name != artifact.name);
        self.artifacts.push(artifact);
        self
    }

    /// Builds a web client, copies it to S3 and invalidates CloudFront's caches.
    pub(super) fn client_deploy() -> Self {
        Self::new("client-deploy.yml", "Client Deploy")
            .run_name("Client Deploy — {correlation_id} by {requester}")
            .input("correlation_id", true)
            .input("requester", true)
            .input("VITE_API_BASE", false)
            .steps(&[
                ("Set up job", 1),
                ("Check out", 1),
                ("Install dependencies", 4),
                ("Build", 8),
                ("S3 sync", 3),
                ("CloudFront invalidation", 2),
                ("Complete job", 1),
            ])
    }

    /// Checks a frontend and an API, and leaves a summary.
    pub(super) fn diagnose_dispatch() -> Self {
        let mut workflow = Self::new("diagnose-dispatch.yml", "Diagnose Dispatch")
            .run_name("Diagnose — {correlation_id} by {requester}")
            .input("correlation_id", false)
            .input("requester", false)
            .input("channel", false)
            .input("frontend_url", false)
            .input("api_base", false)
            .steps(&[
                ("Set up job", 1),
                ("Check the frontend", 2),
                ("Check the API", 2),
                ("Upload the summary", 1),
                ("Complete job", 1),
            ])
            .artifact(Artifact::diagnose_summary(&[
                ("Frontend /", 200, "200 in 120 ms"),
                ("API /health", 503, "503 Service Unavailable"),
            ]));
        workflow.job = "diagnose".into();
        workflow
    }

    /// Its id: made from the file's name, so that it stays the same.
    pub(crate) fn id(&self) -> u64 {
        let digest = digest(&self.file);
        100_000_000 + u64::from_str_radix(&digest[..6], 16).expect("a hex digest")
    }

    /// Where it is in the repository.
    pub(crate) fn path(&self) -> String {
        format!(".github/workflows/{}", self.file)
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

    /// Its jobs, in order.
    pub(super) fn parts(&self) -> Vec<Part<'_>> {
        let before = self.before.iter();
        let before =
            before.map(|job| Part { name: &job.name, steps: &job.steps, shares: &job.shares });
        let last = Part { name: &self.job, steps: &self.steps, shares: &self.shares };
        before.chain([last]).collect()
    }

    /// The job and the step at which a bad run fails: the step of that name, or else the longest
    /// in the middle of the last job.
    pub(super) fn failing(&self, name: &str) -> Option<(usize, usize)> {
        let parts = self.parts();
        let named = parts.iter().enumerate().find_map(|(job, part)| {
            part.steps.iter().position(|step| step == name).map(|step| (job, step))
        });
        let job = parts.len() - 1;
        let middle = 1..self.steps.len().saturating_sub(1);
        let longest = middle.max_by_key(|&step| parts[job].share(step));
        named.or_else(|| longest.map(|step| (job, step)))
    }

    /// The file's text.
    pub(crate) fn yaml(&self, title: Title) -> String {
        let quoted = |text: &str| Value::from(text).to_string();
        let mut text = format!("name: {}\n", quoted(&self.name));
        if let Some(run_name) = self.run_name.as_ref().filter(|_| title != Title::Neither) {
            let mut run_name = run_name.clone();
            for input in &self.inputs {
                let expression = format!("${{{{ inputs.{} }}}}", input.name);
                run_name = run_name.replace(&format!("{{{}}}", input.name), &expression);
            }
            let _ = writeln!(text, "run-name: {}", quoted(&run_name));
        }
        text.push_str("\non:\n  push:\n    branches: [main]\n");
        if self.dispatchable {
            text.push_str("  workflow_dispatch:\n");
            if !self.inputs.is_empty() {
                text.push_str("    inputs:\n");
            }
            for input in &self.inputs {
                let kind = if input.options.is_empty() { "string" } else { "choice" };
                let Input { name, required, options } = input;
                let _ = writeln!(text, "      {name}:");
                let _ = writeln!(text, "        description: {}", quoted(&format!("The {name}")));
                let _ = writeln!(text, "        required: {required}");
                let _ = writeln!(text, "        type: {kind}");
                if !options.is_empty() {
                    let _ = writeln!(text, "        options: {}", json!(options));
                }
            }
        }
        // Whoever queues nothing of it may still have the key.
        let group = self
            .concurrency
            .clone()
            .unwrap_or_else(|| format!("{}-${{{{ github.run_id }}}}", self.file));
        let _ = writeln!(text, "\nconcurrency: {}", quoted(&group));
        text.push_str("\njobs:\n");
        let mut needed = None;
        let runs_on = match self.runs_on.as_slice() {
            [label] => label.clone(),
            labels => format!("[{}]", labels.join(", ")),
        };
        for part in self.parts() {
            let id = part.name.replace(' ', "-");
            let _ = writeln!(text, "  {id}:");
            if let Some(needed) = needed.replace(id) {
                let _ = writeln!(text, "    needs: {needed}");
            }
            let _ = writeln!(text, "    runs-on: {runs_on}\n    steps:");
            let last = part.steps.len().saturating_sub(1);
            for step in part.steps.iter().take(last).skip(1) {
                let _ = writeln!(text, "      - name: {}\n        run: \"true\"", quoted(step));
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workflow_s_file_says_what_a_doctor_looks_for() {
        let yaml = Workflow::client_deploy().choice("stage", true, &["dev", "prod"]);
        let text = yaml.yaml(Title::DisplayTitle);
        for part in [
            "name: \"Client Deploy\"\n",
            "run-name: \"Client Deploy — ${{ inputs.correlation_id }} by ${{ inputs.requester }}\"\n",
            "  workflow_dispatch:\n    inputs:\n      correlation_id:\n",
            "      requester:\n        description: \"The requester\"\n        required: true\n        type: string\n",
            "        type: choice\n        options: [\"dev\",\"prod\"]\n",
            "      - name: \"S3 sync\"\n",
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
        assert!(!yaml.yaml(Title::Neither).contains("run-name"));
        let pushed = Workflow { dispatchable: false, ..yaml };
        assert!(!pushed.yaml(Title::DisplayTitle).contains("workflow_dispatch"));
    }

    #[test]
    fn a_bad_run_fails_at_the_named_step_or_the_longest() {
        let deploy = Workflow::client_deploy();
        let step = |name: &str| &deploy.steps[deploy.failing(name).unwrap().1];
        assert_eq!((step("S3 sync").as_str(), step("Deploy").as_str()), ("S3 sync", "Build"));
        let two = Workflow::client_deploy().job_before("test", &[("Set up job", 1), ("Lint", 1)]);
        assert_eq!((two.failing("Lint"), two.failing("Deploy")), (Some((0, 1)), Some((1, 3))));
        assert!(two.yaml(Title::Neither).contains("  deploy:\n    needs: test\n"));
    }
}
