//! Where the command line finds settings: the environment, and behind it a file. Lambda reads no file.

use std::path::Path;

use super::startup::environment;
use crate::config::{BadEnvFile, EnvFile};

/// The environment, and behind it a file.
pub struct Environment(EnvFile);

impl Environment {
    /// Reads the named file, or `.env` if there is one.
    pub fn load(named: Option<&Path>) -> Result<Self, BadEnvFile> {
        EnvFile::load(named).map(Self)
    }

    /// The value of a setting. An empty variable counts as not set.
    pub fn value(&self, name: &str) -> Option<String> {
        let given = environment(name).filter(|value| !value.trim().is_empty());
        given.or_else(|| self.0.value(name).map(str::to_owned))
    }

    /// Where settings were looked for, in words.
    pub fn places(&self) -> String {
        match self.0.path() {
            Some(file) => {
                format!("Settings were read from the environment and from {}.", file.display())
            }
            None => {
                "Settings were read from the environment; this folder has no file .env.".to_owned()
            }
        }
    }

    /// What in the file has no effect, in words: the SDK of AWS reads the environment only.
    pub fn note(&self) -> Option<String> {
        let file = self.0.path()?.display();
        let names = self.0.of_aws();
        let unset: Vec<&str> =
            names.into_iter().filter(|name| environment(name).is_none()).collect();
        let (first, are) = (unset.first()?, unset.join(", "));
        Some(format!(
            "{file}: {are} there has no effect: AWS's own variables are read from the environment only. \
             Use: export {first}=..."
        ))
    }
}
