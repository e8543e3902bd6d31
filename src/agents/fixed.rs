//! The `[agent.fixed]` of `agents.toml`: inputs that have the same value in every dispatch of the agent, so that
//! staging and production are two agents of one workflow.

use super::input::input_name;
use super::table::{Table, Text};
use crate::text::escape;

/// The most characters of a value.
const LONGEST: usize = 1000;

/// The inputs with their values, in the order of the file. `names`: the inputs that users set.
pub(super) fn fixed(table: &Table<'_>, names: &[Text<'_>]) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for (name, value) in table.free("fixed", "[agent.fixed]") {
        let shown = name.repeated();
        if names.iter().any(|input| input.value == name.value) {
            name.is_wrong(format_args!(
                "{shown:?} is also an option: an input has a fixed value, or users set it"
            ));
        }
        let Some(text) = value.plain() else {
            value.is_wrong(format_args!("{shown:?} must be a text, a number, true or false"));
            continue;
        };
        let length = text.chars().count();
        if length > LONGEST {
            value.is_wrong(format_args!("{shown:?} is too long: {length} of {LONGEST} characters"));
        } else if text.chars().any(escape::is_unseen) {
            value.is_wrong(format_args!(
                "{shown:?} must be one line of characters that can be seen"
            ));
        } else if let Some(name) = input_name(&name) {
            all.push((name, text));
        }
    }
    all
}
