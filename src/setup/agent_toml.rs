//! Makes an agent of a workflow, as text of `agents.toml`. No I/O.

use std::collections::HashSet;

use serde_json::Value;

use super::inputs::usable;
use super::workflows::Candidate;
use crate::agents::RESERVED_OPTIONS;
use crate::discord::limits::MAX_CHOICES;
use crate::doctor::workflow_file::Input;
use crate::text::escape::clipped;

/// The agent that shows the last runs, for a new file.
pub(super) const STATUS: &str = "\
[[agent]]
id = \"status_reporter\"
name = \"Status reporter\"
description = \"Shows the last runs of the workflows that this bot starts\"
command = \"status\"
kind = \"status\"
";

/// Names that cannot be used any more.
#[derive(Debug, Default, Clone)]
pub(super) struct Taken {
    pub ids: HashSet<String>,
    pub commands: HashSet<String>,
}

/// The text of an agent, and the name of its command.
#[derive(Debug)]
pub(super) struct Made {
    pub text: String,
    pub command: String,
    /// What the agent cannot do.
    pub notes: Vec<String>,
}

/// Makes an agent. An error: this workflow cannot be one, and why.
pub(super) fn made(candidate: &Candidate, taken: &mut Taken) -> Result<Made, String> {
    let Candidate { repository, branch, file, name, inputs } = candidate;
    let is_name = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if !file.chars().all(is_name) {
        return Err(
            "its file has a name with other characters than letters, digits, -, _ and .".to_owned()
        );
    }
    let (inputs, mut notes) = usable(inputs)?;
    let stem = file.rsplit_once('.').map_or(file.as_str(), |(stem, _)| stem);
    let repository = repository.to_string();
    let short = repository.rsplit_once('/').map_or("", |(_, short)| short);
    let longer = format!("{short}-{stem}");
    let command = free(&[stem, &longer], '-', &mut taken.commands);
    let id = free(&[&command.replace('-', "_")], '_', &mut taken.ids);
    let is_deploy = ["deploy", "release", "publish", "rollout"]
        .iter()
        .any(|word| stem.to_lowercase().contains(word) || name.to_lowercase().contains(word));
    let title = if clipped(name, 50).trim().is_empty() { stem } else { name };
    let lines = [
        ("id", text(&id)),
        ("name", text(&clipped(title, 50))),
        ("description", text(&clipped(&format!("Starts {title} in {repository}"), 100))),
        ("command", text(&command)),
        ("kind", text(if is_deploy { "deploy" } else { "workflow" })),
        ("workflow", text(file)),
        ("repository", text(&repository)),
        ("ref", text(branch)),
    ];
    let mut made = table("[[agent]]", &lines);
    let mut options = HashSet::new();
    for input in inputs {
        made.push('\n');
        made.push_str(&table("[[agent.inputs]]", &option(input, &mut options, &mut notes)));
    }
    Ok(Made { text: made, command, notes })
}

/// The keys of an option.
fn option(
    input: &Input,
    taken: &mut HashSet<String>,
    notes: &mut Vec<String>,
) -> Vec<(&'static str, String)> {
    let Input { name, required, form } = input;
    let given = form.description.as_deref().filter(|text| !clipped(text, 100).trim().is_empty());
    let mut description = given.unwrap_or(name).to_owned();
    if let Some(default) = form.default.as_deref().filter(|default| !default.trim().is_empty()) {
        let default = format!(" (default: {})", clipped(default, 30));
        description = clipped(&description, 100 - default.chars().count()) + &default;
    }
    let mut option = vec![("option", text(&option_name(name, taken))), ("input", text(name))];
    let mut limits = Vec::new();
    let kind = match form.kind.as_deref() {
        Some("boolean") => "boolean",
        Some("choice") => {
            match choices(&form.options) {
                Ok(choices) => limits.push(("choices", choices)),
                Err(why) => {
                    notes.push(format!("its input {:?} takes any text: {why}", clipped(name, 40)));
                }
            }
            "string"
        }
        Some("number") => {
            limits.push(("pattern", text(r"-?[0-9]+(\.[0-9]+)?")));
            "string"
        }
        _ => "string",
    };
    option.push(("kind", text(kind)));
    option.push(("description", text(&clipped(&description, 100))));
    if *required {
        option.push(("required", "true".to_owned()));
    }
    option.extend(limits);
    option
}

