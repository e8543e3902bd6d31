//! `deckhand history`: the record on the command line. It needs the store's settings only, and reads beside a
//! `serve` that is running.

use std::sync::Arc;

use super::json::object;
use super::read::{History, Query, read};
use super::table::table;
use crate::agents::{Agent, Registry};
use crate::bot::on_aws;
use crate::clock::SystemClock;
use crate::config::Reader;
use crate::net::transport::Https;
use crate::store::{self, File, Store};
use crate::text::escape;

/// What is asked for on the command line.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Only this agent, by its id. The record may know agents that `agents.toml` no longer has.
    pub agent: Option<String>,
    /// Only this environment.
    pub environment: Option<String>,
    /// How many at most.
    pub count: u16,
    /// One JSON object a line instead of a table.
    pub json: bool,
}

/// What is printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Printed {
    /// For standard output.
    pub out: String,
    /// What could not be shown, for standard error: whole lines.
    pub notes: String,
}

/// Reads the history from the store that the environment names.
pub async fn history(
    env: impl Fn(&str) -> Option<String>,
    registry: &Registry,
    asked: &Asked,
) -> Result<Printed, String> {
    let store = opened(&env)?;
    let known = registry.agents().iter().filter(|agent| agent.workflow().is_some());
    let agents: Vec<String> = match &asked.agent {
        Some(id) => vec![id.clone()],
        None => known.map(|agent| agent.id.clone()).collect(),
    };
    let query = Query { agents, environment: asked.environment.clone(), count: asked.count };
    let history = read(store.as_ref(), &query).await;
    let history = history.map_err(|error| format!("the history cannot be read: {error}"))?;
    if let Some(id) = &asked.agent
        && history.entries.is_empty()
        && registry.by_id(id).and_then(Agent::workflow).is_none()
    {
        let id = escape::clipped(id, 50);
        return Err(format!(
            "no agent that deploys has the id {id}, and the record knows no deploys of one"
        ));
    }
    Ok(printed(&history, asked.json))
}

/// The store, which is only read.
fn opened(env: &dyn Fn(&str) -> Option<String>) -> Result<Arc<dyn Store>, String> {
    let mut reader = Reader::new(env);
    let settings = store::Settings::read(&mut reader);
    if let Some(problem) = reader.problems().first() {
        return Err(problem.to_string());
    }
    let clock = Arc::new(SystemClock);
    let (_, table) = on_aws(Arc::new(Https::default()), clock.clone(), settings.table);
    if let Some(table) = table {
        return Ok(table);
    }
    match File::open_to_read(&settings.file, clock) {
        Some(Ok(file)) => Ok(Arc::new(file)),
        Some(Err(error)) => Err(error.to_string()),
        None => Err(format!(
            "there is no history yet: the file {} (DATA_FILE) does not exist, and TABLE_NAME is not set",
            escape::clipped(&settings.file.to_string_lossy(), 200)
        )),
    }
}

fn printed(history: &History, json: bool) -> Printed {
    let entries = &history.entries;
    let mut notes = String::new();
    if history.unreadable > 0 {
        notes +=
            &format!("{} deploys are left out: a newer version stored them\n", history.unreadable);
    }
    if history.is_cut {
        notes += "earlier deploys were not looked at: name the agent, or a larger --count\n";
    }
    let out = if json {
        entries.iter().map(|entry| format!("{}\n", object(entry))).collect()
    } else if entries.is_empty() {
        notes += "no deploys are known\n";
        String::new()
    } else {
        table(entries)
    };
    Printed { out, notes }
}
