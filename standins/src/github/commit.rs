//! Commits.

use super::wire::branch_sha;

/// A commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// Its hash.
    pub sha: String,
    /// The hash of the one before it.
    pub parent: Option<String>,
    /// Its whole message.
    pub message: String,
    /// The login of its author.
    pub author: String,
}

impl Commit {
    /// A commit by `ada`.
    pub fn new(sha: &str, parent: Option<&str>, message: &str) -> Self {
        Self {
            sha: sha.into(),
            parent: parent.map(str::to_owned),
            message: message.into(),
            author: "ada".into(),
        }
    }

    /// A line of commits that ends at the head of a branch: the first has this hash, and each message is of one more.
    pub fn line(first: &str, branch: &str, messages: &[&str]) -> Vec<Self> {
        let mut line = vec![Self::new(first, None, "The first")];
        for (number, message) in messages.iter().enumerate() {
            let is_head = number + 1 == messages.len();
            let sha =
                if is_head { branch_sha(branch) } else { branch_sha(&format!("{first}{number}")) };
            let parent = line[number].sha.clone();
            line.push(Self::new(&sha, Some(&parent), message));
        }
        line
    }
}
