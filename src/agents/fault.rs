//! A problem with a value in `agents.toml`, and its position.

use std::collections::HashSet;

use toml::Spanned;

/// A problem at a byte offset of the file.
pub(super) struct Fault {
    pub(super) at: usize,
    pub(super) what: String,
}

pub(super) fn fault<T>(at: &Spanned<T>, what: impl Into<String>) -> Fault {
    Fault { at: at.span().start, what: what.into() }
}

/// Refuses duplicate values.
pub(super) fn unique<'a>(
    key: &str,
    values: impl Iterator<Item = &'a Spanned<String>>,
) -> Result<(), Fault> {
    let mut seen = HashSet::new();
    for value in values {
        if !seen.insert(value.as_ref()) {
            return Err(fault(value, format!("{key} {:?} is given twice", value.as_ref())));
        }
    }
    Ok(())
}

/// Returns the value if it passes `test`; `shape` describes the valid form.
pub(super) fn checked(
    value: &Spanned<String>,
    key: &str,
    shape: &str,
    test: impl Fn(&str) -> bool,
) -> Result<String, Fault> {
    let text = value.as_ref();
    if test(text) {
        return Ok(text.clone());
    }
    Err(fault(value, format!("{key} {text:?} must be {shape}")))
}

/// The entries of a list that may be left out, but not be empty: `why` says what leaving it out means.
pub(super) fn entries<'a>(
    list: Option<&'a Spanned<Vec<Spanned<String>>>>,
    key: &str,
    why: &str,
) -> Result<&'a [Spanned<String>], Fault> {
    match list {
        Some(list) if list.as_ref().is_empty() => {
            Err(fault(list, format!("{key} is empty; leave it out {why}")))
        }
        Some(list) => Ok(list.as_ref()),
        None => Ok(&[]),
    }
}

pub(super) const COMMAND_NAME: &str = "1 to 32 lowercase letters, digits, - and _";

pub(super) fn is_command_name(text: &str) -> bool {
    fits(text, 32)
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b))
}

/// Whether the text has 1 to `max` characters that are not all white space.
pub(super) fn fits(text: &str, max: usize) -> bool {
    !text.trim().is_empty() && text.chars().count() <= max
}
