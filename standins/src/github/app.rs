//! The GitHub App: its one installation, and the tokens issued for that.
//!
//! <https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app>

use super::{
    hook::Hook,
    hooks,
    jwt::{APP_ID, CLIENT_ID, INSTALLATION_ID, KEY},
    permission::{self, Granted, Level},
    state::Issued,
    view::View,
    wire::{Found, digest, not_found, stamp},
};
use crate::{endpoint::Endpoint, server::Answer};
use chrono::TimeDelta;
use serde_json::{Map, Value, json};

const SLUG: &str = "deckhand";
/// The login that an installation's runs are by.
pub(super) const BOT: &str = "deckhand[bot]";
/// How long an installation's token lives.
const TOKEN_LIVES: TimeDelta = TimeDelta::hours(1);
fn words(granted: &Granted) -> Value {
    let given = granted.iter().filter(|(_, level)| **level > Level::None);
    given
        .map(|(name, level)| ((*name).to_owned(), json!(level.word())))
        .collect::<Map<_, _>>()
        .into()
}

impl View<'_> {
    /// Answers a request that only the App itself may make, with its JWT.
    pub(super) fn as_app(&mut self, method: &str, path: &[&str]) -> Found {
        let installed = self.state.scenario.installed;
        match (method, path) {
            ("GET", ["app"]) => Ok(self.json(&self.app())),
            ("GET", ["app", "installations", id]) if installed && is_ours(id) => {
                Ok(self.json(&self.installation()))
            }
            ("GET", ["repos", _, _, "installation"]) if installed => {
                Ok(self.json(&self.installation()))
            }
            ("GET", ["app", "installations"]) => {
                let all: Vec<Value> = installed.then(|| self.installation()).into_iter().collect();
                Ok(self.array(all, Clone::clone))
            }
            ("GET", ["app", "hook", "config"]) => Ok(self.json(&self.hook_config())),
            ("PATCH", ["app", "hook", "config"]) => {
                let config = json!({"config": self.object()?});
                let repo = self.state.scenario.repositories().remove(0);
                let blank =
                    Hook { of_app: true, ..Hook::new(Endpoint::Http(String::new()), &repo, "") };
                let hook = Hook { events: blank.events.clone(), ..hooks::read(&config, blank)? };
                let state = &mut *self.state;
                match state.app_hook.and_then(|id| state.outbox.hook_mut(id)) {
                    Some(there) => *there = Some(hook),
                    None => {
                        let id = state.outbox.add(&state.scenario, &state.runs, hook, self.now);
                        state.app_hook = Some(id);
                    }
                }
                Ok(self.json(&self.hook_config()))
            }
            ("POST", ["app", "installations", id, "access_tokens"]) if installed && is_ours(id) => {
                self.issue()
            }
            _ => Err(not_found()),
        }
    }

    fn hook_config(&self) -> Value {
        let hook = self.state.app_hook.and_then(|id| self.state.outbox.hook(id));
        let url = match hook.map(|hook| &hook.to) {
            Some(Endpoint::Http(url)) => url.as_str(),
            _ => "https://deckhand.invalid/github/webhook",
        };
        json!({"content_type": "json", "insecure_ssl": "0", "secret": "********", "url": url})
    }

    /// Makes the App of its manifest. The code that the browser brought works once.
    pub(super) fn convert(&mut self, code: &str) -> Found {
        if self.state.scenario.manifest_code.take_if(|known| known == code).is_none() {
            return Err(not_found());
        }
        let mut made = self.app();
        made["client_secret"] = json!("standin-client-secret");
        made["webhook_secret"] = json!("standin-webhook-secret");
        made["pem"] = json!(KEY);
        Ok(Answer::json(201, &made))
    }

    fn app(&self) -> Value {
        json!({
            "id": APP_ID,
            "slug": SLUG,
            "client_id": CLIENT_ID,
            "node_id": format!("A_{APP_ID}"),
            "owner": self.site("").user(self.owner(), "Organization"),
            "name": "Deckhand",
            "description": "",
            "external_url": "https://example.com",
            "html_url": format!("{}/apps/{SLUG}", self.state.scenario.html_base),
            "created_at": "2024-01-01T00:00:00Z",
            "updated_at": "2024-01-01T00:00:00Z",
            "permissions": words(&permission::granted(&self.state.scenario.denied)),
            "events": ["workflow_run"],
            "installations_count": u8::from(self.state.scenario.installed),
        })
    }

    fn owner(&self) -> &str {
        let repo = self.state.scenario.repo.as_deref();
        repo.and_then(|repo| repo.split_once('/')).map_or("octo-org", |(owner, _)| owner)
    }

    fn installation(&self) -> Value {
        let account = self.site("").user(self.owner(), "Organization");
        let page = &self.state.scenario.html_base;
        json!({
            "id": INSTALLATION_ID,
            "target_id": account["id"],
            "target_type": "Organization",
            "html_url": format!(
                "{page}/organizations/{}/settings/installations/{INSTALLATION_ID}",
                self.owner()
            ),
            "account": account,
            "repository_selection": "selected",
            "access_tokens_url":
                format!("{}/app/installations/{INSTALLATION_ID}/access_tokens", self.api),
            "repositories_url": format!("{}/installation/repositories", self.api),
            "app_id": APP_ID,
            "app_slug": SLUG,
            "client_id": CLIENT_ID,
            "permissions": words(&permission::granted(&self.state.scenario.denied)),
            "events": ["workflow_run"],
            "created_at": "2024-01-01T00:00:00Z",
            "updated_at": "2024-01-01T00:00:00Z",
            "single_file_name": null,
            "suspended_by": null,
            "suspended_at": null,
        })
    }

    fn issue(&mut self) -> Found {
        let body: Value = match self.request.body.as_ref() {
            [] => json!({}),
            body => serde_json::from_slice(body)
                .map_err(|_| (400, "Problems parsing JSON".to_owned()))?,
        };
        let mut granted = permission::granted(&self.state.scenario.denied);
        if let Some(asked) = body["permissions"].as_object() {
            let more = || {
                (422, "The permissions requested are not granted to this installation.".to_owned())
            };
            let mut narrowed = Granted::new();
            for (name, level) in asked {
                let level = level.as_str().and_then(Level::named).ok_or_else(more)?;
                let given = granted.iter().find(|(given, most)| *given == name && **most >= level);
                narrowed.insert(given.ok_or_else(more)?.0, level);
            }
            // Whoever may do anything may see that the repository is there.
            narrowed.insert("metadata", granted["metadata"]);
            granted = narrowed;
        }
        let number = self.state.issued.len();
        // Opaque, and as long as GitHub's are now.
        let seed = uuid::Uuid::new_v4();
        let long: String = (0..13).map(|part| digest(&format!("{seed}{number}{part}"))).collect();
        let token = format!("ghs_{long}");
        let ends = self.now + TOKEN_LIVES;
        let body = json!({
            "token": token,
            "expires_at": stamp(ends + self.state.scenario.clock_skew),
            "permissions": words(&granted),
            "repository_selection": "selected",
        });
        self.state.issued.push(Issued { token, begins: self.now, ends, granted });
        Ok(Answer::json(201, &body))
    }
}

fn is_ours(id: &str) -> bool {
    id == INSTALLATION_ID.to_string()
}
