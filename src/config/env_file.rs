//! Reads settings from a file with a line `NAME=value` for each, like `.env`. The environment wins over it.
//!
//! A value is a text: nothing in it is run or replaced, so a secret may hold a `$`. See decision 0098.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The file that is read if none is named: in the folder where the program runs.
const DEFAULT: &str = ".env";

/// The settings of a file.
#[derive(Default)]
pub(crate) struct EnvFile {
    /// `None`: there is no file.
    path: Option<PathBuf>,
    values: HashMap<String, String>,
}

/// Why a file cannot be used. It shows no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {what}")]
pub struct BadEnvFile {
    file: String,
    what: String,
}

/// A line that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
struct BadLine {
    /// The first line is 1.
    number: usize,
    why: &'static str,
}

const NO_NAME: &str =
    "it must be NAME=value, or a comment that begins with #; a value of several lines needs quotes";
const NOT_CLOSED: &str = "the quote before the value has no closing quote";
const BEHIND_QUOTE: &str = "after the closing quote there may only be a comment";

impl EnvFile {
    /// Reads the named file, or `.env` if there is one.
    pub(crate) fn load(named: Option<&Path>) -> Result<Self, BadEnvFile> {
        let path = named.unwrap_or(Path::new(DEFAULT));
        let bad = |what: String| BadEnvFile { file: path.display().to_string(), what };
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            // `.env` may also be a folder, such as a virtual environment of Python's.
            Err(error)
                if named.is_none()
                    && matches!(error.kind(), ErrorKind::NotFound | ErrorKind::IsADirectory) =>
            {
                return Ok(Self::default());
            }
            Err(error) => {
                let cure = if named.is_some() { "; --env-file names it" } else { "" };
                return Err(bad(format!("cannot be read ({error}){cure}")));
            }
        };
        let text = String::from_utf8(bytes)
            .map_err(|_| bad("is not UTF-8 text: save it with the encoding UTF-8".to_owned()))?;
        let values = parsed(&text)
            .map_err(|BadLine { number, why }| bad(format!("line {number}: {why}")))?;
        Ok(Self { path: Some(path.to_owned()), values })
    }

    /// The file that was read. `None`: there is none.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// The value of a setting, for where the environment has none. Those of AWS's own are left out.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.values.get(name).filter(|_| !is_of_aws(name)).map(String::as_str)
    }

    /// The variables of AWS's own in it, which have no effect: the SDK reads the environment only.
    pub(crate) fn of_aws(&self) -> Vec<&str> {
        let names = self.values.keys().map(String::as_str);
        let mut names: Vec<&str> = names.filter(|name| is_of_aws(name)).collect();
        names.sort_unstable();
        names
    }
}

fn is_of_aws(name: &str) -> bool {
    name.starts_with("AWS_")
}

/// A setting with all its lines, or a line without one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Piece<'t> {
    /// As it stands there, with the end of its last line.
    pub text: &'t str,
    /// The setting's name. `None`: the line is empty or a comment.
    pub name: Option<&'t str>,
    value: String,
}

/// The text as it is read: with ends of lines of one kind, and without a byte order mark.
pub(crate) fn normal(text: &str) -> String {
    text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n")
}

/// The values of a file's text; the last one of a name counts.
fn parsed(text: &str) -> Result<HashMap<String, String>, BadLine> {
    let text = normal(text);
    let settings = pieces(&text)?.into_iter();
    Ok(settings.filter_map(|piece| Some((piece.name?.to_owned(), piece.value))).collect())
}

/// Takes a [`normal`] text apart. An error: the line that cannot be read, in words.
pub(crate) fn settings(text: &str) -> Result<Vec<Piece<'_>>, String> {
    pieces(text).map_err(|BadLine { number, why }| format!("line {number}: {why}"))
}

fn pieces(text: &str) -> Result<Vec<Piece<'_>>, BadLine> {
    let mut pieces = Vec::new();
    let mut rest = text;
    let mut number = 1;
    while !rest.is_empty() {
        let line = rest.split('\n').next().unwrap_or_default();
        let bad = |why| BadLine { number, why };
        let mut length = line.len();
        let (mut known, mut read) = (None, String::new());
        let trimmed = line.trim();
        if !trimmed.is_empty() && !trimmed.starts_with('#') {
            let (name, _) = line.split_once('=').ok_or(bad(NO_NAME))?;
            let given = rest.get(name.len() + 1..).unwrap_or_default();
            known = Some(named(name).ok_or(bad(NO_NAME))?);
            let (value, left) = value(given).map_err(bad)?;
            read = value;
            length = rest.len() - left.len();
        }
        let end = if rest.len() > length { length + 1 } else { length };
        let (piece, left) = rest.split_at_checked(end).unwrap_or((rest, ""));
        number += piece.matches('\n').count();
        pieces.push(Piece { text: piece, name: known, value: read });
        rest = left;
    }
    Ok(pieces)
}

/// The name before the `=`, without `export`.
fn named(text: &str) -> Option<&str> {
    let text = text.trim();
    let name = match text.split_once([' ', '\t']) {
        Some(("export", name)) => name.trim(),
        _ => text,
    };
    let fits = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    (!name.is_empty() && name.chars().all(fits)).then_some(name)
}

