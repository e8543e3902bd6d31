//! A deploy in a list: what is told of it long after it ended.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::item::{deploy_of, key_of};
use crate::deploy::click::Click;
use crate::deploy::correlation::Requester;
use crate::deploy::given::Given;
use crate::deploy::key::{DeployKey, partition};
use crate::deploy::next::due;
use crate::deploy::outcome::{NotFound, Outcome};
use crate::deploy::record::{Deploy, Ending, Phase};
use crate::deploy::target::Target;
use crate::github::run::succeeded;
use crate::github::{Repository, Run};
use crate::store::{Item, Store, StoreError};

/// A deploy in a list, also one that an earlier version has stored. That one kept little of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its key.
    pub key: DeployKey,
    /// The agent's name.
    pub title: Option<String>,
    /// Where it deploys to, as `agents.toml` said.
    pub environment: Option<String>,
    /// The branch or tag.
    pub git_ref: Option<String>,
    /// The inputs that the requester gave.
    pub given: Vec<Given>,
    /// The inputs of its run, as in its order. `None`: not known.
    pub inputs: Option<Map<String, Value>>,
    /// Who requested it.
    pub requester: Requester,
    /// The server in which it was requested.
    pub guild_id: Option<u64>,
    /// The channel in which it is shown.
    pub channel_id: Option<u64>,
    /// Its message there.
    pub message_id: Option<u64>,
    /// When it was requested.
    pub began_at: DateTime<Utc>,
    /// When its end became known.
    pub ended_at: Option<DateTime<Utc>>,
    /// The repository that holds the workflow.
    pub repository: Option<Repository>,
    /// The workflow's file.
    pub workflow: Option<String>,
    /// Its run, once known.
    pub run: Option<EntryRun>,
    /// URL of its run, once known.
    pub run_page: Option<String>,
    /// What people did to it, the oldest first.
    pub clicks: Vec<Click>,
    /// How it stands.
    pub state: State,
}

/// The run of a deploy in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryRun {
    /// Its id.
    pub id: u64,
    /// Its number within its workflow.
    pub number: Option<u64>,
    /// The latest attempt that was followed, from 1.
    pub attempts: u64,
    /// The full hash of the commit that it deploys ([`Deploy::commit`]).
    pub sha: Option<String>,
    /// The title of its commit.
    pub commit_title: Option<String>,
    /// When its latest attempt ended, by GitHub.
    pub ended_at: Option<DateTime<Utc>>,
    /// How long its latest attempt took. `None`: not known, or it goes on.
    pub duration: Option<TimeDelta>,
}

/// How a deploy in a list stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Stored by an earlier version that never told how it ended.
    Forgotten,
    /// It goes on.
    Open {
        /// When somebody had to look at it.
        due: Option<DateTime<Utc>>,
        /// GitHub's conclusion, if that is known and only its telling goes on.
        word: Option<String>,
    },
    /// It has ended.
    Ended {
        /// GitHub's conclusion, like `success`, or the reason why there is none.
        word: String,
        /// Why there is no conclusion, or another one than it seems, as a code.
        reason: Option<&'static str>,
        /// Why its requester was not told, if so.
        untold: Option<String>,
    },
}

/// What version 0.1 stored.
#[derive(Deserialize)]
struct Older {
    state: String,
    requester: String,
    began_at: DateTime<Utc>,
    run_page: Option<String>,
    outcome: Option<String>,
}

impl Entry {
    /// `None` for an item in an unknown format, for example of a newer version.
    pub(in crate::deploy) fn of(item: &Item) -> Option<Self> {
        let key = key_of(&item.key)?;
        if let Some(deploy) = deploy_of(item) {
            return Some(Self::of_deploy(&deploy));
        }
        if item.body.contains_key("schema") {
            return None;
        }
        let older: Older = serde_json::from_value(Value::Object(item.body.clone())).ok()?;
        let state = if older.state == "pending" {
            State::Forgotten
        } else {
            State::Ended { word: older.outcome?, reason: None, untold: None }
        };
        let (username, user_id) = older.requester.rsplit_once('#')?;
        let requester = Requester { user_id: user_id.parse().ok()?, username: username.to_owned() };
        let Older { began_at, run_page, .. } = older;
        Some(Self { run_page, ..Self::bare(key, requester, began_at, state) })
    }

    /// One of which only this is known.
    pub(crate) fn bare(
        key: DeployKey,
        requester: Requester,
        began_at: DateTime<Utc>,
        state: State,
    ) -> Self {
        Self {
            key,
            title: None,
            environment: None,
            git_ref: None,
            given: Vec::new(),
            inputs: None,
            requester,
            guild_id: None,
            channel_id: None,
            message_id: None,
            began_at,
            ended_at: None,
            repository: None,
            workflow: None,
            run: None,
            run_page: None,
            clicks: Vec::new(),
            state,
        }
    }