/// The choices, if Discord can show them all. Else any text can be typed, and GitHub checks it; the error says why.
fn choices(options: &[String]) -> Result<String, String> {
    let mut seen = HashSet::new();
    if options.is_empty() {
        return Err("it has no choices".to_owned());
    }
    if options.len() > MAX_CHOICES {
        return Err(format!(
            "it has {} choices, and Discord shows at most {MAX_CHOICES}",
            options.len()
        ));
    }
    for one in options {
        if one.trim().is_empty() {
            return Err("one of its choices is empty".to_owned());
        }
        if one.chars().count() > 100 {
            return Err("one of its choices has more than 100 characters".to_owned());
        }
        if clipped(one, 100) != *one {
            return Err("one of its choices has characters that cannot be shown".to_owned());
        }
        if !seen.insert(one) {
            return Err(format!("its choice {one:?} is there twice"));
        }
    }
    let all: Vec<String> = options.iter().map(|one| text(one)).collect();
    Ok(format!("[{}]", all.join(", ")))
}

fn option_name(input: &str, taken: &mut HashSet<String>) -> String {
    let is_own = RESERVED_OPTIONS.contains(&input.to_lowercase().as_str());
    let suffixed = format!("{input}_input");
    free(&[if is_own { &suffixed } else { input }], '_', taken)
}

/// The first of these names that is free, as a command's name, or else the last one with a number.
fn free(names: &[&str], between: char, taken: &mut HashSet<String>) -> String {
    let names: Vec<String> = names.iter().map(|name| as_name(name, between)).collect();
    let last = names.last().cloned().unwrap_or_default();
    let numbered = (2..).map(|number| {
        let end = format!("{between}{number}");
        let stem: String = last.chars().take(32 - end.len()).collect();
        stem + &end
    });
    let mut all = names.into_iter().chain(numbered);
    let free = all.find(|name| !taken.contains(name)).unwrap_or_default();
    taken.insert(free.clone());
    free
}

/// 1 to 32 lowercase letters, digits, `-` and `_`.
fn as_name(text: &str, between: char) -> String {
    let mut name = String::new();
    for c in text.chars() {
        match c.to_ascii_lowercase() {
            c if c.is_ascii_alphanumeric() || c == '-' || c == '_' => name.push(c),
            _ if !name.ends_with(between) => name.push(between),
            _ => {}
        }
    }
    let name: String = name.trim_matches(['-', '_']).chars().take(32).collect();
    if name.is_empty() { "run".to_owned() } else { name }
}

fn table(head: &str, lines: &[(&str, String)]) -> String {
    let lines: String = lines.iter().map(|(key, value)| format!("{key} = {value}\n")).collect();
    format!("{head}\n{lines}")
}

