//! The `[[agent.inputs]]` of `agents.toml`: each is an option of the slash command that sets a workflow
//! input.

use serde::Deserialize;
use toml::Spanned;

use super::fault::{Fault, checked, entries, fault, fits, is_command_name, unique};
use super::options::{OptionKind, OptionSpec};
use super::pattern::Pattern;
use super::registry::Input;

/// GitHub allows 25 inputs. These two are reserved.
pub(super) const RESERVED_INPUTS: [&str; 2] = ["correlation_id", "requester"];
const RESERVED_OPTIONS: [&str; 2] = ["wait", "ref"];

/// The most characters of a free text, if its input does not say.
const DEFAULT_LENGTH: u32 = 200;
/// Discord's limit for a text.
const LONGEST: u32 = 6000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawInput {
    pub(super) option: Spanned<String>,
    pub(super) input: Spanned<String>,
    kind: Spanned<String>,
    description: Spanned<String>,
    #[serde(default)]
    required: bool,
    choices: Option<Spanned<Vec<Spanned<String>>>>,
    pattern: Option<Spanned<String>>,
    max_length: Option<Spanned<u32>>,
    min: Option<Spanned<i64>>,
    max: Option<Spanned<i64>>,
}

impl RawInput {
    /// Where most of its text is.
    pub(super) fn at(&self) -> usize {
        let choices = self.choices.as_ref().map(|choices| choices.span().start);
        choices.unwrap_or_else(|| self.option.span().start)
    }
}

/// Checks one input.
pub(super) fn input(raw: &RawInput) -> Result<Input, Fault> {
    let option_name = |s: &str| is_command_name(s) && !RESERVED_OPTIONS.contains(&s);
    let input_name = |s: &str| {
        s.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
            && fits(s, 100)
            && !RESERVED_INPUTS.contains(&s)
    };
    Ok(Input {
        input: checked(
            &raw.input,
            "input",
            "a free workflow input (correlation_id and requester are taken)",
            input_name,
        )?,
        option: OptionSpec {
            name: checked(
                &raw.option,
                "option",
                "a free option name (wait and ref are taken)",
                option_name,
            )?,
            description: checked(&raw.description, "description", "1 to 100 characters", |s| {
                fits(s, 100)
            })?,
            required: raw.required,
            kind: input_kind(raw)?,
        },
    })
}

fn input_kind(raw: &RawInput) -> Result<OptionKind, Fault> {
    let kind = raw.kind.as_ref().as_str();
    if !matches!(kind, "string" | "integer" | "boolean" | "url") {
        let what = format!("kind {kind:?} is not one of string, integer, boolean, url");
        return Err(fault(&raw.kind, what));
    }
    if let (Some(choices), true) = (&raw.choices, kind != "string") {
        return Err(fault(choices, format!("choices do not go with kind {kind:?}")));
    }
    if let (Some(at), true) = (limit_of_text(raw), kind != "string") {
        let what = format!("pattern and max_length do not go with kind {kind:?}");
        return Err(Fault { at, what });
    }
    if let (Some(limit), true) = (raw.min.as_ref().or(raw.max.as_ref()), kind != "integer") {
        return Err(fault(limit, format!("min and max do not go with kind {kind:?}")));
    }
    match kind {
        "integer" => integer_kind(raw),
        "boolean" => Ok(OptionKind::Boolean),
        "url" => Ok(OptionKind::Url),
        _ => text_kind(raw),
    }
}

/// Where the first limit of a free text is given.
fn limit_of_text(raw: &RawInput) -> Option<usize> {
    let pattern = raw.pattern.as_ref().map(|pattern| pattern.span().start);
    pattern.or_else(|| Some(raw.max_length.as_ref()?.span().start))
}

fn text_kind(raw: &RawInput) -> Result<OptionKind, Fault> {
    let choices = choices(raw)?;
    if !choices.is_empty() {
        return match limit_of_text(raw) {
            Some(at) => {
                let what = "pattern and max_length do not go with choices".to_owned();
                Err(Fault { at, what })
            }
            None => Ok(OptionKind::String { choices }),
        };
    }
    let max_length = match &raw.max_length {
        Some(length) if !(1..=LONGEST).contains(length.as_ref()) => {
            return Err(fault(length, format!("max_length must be 1 to {LONGEST}")));
        }
        Some(length) => *length.as_ref(),
        None => DEFAULT_LENGTH,
    };
    let pattern = raw.pattern.as_ref().map(|pattern| {
        let text = checked(pattern, "pattern", "1 to 500 characters", |s| fits(s, 500))?;
        let cannot = |why| fault(pattern, format!("pattern {text:?} cannot be compiled: {why}"));
        Pattern::new(&text).map_err(cannot)
    });
    Ok(OptionKind::Text { max_length, pattern: pattern.transpose()? })
}

