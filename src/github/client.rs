//! Sends requests to GitHub and classifies the answers.
//!
//! Why not octocrab: it cannot return the run of a dispatch, it rejects some values that GitHub sends, and it
//! does not distinguish a request that was not sent from one whose answer was lost.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use http::header::{
    ACCEPT, AUTHORIZATION, CONTENT_TYPE, ETAG, IF_NONE_MATCH, LINK, LOCATION, USER_AGENT,
};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::app::{SignedIn, Token};
use super::doubt::{Doubt, Seen, without_query};
use super::error::GithubError;
use super::pages::Pages;
use super::repository::Repository;
use super::settings::{Settings, SignIn};
use super::{limits, redirect};
use crate::clock::Clock;
use crate::net::transport::{CallError, Transport};
use crate::secrets::Secret;
use crate::secrets::{Credential, SecretStore};
use crate::telemetry;

/// The API version we request. <https://docs.github.com/en/rest/about-the-rest-api/api-versions>
pub(super) const API_VERSION: HeaderValue = HeaderValue::from_static("2022-11-28");
pub(super) const AGENT: &str = concat!("deckhand/", env!("CARGO_PKG_VERSION"));

/// A request.
pub(super) struct Ask<'a> {
    method: Method,
    /// Below the API's base URL, with its query.
    path: &'a str,
    etag: Option<&'a HeaderValue>,
    body: Bytes,
    /// Whether its answer is a link to another server.
    leads_elsewhere: bool,
    /// Whether a refusal is believed at once.
    is_detail: bool,
}

impl<'a> Ask<'a> {
    pub(super) fn new(method: Method, path: &'a str) -> Self {
        let body = Bytes::new();
        Self { method, path, etag: None, body, leads_elsewhere: false, is_detail: false }
    }

    /// A request whose answer is a link to another server. `is_detail`: a refusal is believed at once.
    pub(super) fn elsewhere(path: &'a str, is_detail: bool) -> Self {
        Self { leads_elsewhere: true, is_detail, ..Self::new(Method::GET, path) }
    }

    pub(super) fn with(method: Method, path: &'a str, body: &Value) -> Self {
        Self { body: body.to_string().into(), ..Self::new(method, path) }
    }
}

/// A successful answer.
#[derive(Debug)]
pub(crate) struct Answer {
    /// 2xx, or 304 to a conditional request.
    pub status: StatusCode,
    /// For the next conditional request.
    pub etag: Option<HeaderValue>,
    /// The scopes of a classic token; other tokens have none.
    pub scopes: Option<String>,
    /// Whether there is a next page (`Link: <…>; rel="next"`).
    pub has_next: bool,
    body: Bytes,
}

impl From<Response<Bytes>> for Answer {
    fn from(response: Response<Bytes>) -> Self {
        let headers = response.headers();
        let next = |link: &HeaderValue| link.to_str().is_ok_and(|l| l.contains("rel=\"next\""));
        let scopes = headers.get("x-oauth-scopes").and_then(|scopes| scopes.to_str().ok());
        Self {
            status: response.status(),
            etag: headers.get(ETAG).cloned(),
            scopes: scopes.map(str::to_owned),
            has_next: headers.get(LINK).is_some_and(next),
            body: response.into_body(),
        }
    }
}

impl Answer {
    /// Parses the body. If it does not have the documented shape, the answer counts as lost.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, GithubError> {
        serde_json::from_slice(&self.body)
            .map_err(|error| GithubError::Lost(format!("unreadable answer: {error}")))
    }
}

/// The GitHub client. It tracks the offset between GitHub's clock and ours, because runs carry GitHub's
/// times.
pub struct Github {
    transport: Arc<dyn Transport>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) settings: Settings,
    ahead: Mutex<Option<TimeDelta>>,
    /// The token, or the app's private key.
    pub(super) credential: Credential,
    /// The cached installation token of an app.
    pub(super) signed_in: tokio::sync::Mutex<SignedIn>,
    /// What GitHub showed a moment ago.
    seen: Seen,
    /// Whether it was logged that a repository was renamed.
    moved: AtomicBool,
    /// Whether this server accepts `return_run_details`. True until it refuses the field.
    pub(super) takes_run_details: AtomicBool,
    /// Cached pages of run lists, for the digest.
    pub(super) pages: Pages,
}