/// The value at the beginning of a text, and what follows its last line. A value in quotes may have several
/// lines, like a private key.
fn value(text: &str) -> Result<(String, &str), &'static str> {
    let start = text.trim_start_matches([' ', '\t']);
    let mut inside = start.chars();
    let quote = match inside.next() {
        Some(quote @ ('"' | '\'')) => quote,
        _ => {
            let (line, _) = start.split_once('\n').unwrap_or((start, ""));
            let left = start.get(line.len()..).unwrap_or_default();
            return Ok((without_comment(line).trim().to_owned(), left));
        }
    };
    let mut value = String::new();
    loop {
        match inside.next().ok_or(NOT_CLOSED)? {
            end if end == quote => break,
            '\\' if quote == '"' => match inside.next().ok_or(NOT_CLOSED)? {
                'n' => value.push('\n'),
                same @ ('"' | '\\' | '$') => value.push(same),
                other => value.extend(['\\', other]),
            },
            other => value.push(other),
        }
    }
    let left = inside.as_str();
    let (line, _) = left.split_once('\n').unwrap_or((left, ""));
    if !line.trim().is_empty() && !line.trim_start().starts_with('#') {
        return Err(BEHIND_QUOTE);
    }
    Ok((value, left.get(line.len()..).unwrap_or_default()))
}

/// A value without quotes, up to a `#` that stands after white space.
fn without_comment(line: &str) -> &str {
    let is_comment = |(at, _): &(usize, &str)| {
        line.get(..*at).is_none_or(|before| before.is_empty() || before.ends_with([' ', '\t']))
    };
    let begins = line.match_indices('#').find(is_comment);
    begins.and_then(|(at, _)| line.get(..at)).unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::plain("A=b", "b")]
    #[case::crlf("A=b\r\n", "b")]
    #[case::byte_order_mark("\u{feff}A=b\n", "b")]
    #[case::export("export A=b", "b")]
    #[case::export_and_tab("\texport\tA=b", "b")]
    #[case::spaces("  A = b \t", "b")]
    #[case::double_quotes("A=\"b c\"", "b c")]
    #[case::single_quotes("A='b c' # why", "b c")]
    #[case::spaces_without_quotes("A=b c", "b c")]
    #[case::equals_sign("A=b=c==", "b=c==")]
    #[case::comment("A=b # why", "b")]
    #[case::no_comment("A=b#c", "b#c")]
    #[case::only_a_comment("A= # why", "")]
    #[case::hash_in_quotes("A=\"b # c\"", "b # c")]
    #[case::empty("A=", "")]
    #[case::empty_quotes("A=\"\"", "")]
    #[case::dollar("A=a$HOME${B}`c`", "a$HOME${B}`c`")]
    #[case::escapes(r#"A="b\"c\\d\ne\$f\g""#, "b\"c\\d\ne$f\\g")]
    #[case::no_escapes(r"A='b\n'", r"b\n")]
    #[case::no_escapes_without_quotes(r"A=b\nc", r"b\nc")]
    #[case::quote_inside("A=b\"c", "b\"c")]
    #[case::lines("A=\"-----BEGIN\r\nb\r\nEND-----\"\r\n", "-----BEGIN\nb\nEND-----")]
    #[case::last_one_counts("A=a\nA=b", "b")]
    #[case::among_others("# A=a\n\n  \nX=1\nA=b\nY=\"2\"\n", "b")]
    fn a_value(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(parsed(text).unwrap().get("A").map(String::as_str), Some(expected));
    }

    #[rstest]
    #[case::no_equals_sign("A=b\n\nsecret", 3, NO_NAME)]
    #[case::no_name("=secret", 1, NO_NAME)]
    #[case::words("a secret = b", 1, NO_NAME)]
    #[case::export_alone("export A", 1, NO_NAME)]
    #[case::command("A=b\nexport A B=secret", 2, NO_NAME)]
    #[case::not_closed("X=1\nA=\"secret\nB=2\n", 2, NOT_CLOSED)]
    #[case::two_values("X=\"1\n2\"\nA='secret'secret\n", 3, BEHIND_QUOTE)]
    #[case::missing_quote("A=\"secret\nB=\"2\"\n", 1, BEHIND_QUOTE)]
    fn a_line_that_cannot_be_read(
        #[case] text: &str,
        #[case] number: usize,
        #[case] why: &'static str,
    ) {
        assert_eq!(parsed(text), Err(BadLine { number, why }));
    }

    #[test]
    fn the_variables_of_aws_are_named_and_not_used() {
        let values = parsed("AWS_REGION=x\nTABLE_NAME=y\nAWS_PROFILE=z").unwrap();
        let file = EnvFile { path: None, values };
        assert_eq!(file.of_aws(), ["AWS_PROFILE", "AWS_REGION"]);
        assert_eq!((file.value("AWS_REGION"), file.value("TABLE_NAME")), (None, Some("y")));
    }

    #[test]
    fn a_file_without_a_name_may_be_missing_and_a_named_one_may_not() {
        let error = EnvFile::load(Some(Path::new("no/such.env"))).err().unwrap();
        let error = error.to_string();
        assert!(error.starts_with("no/such.env: cannot be read (No such file"), "{error}");
        assert!(error.ends_with("--env-file names it"), "{error}");
    }
}