    /// A deploy in a list.
    pub fn of_deploy(deploy: &Deploy) -> Self {
        let (order, target) = (&deploy.order, deploy.target.as_ref());
        let run = target.and_then(|target| target.run.as_deref());
        let word = |ending: &Ending| ending.outcome.word(run).to_owned();
        let (state, ended_at) = match &deploy.phase {
            Phase::Ended(ending) => {
                let reason = reason(&ending.outcome).or(deploy.is_rejected().then_some("rejected"));
                let untold = ending.telling.untold().map(str::to_owned);
                (State::Ended { word: word(ending), reason, untold }, Some(ending.at))
            }
            _ => (State::Open { due: due(deploy), word: deploy.ending().map(word) }, None),
        };
        Self {
            key: order.key.clone(),
            title: Some(order.title.clone()),
            environment: order.environment.clone(),
            git_ref: Some(order.git_ref.clone()),
            given: order.given.clone(),
            inputs: order.known_inputs().cloned(),
            requester: order.requester.clone(),
            guild_id: deploy.place.as_ref().and_then(|place| place.guild_id),
            channel_id: deploy.place.as_ref().and_then(|place| place.channel_id),
            message_id: deploy.place.as_ref().and_then(|place| place.message_id),
            began_at: deploy.began_at,
            ended_at,
            repository: Some(order.repository.clone()),
            workflow: Some(order.workflow.clone()),
            run: target.map(|target| EntryRun::of(deploy, target)),
            run_page: target.map(|target| target.url.clone()),
            clicks: deploy.clicks.clone(),
            state,
        }
    }

    /// Whether it succeeded or failed. `None`: neither, or it is not known. A rejected approval is no failure.
    pub fn success(&self) -> Option<bool> {
        match &self.state {
            State::Ended { reason: Some(_), .. } => None,
            State::Ended { word, .. } | State::Open { word: Some(word), .. } => {
                succeeded(Some(word))
            }
            State::Forgotten | State::Open { .. } => None,
        }
    }

    /// When it ended, by GitHub if that is known.
    pub fn ended(&self) -> Option<DateTime<Utc>> {
        self.ended_at.map(|at| self.run.as_ref().and_then(|run| run.ended_at).unwrap_or(at))
    }

    /// How long its run took. `None`: not known, or it goes on.
    pub fn duration(&self) -> Option<TimeDelta> {
        self.ended_at?;
        self.run.as_ref()?.duration
    }

    /// The first characters of its commit's hash.
    pub fn short_sha(&self) -> Option<&str> {
        self.run.as_ref()?.sha.as_deref()?.get(..7)
    }

    /// The page of its commit.
    pub fn commit_page(&self) -> Option<String> {
        let repository = self.run_page.as_deref()?.split_once("/actions/runs/")?.0;
        Some(format!("{repository}/commit/{}", self.run.as_ref()?.sha.as_ref()?))
    }

    /// The page of its message on Discord.
    pub fn message_page(&self) -> Option<String> {
        let (guild, channel) = (self.guild_id?, self.channel_id?);
        Some(format!("https://discord.com/channels/{guild}/{channel}/{}", self.message_id?))
    }

    /// How often its run was started.
    pub fn attempts(&self) -> u64 {
        self.run.as_ref().map_or(1, |run| run.attempts)
    }
}

impl EntryRun {
    fn of(deploy: &Deploy, target: &Target) -> Self {
        let run = target.run.as_deref();
        let ended = run.filter(|run| run.is_completed());
        let sha = deploy.commit();
        // Of a roll back by an input only the run's own commit has a title.
        let of_run = run.filter(|run| run.head_sha.as_deref() == sha);
        Self {
            id: target.run_id,
            number: run.and_then(|run| run.run_number),
            attempts: target.attempt(),
            sha: sha.map(str::to_owned),
            commit_title: of_run.and_then(|run| run.head_commit.as_ref()?.title.clone()),
            ended_at: ended.and_then(Run::ended_at),
            duration: ended.and_then(Run::duration),
        }
    }
}

/// Why there is no conclusion, as a code that stays the same. docs/history.md lists them.
fn reason(outcome: &Outcome) -> Option<&'static str> {
    Some(match outcome {
        Outcome::Concluded => return None,
        Outcome::NothingDone { .. } => "nothing_sent",
        Outcome::NotDispatched { .. } => "dispatch_refused",
        Outcome::NotFound(NotFound::Nowhere { lost: true, .. }) => "answer_lost",
        Outcome::NotFound(NotFound::Nowhere { listed: false, .. }) => "runs_not_listed",
        Outcome::NotFound(NotFound::Nowhere { .. }) => "no_run",
        Outcome::NotFound(NotFound::Ambiguous { .. }) => "several_runs",
        Outcome::NotFound(NotFound::AnotherDeploy) => "another_deploy",
        Outcome::NotFound(NotFound::NotTold { .. }) => "runs_refused",
        Outcome::Deleted => "run_deleted",
        Outcome::GivenUp => "no_end_in_time",
    })
}

