//! One request, what it is answered from, and how an answer is written.

use super::{
    answers::Site,
    auth::Caller,
    listing::Page,
    state::State,
    wire::{Refusal, error_body},
};
use crate::server::{Answer, Received};
use chrono::{DateTime, Utc};
use serde_json::Value;
use std::fmt::Display;

/// One request, and what it is answered from.
pub(super) struct View<'a> {
    pub state: &'a mut State,
    pub api: &'a str,
    pub now: DateTime<Utc>,
    pub window_ends: DateTime<Utc>,
    pub caller: Caller,
    pub request: &'a Received,
}

impl View<'_> {
    pub(super) fn site<'s>(&'s self, repo: &'s str) -> Site<'s> {
        Site::new(&self.state.scenario, self.api, repo)
    }

    pub(super) fn json(&self, body: &Value) -> Answer {
        self.written(body.to_string())
    }

    /// Sends a document that is JSON text already.
    pub(super) fn written(&self, body: String) -> Answer {
        Answer { body: body.into(), ..Answer::json(200, &Value::Null) }
    }

    /// The request's body, which must be an object.
    pub(super) fn object(&self) -> Result<Value, Refusal> {
        let body: Value = serde_json::from_slice(&self.request.body)
            .map_err(|_| (400, "Problems parsing JSON".to_owned()))?;
        match body {
            Value::Object(_) => Ok(body),
            _ => Err((400, "Body should be a JSON object".to_owned())),
        }
    }

    /// A page of a list under its name, with `total_count`; only the page's items are written.
    pub(super) fn list<T, W: Display>(
        &self,
        name: &str,
        items: Vec<T>,
        reachable: usize,
        write: impl Fn(&T) -> W,
    ) -> Answer {
        let page = Page::read(self.request);
        if page.is_larger_than(self.state.scenario.largest_page) {
            return Answer::json(502, &error_body(502, "Server Error"));
        }
        self.list_by(name, items, reachable, page, write)
    }

    /// As [`View::list`], for a page with limits of its own.
    pub(super) fn list_by<T, W: Display>(
        &self,
        name: &str,
        mut items: Vec<T>,
        reachable: usize,
        page: Page,
        write: impl Fn(&T) -> W,
    ) -> Answer {
        let total = items.len();
        items.truncate(reachable);
        let link = page.link(self.request, self.api, items.len());
        let written: Vec<String> =
            page.of(items).iter().map(|item| write(item).to_string()).collect();
        let body = format!("{{\"total_count\":{total},\"{name}\":[{}]}}", written.join(","));
        linked(self.written(body), link)
    }

    /// A page of a list without a name.
    pub(super) fn array<T>(&self, items: Vec<T>, write: impl Fn(&T) -> Value) -> Answer {
        let page = Page::read(self.request);
        let link = page.link(self.request, self.api, items.len());
        let written = page.of(items).iter().map(write).collect();
        linked(self.json(&written), link)
    }
}

fn linked(answer: Answer, link: Option<String>) -> Answer {
    match link {
        Some(link) => answer.header("link", link),
        None => answer,
    }
}