impl Github {
    /// What is wrong with the place of the token or key, once it was read: it is kept in the clear.
    pub fn secret_in_the_clear(&self) -> Option<String> {
        self.credential.kept_in_the_clear()
    }

    /// A client for these settings.
    pub fn new(
        settings: Settings,
        transport: Arc<dyn Transport>,
        secrets: Arc<dyn SecretStore>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let source = match &settings.sign_in {
            SignIn::Token(token) => token,
            SignIn::App(app) => &app.private_key,
        };
        Self {
            transport,
            credential: Credential::new(source.clone(), secrets, clock.clone()),
            clock,
            settings,
            ahead: Mutex::new(None),
            signed_in: tokio::sync::Mutex::default(),
            seen: Seen::default(),
            moved: AtomicBool::new(false),
            takes_run_details: AtomicBool::new(true),
            pages: Pages::default(),
        }
    }

    /// The repository of agents that name none (`GITHUB_REPO`).
    pub fn default_repository(&self) -> &Repository {
        &self.settings.repository
    }

    /// URL of a repository's web page.
    pub fn repository_page(&self, repository: &Repository) -> String {
        format!("{}/{repository}", web_base(&self.settings.api_base))
    }

    /// URL of the web page that lists a workflow's runs.
    pub fn workflow_page(&self, repository: &Repository, file: &str) -> String {
        format!("{}/{repository}/actions/workflows/{file}", web_base(&self.settings.api_base))
    }

    /// URL of a run's web page, for when GitHub did not send it.
    pub fn run_page(&self, repository: &Repository, run_id: u64) -> String {
        format!("{}/{repository}/actions/runs/{run_id}", web_base(&self.settings.api_base))
    }

    /// Converts our time to GitHub's clock; `None` until GitHub has answered once.
    pub fn to_github_time(&self, ours: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let ahead = *self.ahead.lock().unwrap_or_else(PoisonError::into_inner);
        Some(ours + ahead?)
    }

    /// The current time by our clock.
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// The current time by GitHub's clock, or by ours until GitHub has answered once.
    pub(super) fn github_now(&self) -> DateTime<Utc> {
        let now = self.clock.now();
        self.to_github_time(now).unwrap_or(now)
    }

    pub(super) async fn get(
        &self,
        path: &str,
        etag: Option<&HeaderValue>,
    ) -> Result<Answer, GithubError> {
        self.call(Ask { etag, ..Ask::new(Method::GET, path) }).await
    }

    /// Reads what is only a detail: a refusal is believed at once.
    pub(super) async fn get_detail(
        &self,
        path: &str,
        etag: Option<&HeaderValue>,
    ) -> Result<Answer, GithubError> {
        self.call(Ask { etag, is_detail: true, ..Ask::new(Method::GET, path) }).await
    }

    pub(super) async fn post(&self, path: &str, body: &Value) -> Result<Answer, GithubError> {
        self.call(Ask::with(Method::POST, path, body)).await
    }

    /// Sends a request without a body.
    pub(super) async fn post_nothing(&self, path: &str) -> Result<Answer, GithubError> {
        self.call(Ask::new(Method::POST, path)).await
    }

    pub(super) async fn patch(&self, path: &str, body: &Value) -> Result<Answer, GithubError> {
        self.call(Ask::with(Method::PATCH, path, body)).await
    }

    pub(super) async fn put(&self, path: &str, body: &Value) -> Result<Answer, GithubError> {
        self.call(Ask::with(Method::PUT, path, body)).await
    }

    pub(super) async fn delete(&self, path: &str) -> Result<Answer, GithubError> {
        self.call(Ask::new(Method::DELETE, path)).await
    }

    pub(super) async fn send(
        &self,
        request: Request<Bytes>,
    ) -> Result<Response<Bytes>, GithubError> {
        telemetry::asks_github();
        let response = self.transport.send(request).await.map_err(|error| match error {
            CallError::NotSent(why) => GithubError::NotSent(why),
            CallError::Lost(why) => GithubError::Lost(why),
        })?;
        telemetry::github_answered(response.status(), response.headers());
        Ok(response)
    }

    async fn call(&self, ask: Ask<'_>) -> Result<Answer, GithubError> {
        self.exchange(&ask).await.map(Answer::from)
    }