/// How a deploy stands. `None`: there is none, or this version cannot read it.
pub async fn entry(store: &dyn Store, key: &DeployKey) -> Result<Option<Entry>, StoreError> {
    Ok(store.get(&key.in_store()).await?.as_ref().and_then(Entry::of))
}

/// The latest deploys of an agent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Latest {
    /// Those that this version can read, newest first.
    pub entries: Vec<Entry>,
    /// How many it cannot read: a newer version stored them.
    pub unreadable: usize,
    /// Whether the store may hold earlier ones.
    pub goes_on: bool,
}

/// The latest `count` deploys of an agent.
pub async fn latest(store: &dyn Store, agent: &str, count: u16) -> Result<Latest, StoreError> {
    let items = store.list(&partition(agent), count).await?;
    let entries: Vec<Entry> = items.iter().filter_map(Entry::of).collect();
    let unreadable = items.len() - entries.len();
    Ok(Latest { entries, unreadable, goes_on: items.len() >= usize::from(count) })
}

/// The latest deploys of an agent, newest first.
pub async fn history(store: &dyn Store, agent: &str, count: u16) -> Result<Vec<Entry>, StoreError> {
    Ok(latest(store, agent, count).await?.entries)
}

/// The latest deploys of an agent as they are stored, newest first: those that this version can read.
pub(crate) async fn records(
    store: &dyn Store,
    agent: &str,
    count: u16,
) -> Result<Vec<Deploy>, StoreError> {
    let items = store.list(&partition(agent), count).await?;
    Ok(items.iter().filter_map(deploy_of).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deploy::sample;
    use crate::store::Body;
    use rstest::rstest;
    use serde_json::json;
    use uuid::Uuid;

    fn item(body: &Value) -> Item {
        let body: Body = body.as_object().unwrap().clone();
        let key = sample::order(1, None).key.in_store();
        Item { key, revision: Uuid::nil(), body, expires_at: None, due: None }
    }

    #[test]
    fn what_the_first_version_stored_is_read() {
        let body = json!({"state": "ended", "requester": "ada.x#7", "began_at": "2026-11-22T10:00:00Z",
                          "run_page": "https://github.com/o/r/actions/runs/1", "outcome": "success"});
        let entry = Entry::of(&item(&body)).unwrap();
        let requester = Requester { user_id: 7, username: "ada.x".to_owned() };
        assert_eq!((entry.requester.clone(), entry.success()), (requester, Some(true)));
        assert_eq!((entry.attempts(), entry.run.as_ref(), entry.commit_page()), (1, None, None));
        assert_eq!(Entry::of(&item(&json!({"schema": 99}))), None);
    }

    #[test]
    fn a_stored_deploy_is_read_with_its_pages() {
        let entry = Entry::of_deploy(&sample::deploy(1, "success"));
        assert_eq!(entry.short_sha(), Some("abcdef1"));
        let sha = "abcdef1000000000000000000000000000000000";
        let commit = format!("https://github.com/octo-org/web/commit/{sha}");
        assert_eq!(entry.commit_page(), Some(commit));
        let message = "https://discord.com/channels/41/42/43";
        assert_eq!(entry.message_page().as_deref(), Some(message));
        assert_eq!(entry.duration(), Some(TimeDelta::seconds(85)));
        assert_eq!(entry.ended(), Some(entry.began_at + TimeDelta::seconds(85)));
        let open = Entry::of_deploy(&sample::open(1));
        assert_eq!((open.duration(), open.ended(), open.success()), (None, None, None));
        let mut ending = sample::deploy(1, "failure");
        if let Phase::Ended(known) = ending.phase.clone() {
            ending.phase = Phase::Ending(known);
        }
        let ending = Entry::of_deploy(&ending);
        assert_eq!((ending.ended(), ending.success()), (None, Some(false)));
    }

    #[rstest]
    #[case(Outcome::Concluded, None)]
    #[case(Outcome::NothingDone { why: String::new() }, Some("nothing_sent"))]
    #[case(Outcome::NotDispatched { why: String::new(), for_admins: false }, Some("dispatch_refused"))]
    #[case(Outcome::NotFound(NotFound::Nowhere { lost: true, listed: true }), Some("answer_lost"))]
    #[case(Outcome::NotFound(NotFound::Nowhere { lost: false, listed: false }), Some("runs_not_listed"))]
    #[case(Outcome::NotFound(NotFound::Nowhere { lost: false, listed: true }), Some("no_run"))]
    #[case(Outcome::NotFound(NotFound::AnotherDeploy), Some("another_deploy"))]
    #[case(Outcome::Deleted, Some("run_deleted"))]
    #[case(Outcome::GivenUp, Some("no_end_in_time"))]
    fn a_missing_conclusion_has_a_reason_that_docs_list(
        #[case] outcome: Outcome,
        #[case] code: Option<&str>,
    ) {
        assert_eq!(reason(&outcome), code);
        let page = include_str!("../../../docs/history.md");
        assert!(code.is_none_or(|code| page.contains(&format!("`{code}`"))), "{code:?}");
    }
}
