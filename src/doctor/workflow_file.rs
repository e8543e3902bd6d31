//! Reads a workflow file: its trigger, its inputs, its run name.
//!
//! The YAML is untrusted. It is parsed event by event with limits, so that deep nesting cannot overflow
//! the stack and aliases cannot exhaust memory ("billion laughs"). GitHub reads YAML 1.2: `on` is a
//! string there, not `true`.
//! <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax>

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Value};

/// The largest file that is read, in bytes.
const MAX_BYTES: usize = 512 * 1024;
const MAX_NODES: usize = 50_000;
const MAX_DEPTH: usize = 60;

/// What a workflow file declares.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Declared {
    /// Its `run-name`.
    pub run_name: Option<String>,
    /// The inputs of its `workflow_dispatch` trigger, if it has that trigger.
    pub dispatch: Option<Vec<Input>>,
    /// Whether it, or one of its jobs, has a concurrency group.
    pub queues: bool,
}

/// An input that a dispatch may give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Input {
    pub name: String,
    /// Whether GitHub refuses a dispatch without it.
    pub required: bool,
    pub form: Form,
}

impl Input {
    /// Whether it takes any text, and not only one of some values.
    pub(crate) fn takes_any_text(&self) -> bool {
        matches!(self.form.kind.as_deref(), None | Some("string"))
    }
}

/// What an input says of its values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Form {
    /// `string`, `choice`, `boolean`, `number` or `environment`.
    pub kind: Option<String>,
    pub description: Option<String>,
    pub default: Option<String>,
    /// The values of a `choice`.
    pub options: Vec<String>,
}

/// Why a file cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unreadable {
    /// Not YAML.
    #[error("line {0} is not valid YAML")]
    Yaml(usize),
    /// More bytes, values or levels than a workflow has.
    #[error("it is larger or deeper than a workflow may be")]
    TooLarge,
    /// YAML, but no mapping at its top.
    #[error("it is not a workflow")]
    NoWorkflow,
}

impl Declared {
    /// Whether the run name contains the correlation id.
    pub(crate) fn names_runs_by_correlation_id(&self) -> bool {
        let Some(name) = &self.run_name else { return false };
        let mut expressions = name.split("${{").skip(1).filter_map(|rest| rest.split_once("}}"));
        expressions.any(|(expression, _)| {
            ["inputs.correlation_id", "inputs['correlation_id']"]
                .iter()
                .any(|input| expression.contains(input))
        })
    }
}

/// Reads a workflow file.
pub(crate) fn read(text: &str) -> Result<Declared, Unreadable> {
    if text.len() > MAX_BYTES {
        return Err(Unreadable::TooLarge);
    }
    let file = tree(text)?;
    let file = file.as_object().ok_or(Unreadable::NoWorkflow)?;
    let run_name = file.get("run-name").and_then(Value::as_str).map(str::to_owned);
    let dispatch = match file.get("on") {
        Some(Value::String(event)) => is_dispatch(event).then(Vec::new),
        Some(Value::Array(events)) => {
            events.iter().filter_map(Value::as_str).any(is_dispatch).then(Vec::new)
        }
        Some(Value::Object(events)) => events.get(DISPATCH).map(inputs),
        _ => None,
    };
    let has_group = |of: &Value| of.get("concurrency").is_some_and(|group| !group.is_null());
    let jobs = file.get("jobs").and_then(Value::as_object);
    let queues = file.get("concurrency").is_some_and(|group| !group.is_null())
        || jobs.is_some_and(|jobs| jobs.values().any(has_group));
    Ok(Declared { run_name, dispatch, queues })
}

const DISPATCH: &str = "workflow_dispatch";

fn is_dispatch(event: &str) -> bool {
    event == DISPATCH
}

fn inputs(dispatch: &Value) -> Vec<Input> {
    let inputs = dispatch.get("inputs").and_then(Value::as_object);
    let input = |(name, input): (&String, &Value)| {
        let given = |key: &str| input.get(key).filter(|value| !value.is_null());
        // GitHub uses the default for a required input that is not sent.
        let required = given("required") == Some(&Value::Bool(true)) && given("default").is_none();
        let text = |key: &str| given(key).map(text);
        let options = given("options").and_then(Value::as_array).into_iter().flatten();
        let form = Form {
            kind: text("type"),
            description: text("description"),
            default: text("default"),
            options: options.map(self::text).collect(),
        };
        Input { name: name.clone(), required, form }
    };
    inputs.into_iter().flatten().map(input).collect()
}

