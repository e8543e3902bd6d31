//! Where the settings are kept: a file `NAME=value`, for the owner's eyes only.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::files;
use super::stopped::Stopped;
use crate::config::EnvFile;

/// The file with the settings.
pub(super) struct Home {
    path: PathBuf,
    file: EnvFile,
    /// What is to be written.
    new: BTreeMap<&'static str, String>,
    dry_run: bool,
    /// Whether the file was changed.
    pub changed: bool,
}

impl Home {
    /// Reads the file, if it is there.
    pub(super) fn open(path: &Path, dry_run: bool) -> Result<Self, Stopped> {
        let path = files::absolute(path)?;
        let file = if path.exists() {
            EnvFile::load(Some(&path)).map_err(|error| Stopped::mend(error.to_string()))?
        } else {
            EnvFile::default()
        };
        Ok(Self { path, file, new: BTreeMap::new(), dry_run, changed: false })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// A setting, also one that is still to be written. An empty one counts as not set.
    pub(super) fn value(&self, name: &str) -> Option<String> {
        let new = self.new.get(name).map(String::as_str);
        let value = new.or_else(|| self.file.value(name));
        value.filter(|value| !value.trim().is_empty()).map(str::to_owned)
    }

    pub(super) fn keep(&mut self, name: &'static str, value: &str) {
        if self.value(name).as_deref() != Some(value) {
            self.new.insert(name, value.to_owned());
        }
    }

    /// Writes what is new. Also puts the permissions right.
    pub(super) fn save(&mut self) -> Result<(), Stopped> {
        if self.dry_run || self.new.is_empty() {
            return Ok(());
        }
        let mut text = files::read(&self.path)?.unwrap_or_default();
        for (name, value) in &self.new {
            text = with(&text, name, value);
        }
        files::write(&self.path, &text, files::PRIVATE)?;
        self.new.clear();
        self.changed = true;
        self.file =
            EnvFile::load(Some(&self.path)).map_err(|error| Stopped::mend(error.to_string()))?;
        Ok(())
    }
}

/// The text with this setting in it.
fn with(text: &str, name: &str, value: &str) -> String {
    let is_it = |line: &str| {
        let line = line.trim_start();
        let line = line.strip_prefix("export ").map_or(line, str::trim_start);
        let rest = line.strip_prefix(name).map(str::trim_start);
        rest.is_some_and(|rest| rest.starts_with('='))
    };
    let line = format!("{name}={}\n", quoted(value));
    let mut lines: Vec<String> = text.lines().map(|line| format!("{line}\n")).collect();
    let last = lines.iter().rposition(|line| is_it(line));
    match last.and_then(|at| lines.get_mut(at)) {
        Some(there) => there.clone_from(&line),
        None => lines.push(line.clone()),
    }
    // An earlier one has no effect, and may be an old secret.
    lines.retain(|there| *there == line || !is_it(there));
    lines.concat()
}

/// A value as [`EnvFile`] reads it.
fn quoted(value: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-.:/,+*@%~=".contains(c);
    if value.chars().all(is_plain) {
        return value.to_owned();
    }
    let mut quoted = String::from('"');
    for c in value.chars() {
        match c {
            '\n' => quoted.push_str("\\n"),
            '"' | '\\' | '$' => quoted.extend(['\\', c]),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;
    use standins::Scratch;

    #[rstest]
    #[case::new("", "A=1\n")]
    #[case::no_line_end("B=2", "B=2\nA=1\n")]
    #[case::in_its_place("B=2\n export A = old # why\nC=3\n", "B=2\nA=1\nC=3\n")]
    #[case::twice("A=x\nB=2\nA=y\n", "B=2\nA=1\n")]
    #[case::as_it_is("A=1\nB=2\n", "A=1\nB=2\n")]
    #[case::others("AB=2\n# A=3\n", "AB=2\n# A=3\nA=1\n")]
    fn a_setting_takes_its_place(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(with(text, "A", "1"), expected);
    }

    proptest! {
        #[test]
        fn what_is_kept_is_read_again(value in "[ -~\nß]{1,40}") {
            let folder = Scratch::new().unwrap();
            let path = folder.file("x.env");
            let mut home = Home::open(&path, false).unwrap();
            home.keep("A", &value);
            home.save().unwrap();
            let read = Home::open(&path, false).unwrap().value("A");
            prop_assert_eq!(read, Some(value).filter(|value| !value.trim().is_empty()));
        }
    }

    #[test]
    fn a_dry_run_writes_nothing() {
        let folder = Scratch::new().unwrap();
        let path = folder.file("x.env");
        let mut home = Home::open(&path, true).unwrap();
        home.keep("A", "1");
        home.save().unwrap();
        assert_eq!((home.value("A").as_deref(), path.exists()), (Some("1"), false));
    }
}
