//! A repository's webhooks, as its settings and the API have them.
//!
//! <https://docs.github.com/rest/repos/webhooks>

use super::{
    hook::Hook,
    view::View,
    wire::{Found, Refusal, not_found, stamp},
};
use crate::{endpoint::Endpoint, server::Answer};
use serde_json::{Value, json};

impl View<'_> {
    pub(super) fn hooks(&mut self, repo: &str, method: &str, rest: &[&str]) -> Found {
        match (method, rest) {
            ("GET", []) => {
                let all = self.state.outbox.of_repository(repo);
                Ok(self.array(all, |(id, hook)| self.hook(repo, *id, hook)))
            }
            ("POST", []) => {
                let hook =
                    read(&self.object()?, Hook::new(Endpoint::Http(String::new()), repo, ""))?;
                let (events, to) = (hook.events.clone(), to(&hook));
                let all = self.state.outbox.of_repository(repo);
                if all.iter().any(|(_, known)| self::to(known) == to && known.events == events) {
                    return Err((422, "Validation Failed".to_owned()));
                }
                let state = &mut *self.state;
                let id = state.outbox.add(&state.scenario, &state.runs, hook.clone(), self.now);
                Ok(Answer::json(201, &self.hook(repo, id, &hook)))
            }
            ("PATCH", [id]) => {
                let id = self.known(repo, id)?;
                let body = self.object()?;
                let slot = self.state.outbox.hook_mut(id).ok_or_else(not_found)?;
                let hook = read(&body, slot.clone().ok_or_else(not_found)?)?;
                *slot = Some(hook.clone());
                Ok(self.json(&self.hook(repo, id, &hook)))
            }
            ("DELETE", [id]) => {
                let id = self.known(repo, id)?;
                if let Some(hook) = self.state.outbox.hook_mut(id) {
                    *hook = None;
                }
                self.state.outbox.forget_hook(id);
                Ok(Answer::empty(204))
            }
            _ => Err(not_found()),
        }
    }

    fn known(&self, repo: &str, id: &str) -> Result<u64, Refusal> {
        let all = self.state.outbox.of_repository(repo);
        let mut ids = all.iter().map(|(id, _)| *id);
        ids.find(|known| known.to_string() == id).ok_or_else(not_found)
    }

    fn hook(&self, repo: &str, id: u64, hook: &Hook) -> Value {
        let url = format!("{}/repos/{repo}/hooks/{id}", self.api);
        json!({
            "type": "Repository",
            "id": id,
            "name": "web",
            "active": true,
            "events": hook.events,
            "config": {
                "content_type": if hook.form { "form" } else { "json" },
                "insecure_ssl": "0",
                "url": to(hook),
                "secret": hook.secret.as_ref().map(|_| "********"),
            },
            "updated_at": stamp(self.now),
            "created_at": stamp(self.now),
            "url": url,
            "test_url": format!("{url}/test"),
            "ping_url": format!("{url}/pings"),
            "deliveries_url": format!("{url}/deliveries"),
            "last_response": {"code": null, "status": "unused", "message": null},
        })
    }
}

fn to(hook: &Hook) -> String {
    match &hook.to {
        Endpoint::Http(url) => url.clone(),
        Endpoint::Direct(_) => "https://in-this-process.example.com/github/webhook".to_owned(),
    }
}

/// Changes a hook as a request's body says.
pub(super) fn read(body: &Value, mut hook: Hook) -> Result<Hook, Refusal> {
    let config = &body["config"];
    let url = config["url"].as_str().filter(|url| url.starts_with("http"));
    hook.to = Endpoint::Http(url.ok_or((422, "Validation Failed".to_owned()))?.to_owned());
    hook.secret = config["secret"].as_str().map(str::to_owned);
    hook.form = config["content_type"] != "json";
    let events = body["events"].as_array().into_iter().flatten().filter_map(Value::as_str);
    hook.events = events.map(str::to_owned).collect();
    Ok(hook)
}
