//! The `[[agent.inputs]]` of `agents.toml`: each is an option of the slash command that sets a workflow
//! input.

use serde::Deserialize;
use toml::Spanned;

use super::fault::{Fault, checked, fault, fits, is_command_name, unique};
use super::options::{OptionKind, OptionSpec};
use super::registry::Input;

/// GitHub allows 25 inputs. These two are reserved.
const RESERVED_INPUTS: [&str; 2] = ["correlation_id", "requester"];
const RESERVED_OPTIONS: [&str; 2] = ["wait", "ref"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawInput {
    pub(super) option: Spanned<String>,
    pub(super) input: Spanned<String>,
    kind: Spanned<String>,
    description: Spanned<String>,
    #[serde(default)]
    required: bool,
    #[serde(default)]
    choices: Vec<Spanned<String>>,
    min: Option<Spanned<i64>>,
    max: Option<Spanned<i64>>,
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
    if let (Some(choice), true) = (raw.choices.first(), kind != "string") {
        return Err(fault(choice, format!("choices do not go with kind {kind:?}")));
    }
    if let (Some(limit), true) = (raw.min.as_ref().or(raw.max.as_ref()), kind != "integer") {
        return Err(fault(limit, format!("min and max do not go with kind {kind:?}")));
    }
    match kind {
        "integer" => integer_kind(raw),
        "boolean" => Ok(OptionKind::Boolean),
        "url" => Ok(OptionKind::Url),
        _ => Ok(OptionKind::String { choices: choices(raw)? }),
    }
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
    unique("choice", raw.choices.iter())?;
    if let Some(extra) = raw.choices.get(25) {
        return Err(fault(extra, "Discord takes at most 25 choices"));
    }
    let choice =
        |choice| checked(choice, "choices", "texts of 1 to 100 characters", |s| fits(s, 100));
    raw.choices.iter().map(choice).collect()
}
