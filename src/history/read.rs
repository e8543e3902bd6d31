//! Reads the latest deploys of some agents.

use std::cmp::Reverse;

use futures_util::{StreamExt, TryStreamExt, stream};

use crate::deploy::stored::{Entry, Latest, latest};
use crate::store::{Store, StoreError};

/// How many agents are read at the same time.
const AT_ONCE: usize = 8;

/// How many deploys of an agent are looked at for those of an environment.
const LOOKED_AT: u16 = 200;

/// What is asked for.
#[derive(Debug, Clone)]
pub(crate) struct Query {
    /// The ids of the agents.
    pub agents: Vec<String>,
    /// Only those with this environment; upper and lower case do not matter.
    pub environment: Option<String>,
    /// How many at most.
    pub count: u16,
}

/// The latest deploys, newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    /// Those that were found.
    pub entries: Vec<Entry>,
    /// How many could not be read, because a newer version stored them.
    pub unreadable: usize,
    /// Whether earlier deploys may fit, which were not looked at.
    pub is_cut: bool,
}

/// Reads the latest deploys that fit.
pub(crate) async fn read(store: &dyn Store, query: &Query) -> Result<History, StoreError> {
    let each = if query.environment.is_some() { query.count.max(LOOKED_AT) } else { query.count };
    let asked: Vec<_> = query.agents.iter().map(|agent| latest(store, agent, each)).collect();
    let found: Vec<Latest> = stream::iter(asked).buffered(AT_ONCE).try_collect().await?;
    let wanted = query.environment.as_ref().map(|name| name.to_lowercase());
    let fits = |entry: &Entry| {
        let environment = entry.environment.as_ref().map(|name| name.to_lowercase());
        wanted.is_none() || environment == wanted
    };
    let mut history = History::default();
    let mut goes_on = false;
    for Latest { entries, unreadable, goes_on: more } in found {
        history.unreadable += unreadable;
        goes_on |= more;
        history.entries.extend(entries.into_iter().filter(fits));
    }
    let count = usize::from(query.count);
    history.is_cut = query.environment.is_some() && goes_on && history.entries.len() < count;
    history.entries.sort_by_key(|entry| Reverse(entry.key.interaction_id));
    history.entries.truncate(count);
    Ok(history)
}
