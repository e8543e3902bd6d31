//! Loads and checks `agents.toml`, and makes a [`Registry`] of it.

use std::borrow::Cow;
use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::agent::agent;
use super::fault::{BadFile, Faults, Mistake};
use super::keys::{AGENT, FILE, WATCH};
use super::place::Place;
use super::registry::{Agent, Registry};
use super::syntax;
use super::table::{Table, unique};
use super::watches::watch;
use crate::net::url_guard::UrlPolicy;

/// The default agents, built into the binary.
const BUILT_IN: &str = include_str!("../../agents.toml");

/// The agents of a file as far as they are right, and its mistakes.
#[derive(Debug)]
pub struct Checked {
    /// What is right.
    pub registry: Registry,
    /// What is not.
    pub mistakes: Vec<Mistake>,
}

impl Checked {
    /// The agents if there is no mistake.
    pub fn without_mistakes(self) -> Result<Registry, BadFile> {
        if self.mistakes.is_empty() {
            return Ok(self.registry);
        }
        Err(BadFile::new(self.registry.file, self.mistakes))
    }
}

/// Loads the agents from a file, or the built-in ones.
pub fn load(path: Option<&Path>) -> Result<Registry, BadFile> {
    let (file, text) = read(&path.map_or(Place::BuiltIn, |path| Place::Named(path.to_owned())))?;
    parse(&file, &text)
}

/// Loads and checks the agents that are declared there, also by the settings: `urls` says which URLs may be asked.
pub fn check(place: &Place, urls: &UrlPolicy) -> Result<Checked, BadFile> {
    let (file, text) = read(place)?;
    let mut checked = checked(&file, &text, Some(urls));
    checked.registry.place = place.clone();
    Ok(checked)
}

/// Parses agents from TOML; `file` is the name shown in errors.
pub fn parse(file: &str, text: &str) -> Result<Registry, BadFile> {
    checked(file, text, None).without_mistakes()
}

/// The file's name for messages, and its text.
fn read(place: &Place) -> Result<(String, Cow<'static, str>), BadFile> {
    let Some(path) = place.path() else {
        return Ok(("agents.toml".to_owned(), BUILT_IN.into()));
    };
    let file = path.display().to_string();
    match std::fs::read_to_string(path) {
        Ok(text) => Ok((file, text.into())),
        Err(error) => {
            let what = format!("cannot be read ({error}); {}", place.why());
            Err(BadFile::new(file, vec![Mistake { line: 0, what }]))
        }
    }
}

fn checked(file: &str, text: &str, urls: Option<&UrlPolicy>) -> Checked {
    let faults = Faults::of(text);
    let mut registry = Registry {
        file: file.to_owned(),
        place: Place::default(),
        agents: Vec::new(),
        watches: Vec::new(),
    };
    match DeTable::parse(text) {
        Ok(values) => fill(&mut registry, values.as_ref(), urls, &faults),
        // What follows it cannot be judged.
        Err(error) => syntax::note(&error, text, &faults),
    }
    Checked { registry, mistakes: faults.into_mistakes() }
}

fn fill<'a>(
    registry: &mut Registry,
    values: &'a DeTable<'a>,
    urls: Option<&UrlPolicy>,
    faults: &'a Faults<'a>,
) {
    let file = Table::new(&FILE, 0, values, faults);
    let is_empty = |value: &DeValue<'_>| value.as_array().is_some_and(|all| all.is_empty());
    if values.get("agent").is_none_or(|value| is_empty(value.get_ref())) {
        faults.add(0, "there is no agent; each begins with a line [[agent]]");
    }
    let tables = file.tables("agent", &AGENT);
    let ids: Vec<_> = tables.iter().filter_map(|table| table.text("id")).collect();
    unique("id", ids.iter());
    verified_agents_deploy(&tables);
    registry.agents = tables.iter().filter_map(agent).collect();
    registry.watches = file.tables("watch", &WATCH).iter().filter_map(watch).collect();
    if let Some(urls) = urls {
        allows_urls(registry, urls, faults);
    }
}

fn allows_urls(registry: &Registry, urls: &UrlPolicy, faults: &Faults<'_>) {
    let verified = registry.agents().iter().filter_map(Agent::verification);
    let own = verified.flat_map(|verification| &verification.checks);
    for own in own.filter_map(|check| check.url.as_ref()) {
        if let Err(why) = urls.check_whole(&own.url) {
            faults.add(own.at, format!("url is refused: {why}"));
        }
    }
}

fn verified_agents_deploy(agents: &[Table<'_>]) {
    let is = |table: &Table<'_>, key, value: &str| table.peek(key) == Some(value);
    let is_deploy =
        |id: &str| agents.iter().any(|agent| is(agent, "id", id) && is(agent, "kind", "deploy"));
    for table in agents.iter().filter(|table| is(table, "kind", "verify")) {
        if let Some(id) = table.text("verifies").filter(|id| !is_deploy(id.value)) {
            id.is_wrong(format_args!("{:?}: no agent of kind deploy has this id", id.repeated()));
        }
    }
}

#[cfg(test)]
mod tests;
