//! What a token may do: which permission a request needs, and whether it was given.
//!
//! <https://docs.github.com/rest/authentication/permissions-required-for-fine-grained-personal-access-tokens>

use crate::server::{Answer, Received};
use std::collections::BTreeMap;

/// A permission of a fine-grained token or an App. Without reading there is no writing either.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// Reading workflows, runs, jobs and artifacts.
    ActionsRead,
    /// Dispatching workflows.
    ActionsWrite,
    /// Reading variables.
    Variables,
    /// Creating and changing variables.
    VariablesWrite,
    /// Reading the names of secrets and their public key.
    Secrets,
    /// Creating and changing secrets.
    SecretsWrite,
    /// Reading deployments.
    Deployments,
    /// Reading files, branches and tags.
    Contents,
    /// Reading the repository itself.
    Metadata,
    /// Reading check runs and their annotations.
    Checks,
    /// Reading the webhooks of a repository.
    Hooks,
    /// Creating, changing and deleting them.
    HooksWrite,
}

use Permission::{
    ActionsRead, ActionsWrite, Checks, Contents, Deployments, Hooks, HooksWrite, Metadata, Secrets,
    SecretsWrite, Variables, VariablesWrite,
};

/// How far a permission goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    None,
    Read,
    Write,
}

impl Level {
    pub fn word(self) -> &'static str {
        match self {
            Level::None => "none",
            Level::Read => "read",
            Level::Write => "write",
        }
    }

    pub fn named(word: &str) -> Option<Self> {
        [Level::None, Level::Read, Level::Write].into_iter().find(|level| level.word() == word)
    }
}

/// What a token was given, by GitHub's names.
pub(super) type Granted = BTreeMap<&'static str, Level>;

/// All permissions that Deckhand uses, without the denied ones.
pub(super) fn granted(denied: &[Permission]) -> Granted {
    let level = |read: Permission, write: Option<Permission>| {
        if denied.contains(&read) {
            Level::None
        } else if write.is_none_or(|write| denied.contains(&write)) {
            Level::Read
        } else {
            Level::Write
        }
    };
    Granted::from([
        ("actions", level(ActionsRead, Some(ActionsWrite))),
        ("actions_variables", level(Variables, Some(VariablesWrite))),
        ("checks", level(Checks, None)),
        ("contents", level(Contents, None)),
        ("deployments", level(Deployments, None)),
        ("metadata", level(Metadata, None)),
        ("repository_hooks", level(Hooks, Some(HooksWrite))),
        ("secrets", level(Secrets, Some(SecretsWrite))),
    ])
}

/// The header that says which permission a request needs.
pub(super) const HEADER: &str = "x-accepted-github-permissions";

/// A permission that a request needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Need {
    pub name: &'static str,
    pub level: Level,
}

impl Need {
    /// What `x-accepted-github-permissions` says.
    pub fn header(self) -> String {
        format!("{}={}", self.name, self.level.word())
    }

    pub fn is_met(self, granted: &Granted) -> bool {
        granted.get(self.name).is_some_and(|level| *level >= self.level)
    }
}

/// Adds to a refusal for lack of a permission which one it is.
pub(super) fn explain(answer: Answer, request: &Received) -> Answer {
    let lacks = answer.status == 403
        && String::from_utf8_lossy(&answer.body).contains("Resource not accessible");
    match needed(request).filter(|_| lacks) {
        Some(need) => answer.header(HEADER, need.header()),
        None => answer,
    }
}

/// The permission that a request needs, if it is about a repository.
pub(super) fn needed(request: &Received) -> Option<Need> {
    let reading = request.method == "GET";
    let level = if reading { Level::Read } else { Level::Write };
    let segments = request.segments();
    let ["repos", _, _, rest @ ..] = segments.as_slice() else {
        return None;
    };
    let (name, level) = match rest {
        ["installation"] => return None,
        ["actions", "variables", ..] => ("actions_variables", level),
        ["actions", "secrets", ..] => ("secrets", level),
        ["actions", ..] => ("actions", level),
        ["deployments", ..] => ("deployments", level),
        ["hooks", ..] => ("repository_hooks", level),
        ["check-runs", ..] => ("checks", level),
        ["contents", ..] | ["branches", ..] | ["git", ..] | ["compare", ..] => ("contents", level),
        _ => ("metadata", Level::Read),
    };
    Some(Need { name, level })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn need(method: &str, path: &str) -> String {
        let request = Received {
            method: method.into(),
            path: path.into(),
            query: Vec::new(),
            headers: http::HeaderMap::new(),
            body: bytes::Bytes::new(),
        };
        needed(&request).map_or_else(|| "-".to_owned(), Need::header)
    }

    #[test]
    fn which_request_needs_what() {
        for (method, path, header) in [
            ("GET", "/user", "-"),
            ("GET", "/repos/o/r/installation", "-"),
            ("GET", "/repos/o/r", "metadata=read"),
            ("GET", "/repos/o/r/tags", "metadata=read"),
            ("GET", "/repos/o/r/branches", "contents=read"),
            ("GET", "/repos/o/r/contents/.github/workflows/x.yml", "contents=read"),
            ("GET", "/repos/o/r/actions/runs", "actions=read"),
            ("GET", "/repos/o/r/actions/concurrency_groups/x", "actions=read"),
            ("POST", "/repos/o/r/actions/runs/1/cancel", "actions=write"),
            ("GET", "/repos/o/r/deployments", "deployments=read"),
            ("PATCH", "/repos/o/r/hooks/1", "repository_hooks=write"),
            ("GET", "/repos/o/r/check-runs/1/annotations", "checks=read"),
            ("GET", "/repos/o/r/compare/a...b", "contents=read"),
            ("POST", "/repos/o/r/actions/workflows/x.yml/dispatches", "actions=write"),
            ("PATCH", "/repos/o/r/actions/variables/X", "actions_variables=write"),
            ("GET", "/repos/o/r/actions/secrets/public-key", "secrets=read"),
            ("PUT", "/repos/o/r/actions/secrets/X", "secrets=write"),
        ] {
            assert_eq!(need(method, path), header, "{method} {path}");
        }
    }

    #[test]
    fn without_reading_there_is_no_writing() {
        let of = |denied: &[Permission]| granted(denied)["secrets"];
        assert_eq!(of(&[]), Level::Write);
        assert_eq!(of(&[SecretsWrite]), Level::Read);
        assert_eq!(of(&[Secrets]), Level::None);
        assert_eq!(granted(&[])["contents"], Level::Read);
    }
}
