//! Where the settings are kept: for a server in a file `NAME=value`, for the owner's eyes only; for AWS the secrets in SSM
//! and the rest in `samconfig.toml`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::files;
use super::on_aws::OnAws;
use super::stopped::Stopped;
use crate::config::{EnvFile, env_file};

/// What a set-up keeps in a file.
const OURS: [&str; 19] = [
    "ADMIN_ROLE_IDS",
    "ADMIN_USER_IDS",
    "AGENTS_FILE",
    "ALLOWED_GUILD_IDS",
    "DATA_FILE",
    "DECKHAND_URL",
    "DISCORD_API_BASE",
    "DISCORD_APPLICATION_ID",
    "DISCORD_BOT_TOKEN",
    "DISCORD_GUILD_ID",
    "DISCORD_PUBLIC_KEY",
    "GITHUB_API_BASE",
    "GITHUB_APP_ID",
    "GITHUB_APP_INSTALLATION_ID",
    "GITHUB_APP_PRIVATE_KEY",
    "GITHUB_REPO",
    "GITHUB_TOKEN",
    "GITHUB_WEBHOOK_SECRET",
    "TABLE_NAME",
];

/// Where the settings are kept.
pub(super) struct Home {
    place: Place,
    /// What is to be written.
    new: BTreeMap<&'static str, String>,
    /// What a dry run has named.
    told: Vec<&'static str>,
    dry_run: bool,
    /// Whether something was written.
    pub changed: bool,
}

enum Place {
    File { path: PathBuf, file: EnvFile },
    Aws(Box<OnAws>),
}

impl Home {
    /// Reads the file, if it is there.
    pub(super) fn in_file(path: &Path, dry_run: bool) -> Result<Self, Stopped> {
        let path = files::absolute(path)?;
        let file = match files::read(&path)? {
            Some(_) => read(&path)?,
            None => EnvFile::default(),
        };
        Ok(Self::of(Place::File { path, file }, dry_run))
    }

    pub(super) fn on_aws(place: OnAws, dry_run: bool) -> Self {
        Self::of(Place::Aws(Box::new(place)), dry_run)
    }

    fn of(place: Place, dry_run: bool) -> Self {
        Self { place, new: BTreeMap::new(), told: Vec::new(), dry_run, changed: false }
    }

    /// The file with the settings, or with those of them that are no secrets.
    pub(super) fn path(&self) -> &Path {
        match &self.place {
            Place::File { path, .. } => path,
            Place::Aws(aws) => aws.path(),
        }
    }

    /// The place on AWS, if it is there.
    pub(super) fn aws(&self) -> Option<&OnAws> {
        match &self.place {
            Place::File { .. } => None,
            Place::Aws(aws) => Some(aws),
        }
    }

    /// Where the settings are kept, in words.
    pub(super) fn place(&self) -> String {
        match &self.place {
            Place::File { path, .. } => format!("{} (mode 600)", path.display()),
            Place::Aws(aws) => aws.place(),
        }
    }

    /// The settings that are new, each once.
    pub(super) fn untold(&mut self) -> Vec<&'static str> {
        let new = self.new.keys().copied();
        let untold: Vec<&str> = new.filter(|name| !self.told.contains(name)).collect();
        self.told.extend(&untold);
        untold
    }

    /// Where a setting is kept, in words.
    pub(super) fn place_of(&self, name: &str) -> String {
        match &self.place {
            Place::File { path, .. } => format!("{name} in {}", path.display()),
            Place::Aws(aws) => aws.place_of(name),
        }
    }

    /// A setting, also one that is still to be written. An empty one counts as not set.
    pub(super) fn value(&self, name: &str) -> Option<String> {
        let new = self.new.get(name).map(String::as_str);
        let value = new.or_else(|| match &self.place {
            Place::File { file, .. } => file.value(name),
            Place::Aws(aws) => aws.value(name),
        });
        value.filter(|value| !value.trim().is_empty()).map(str::to_owned)
    }

    pub(super) fn keep(&mut self, name: &'static str, value: &str) {
        let is_taken_back = !matches!(self.place, Place::File { .. }) || OURS.contains(&name);
        debug_assert!(is_taken_back, "a removal would leave {name}");
        if self.value(name).as_deref() != Some(value) {
            self.new.insert(name, value.to_owned());
        }
    }

    /// Writes what is new.
    pub(super) async fn save(&mut self) -> Result<(), Stopped> {
        if self.dry_run || self.new.is_empty() {
            return Ok(());
        }
        match &mut self.place {
            Place::File { path, file } => {
                let mut text = files::read(path)?.unwrap_or_default();
                for (name, value) in &self.new {
                    text = with(&text, name, value)
                        .map_err(|why| Stopped::mend(format!("{}: {why}", path.display())))?;
                }
                files::write(path, &text, files::PRIVATE)?;
                *file = read(path)?;
            }
            Place::Aws(aws) => aws.write(&self.new).await?,
        }
        self.new.clear();
        self.told.clear();
        self.changed = true;
        Ok(())
    }
}

