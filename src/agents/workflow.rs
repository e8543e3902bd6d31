//! The workflow of an agent in `agents.toml`.

use std::str::FromStr;

use toml::Spanned;

use super::fault::{Fault, checked, fault, fits, unique};
use super::input::{RESERVED_INPUTS, input};
use super::raw::RawAgent;
use super::ref_pattern::{RefPattern, is_ref};
use super::registry::Workflow;
use crate::github::{Repository, git_ref};

/// Discord allows 25 options per command. Two of them are reserved: `wait` and `ref`.
const MAX_INPUTS: usize = 23;

/// Checks the workflow of an agent.
pub(super) fn workflow(raw: &RawAgent) -> Result<Workflow, Fault> {
    let Some(file) = &raw.workflow else {
        let kind = raw.kind.as_ref();
        let what = format!("an agent of kind {kind:?} needs workflow = \"<file>.yml\"");
        return Err(fault(&raw.kind, what));
    };
    let default_ref = match &raw.default_ref {
        Some(name) => {
            git_ref::short(&checked(name, "ref", "a branch or tag name", is_ref)?).to_owned()
        }
        None => "main".to_owned(),
    };
    let mut allowed_refs = vec![RefPattern(default_ref.clone())];
    for pattern in &raw.allowed_refs {
        let pattern = ref_pattern(pattern, "allowed_refs")?;
        if !allowed_refs.contains(&pattern) {
            allowed_refs.push(pattern);
        }
    }
    if let Some(extra) = raw.inputs.get(MAX_INPUTS) {
        return Err(fault(&extra.option, format!("at most {MAX_INPUTS} inputs are possible")));
    }
    unique("option", raw.inputs.iter().map(|input| &input.option))?;
    unique("input", raw.inputs.iter().map(|input| &input.input))?;
    Ok(Workflow {
        repository: repository(raw.repository.as_ref())?,
        file: workflow_file(file, "workflow")?,
        default_ref,
        allowed_refs,
        inputs: raw.inputs.iter().map(input).collect::<Result<_, _>>()?,
        reported: raw.reported.as_ref().is_none_or(|reported| *reported.as_ref()),
        environment: match &raw.environment {
            Some(name) => {
                Some(checked(name, "environment", "1 to 50 characters", |s| fits(s, 50))?)
            }
            None => None,
        },
        sha_input: sha_input(raw)?,
    })
}

/// Deckhand sets it, so it is none of the inputs that users set.
fn sha_input(raw: &RawAgent) -> Result<Option<String>, Fault> {
    let Some(name) = &raw.sha_input else { return Ok(None) };
    let is_input = |s: &str| {
        !s.is_empty()
            && s.len() <= 100
            && s.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
            && !RESERVED_INPUTS.contains(&s)
    };
    let shape = "a free workflow input (correlation_id and requester are taken)";
    let name_of = checked(name, "sha_input", shape, is_input)?;
    if raw.inputs.iter().any(|input| input.input.as_ref() == name_of.as_str()) {
        return Err(fault(
            name,
            format!("sha_input: {name_of:?} is one of the inputs that users set"),
        ));
    }
    Ok(Some(name_of))
}

pub(super) fn repository(name: Option<&Spanned<String>>) -> Result<Option<Repository>, Fault> {
    let parsed = name.map(|name| {
        let parsed = Repository::from_str(name.as_ref());
        parsed.map_err(|()| fault(name, "repository must be owner/name"))
    });
    parsed.transpose()
}

/// The name of a file in `.github/workflows`.
pub(super) fn workflow_file(name: &Spanned<String>, key: &str) -> Result<String, Fault> {
    let is_file = |s: &str| {
        let name = s.strip_suffix(".yml").or_else(|| s.strip_suffix(".yaml")).unwrap_or_default();
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
    };
    checked(name, key, "a file name like client-deploy.yml", is_file)
}

/// A branch or tag, or a prefix of their names.
pub(super) fn ref_pattern(pattern: &Spanned<String>, key: &str) -> Result<RefPattern, Fault> {
    let shape = "branch or tag names, or prefixes like \"release/*\"";
    // A name alone does not tell a branch from a tag, so "all branches" cannot be kept.
    let is_pattern = |s: &str| {
        s == "*"
            || (git_ref::short(s) != "*"
                && is_ref(s.strip_suffix('*').unwrap_or(s).trim_end_matches('/')))
    };
    let pattern = checked(pattern, key, shape, is_pattern)?;
    Ok(RefPattern(git_ref::short(&pattern).to_owned()))
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
    #[case::empty("environment = \" \"", "environment \" \" must be 1 to 50 characters")]
    #[case::long(&format!("environment = \"{}\"", "x".repeat(51)), "must be 1 to 50 characters")]
    #[case::spaces("sha_input = \"the sha\"", "sha_input \"the sha\" must be")]
    #[case::nothing("sha_input = \"\"", "sha_input \"\" must be")]
    #[case::reserved("sha_input = \"requester\"", "correlation_id and requester are taken")]
    #[case::given(
        "sha_input = \"SHA\"\n[[agent.inputs]]\noption = \"sha\"\ninput = \"SHA\"\nkind = \"string\"\ndescription = \"x\"",
        "sha_input: \"SHA\" is one of the inputs that users set"
    )]
    fn a_wrong_key_is_reported_with_its_line(#[case] lines: &str, #[case] what: &str) {
        let error = parsed("deploy", &format!("workflow = \"a.yml\"\n{lines}")).unwrap_err();
        assert!(error.contains("line 9: ") && error.contains(what), "{error}");
    }

    #[rstest]
    #[case("environment = \"x\"", "environment")]
    #[case("sha_input = \"x\"", "sha_input")]
    fn an_agent_without_a_workflow_takes_neither(#[case] line: &str, #[case] key: &str) {
        let error = parsed("status", line).unwrap_err();
        let expected = format!("line 8: an agent of kind \"status\" takes no {key}");
        assert!(error.ends_with(&expected), "{error}");
    }
}