    /// Signs in and sends a request. A refusal is believed by the time it lasts; see [`doubt`](super::doubt).
    pub(super) async fn exchange(&self, ask: &Ask<'_>) -> Result<Response<Bytes>, GithubError> {
        let mut token = self.token().await?;
        let (mut doubt, mut renewed) = (Doubt::default(), false);
        loop {
            let error = match self.send_as(&token, ask).await {
                Ok(response) => {
                    self.seen.note(&ask.method, ask.path, &token, self.github_now());
                    return Ok(response);
                }
                Err(error) => error,
            };
            // GitHub did nothing on a refusal, so the request can be sent again.
            if matches!(error, GithubError::Unauthorized(_))
                && !renewed
                && let Some(other) = self.another_token(&token).await?
            {
                (token, renewed) = (other, true);
                continue;
            }
            let asked = (&ask.method, ask.path);
            let patience = self.seen.patience(&error, asked, &token, self.github_now());
            if ask.is_detail || !doubt.lasts(patience).await {
                return Err(error);
            }
        }
    }

    /// Sends a request with this token, and again where a renamed repository is.
    pub(super) async fn send_as(
        &self,
        token: &Token,
        ask: &Ask<'_>,
    ) -> Result<Response<Bytes>, GithubError> {
        let mut url = format!("{}{}", self.settings.api_base, ask.path);
        let mut redirects = 0;
        loop {
            let response = self.send(request(&url, &token.secret, ask)?).await?;
            self.learn_time(response.headers());
            let status = response.status();
            if status.is_success() || (ask.etag.is_some() && status == StatusCode::NOT_MODIFIED) {
                return Ok(response);
            }
            let location = location(&response);
            let base = &self.settings.api_base;
            if let Some(target) = redirect::target(&ask.method, status, &url, location, base)
                && redirects < redirect::most(&ask.method)
            {
                if !self.moved.swap(true, Ordering::Relaxed) {
                    let asked = without_query(ask.path);
                    tracing::warn!(asked, "the repository was renamed; change the setting");
                }
                redirects += 1;
                url = target.into();
                continue;
            }
            if ask.leads_elsewhere && status.is_redirection() && location.is_some() {
                return Ok(response);
            }
            let (headers, body) = (response.headers(), response.body());
            let now = self.clock.now();
            return Err(GithubError::of_answer(status, headers, body, &token.secret, now));
        }
    }

    fn learn_time(&self, headers: &HeaderMap) {
        if let Some(date) = limits::date(headers) {
            let ahead = date - self.clock.now();
            *self.ahead.lock().unwrap_or_else(PoisonError::into_inner) = Some(ahead);
        }
    }
}

fn request(url: &str, token: &Secret, ask: &Ask<'_>) -> Result<Request<Bytes>, GithubError> {
    let not_sent = |error: http::Error| GithubError::NotSent(error.to_string());
    let token = format!("Bearer {}", token.expose());
    let mut token = HeaderValue::try_from(token).map_err(|error| not_sent(error.into()))?;
    token.set_sensitive(true);
    let mut request = Request::builder()
        .method(&ask.method)
        .uri(url)
        .header(AUTHORIZATION, token)
        .header(ACCEPT, "application/vnd.github+json")
        .header("x-github-api-version", API_VERSION)
        .header(USER_AGENT, AGENT);
    if let Some(etag) = ask.etag {
        request = request.header(IF_NONE_MATCH, etag);
    }
    if !ask.body.is_empty() {
        request = request.header(CONTENT_TYPE, "application/json");
    }
    request.body(ask.body.clone()).map_err(not_sent)
}

pub(super) fn location(response: &Response<Bytes>) -> Option<&str> {
    response.headers().get(LOCATION)?.to_str().ok()
}

/// `https://api.github.com` → `https://github.com`, `https://api.x.ghe.com` → `https://x.ghe.com`,
/// `https://ghes.example.com/api/v3` → `https://ghes.example.com`.
pub(crate) fn web_base(api_base: &str) -> String {
    if let Some(base) = api_base.strip_suffix("/api/v3") {
        return base.to_owned();
    }
    api_base.replacen("://api.", "://", 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("https://api.github.com", "https://github.com")]
    #[case("https://api.octo.ghe.com", "https://octo.ghe.com")]
    #[case("https://ghes.example.com/api/v3", "https://ghes.example.com")]
    #[case("http://127.0.0.1:4010", "http://127.0.0.1:4010")]
    fn the_web_base_is_derived_from_the_api_base(#[case] api: &str, #[case] web: &str) {
        assert_eq!(web_base(api), web);
    }
}
