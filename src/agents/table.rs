//! Reads the tables of `agents.toml`. What is wrong with a value is noted, and the rest is read all the same, so that
//! all mistakes are told at once.

use std::fmt::Display;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::fault::Faults;
use super::keys::{Section, alike, shown, unknown};

/// A table, like an `[[agent]]`.
pub(super) struct Table<'a> {
    section: &'static Section,
    /// Where it begins.
    pub(super) at: usize,
    values: &'a DeTable<'a>,
    pub(super) faults: &'a Faults<'a>,
    /// The keys that unknown ones were probably meant as.
    meant: Vec<&'static str>,
}

/// A value with its key and its place.
pub(super) struct Given<'a, T> {
    pub(super) key: &'static str,
    pub(super) value: T,
    pub(super) at: usize,
    pub(super) faults: &'a Faults<'a>,
}

pub(super) type Text<'a> = Given<'a, &'a str>;

type Value<'a> = Given<'a, &'a Spanned<DeValue<'a>>>;

/// The most characters of a text that are repeated in a message.
const REPEATED: usize = 60;

impl<'a> Table<'a> {
    /// Notes the keys that such a table has not.
    pub(super) fn new(
        section: &'static Section,
        at: usize,
        values: &'a DeTable<'a>,
        faults: &'a Faults<'a>,
    ) -> Self {
        let unknown = values
            .keys()
            .filter(|key| !section.keys.contains(&key.as_ref().as_ref()))
            .filter_map(|key| unknown(faults, section, key.as_ref(), key.span().start))
            .collect();
        Self { section, at, values, faults, meant: unknown }
    }

    fn value(&self, key: &'static str) -> Option<Value<'a>> {
        let value = self.values.get(key)?;
        Some(Given { key, value, at: value.span().start, faults: self.faults })
    }

    /// Where a key is, if it is there.
    pub(super) fn key_at(&self, key: &str) -> Option<usize> {
        self.values.get_key_value(key).map(|(key, _)| key.span().start)
    }

    /// Where a value is, if it is there.
    pub(super) fn at_value(&self, key: &str) -> Option<usize> {
        self.values.get(key).map(|value| value.span().start)
    }

    /// The line of a value; 0 if it is not there.
    pub(super) fn line(&self, key: &str) -> usize {
        self.values.get(key).map_or(0, |value| self.faults.line(value.span().start))
    }

    /// A text that is not judged here.
    pub(super) fn peek(&self, key: &str) -> Option<&'a str> {
        self.values.get(key)?.as_ref().as_str()
    }

    /// Notes that a key is missing, if it was not only mistyped.
    pub(super) fn lacks(&self, key: &'static str, why: &str) {
        if !self.meant.contains(&key) {
            self.faults.add(self.at, format!("{} needs the key `{key}`{why}", self.section.header));
        }
    }

    pub(super) fn has(&self, key: &'static str) -> bool {
        self.values.contains_key(key) || self.meant.contains(&key)
    }

