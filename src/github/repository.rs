//! The name of a repository.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// `owner/name` on GitHub.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Repository(String);

impl Repository {
    /// Whether GitHub takes both for the same: case does not matter to it.
    pub fn is_same(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }

    /// What a text is instead of `owner/name`, if that can be told.
    pub fn mistake(text: &str) -> Option<&'static str> {
        let is_url = text.contains("://") || text.starts_with("github.com/");
        Some(match text {
            _ if text.contains(',') => {
                "it is a list: give one; an agent may have its own repository in agents.toml"
            }
            _ if is_url => "it is a URL: give only owner/name, the last two parts of the URL",
            _ if text.starts_with("git@") => {
                "it is an address for git clone: give only owner/name, without git@… before and .git after it"
            }
            _ if text.ends_with(".git") => "it is owner/name.git: leave .git out",
            _ if text.ends_with('/') || text.starts_with('/') => {
                "it begins or ends with a slash: give only owner/name"
            }
            _ if text.matches('/').count() > 1 => {
                "it has more than two parts: give only owner/name"
            }
            _ if !text.is_empty() && !text.contains(['/', ' ', ',']) => {
                "it is only a name: give owner/name, with the user or organization before it"
            }
            _ => return None,
        })
    }
}

impl FromStr for Repository {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let part = |part: &str| {
            let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
            !matches!(part, "" | "." | "..") && part.bytes().all(allowed)
        };
        match text.split_once('/') {
            // GitHub takes `.git` off a name, so no repository ends in it.
            Some((owner, name)) if part(owner) && part(name) && !name.ends_with(".git") => {
                Ok(Self(text.to_owned()))
            }
            _ => Err(()),
        }
    }
}

impl TryFrom<String> for Repository {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse().map_err(|()| "not the name of a repository")
    }
}

impl From<Repository> for String {
    fn from(Repository(name): Repository) -> Self {
        name
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
