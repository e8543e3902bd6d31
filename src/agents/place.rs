//! Where `agents.toml` is read from.

use std::fmt;
use std::io::{ErrorKind, Result};
use std::path::{Path, PathBuf};

/// Where the agents are declared.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Place {
    /// In the file that `AGENTS_FILE` names.
    Named(PathBuf),
    /// In `agents.toml` in the folder of the binary: in Lambda's package, in the image, or where a release was unpacked.
    Beside(PathBuf),
    /// In the file that was built into the binary.
    #[default]
    BuiltIn,
}

impl Place {
    /// The file that the setting names, else the one beside the binary, else the one built in.
    pub fn find(named: Option<PathBuf>) -> Self {
        named.map_or_else(|| Self::beside(std::env::current_exe()), Self::Named)
    }

    /// What is there counts, also if it cannot be read: a folder, a link to nothing. Only where nothing is, the file built
    /// in is meant. The system may not tell where the binary is, where /proc is missing.
    fn beside(binary: Result<PathBuf>) -> Self {
        let file = binary.ok().and_then(|binary| Some(binary.parent()?.join("agents.toml")));
        let Some(file) = file else { return Self::BuiltIn };
        match file.symlink_metadata() {
            Err(error) if error.kind() == ErrorKind::NotFound => Self::BuiltIn,
            _ => Self::Beside(file),
        }
    }

    /// The file to read. `None`: the one built in.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Named(file) | Self::Beside(file) => Some(file),
            Self::BuiltIn => None,
        }
    }

    /// Why this file is read, as the end of an error.
    pub(super) fn why(&self) -> &'static str {
        match self {
            Self::Named(_) => "AGENTS_FILE names it",
            Self::Beside(_) => "it lies beside the binary, so it is read",
            Self::BuiltIn => "it is built into the binary",
        }
    }
}

/// As in `/var/task/agents.toml (beside the binary)`.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(file) => write!(f, "{} (named by AGENTS_FILE)", file.display()),
            Self::Beside(file) => write!(f, "{} (beside the binary)", file.display()),
            Self::BuiltIn => f.write_str("agents.toml (built into the binary)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;
    use standins::Scratch;

    #[test]
    fn the_setting_wins_over_what_lies_beside_the_binary() {
        let named = PathBuf::from("own.toml");
        assert_eq!(Place::find(Some(named.clone())), Place::Named(named));
        // Nothing lies beside the binary of the tests.
        assert_eq!(Place::find(None), Place::BuiltIn);
    }

    #[test]
    fn what_lies_beside_the_binary_counts_whatever_it_is() {
        let folder = Scratch::new().unwrap();
        let file = folder.file("agents.toml");
        let found = || Place::beside(Ok(folder.file("deckhand")));
        assert_eq!(found(), Place::BuiltIn);
        symlink("nowhere", &file).unwrap();
        assert_eq!(found(), Place::Beside(file.clone()));
        fs::remove_file(&file).unwrap();
        fs::create_dir(&file).unwrap();
        assert_eq!(found(), Place::Beside(file.clone()));
        fs::remove_dir(&file).unwrap();
        fs::write(&file, "").unwrap();
        assert_eq!(found(), Place::Beside(file));
    }

    #[test]
    fn where_the_binary_is_may_be_unknown() {
        let unknown = std::io::Error::from(ErrorKind::NotFound);
        assert_eq!(Place::beside(Err(unknown)), Place::BuiltIn);
    }
}