/// The text without what a set-up keeps.
pub(super) fn without_ours(text: &str) -> Result<String, String> {
    let text = env_file::normal(text);
    let pieces = env_file::settings(&text)?.into_iter();
    let others = pieces.filter(|piece| !piece.name.is_some_and(|name| OURS.contains(&name)));
    Ok(others.map(|piece| piece.text).collect())
}

fn read(path: &Path) -> Result<EnvFile, Stopped> {
    EnvFile::load(Some(path)).map_err(|error| Stopped::mend(error.to_string()))
}

/// The text with this setting in it. An error: a line that cannot be read.
fn with(text: &str, name: &str, value: &str) -> Result<String, String> {
    let text = env_file::normal(text);
    let pieces = env_file::settings(&text)?;
    let line = format!("{name}={}\n", quoted(value));
    let last = pieces.iter().rposition(|piece| piece.name == Some(name));
    let mut new = String::new();
    for (at, piece) in pieces.iter().enumerate() {
        if Some(at) == last {
            new.push_str(&line);
        // An earlier one has no effect, and may be an old secret.
        } else if piece.name != Some(name) {
            new.push_str(piece.text);
            if !new.ends_with('\n') {
                new.push('\n');
            }
        }
    }
    if last.is_none() {
        new.push_str(&line);
    }
    Ok(new)
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
    #[case::of_lines("B=2\nA=\"BEGIN\nB=3\nEND\" # why\nC=4\n", "B=2\nA=1\nC=4\n")]
    #[case::inside_of_others("B='\nA=2\n'\n", "B='\nA=2\n'\nA=1\n")]
    #[case::of_windows("A=2\r\nB=3\r\n", "A=1\nB=3\n")]
    #[case::as_it_is("A=1\nB=2\n", "A=1\nB=2\n")]
    #[case::others("AB=2\n# A=3\n", "AB=2\n# A=3\nA=1\n")]
    fn a_setting_takes_its_place(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(with(text, "A", "1").as_deref(), Ok(expected));
    }

    #[test]
    fn what_is_not_of_a_set_up_stays_when_that_is_removed() {
        let text = "# Mine\nLOG_LEVEL=debug\nGITHUB_APP_PRIVATE_KEY=\"a\nb\"\nexport GITHUB_REPO=a/b\nX='\nGITHUB_REPO=c/d'\n";
        let left = "# Mine\nLOG_LEVEL=debug\nX='\nGITHUB_REPO=c/d'\n";
        assert_eq!(without_ours(text).as_deref(), Ok(left));
        assert_eq!(without_ours("DATA_FILE=x\n").as_deref(), Ok(""));
        assert!(without_ours("a secret\n").is_err());
    }

    proptest! {
        #[test]
        fn what_is_kept_is_read_again(value in "[ -~\nß]{1,40}") {
            let folder = Scratch::new().unwrap();
            let path = folder.file("x.env");
            std::fs::write(&path, with("", "A", &value).unwrap()).unwrap();
            let read = Home::in_file(&path, false).unwrap().value("A");
            prop_assert_eq!(read, Some(value).filter(|value| !value.trim().is_empty()));
        }
    }

    #[tokio::test]
    async fn a_dry_run_writes_nothing() {
        let folder = Scratch::new().unwrap();
        let path = folder.file("x.env");
        let mut home = Home::in_file(&path, true).unwrap();
        home.keep("GITHUB_REPO", "1");
        home.save().await.unwrap();
        assert_eq!((home.value("GITHUB_REPO").as_deref(), path.exists()), (Some("1"), false));
    }
}