    /// A text.
    pub(super) fn text(&self, key: &'static str) -> Option<Text<'a>> {
        self.value(key)?.text(false)
    }

    /// A text that must be there.
    pub(super) fn needed(&self, key: &'static str) -> Option<Text<'a>> {
        if !self.values.contains_key(key) {
            self.lacks(key, "");
        }
        self.text(key)
    }

    /// A list of texts that may be left out, but not be empty: `why` says what leaving it out means.
    pub(super) fn texts(&self, key: &'static str, why: &str) -> Vec<Text<'a>> {
        let Some(list) = self.list(key, why) else { return Vec::new() };
        list.into_iter().filter_map(|one| one.text(true)).collect()
    }

    fn list(&self, key: &'static str, why: &str) -> Option<Vec<Value<'a>>> {
        let given = self.value(key)?;
        match given.value.as_ref() {
            DeValue::Array(list) if list.is_empty() => {
                given.is_wrong(format_args!("is empty; leave it out {why}"));
                None
            }
            DeValue::Array(list) => {
                let one = |value: &'a Spanned<DeValue<'a>>| Given {
                    value,
                    at: value.span().start,
                    ..given
                };
                Some(list.iter().map(one).collect())
            }
            DeValue::Table(_) => {
                given.is_wrong("must be a list of texts");
                None
            }
            _ => {
                let one = given.in_quotes();
                given.is_wrong(format_args!("must be a list: {key} = [{one}]"));
                None
            }
        }
    }

    /// A list of Discord's ids, as texts. One mistake of the kind is told once.
    pub(super) fn ids(&self, key: &'static str, why: &str) -> Vec<u64> {
        let Some(list) = self.list(key, why) else { return Vec::new() };
        if let Some(number) = list.iter().find(|one| one.is_number()) {
            let right: Vec<String> = list.iter().map(Given::in_quotes).collect();
            let (key, right) = (number.key, crate::text::escape::clipped(&right.join(", "), 120));
            number.faults.add(number.at, format!("{key}: ids go in quotes: {key} = [{right}]"));
            return Vec::new();
        }
        let id = |one: Value<'a>| {
            let text = one.text(true)?;
            let id = crate::config::id(text.value);
            if id.is_none() {
                text.is_wrong(format_args!(
                    "holds ids, which are digits only, and {:?} is none (Discord's Developer Mode lets you copy them)",
                    shown(text.value)
                ));
            }
            id
        };
        list.into_iter().filter_map(id).collect()
    }

    /// One id of Discord's, as a text or a number. `of`: of what.
    pub(super) fn id(&self, key: &'static str, of: &str) -> Option<u64> {
        let given = self.value(key)?;
        let text = match given.value.as_ref() {
            DeValue::String(text) => text.as_ref(),
            _ => given.written(),
        };
        let id = crate::config::id(text);
        if id.is_none() {
            given.is_wrong(format_args!("must be the id of {of}, which is digits only"));
        }
        id
    }

    /// `true` or `false`.
    pub(super) fn flag(&self, key: &'static str) -> Option<bool> {
        let given = self.value(key)?;
        match given.value.as_ref() {
            DeValue::Boolean(flag) => return Some(*flag),
            DeValue::String(text) if matches!(text.as_ref(), "true" | "false") => {
                given.is_wrong(format_args!("goes without quotes: {key} = {text}"));
            }
            _ => given.is_wrong("must be true or false"),
        }
        None
    }

    /// A whole number.
    pub(super) fn integer(&self, key: &'static str) -> Option<Given<'a, i64>> {
        let given = self.value(key)?;
        let number = match given.value.as_ref() {
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).ok(),
            DeValue::String(text) if text.parse::<i64>().is_ok() => {
                given.is_wrong(format_args!("is a number, without quotes: {key} = {text}"));
                return None;
            }
            _ => None,
        };
        if number.is_none() {
            given.is_wrong("must be a whole number");
        }
        Some(Given { key, value: number?, at: given.at, faults: given.faults })
    }

    /// Tables of which there may be several. One that is written with single brackets is read all the same.
    pub(super) fn tables(&self, key: &'static str, section: &'static Section) -> Vec<Table<'a>> {
        let Some(given) = self.value(key) else { return Vec::new() };
        let header = section.header;
        let table = |at: usize, values| Table::new(section, at, values, self.faults);
        match given.value.as_ref() {
            DeValue::Table(values) => {
                let single = header.replace("[[", "[").replace("]]", "]");
                given.faults.add(
                    self.key_at(key).unwrap_or(given.at),
                    format!("{single} takes two brackets: {header}"),
                );
                vec![table(given.at, values)]
            }
            DeValue::Array(list) => {
                let one = |value: &'a Spanned<DeValue<'a>>| match value.as_ref() {
                    DeValue::Table(values) => Some(table(value.span().start, values)),
                    _ => {
                        let what = format!("{key}: each begins with a line {header}");
                        self.faults.add(value.span().start, what);
                        None
                    }
                };
                list.iter().filter_map(one).collect()
            }
            _ => {
                given
                    .is_wrong(format_args!("is written as a table: begin it with a line {header}"));
                Vec::new()
            }
        }
    }

    /// A table whose keys are free: each key with its place and its value.
    pub(super) fn free(
        &self,
        key: &'static str,
        header: &str,
    ) -> Vec<(Given<'a, &'a str>, Value<'a>)> {
        let Some(given) = self.value(key) else { return Vec::new() };
        let DeValue::Table(values) = given.value.as_ref() else {
            let at = self.key_at(key).unwrap_or(given.at);
            let what = if given.value.as_ref().is_array() {
                format!("[{header}] takes one pair of brackets: {header}")
            } else {
                format!("{key} is written as a table: begin it with a line {header}")
            };
            self.faults.add(at, what);
            return Vec::new();
        };
        let one = |(name, value): (&'a Spanned<_>, &'a Spanned<DeValue<'a>>)| {
            let name: &'a Spanned<std::borrow::Cow<'a, str>> = name;
            let text = Given {
                key,
                value: name.as_ref().as_ref(),
                at: name.span().start,
                faults: self.faults,
            };
            (text, Given { key, value, at: value.span().start, faults: self.faults })
        };
        let mut all: Vec<_> = values.iter().map(one).collect();
        all.sort_by_key(|(name, _)| name.at);
        all
    }
}

impl<'a> Value<'a> {
    /// `in_list`: it is one of several.
    fn text(self, in_list: bool) -> Option<Text<'a>> {
        let key = self.key;
        match self.value.as_ref() {
            DeValue::String(text) => {
                return Some(Given { key, value: text.as_ref(), at: self.at, faults: self.faults });
            }
            DeValue::Array(_) if !in_list => self.is_wrong("is one text, not a list"),
            DeValue::Array(_) | DeValue::Table(_) => self.is_wrong("must be a text"),
            _ => {
                let right = self.in_quotes();
                let right = if in_list { format!("[{right}]") } else { right };
                self.is_wrong(format_args!("must be a text, in quotes: {key} = {right}"));
            }
        }
        None
    }

    /// A text, a number or a flag, as text.
    pub(super) fn plain(&self) -> Option<String> {
        match self.value.as_ref() {
            DeValue::String(text) => Some(text.to_string()),
            DeValue::Boolean(flag) => Some(flag.to_string()),
            DeValue::Integer(number) => {
                let number = i64::from_str_radix(number.as_str(), number.radix()).ok();
                number.map(|number| number.to_string())
            }
            DeValue::Float(_) => Some(self.written().replace('_', "")),
            _ => None,
        }
    }

    fn is_number(&self) -> bool {
        matches!(self.value.as_ref(), DeValue::Integer(_) | DeValue::Float(_))
    }

    /// As it is written in the file.
    fn written(&self) -> &'a str {
        self.faults.written(self.value.span())
    }