/// A scalar as it stands in the file.
fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A list or mapping whose end was not read yet.
struct Open {
    anchor: usize,
    what: Unfinished,
}

enum Unfinished {
    List(Vec<Value>),
    /// The fields read so far, and the key whose value comes next.
    Mapping(Map<String, Value>, Option<String>),
}

/// Parses the file's first document.
fn tree(text: &str) -> Result<Value, Unreadable> {
    let mut open: Vec<Open> = Vec::new();
    let mut anchors: HashMap<usize, (Value, usize)> = HashMap::new();
    let mut nodes = 0;
    for event in Parser::new_from_str(text) {
        let (event, _) = event.map_err(|error| Unreadable::Yaml(error.marker().line()))?;
        let (anchor, value) = match event {
            Event::Scalar(text, style, anchor, _) => {
                nodes += 1;
                (anchor, scalar(&text, style))
            }
            Event::Alias(anchor) => {
                let (value, size) = anchors.get(&anchor).ok_or(Unreadable::NoWorkflow)?;
                nodes += size;
                if nodes > MAX_NODES {
                    return Err(Unreadable::TooLarge);
                }
                (0, value.clone())
            }
            Event::SequenceStart(anchor, _) => {
                nodes += 1;
                open.push(Open { anchor, what: Unfinished::List(Vec::new()) });
                continue_within(open.len(), nodes)?;
                continue;
            }
            Event::MappingStart(anchor, _) => {
                nodes += 1;
                open.push(Open { anchor, what: Unfinished::Mapping(Map::new(), None) });
                continue_within(open.len(), nodes)?;
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => match open.pop() {
                Some(Open { anchor, what: Unfinished::List(items) }) => {
                    (anchor, Value::Array(items))
                }
                Some(Open { anchor, what: Unfinished::Mapping(fields, _) }) => {
                    (anchor, Value::Object(fields))
                }
                None => return Err(Unreadable::NoWorkflow),
            },
            _ => continue,
        };
        continue_within(open.len(), nodes)?;
        if anchor > 0 {
            anchors.insert(anchor, (value.clone(), size(&value)));
        }
        match open.last_mut().map(|open| &mut open.what) {
            None => return Ok(value),
            Some(Unfinished::List(items)) => items.push(value),
            Some(Unfinished::Mapping(fields, key)) => match key.take() {
                None => {
                    *key = Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
                }
                Some(key) => {
                    fields.insert(key, value);
                }
            },
        }
    }
    Err(Unreadable::NoWorkflow)
}

fn continue_within(depth: usize, nodes: usize) -> Result<(), Unreadable> {
    if depth > MAX_DEPTH || nodes > MAX_NODES {
        return Err(Unreadable::TooLarge);
    }
    Ok(())
}

/// The number of values and keys in it. The recursion is at most [`MAX_DEPTH`] deep.
fn size(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(size).sum(),
        Value::Object(fields) => fields.values().map(|value| 1 + size(value)).sum(),
        _ => 0,
    }
}

