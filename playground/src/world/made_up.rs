//! What is made up around the agents: a watch, and workflows on GitHub.

use standins::github::{Input, Scenario, Workflow};

use crate::bot::{Kind, Registry};

/// The built-in agents, and a watch of pushes.
pub(super) fn agents() -> String {
    let built_in = include_str!("../../../agents.toml");
    let channel = standins::discord::CHANNEL_ID;
    format!(
        "{built_in}\n[[watch]]\nworkflows = [\"{CI}\"]\nevents = [\"push\"]\nchannel = \"{channel}\"\n"
    )
}

/// The workflow that runs on pushes.
const CI: &str = "ci.yml";

/// The workflow that a push starts: the first one that is watched.
pub(super) fn of_pushes(registry: &Registry) -> &str {
    let mut files = registry.watches().iter().flat_map(|watch| &watch.workflows);
    files.next().map_or(CI, String::as_str)
}

/// The step in which runs fail: the one that takes longest.
const FAILING: &str = "Build";

/// What a build prints: where it fails, its log tells why.
const PRINTS: [&str; 2] = [
    "> tsc --noEmit && vite build",
    "src/Header.tsx:14:9 - error TS2304: Cannot find name 'sticky'.",
];

/// Adds the workflows of `agents.toml` to the GitHub stand-in, so that an agent can be tried before its
/// workflow exists.
pub(super) fn add_workflows(scenario: &mut Scenario, registry: &Registry) {
    for agent in registry.agents() {
        let (Kind::Deploy(deploy) | Kind::Workflow(deploy) | Kind::Diagnose(deploy)) = &agent.kind
        else {
            continue;
        };
        if !scenario.refs.contains(&deploy.default_ref) {
            scenario.refs.push(deploy.default_ref.clone());
        }
        let is_it = |workflow: &Workflow| workflow.file == deploy.file;
        if !scenario.workflows.iter().any(is_it) {
            let workflow = Workflow::new(&deploy.file, &agent.name)
                .run_name(&format!("{} — {{correlation_id}} by {{requester}}", agent.name))
                .input("correlation_id", true)
                .input("requester", true);
            scenario.add_workflow(workflow);
        }
        for workflow in scenario.workflows.iter_mut().filter(|workflow| is_it(workflow)) {
            let given = deploy.inputs.iter().map(|input| &input.input).chain(&deploy.sha_input);
            for name in given {
                if !workflow.inputs.iter().any(|known| &known.name == name) {
                    let input = Input { name: name.clone(), required: false, options: Vec::new() };
                    workflow.inputs.push(input);
                }
            }
        }
    }
    let watched = registry.watches().iter().flat_map(|watch| watch.workflows.iter());
    for file in watched.map(String::as_str).chain([of_pushes(registry)]) {
        if scenario.workflows.iter().any(|workflow| workflow.file == file) {
            continue;
        }
        let name = if file == CI { "CI" } else { file };
        let steps =
            [("Set up job", 1), ("Check out", 1), ("Build", 4), ("Test", 6), ("Complete job", 1)];
        let mut workflow = Workflow::new(file, name).steps(&steps);
        "test".clone_into(&mut workflow.job);
        scenario.add_workflow(workflow);
    }
    for workflow in &mut scenario.workflows {
        let fails = scenario.timetable.conclusion == "failure";
        if fails && workflow.steps.iter().any(|step| step == FAILING) {
            let lines = PRINTS.iter().map(|line| (FAILING.to_owned(), (*line).to_owned()));
            workflow.prints.extend(lines);
        }
    }
}
