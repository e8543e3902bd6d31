//! Matches runs to a dispatch. Pure functions on GitHub's list of runs.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::discord::CorrelationId;
use crate::discord::interaction::Caller;
use crate::github::account::Dispatcher;
use crate::github::{Run, git_ref};

/// Whether the run's name contains the correlation id. GitHub documents `display_title` for `run-name`; some
/// servers put it into `name`.
pub(crate) fn carries(run: &Run, id: CorrelationId) -> bool {
    let id = id.to_string();
    titles(run).any(|title| title.to_ascii_lowercase().contains(&id))
}

/// Who used the command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requester {
    /// The user's id.
    pub user_id: u64,
    /// The user's name from Discord. Untrusted: escape it before use.
    pub username: String,
}

impl From<&Caller> for Requester {
    fn from(caller: &Caller) -> Self {
        Self { user_id: caller.user_id, username: caller.username.clone() }
    }
}

impl Requester {
    /// Nobody on Discord: of a run that a watch covers. `login`: who started it on GitHub.
    pub(crate) fn nobody(login: &str) -> Self {
        Self { user_id: 0, username: login.to_owned() }
    }

    /// `name#id` for the workflow's input and the run's name. Only letters, digits, `.`, `_` and `-`, so it
    /// is harmless even if a workflow pastes it into a shell line.
    pub fn to_input(&self) -> String {
        let safe = |c: char| {
            if c.is_alphanumeric() || "._-".contains(c) { c } else { '_' }
        };
        let name: String = self.username.chars().take(32).map(safe).collect();
        let name = if name.is_empty() { "user" } else { &name };
        format!("{name}#{}", self.user_id)
    }
}

/// How a run was matched to its dispatch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Matched {
    /// GitHub returned the run's id with the dispatch.
    RunId,
    /// The run's name contains the correlation id.
    CorrelationId,
    /// The workflow does not put correlation ids into run names, and exactly one run matches event, ref, time
    /// and dispatching account.
    Time,
    /// The same, on a server that does not tell our account.
    TimeOnly,
    /// It is a run of before that was run again.
    Rerun,
    /// Nobody dispatched it here: a webhook told of it, and a watch covers it.
    Webhook,
}

impl Matched {
    /// The text for messages and logs.
    pub fn words(self) -> &'static str {
        match self {
            Self::RunId => "matched by run id",
            Self::CorrelationId => "matched by correlation id",
            Self::Time => "matched by time",
            Self::TimeOnly => "matched by time (whose dispatch it is could not be checked)",
            Self::Rerun => "run again",
            Self::Webhook => "told by a webhook",
        }
    }
}

/// The result of matching by time.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ByTime<'a> {
    /// No run matches, or this workflow does put correlation ids into run names, so ours will have one too.
    None,
    /// Exactly one run matches.
    One(&'a Run),
    /// This many runs match, so ours cannot be identified.
    Ambiguous(usize),
}

/// Matches runs by event, ref, time and dispatching account. `since` is when the dispatch was sent, by
/// GitHub's clock and truncated to the second like GitHub's times.
pub(crate) fn by_time<'a>(
    runs: &'a [Run],
    git_ref: &str,
    since: DateTime<Utc>,
    dispatcher: &Dispatcher,
) -> ByTime<'a> {
    if carries_ids(runs) {
        return ByTime::None;
    }
    let name = git_ref::short(git_ref);
    let mut fitting = runs.iter().filter(|run| {
        run.event.as_deref() == Some("workflow_dispatch")
            && run.head_branch.as_deref() == Some(name)
            && run.created_at.is_some_and(|created| created >= since)
            && dispatcher.may_be(run.actor.as_ref())
    });
    match (fitting.next(), fitting.count()) {
        (None, _) => ByTime::None,
        (Some(run), 0) => ByTime::One(run),
        (Some(_), more) => ByTime::Ambiguous(more + 1),
    }
}

/// Whether any of these runs has a correlation id (any UUID) in its name.
pub(crate) fn carries_ids(runs: &[Run]) -> bool {
    runs.iter().any(|run| requested(run).is_some())
}

/// The correlation id (any UUID) in a run's name, and the requester if `by …` follows. The format is `<title>
/// — <id> by <requester>`.
pub(crate) fn requested(run: &Run) -> Option<(&str, Option<&str>)> {
    titles(run).find_map(|title| {
        let at = (0..title.len()).find(|at| is_id(title.get(*at..at + 36)))?;
        let (id, rest) = (title.get(at..at + 36)?, title.get(at + 36..)?);
        Some((id, rest.strip_prefix(" by ").map(str::trim).filter(|name| !name.is_empty())))
    })
}