/// Numbers stay text, because nothing here reads a number.
fn scalar(text: &str, style: ScalarStyle) -> Value {
    match (style, text) {
        (ScalarStyle::Plain, "true" | "True" | "TRUE") => Value::Bool(true),
        (ScalarStyle::Plain, "" | "~" | "null" | "Null" | "NULL") => Value::Null,
        _ => Value::from(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    fn input(name: &str, required: bool) -> Input {
        Input { name: name.to_owned(), required, form: Form::default() }
    }

    #[test]
    fn a_workflow_is_read() {
        let text = r#"
name: Client Deploy
run-name: Client Deploy — ${{ inputs.correlation_id || github.sha }} by ${{ github.actor }}
on:
  push: { branches: [main] }
  workflow_dispatch:
    inputs:
      correlation_id: { type: string, required: true }
      stage: &choice
        type: choice
        required: true
        default: staging
      zone: *choice
      note:
jobs: {}
"#;
        let declared = read(text).unwrap();
        assert!(declared.names_runs_by_correlation_id() && !declared.queues);
        let expected =
            [("correlation_id", true), ("note", false), ("stage", false), ("zone", false)];
        let expected: Vec<_> = expected.iter().map(|(name, req)| input(name, *req)).collect();
        let mut dispatch = declared.dispatch.unwrap();
        dispatch.sort_by(|a, b| a.name.cmp(&b.name));
        dispatch.iter_mut().for_each(|input| input.form = Form::default());
        assert_eq!(dispatch, expected);
    }

    #[test]
    fn an_input_says_which_values_it_takes() {
        let text = "on:\n  workflow_dispatch:\n    inputs:\n      stage:\n        type: choice\n        \
                    description: Where to\n        options: [dev, 2, true, ~]\n        default: dev\n";
        let [stage] = &read(text).unwrap().dispatch.unwrap()[..] else { panic!() };
        let text = |text: &str| Some(text.to_owned());
        let options = ["dev", "2", "true", "null"].map(str::to_owned).into();
        let (kind, default) = (text("choice"), text("dev"));
        assert_eq!(stage.form, Form { kind, description: text("Where to"), default, options });
    }

    #[rstest]
    #[case("on: push\nconcurrency: deploy", true)]
    #[case("on: push\nconcurrency: { group: deploy }", true)]
    #[case("on: push\njobs: { deploy: { concurrency: deploy } }", true)]
    #[case("on: push\njobs: { deploy: { steps: [] } }", false)]
    #[case("on: push\nconcurrency:", false)]
    fn a_concurrency_group_is_found(#[case] text: &str, #[case] queues: bool) {
        assert_eq!(read(text).unwrap().queues, queues);
    }

    #[rstest]
    #[case("on: workflow_dispatch", true)]
    #[case("on: [push, workflow_dispatch]", true)]
    #[case("\"on\":\n  workflow_dispatch:", true)]
    #[case("on: { workflow_dispatch: {} }", true)]
    #[case("on: push", false)]
    #[case("on: [push]", false)]
    #[case("on:\n  push:", false)]
    #[case("jobs: { workflow_dispatch: {} }", false)]
    fn the_trigger_in_every_form(#[case] text: &str, #[case] dispatchable: bool) {
        assert_eq!(read(text).unwrap().dispatch.is_some(), dispatchable);
    }

    #[rstest]
    #[case("${{ inputs.correlation_id }}", true)]
    #[case("Deploy ${{github.event.inputs.correlation_id||github.sha}}", true)]
    #[case("x ${{ inputs['correlation_id'] }} y", true)]
    #[case("${{ inputs.requester }}", false)]
    #[case("inputs.correlation_id", false)]
    #[case("${{ inputs.requester }} inputs.correlation_id", false)]
    fn a_run_name_carries_the_correlation_id_only_in_an_expression(
        #[case] name: &str,
        #[case] carries: bool,
    ) {
        let declared = Declared { run_name: Some(name.to_owned()), ..Declared::default() };
        assert_eq!(declared.names_runs_by_correlation_id(), carries);
    }

    #[test]
    fn a_file_that_is_no_workflow_is_refused() {
        let laughs: String =
            (1..30).map(|n| format!("a{n}: &a{n} [*a{0}, *a{0}, *a{0}, *a{0}]\n", n - 1)).collect();
        let laughs = format!("a0: &a0 [x, x, x, x]\n{laughs}");
        for (text, expected) in [
            ("", Unreadable::NoWorkflow),
            ("- a", Unreadable::NoWorkflow),
            ("on: push\nb: [", Unreadable::Yaml(3)),
            (laughs.as_str(), Unreadable::TooLarge),
            (&"[".repeat(100), Unreadable::TooLarge),
            (&"[".repeat(100_000), Unreadable::Yaml(1)),
            (&"- ".repeat(1_000), Unreadable::TooLarge),
            (&"x".repeat(MAX_BYTES + 1), Unreadable::TooLarge),
        ] {
            assert_eq!(read(text), Err(expected), "{}", text.get(..40).unwrap_or(text));
        }
    }

    proptest! {
        #[test]
        fn reading_never_panics(text in "[-:{}\\[\\]&*!|>'\" a\\n#?,%@`~]{0,60}") {
            let _ = read(&text);
        }
    }
}
