//! Makes a GitHub App by GitHub's manifest flow, finds where it is installed, and sets its webhook.
//!
//! <https://docs.github.com/en/apps/sharing-github-apps/registering-a-github-app-from-a-manifest>

use bytes::Bytes;
use http::header::{ACCEPT, USER_AGENT};
use http::{Method, Request};
use serde_json::{Value, json};

use super::client::{AGENT, API_VERSION, Github};
use super::error::GithubError;
use super::hooks::{EVENTS, config};
use super::path::segment;
use super::settings::SignIn;
use crate::net::transport::{CallError, Transport};
use crate::secrets::Secret;

/// What a new App must be, as GitHub's form takes it. `hook`: where its webhooks go; `back`: where GitHub sends the
/// browser with the code.
pub(crate) fn manifest(name: &str, hook: &str, back: &str) -> Value {
    json!({
        "name": name,
        "url": env!("CARGO_PKG_REPOSITORY"),
        "redirect_url": back,
        "public": false,
        "hook_attributes": {"url": hook, "active": true},
        "default_permissions": {"actions": "write", "contents": "read", "checks": "read", "metadata": "read"},
        "default_events": EVENTS,
    })
}

/// An App that was made.
#[derive(Debug)]
pub(crate) struct MadeApp {
    pub id: u64,
    /// Its page, below which it is installed.
    pub page: String,
    pub private_key: Secret,
    /// GitHub makes one.
    pub webhook_secret: Option<Secret>,
}

/// Turns the code that the browser brings back into the App. It works once, within an hour, and needs no sign-in.
pub(crate) async fn converted(
    transport: &dyn Transport,
    api_base: &str,
    code: &str,
) -> Result<MadeApp, GithubError> {
    let code = segment(code);
    let request = Request::builder()
        .method(Method::POST)
        .uri(format!("{api_base}/app-manifests/{code}/conversions"))
        .header(USER_AGENT, AGENT)
        .header(ACCEPT, "application/vnd.github+json")
        .header("x-github-api-version", API_VERSION)
        .body(Bytes::new())
        .map_err(|error| GithubError::NotSent(error.to_string()))?;
    let answer = transport.send(request).await.map_err(|error| match error {
        CallError::NotSent(why) => GithubError::NotSent(why),
        CallError::Lost(why) => GithubError::Lost(why),
    })?;
    match answer.status().as_u16() {
        201 => {}
        404 => return Err(GithubError::NotFound),
        status => return Err(GithubError::Refused(status, "the code was not taken".to_owned())),
    }
    made(answer.body()).ok_or_else(|| GithubError::Lost("unreadable answer".to_owned()))
}

fn made(body: &[u8]) -> Option<MadeApp> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let text = |key: &str| body.get(key).and_then(Value::as_str);
    Some(MadeApp {
        id: body.get("id")?.as_u64()?,
        page: text("html_url")?.to_owned(),
        private_key: Secret::new(text("pem")?),
        webhook_secret: text("webhook_secret").map(Secret::new),
    })
}

/// Where an App is installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installation {
    pub id: u64,
    /// The account's name.
    pub account: String,
}

impl Github {
    /// The App's page. `None`: we are no App.
    pub async fn app_page(&self) -> Result<Option<String>, GithubError> {
        let SignIn::App(app) = &self.settings.sign_in else { return Ok(None) };
        let body: Value = self.call_as_app(app, Method::GET, "/app", None).await?.json()?;
        Ok(body.get("html_url").and_then(Value::as_str).map(str::to_owned))
    }

    /// Where the App is installed; nowhere if we are none.
    pub async fn installations(&self) -> Result<Vec<Installation>, GithubError> {
        let SignIn::App(app) = &self.settings.sign_in else { return Ok(Vec::new()) };
        let path = "/app/installations?per_page=100";
        let body: Value = self.call_as_app(app, Method::GET, path, None).await?.json()?;
        let read = |one: &Value| {
            let account = one.pointer("/account/login").and_then(Value::as_str).unwrap_or("?");
            Some(Installation { id: one.get("id")?.as_u64()?, account: account.to_owned() })
        };
        Ok(body.as_array().into_iter().flatten().filter_map(read).collect())
    }

    /// Sets where the App's webhooks go, and their secret.
    pub async fn set_app_hook(&self, url: &str, secret: &Secret) -> Result<(), GithubError> {
        let SignIn::App(app) = &self.settings.sign_in else { return Ok(()) };
        let config = config(url, secret);
        self.call_as_app(app, Method::PATCH, "/app/hook/config", Some(&config)).await.map(drop)
    }

    /// Whether we sign in as an App.
    pub fn is_app(&self) -> bool {
        matches!(self.settings.sign_in, SignIn::App(_))
    }
}
