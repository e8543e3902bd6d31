//! The repository's variables.
//!
//! <https://docs.github.com/rest/actions/variables>

use super::{
    listing::Page,
    state::Variable,
    view::View,
    wire::{Found, Refusal, not_found, stamp},
};
use crate::server::Answer;
use serde_json::{Value, json};

/// GitHub keeps 48 KB of a variable or secret.
pub(super) const LARGEST: usize = 48 * 1024;

/// Whether a variable or secret may be called so.
pub(super) fn is_name(name: &str) -> bool {
    let letters = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let digit = name.starts_with(|first: char| first.is_ascii_digit());
    let reserved = name.to_ascii_uppercase().starts_with("GITHUB_");
    letters && !digit && !reserved && !name.is_empty()
}

impl View<'_> {
    pub(super) fn variables(&mut self, method: &str, rest: &[&str]) -> Found {
        match (method, rest) {
            ("GET", []) => {
                let all: Vec<&Variable> = self.state.variables.iter().collect();
                let write = |variable: &&Variable| self.variable(variable);
                let page = Page::read_within(self.request, (10, 30));
                Ok(self.list_by("variables", all, usize::MAX, page, write))
            }
            ("POST", []) => self.create_variable(),
            ("GET", [name]) => {
                Ok(self.json(&self.variable(&self.state.variables[self.find(name)?])))
            }
            ("PATCH", [name]) => self.change_variable(self.find(name)?),
            ("DELETE", [name]) => {
                let index = self.find(name)?;
                self.state.variables.remove(index);
                Ok(Answer::empty(204))
            }
            _ => Err(not_found()),
        }
    }

    fn find(&self, name: &str) -> Result<usize, Refusal> {
        let mut all = self.state.variables.iter();
        all.position(|known| known.name.eq_ignore_ascii_case(name)).ok_or_else(not_found)
    }

    fn variable(&self, variable: &Variable) -> Value {
        let skew = self.state.scenario.clock_skew;
        json!({
            "name": variable.name,
            "value": variable.value,
            "created_at": stamp(variable.created + skew),
            "updated_at": stamp(variable.updated + skew),
        })
    }

    fn create_variable(&mut self) -> Found {
        let body = self.object()?;
        let (name, value) = (text(&body, "name")?, text(&body, "value")?);
        let (name, value) = match (name, value) {
            (Some(name), Some(value)) => (name, value),
            (None, _) => return Err(missing("name")),
            (_, None) => return Err(missing("value")),
        };
        check(&name, &value)?;
        if self.find(&name).is_ok() {
            return Err((409, "Already exists - Variable already exists".to_owned()));
        }
        self.state.set_variable(&name, &value, self.now);
        Ok(Answer::json(201, &json!({})))
    }

    fn change_variable(&mut self, index: usize) -> Found {
        let body = self.object()?;
        let (name, value) = (text(&body, "name")?, text(&body, "value")?);
        let now = self.now;
        let variable = &mut self.state.variables[index];
        let name = name.unwrap_or_else(|| variable.name.clone());
        let value = value.unwrap_or_else(|| variable.value.clone());
        check(&name, &value)?;
        variable.name = name.to_ascii_uppercase();
        variable.value = value;
        variable.updated = now;
        Ok(Answer::empty(204))
    }
}

fn missing(field: &str) -> Refusal {
    (422, format!("Invalid request.\n\n\"{field}\" wasn't supplied."))
}

fn check(name: &str, value: &str) -> Result<(), Refusal> {
    if !is_name(name) {
        return Err((422, "Variable names may only contain alphanumeric characters ([a-z], [A-Z], [0-9]) or underscores (_). Spaces are not allowed. Variable names must start with a letter ([a-z], [A-Z]) or underscores (_).".to_owned()));
    }
    if value.len() > LARGEST {
        return Err((422, "Variable value must be 48 KB or less.".to_owned()));
    }
    Ok(())
}

/// A field that must be a string if it is there.
pub(super) fn text(body: &Value, field: &str) -> Result<Option<String>, Refusal> {
    match &body[field] {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text.clone())),
        other => {
            let why =
                format!("Invalid request.\n\nFor 'properties/{field}', {other} is not a string.");
            Err((422, why))
        }
    }
}