fn integer_kind(raw: &RawInput) -> Result<OptionKind, Fault> {
    /// Discord's limit for integer options: up to here a double holds every integer exactly.
    const LIMIT: u64 = 1 << 53;
    for value in raw.min.iter().chain(&raw.max) {
        if value.as_ref().unsigned_abs() > LIMIT {
            return Err(fault(value, "min and max must be between -2^53 and 2^53"));
        }
    }
    match (&raw.min, &raw.max) {
        (Some(min), Some(max)) if min.as_ref() > max.as_ref() => {
            Err(fault(min, "min is above max"))
        }
        (min, max) => Ok(OptionKind::Integer {
            min: min.as_ref().map(|min| *min.as_ref()),
            max: max.as_ref().map(|max| *max.as_ref()),
        }),
    }
}

fn choices(raw: &RawInput) -> Result<Vec<String>, Fault> {
    let given = entries(raw.choices.as_ref(), "choices", "to take any text")?;
    unique("choice", given.iter())?;
    if let Some(extra) = given.get(25) {
        return Err(fault(extra, "Discord takes at most 25 choices"));
    }
    let choice =
        |choice| checked(choice, "choices", "texts of 1 to 100 characters", |s| fits(s, 100));
    given.iter().map(choice).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agents::file;
    use rstest::rstest;

    /// The kind of an agent's only input, which has these lines. The first is line 12.
    fn kind_of(lines: &str) -> Result<OptionKind, String> {
        let agent = r#"[[agent]]
id = "a"
name = "A"
description = "A"
command = "a"
kind = "workflow"
workflow = "a.yml"
[[agent.inputs]]
option = "x"
input = "X"
description = "X"
"#;
        let registry = file::parse("x.toml", &format!("{agent}{lines}\n"));
        let registry = registry.map_err(|error| error.to_string())?;
        Ok(registry.agents()[0].workflow().unwrap().inputs[0].option.kind.clone())
    }

    #[rstest]
    #[case::default("", 200, None)]
    #[case::length("max_length = 6000", 6000, None)]
    #[case::pattern("pattern = '[a-z]+'", 200, Some("[a-z]+"))]
    fn a_free_text_has_limits(
        #[case] line: &str,
        #[case] max_length: u32,
        #[case] pattern: Option<&str>,
    ) {
        let pattern = pattern.map(|pattern| Pattern::new(pattern).unwrap());
        let expected = OptionKind::Text { max_length, pattern };
        assert_eq!(kind_of(&format!("kind = \"string\"\n{line}")), Ok(expected));
    }

    #[rstest]
    #[case::unclosed("string", "pattern = '(a'", "pattern \"(a\" cannot be compiled: ")]
    #[case::empty("string", "pattern = ''", "pattern \"\" must be 1 to 500 characters")]
    #[case::none("string", "max_length = 0", "max_length must be 1 to 6000")]
    #[case::long("string", "max_length = 6001", "max_length must be 1 to 6000")]
    #[case::negative("string", "max_length = -1", "-1")]
    #[case::choices("string", "max_length = 9\nchoices = [\"a\"]", "do not go with choices")]
    #[case::url("url", "pattern = 'a'", "do not go with kind \"url\"")]
    #[case::integer("integer", "max_length = 3", "do not go with kind \"integer\"")]
    #[case::empty_choices("boolean", "choices = []", "choices do not go with kind \"boolean\"")]
    fn a_wrong_limit_is_reported_with_its_line(
        #[case] kind: &str,
        #[case] line: &str,
        #[case] what: &str,
    ) {
        let error = kind_of(&format!("kind = \"{kind}\"\n{line}")).unwrap_err();
        assert!(error.contains("line 13") && error.contains(what), "{error}");
    }
}