fn is_id(text: Option<&str>) -> bool {
    text.is_some_and(|text| text.as_bytes().get(8) == Some(&b'-') && Uuid::try_parse(text).is_ok())
}

fn titles(run: &Run) -> impl Iterator<Item = &str> {
    run.display_title.as_deref().into_iter().chain(run.name.as_deref())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discord::InteractionId;
    use chrono::TimeDelta;
    use rstest::rstest;
    use serde_json::json;

    const OTHER: &str = "0b3b1c8e-6a3e-4c52-9f1d-0d5f6a7b8c9d";

    fn run(title: &str, branch: &str, actor: &str, event: &str) -> Run {
        serde_json::from_value(json!({
            "id": 1, "display_title": title, "head_branch": branch, "event": event,
            "actor": {"login": actor, "type": "User"}, "created_at": "2026-11-22T10:00:00Z",
        }))
        .unwrap()
    }

    fn plain(branch: &str, actor: &str) -> Run {
        run("Client Deploy", branch, actor, "workflow_dispatch")
    }

    #[rstest]
    #[case(json!({"id": 1, "display_title": "Client Deploy — ID by ada#7", "name": "deploy"}), true)]
    #[case(json!({"id": 1, "display_title": "Fix", "name": "Client Deploy — ID by ada#7"}), true)]
    #[case(json!({"id": 1, "display_title": "Client Deploy", "name": null}), false)]
    #[case(json!({"id": 1}), false)]
    fn the_correlation_id_is_found_in_either_name_field(
        #[case] run: serde_json::Value,
        #[case] is_in: bool,
    ) {
        let id = InteractionId(5).correlation_id();
        let text = run.to_string().replace("ID", &id.to_string());
        assert_eq!(carries(&serde_json::from_str(&text).unwrap(), id), is_in);
        let other = run.to_string().replace("ID", OTHER);
        assert!(!carries(&serde_json::from_str(&other).unwrap(), id));
    }

    #[rstest]
    #[case("Client Deploy — ID by ada#7", Some(Some("ada#7")))]
    #[case("deploy-ID", Some(None))]
    #[case("ID-x", Some(None))]
    #[case("ID", Some(None))]
    #[case("łID by ", Some(None))]
    #[case("Client Deploy", None)]
    #[case("0b3b1c8e6a3e4c529f1d0d5f6a7b8c9d", None)]
    fn the_requester_is_parsed_from_the_run_name(
        #[case] title: &str,
        #[case] expected: Option<Option<&str>>,
    ) {
        let run = run(&title.replace("ID", OTHER), "main", "bot", "push");
        assert_eq!(requested(&run), expected.map(|requester| (OTHER, requester)));
    }

    #[rstest]
    #[case("ada", "ada#7")]
    #[case("ada lovelace", "ada_lovelace#7")]
    #[case("$(rm -rf /)`x`\n@everyone", "__rm_-rf____x___everyone#7")]
    #[case("", "user#7")]
    #[case("łukasz", "łukasz#7")]
    fn a_requester_is_safe_in_a_shell(#[case] username: &str, #[case] expected: &str) {
        let requester = Requester { user_id: 7, username: username.to_owned() };
        assert_eq!(requester.to_input(), expected);
    }

    #[rstest]
    #[case::alone(vec![plain("main", "bot")], Some(1))]
    #[case::nothing(vec![], None)]
    #[case::other_branch(vec![plain("dev", "bot")], None)]
    #[case::other_account(vec![plain("main", "ada")], None)]
    #[case::other_event(vec![run("Client Deploy", "main", "bot", "push")], None)]
    #[case::others_beside_ours(vec![plain("main", "ada"), plain("main", "bot"), plain("dev", "bot")], Some(1))]
    #[case::two(vec![plain("main", "bot"), plain("main", "bot")], Some(2))]
    #[case::somebody_elses_id(vec![run(&format!("Client Deploy — {OTHER} by x"), "main", "bot", "workflow_dispatch")], None)]
    #[case::ids_are_used(vec![plain("main", "bot"), run(OTHER, "main", "bot", "workflow_dispatch")], None)]
    fn time_decides_only_when_exactly_one_run_fits(
        #[case] runs: Vec<Run>,
        #[case] fits: Option<usize>,
    ) {
        let bot = Dispatcher::Login("bot".to_owned());
        let since = "2026-11-22T10:00:00Z".parse().unwrap();
        assert_eq!(by_time(&runs, "main", since + TimeDelta::seconds(1), &bot), ByTime::None);
        let found = match by_time(&runs, "refs/heads/main", since, &bot) {
            ByTime::None => None,
            ByTime::One(_) => Some(1),
            ByTime::Ambiguous(count) => Some(count),
        };
        assert_eq!(found, fits);
    }
}