/// A text of TOML: what JSON escapes, TOML reads alike, and a delete character is nowhere wanted.
fn text(value: &str) -> String {
    Value::from(value.replace('\u{7f}', "")).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agents::file;
    use crate::agents::options::OptionKind;
    use crate::doctor::workflow_file;
    use proptest::prelude::*;
    use rstest::rstest;

    fn candidate(file: &str, name: &str, inputs: &str) -> Candidate {
        let yaml = format!("on:\n  workflow_dispatch:\n    inputs:\n{inputs}");
        Candidate {
            repository: "octo-org/web-client".parse().unwrap(),
            branch: "trunk".to_owned(),
            file: file.to_owned(),
            name: name.to_owned(),
            inputs: workflow_file::read(&yaml).unwrap().dispatch.unwrap(),
        }
    }

    const INPUTS: &str = r#"
      correlation_id: { required: true }
      requester: { type: string }
      Stage: { type: choice, required: true, options: [staging, production], description: 'Where "to"' }
      dry-run: { type: boolean, default: false }
      replicas: { type: number, default: 3, description: How many }
      ref: { description: "  " }
      target env: {}
"#;

    #[test]
    fn an_agent_has_the_inputs_of_its_workflow() {
        let made = made(
            &candidate("Deploy Web.yml".replace(' ', "-").as_str(), "Web: 🚢", INPUTS),
            &mut Taken::default(),
        );
        let made = made.unwrap();
        let registry = file::parse("x.toml", &made.text).unwrap();
        let [agent] = registry.agents() else { panic!() };
        assert_eq!((agent.command.as_str(), agent.id.as_str()), ("deploy-web", "deploy_web"));
        assert_eq!((agent.name.as_str(), agent.kind.word()), ("Web: 🚢", "deploy"));
        let workflow = agent.workflow().unwrap();
        assert_eq!(
            (workflow.file.as_str(), workflow.default_ref.as_str()),
            ("Deploy-Web.yml", "trunk")
        );
        let inputs: Vec<_> = workflow
            .inputs
            .iter()
            .map(|input| {
                let option = &input.option;
                (
                    input.input.as_str(),
                    option.name.as_str(),
                    option.description.as_str(),
                    option.required,
                )
            })
            .collect();
        assert_eq!(
            inputs,
            [
                ("Stage", "stage", "Where \"to\"", true),
                ("dry-run", "dry-run", "dry-run (default: false)", false),
                ("ref", "ref_input", "ref", false),
                ("replicas", "replicas", "How many (default: 3)", false),
            ]
        );
        let kinds: Vec<_> = workflow.inputs.iter().map(|input| &input.option.kind).collect();
        let choices = ["staging", "production"].map(str::to_owned).into();
        assert_eq!(kinds[..2], [&OptionKind::String { choices }, &OptionKind::Boolean]);
        assert!(matches!(kinds[3], OptionKind::Text { pattern: Some(_), .. }), "{:?}", kinds[3]);
        assert_eq!(made.notes, ["its input \"target env\" is left out"]);
    }

    #[rstest]
    #[case::odd_name(
        "      \"target env\": { required: true }\n",
        "requires the input \"target env\""
    )]
    #[case::kept(
        "      channel: { required: true }\n",
        "requires the input \"channel\", and Deckhand keeps"
    )]
    #[case::filled_in(
        "      requester: { type: choice, options: [ada, ben] }\n",
        "its input \"requester\" is of type \"choice\": Deckhand fills it in with a text"
    )]
    #[case::too_many(
        &(0..24).map(|n| format!("      i{n}: {{ required: true }}\n")).collect::<String>(),
        "requires more than 23 inputs"
    )]
    fn a_workflow_that_cannot_be_started_from_here(#[case] inputs: &str, #[case] why: &str) {
        let error = made(&candidate("a.yml", "A", inputs), &mut Taken::default()).unwrap_err();
        assert!(error.contains(why), "{error}");
    }

    #[test]
    fn an_input_whose_name_is_kept_is_left_out_and_that_is_said() {
        let candidate = candidate("a.yml", "A", "      channel: {}\n      wait: {}\n");
        let made = made(&candidate, &mut Taken::default()).unwrap();
        assert!(
            made.text.contains("\"wait_input\"") && !made.text.contains("channel"),
            "{}",
            made.text
        );
        let why = "its input \"channel\" is left out: Deckhand keeps that name for itself; rename the workflow's input";
        assert_eq!(made.notes, [why]);
    }

    #[test]
    fn names_are_never_taken_twice() {
        let mut taken = Taken::default();
        taken.commands.insert("status".to_owned());
        let mut command =
            |file: &str| made(&candidate(file, "X", "      a: {}\n"), &mut taken).unwrap().command;
        assert_eq!(command("status.yml"), "web-client-status");
        assert_eq!(command("status.yaml"), "web-client-status-2");
        assert_eq!(command("ÄÖ.yml".replace(['Ä', 'Ö'], "_").as_str()), "run");
        let long = "x".repeat(40) + ".yml";
        assert_eq!(
            (command(&long).len(), command(&long).len(), command(&long).len()),
            (32, 32, 32)
        );
    }

    #[rstest]
    #[case::many((0..26).map(|n| format!("z{n}")).collect(), "it has 26 choices, and Discord shows at most 25")]
    #[case::long(vec!["x".repeat(101)], "one of its choices has more than 100 characters")]
    #[case::empty(vec!["a".to_owned(), "''".to_owned()], "one of its choices is empty")]
    #[case::twice(vec!["a".to_owned(), "a".to_owned()], "its choice \"a\" is there twice")]
    #[case::none(vec![], "it has no choices")]
    fn choices_that_do_not_fit_become_a_free_text_and_that_is_said(
        #[case] options: Vec<String>,
        #[case] why: &str,
    ) {
        let inputs = format!("      zone: {{ type: choice, options: [{}] }}\n", options.join(", "));
        let made = made(&candidate("a.yml", "A", &inputs), &mut Taken::default()).unwrap();
        assert!(!made.text.contains("choices"), "{}", made.text);
        assert_eq!(made.notes, [format!("its input \"zone\" takes any text: {why}")]);
    }

    proptest! {
        #[test]
        fn whatever_a_workflow_says_the_agent_can_be_read(
            name in "\\PC{0,80}",
            description in "[\\PC\u{0}-\u{7f}]{0,120}",
            default in "\\PC{0,60}",
            options in proptest::collection::vec("\\PC{0,30}", 0..4),
            kind in "choice|string|number|boolean|environment|odd",
        ) {
            let mut candidate = candidate("a.yml", &name, "      a: {}\n");
            let form = &mut candidate.inputs[0].form;
            (form.kind, form.options) = (Some(kind), options);
            (form.description, form.default) = (Some(description), Some(default));
            let made = made(&candidate, &mut Taken::default()).unwrap();
            let read = file::parse("x.toml", &(STATUS.to_owned() + &made.text));
            prop_assert!(read.is_ok(), "{:?}\n{}", read.err(), made.text);
        }
    }
}
