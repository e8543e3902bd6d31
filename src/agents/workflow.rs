//! The workflow of an agent in `agents.toml`.

use std::str::FromStr;

use super::fixed::fixed;
use super::input::{RESERVED_OPTIONS, input, input_name};
use super::keys::INPUT;
use super::ref_pattern::{RefPattern, is_ref};
use super::registry::Workflow;
use super::table::{Table, Text, unique};
use crate::discord::limits::MAX_OPTIONS;
use crate::github::{MAX_INPUTS, Repository, git_ref};

/// The most inputs of an agent that are options.
pub(crate) const MAX_INPUT_OPTIONS: usize = MAX_OPTIONS - RESERVED_OPTIONS.len();

/// Checks the workflow of an agent of this kind.
pub(super) fn workflow(table: &Table<'_>, kind: &str) -> Option<Workflow> {
    if !table.has("workflow") {
        table.lacks("workflow", &format!(": kind {kind:?} dispatches a workflow, \"<file>.yml\""));
    }
    let file = table.text("workflow").and_then(|file| workflow_file(&file));
    let default_ref = match table.text("ref") {
        Some(name) => name.checked("the name of a branch or tag", is_ref),
        None => Some("main".to_owned()),
    };
    let default_ref = default_ref.map(|name| git_ref::short(&name).to_owned());
    let mut allowed_refs: Vec<_> = default_ref.iter().cloned().map(RefPattern).collect();
    let none = "to allow only the agent's own ref";
    for pattern in table.texts("allowed_refs", none).iter().filter_map(ref_pattern) {
        if !allowed_refs.contains(&pattern) {
            allowed_refs.push(pattern);
        }
    }
    let tables = table.tables("inputs", &INPUT);
    if let Some(extra) = tables.get(MAX_INPUT_OPTIONS) {
        let what = format!(
            "there are {} inputs: Discord takes 25 options, and wait and ref are two of them. Give some a fixed \
             value in [agent.fixed]",
            tables.len()
        );
        table.faults.add(extra.at, what);
    }
    let of_all = |key| tables.iter().filter_map(move |table| table.text(key));
    let (options, names): (Vec<_>, Vec<_>) =
        (of_all("option").collect(), of_all("input").collect());
    unique("option", options.iter());
    unique("input", names.iter());
    let fixed = fixed(table, &names);
    let sha_input = sha_input(table, &names, &fixed);
    let sent = tables.len() + fixed.len() + usize::from(sha_input.is_some());
    if sent > MAX_INPUTS && tables.len() <= MAX_INPUT_OPTIONS {
        let what = format!("the agent sets {sent} inputs: GitHub takes at most {MAX_INPUTS}");
        table.faults.add(table.key_at("inputs").unwrap_or(table.at), what);
    }
    let inputs = tables.iter().filter_map(input).collect();
    let repository = repository(table);
    let environment = table.text("environment").and_then(|name| name.within(50));
    Some(Workflow {
        repository,
        file: file?,
        default_ref: default_ref?,
        allowed_refs,
        inputs,
        fixed,
        waits: table.flag("wait").unwrap_or(false),
        reported: table.flag("reported").unwrap_or(true),
        environment,
        sha_input,
    })
}

/// Deckhand sets it, so it is none of the inputs that are set otherwise.
fn sha_input(table: &Table<'_>, names: &[Text<'_>], fixed: &[(String, String)]) -> Option<String> {
    let text = table.text("sha_input")?;
    let name = input_name(&text)?;
    if names.iter().any(|input| input.value == name) {
        text.is_wrong(format_args!("{name:?} is one of the inputs that users set"));
    }
    if fixed.iter().any(|(input, _)| *input == name) {
        text.is_wrong(format_args!("{name:?} has a fixed value in [agent.fixed]"));
    }
    Some(name)
}

pub(super) fn repository(table: &Table<'_>) -> Option<Repository> {
    let name = table.text("repository")?;
    let parsed = Repository::from_str(name.value).ok();
    if parsed.is_none() {
        name.is_wrong(match of_url(name.value) {
            Some(right) => format!("is owner/name, not a URL: repository = \"{right}\""),
            None => format!("{:?} must be owner/name", name.repeated()),
        });
    }
    parsed
}