    /// As it is written, in quotes.
    pub(super) fn in_quotes(&self) -> String {
        match self.value.as_ref() {
            DeValue::String(text) => format!("\"{}\"", shown(text)),
            _ => format!("\"{}\"", shown(self.written())),
        }
    }
}

impl<T> Given<'_, T> {
    /// Notes what is wrong with it, after its key.
    pub(super) fn is_wrong(&self, what: impl Display) {
        self.faults.add(self.at, format!("{} {what}", self.key));
    }
}

impl Clone for Value<'_> {
    fn clone(&self) -> Self {
        *self
    }
}

impl Copy for Value<'_> {}

impl<'a> Text<'a> {
    /// The text if it passes `test`; `shape` describes the valid form.
    pub(super) fn checked(&self, shape: &str, test: impl Fn(&str) -> bool) -> Option<String> {
        if test(self.value) {
            return Some(self.value.to_owned());
        }
        self.is_wrong(format_args!("{:?} must be {shape}", self.repeated()));
        None
    }

    /// The text if it has 1 to `max` characters that are not all white space.
    pub(super) fn within(&self, max: usize) -> Option<String> {
        let length = self.value.chars().count();
        if length > max {
            self.is_wrong(format_args!("is too long: {length} of {max} characters"));
        } else if self.value.trim().is_empty() {
            self.is_wrong("is empty");
        } else {
            return Some(self.value.to_owned());
        }
        None
    }

    /// One of these words.
    pub(super) fn one_of(&self, words: &'static [&'static str]) -> Option<&'static str> {
        let known = words.iter().find(|word| **word == self.value);
        if known.is_none() {
            let meant = alike(self.value, words);
            let meant = meant.map(|word| format!(": did you mean {word:?}?")).unwrap_or_default();
            let all = words.join(", ");
            self.is_wrong(format_args!("{:?} is not one of {all}{meant}", self.repeated()));
        }
        known.copied()
    }

    /// For a message.
    pub(super) fn repeated(&self) -> String {
        crate::text::escape::clipped(self.value, REPEATED)
    }
}

/// Notes texts that are there twice.
pub(super) fn unique<'a>(what: &str, values: impl Iterator<Item = &'a Text<'a>>) {
    let mut seen: Vec<(&str, usize)> = Vec::new();
    for text in values {
        match seen.iter().find(|(value, _)| *value == text.value) {
            Some((_, first)) => {
                let first = text.faults.line(*first);
                let what =
                    format!("{what} {:?} is given twice, first in line {first}", text.repeated());
                text.faults.add(text.at, what);
            }
            None => seen.push((text.value, text.at)),
        }
    }
}

pub(super) const COMMAND_NAME: &str = "1 to 32 lowercase letters, digits, - and _";

pub(super) fn is_command_name(text: &str) -> bool {
    (1..=32).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b))
}
