//! The `[[agent.inputs]]` of `agents.toml`: each is an option of the slash command that sets a workflow
//! input.

use super::options::{OptionKind, OptionSpec};
use super::pattern::Pattern;
use super::registry::Input;
use super::table::{COMMAND_NAME, Table, Text, is_command_name, unique};
use crate::discord::limits::MAX_CHOICES;
use crate::github::BOOKKEEPING;

const KINDS: [&str; 4] = ["string", "integer", "boolean", "url"];
/// Options that each command of a workflow has.
pub(crate) const RESERVED_OPTIONS: [&str; 2] = ["wait", "ref"];

/// The most characters of a free text, if its input does not say.
const DEFAULT_LENGTH: u32 = 200;
/// Discord's limit for a text.
const LONGEST: u32 = 6000;

/// Where most of its text is.
pub(super) fn at(table: &Table<'_>) -> usize {
    let place = table.at_value("choices").or_else(|| table.at_value("option"));
    place.unwrap_or(table.at)
}

/// Checks one input.
pub(super) fn input(table: &Table<'_>) -> Option<Input> {
    let name = table.needed("option").and_then(|text| option_name(&text));
    let input = table.needed("input").and_then(|text| input_name(&text));
    let description = table.needed("description").and_then(|text| text.within(100));
    let required = table.flag("required").unwrap_or(false);
    let kind = kind(table);
    let (name, description, kind) = (name?, description?, kind?);
    Some(Input { input: input?, option: OptionSpec { name, description, required, kind } })
}

fn option_name(text: &Text<'_>) -> Option<String> {
    if RESERVED_OPTIONS.contains(&text.value) {
        text.is_wrong(format_args!(
            "{:?}: wait and ref are taken, every such command has them; choose another name",
            text.value
        ));
        return None;
    }
    text.checked(COMMAND_NAME, is_command_name)
}

/// The name of a workflow's input that is none of Deckhand's own.
pub(super) fn input_name(text: &Text<'_>) -> Option<String> {
    if BOOKKEEPING.contains(&text.value) {
        text.is_wrong(format_args!(
            "{:?}: {} are taken, Deckhand sets them itself; rename the workflow's input",
            text.value,
            BOOKKEEPING.join(", ")
        ));
        return None;
    }
    let is_name = |s: &str| {
        (1..=100).contains(&s.len())
            && s.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
    };
    text.checked("the name of a workflow's input: letters, digits, - and _", is_name)
}

fn kind(table: &Table<'_>) -> Option<OptionKind> {
    let kind = table.needed("kind").and_then(|text| text.one_of(&KINDS))?;
    let without = |keys: &[&'static str]| {
        for key in keys {
            if let Some(at) = table.key_at(key) {
                table.faults.add(at, format!("{key} does not go with kind {kind:?}"));
            }
        }
    };
    if kind != "string" {
        without(&["choices", "pattern", "max_length"]);
    }
    if kind != "integer" {
        without(&["min", "max"]);
    }
    match kind {
        "integer" => integer_kind(table),
        "boolean" => Some(OptionKind::Boolean),
        "url" => Some(OptionKind::Url),
        _ => text_kind(table),
    }
}

fn text_kind(table: &Table<'_>) -> Option<OptionKind> {
    let choices = choices(table);
    if !choices.is_empty() {
        for key in ["pattern", "max_length"] {
            if let Some(at) = table.key_at(key) {
                table.faults.add(at, format!("{key} does not go with choices"));
            }
        }
        return Some(OptionKind::String { choices });
    }
    let length = table.integer("max_length").map(|length| {
        let number = u32::try_from(length.value).ok().filter(|n| (1..=LONGEST).contains(n));
        if number.is_none() {
            length.is_wrong(format_args!("must be 1 to {LONGEST}"));
        }
        number
    });
    let pattern = table.text("pattern").map(|pattern| {
        let text = pattern.within(500)?;
        let cannot = |why| {
            let shown = pattern.repeated();
            pattern.is_wrong(format_args!("{shown:?} cannot be compiled: {why}"));
        };
        Pattern::new(&text).map_err(cannot).ok()
    });
    let pattern = match pattern {
        Some(pattern) => Some(pattern?),
        None => None,
    };
    Some(OptionKind::Text { max_length: length.flatten().unwrap_or(DEFAULT_LENGTH), pattern })
}

fn integer_kind(table: &Table<'_>) -> Option<OptionKind> {
    /// Discord's limit for integer options: up to here a double holds every integer exactly.
    const LIMIT: u64 = 1 << 53;
    let (min, max) = (table.integer("min"), table.integer("max"));
    for limit in min.iter().chain(&max) {
        if limit.value.unsigned_abs() > LIMIT {
            limit.is_wrong("must be between -2^53 and 2^53");
        }
    }
    if let (Some(min), Some(max)) = (&min, &max)
        && min.value > max.value
    {
        min.is_wrong("is above max");
    }
    Some(OptionKind::Integer { min: min.map(|min| min.value), max: max.map(|max| max.value) })
}

fn choices(table: &Table<'_>) -> Vec<String> {
    let given = table.texts("choices", "to take any text");
    unique("choice", given.iter());
    if let Some(extra) = given.get(MAX_CHOICES) {
        extra.is_wrong(format_args!("are {}: Discord takes at most {MAX_CHOICES}", given.len()));
    }
    given.iter().filter_map(|choice| choice.within(100)).collect()
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
    #[case::empty("string", "pattern = ''", "pattern is empty")]
    #[case::none("string", "max_length = 0", "max_length must be 1 to 6000")]
    #[case::long("string", "max_length = 6001", "max_length must be 1 to 6000")]
    #[case::negative("string", "max_length = -1", "max_length must be 1 to 6000")]
    #[case::choices(
        "string",
        "max_length = 9\nchoices = [\"a\"]",
        "max_length does not go with choices"
    )]
    #[case::url("url", "pattern = 'a'", "pattern does not go with kind \"url\"")]
    #[case::integer("integer", "max_length = 3", "max_length does not go with kind \"integer\"")]
    #[case::empty_choices("boolean", "choices = []", "choices does not go with kind \"boolean\"")]
    fn a_wrong_limit_is_reported_with_its_line(
        #[case] kind: &str,
        #[case] line: &str,
        #[case] what: &str,
    ) {
        let error = kind_of(&format!("kind = \"{kind}\"\n{line}")).unwrap_err();
        assert!(error.contains("x.toml:13: ") && error.contains(what), "{error}");
    }
}