/// The repository that a URL of GitHub's names.
fn of_url(text: &str) -> Option<Repository> {
    let path = text.split_once("://")?.1.split_once('/')?.1;
    let path = path.trim_end_matches('/').trim_end_matches(".git");
    Repository::from_str(path).ok()
}

/// The name of a file in `.github/workflows`.
pub(super) fn workflow_file(name: &Text<'_>) -> Option<String> {
    let is_file = |s: &str| {
        let name = s.strip_suffix(".yml").or_else(|| s.strip_suffix(".yaml")).unwrap_or_default();
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
    };
    name.checked("a file name like client-deploy.yml, without its folder", is_file)
}

/// A branch or tag, or a prefix of their names.
pub(super) fn ref_pattern(pattern: &Text<'_>) -> Option<RefPattern> {
    let shape = "branch or tag names, or prefixes like \"release/*\"";
    // A name alone does not tell a branch from a tag, so "all branches" cannot be kept.
    let is_pattern = |s: &str| {
        s == "*"
            || (git_ref::short(s) != "*"
                && is_ref(s.strip_suffix('*').unwrap_or(s).trim_end_matches('/')))
    };
    let pattern = pattern.checked(shape, is_pattern)?;
    Some(RefPattern(git_ref::short(&pattern).to_owned()))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use crate::agents::file;

    /// The workflow of an agent with these lines, which begin at line 8.
    fn parsed(kind: &str, lines: &str) -> Result<(Option<String>, Option<String>), String> {
        let agent = format!(
            "[[agent]]\nid = \"a\"\nname = \"A\"\ndescription = \"A\"\ncommand = \"a\"\nkind = \"{kind}\"\n\n"
        );
        let registry = file::parse("x.toml", &format!("{agent}{lines}\n"));
        let registry = registry.map_err(|error| error.to_string())?;
        let workflow = registry.agents()[0].workflow().unwrap();
        Ok((workflow.environment.clone(), workflow.sha_input.clone()))
    }

    #[test]
    fn a_deploy_has_an_environment_and_an_input_for_the_commit() {
        let lines =
            "workflow = \"a.yml\"\nenvironment = \"production (eu)\"\nsha_input = \"commit-sha\"";
        let expected = (Some("production (eu)".to_owned()), Some("commit-sha".to_owned()));
        assert_eq!(parsed("deploy", lines), Ok(expected));
        assert_eq!(parsed("workflow", "workflow = \"a.yml\""), Ok((None, None)));
    }

    #[rstest]
    #[case::empty("environment = \" \"", "environment is empty")]
    #[case::long(&format!("environment = \"{}\"", "x".repeat(51)), "environment is too long: 51 of 50 characters")]
    #[case::spaces("sha_input = \"the sha\"", "sha_input \"the sha\" must be")]
    #[case::nothing("sha_input = \"\"", "sha_input \"\" must be")]
    #[case::reserved("sha_input = \"requester\"", "correlation_id, requester, channel are taken")]
    #[case::given(
        "sha_input = \"SHA\"\n[[agent.inputs]]\noption = \"sha\"\ninput = \"SHA\"\nkind = \"string\"\ndescription = \"x\"",
        "sha_input \"SHA\" is one of the inputs that users set"
    )]
    fn a_wrong_key_is_reported_with_its_line(#[case] lines: &str, #[case] what: &str) {
        let error = parsed("deploy", &format!("workflow = \"a.yml\"\n{lines}")).unwrap_err();
        assert!(error.contains("x.toml:9: ") && error.contains(what), "{error}");
    }

    #[rstest]
    #[case("environment = \"x\"", "environment")]
    #[case("sha_input = \"x\"", "sha_input")]
    fn an_agent_without_a_workflow_takes_neither(#[case] line: &str, #[case] key: &str) {
        let error = parsed("status", line).unwrap_err();
        let expected = format!("x.toml:8: an agent of kind \"status\" takes no {key}");
        assert!(error.ends_with(&expected), "{error}");
    }
}
