//! Sends requests to GitHub and classifies the answers.
//!
//! Why not octocrab: it cannot return the run of a dispatch, it rejects some values that GitHub sends, and it
//! does not distinguish a request that was not sent from one whose answer was lost.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use http::header::{
    ACCEPT, AUTHORIZATION, CONTENT_TYPE, ETAG, IF_NONE_MATCH, LINK, LOCATION, USER_AGENT,
};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::app::InstallationToken;
use super::error::{GithubError, MAX_SAID};
use super::limits;
use super::pages::Pages;
use super::repository::Repository;
use super::settings::{Settings, SignIn};
use crate::clock::Clock;
use crate::net::transport::{CallError, Transport};
use crate::secrets::Secret;
use crate::secrets::{Credential, SecretStore};
use crate::telemetry;

/// The API version we request. <https://docs.github.com/en/rest/about-the-rest-api/api-versions>
const API_VERSION: HeaderValue = HeaderValue::from_static("2022-11-28");
const AGENT: &str = concat!("deckhand/", env!("CARGO_PKG_VERSION"));

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
    pub(super) installation: tokio::sync::Mutex<Option<InstallationToken>>,
    /// Whether this server accepts `return_run_details`. True until it refuses the field.
    pub(super) takes_run_details: AtomicBool,
    /// Cached pages of run lists, for the digest.
    pub(super) pages: Pages,
}

impl Github {
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
            installation: tokio::sync::Mutex::default(),
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

    pub(super) async fn get(
        &self,
        path: &str,
        etag: Option<&HeaderValue>,
    ) -> Result<Answer, GithubError> {
        self.call(Method::GET, path, etag, Bytes::new()).await
    }

    pub(super) async fn post(&self, path: &str, body: &Value) -> Result<Answer, GithubError> {
        self.call(Method::POST, path, None, body.to_string().into()).await
    }

    pub(super) async fn patch(&self, path: &str, body: &Value) -> Result<Answer, GithubError> {
        self.call(Method::PATCH, path, None, body.to_string().into()).await
    }

    pub(super) async fn put(&self, path: &str, body: &Value) -> Result<Answer, GithubError> {
        self.call(Method::PUT, path, None, body.to_string().into()).await
    }

    /// Downloads from the storage that GitHub redirects to. The redirect URL is signed, so it gets no token.
    pub(super) async fn get_elsewhere(&self, path: &str) -> Result<Bytes, GithubError> {
        let mut token = self.token().await?;
        let mut response = self.fetch(path, &token).await?;
        if response.status() == StatusCode::UNAUTHORIZED
            && let Some(other) = self.another_token(&token).await?
        {
            token = other;
            response = self.fetch(path, &token).await?;
        }
        if response.status().is_success() {
            return Ok(response.into_body());
        }
        let link = response.headers().get(LOCATION).and_then(|link| link.to_str().ok());
        let (true, Some(link)) = (response.status().is_redirection(), link) else {
            return Err(self.error(response.status(), response.headers(), response.body(), &token));
        };
        let request = Request::get(link).header(USER_AGENT, AGENT).body(Bytes::new());
        let request = request.map_err(|error| GithubError::Lost(error.to_string()))?;
        let response = self.send(request).await?;
        if response.status().is_success() {
            Ok(response.into_body())
        } else {
            Err(GithubError::Lost(format!("status {}", response.status().as_u16())))
        }
    }

    async fn fetch(&self, path: &str, token: &Secret) -> Result<Response<Bytes>, GithubError> {
        self.send(self.request(Method::GET, path, token, None, Bytes::new())?).await
    }

    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, GithubError> {
        telemetry::asks_github();
        let response = self.transport.send(request).await.map_err(|error| match error {
            CallError::NotSent(why) => GithubError::NotSent(why),
            CallError::Lost(why) => GithubError::Lost(why),
        })?;
        telemetry::github_answered(response.status(), response.headers());
        Ok(response)
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        etag: Option<&HeaderValue>,
        body: Bytes,
    ) -> Result<Answer, GithubError> {
        let token = self.token().await?;
        let answer = self.call_as(&token, method.clone(), path, etag, body.clone()).await;
        // GitHub did nothing on a 401, so the request can be sent again.
        if let Err(GithubError::Unauthorized(_)) = answer
            && let Some(token) = self.another_token(&token).await?
        {
            return self.call_as(&token, method, path, etag, body).await;
        }
        answer
    }

    pub(super) async fn call_as(
        &self,
        token: &Secret,
        method: Method,
        path: &str,
        etag: Option<&HeaderValue>,
        body: Bytes,
    ) -> Result<Answer, GithubError> {
        let request = self.request(method, path, token, etag, body)?;
        let response = self.send(request).await?;
        self.learn_time(response.headers());
        let status = response.status();
        if status.is_success() || (etag.is_some() && status == StatusCode::NOT_MODIFIED) {
            let headers = response.headers();
            let etag = headers.get(ETAG).cloned();
            let next = |link: &HeaderValue| link.to_str().is_ok_and(|l| l.contains("rel=\"next\""));
            let has_next = headers.get(LINK).is_some_and(next);
            let scopes = headers.get("x-oauth-scopes").and_then(|scopes| scopes.to_str().ok());
            let scopes = scopes.map(str::to_owned);
            return Ok(Answer { status, etag, scopes, has_next, body: response.into_body() });
        }
        Err(self.error(status, response.headers(), response.body(), token))
    }

    fn request(
        &self,
        method: Method,
        path: &str,
        token: &Secret,
        etag: Option<&HeaderValue>,
        body: Bytes,
    ) -> Result<Request<Bytes>, GithubError> {
        let not_sent = |error: http::Error| GithubError::NotSent(error.to_string());
        let token = format!("Bearer {}", token.expose());
        let mut token = HeaderValue::try_from(token).map_err(|error| not_sent(error.into()))?;
        token.set_sensitive(true);
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.settings.api_base))
            .header(AUTHORIZATION, token)
            .header(ACCEPT, "application/vnd.github+json")
            .header("x-github-api-version", API_VERSION)
            .header(USER_AGENT, AGENT);
        if let Some(etag) = etag {
            request = request.header(IF_NONE_MATCH, etag);
        }
        if !body.is_empty() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        request.body(body).map_err(not_sent)
    }

    /// Classifies an answer that is no success. GitHub's text may end up in a message or a log, so the token
    /// is removed from it.
    fn error(
        &self,
        status: StatusCode,
        headers: &HeaderMap,
        body: &[u8],
        token: &Secret,
    ) -> GithubError {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let said = body.get("message").and_then(Value::as_str).unwrap_or_default();
        if let Some(wait) = limits::rate_limited(status, headers, said, self.clock.now()) {
            return GithubError::RateLimited(wait);
        }
        let said = said.replace(token.expose(), "[token]");
        let said: String = said.chars().take(MAX_SAID).collect();
        match status.as_u16() {
            300..400 => GithubError::Moved,
            401 => GithubError::Unauthorized(said),
            403 => GithubError::Forbidden(said),
            404 => GithubError::NotFound,
            408 => GithubError::Lost("status 408".to_owned()),
            other @ 400..500 => GithubError::Refused(other, said),
            other => GithubError::Lost(format!("status {other}")),
        }
    }

    fn learn_time(&self, headers: &HeaderMap) {
        if let Some(date) = limits::date(headers) {
            let ahead = date - self.clock.now();
            *self.ahead.lock().unwrap_or_else(PoisonError::into_inner) = Some(ahead);
        }
    }
}

/// `https://api.github.com` → `https://github.com`, `https://api.x.ghe.com` → `https://x.ghe.com`,
/// `https://ghes.example.com/api/v3` → `https://ghes.example.com`.
fn web_base(api_base: &str) -> String {
    if let Some(base) = api_base.strip_suffix("/api/v3") {
        return base.to_owned();
    }
    api_base.replacen("://api.", "://", 1)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock::SystemClock;
    use crate::secrets::{NoParameters, SecretSource};
    use rstest::rstest;

    #[rstest]
    #[case("https://api.github.com", "https://github.com")]
    #[case("https://api.octo.ghe.com", "https://octo.ghe.com")]
    #[case("https://ghes.example.com/api/v3", "https://ghes.example.com")]
    #[case("http://127.0.0.1:4010", "http://127.0.0.1:4010")]
    fn the_web_base_is_derived_from_the_api_base(#[case] api: &str, #[case] web: &str) {
        assert_eq!(web_base(api), web);
    }

    struct Nowhere;

    impl Transport for Nowhere {
        fn send(
            &self,
            _: Request<Bytes>,
        ) -> futures_util::future::BoxFuture<'_, Result<Response<Bytes>, CallError>> {
            Box::pin(std::future::ready(Err(CallError::NotSent("nowhere".to_owned()))))
        }
    }

    fn token() -> Secret {
        Secret::new("ghp_secret")
    }

    fn github() -> Github {
        let settings = Settings {
            sign_in: SignIn::Token(SecretSource::Given(token())),
            repository: "o/r".parse().unwrap(),
            api_base: "https://api.github.com".to_owned(),
        };
        Github::new(settings, Arc::new(Nowhere), Arc::new(NoParameters), Arc::new(SystemClock))
    }

    #[rstest]
    #[case(301, GithubError::Moved)]
    #[case(401, GithubError::Unauthorized("Nope".to_owned()))]
    #[case(403, GithubError::Forbidden("Nope".to_owned()))]
    #[case(404, GithubError::NotFound)]
    #[case(408, GithubError::Lost("status 408".to_owned()))]
    #[case(422, GithubError::Refused(422, "Nope".to_owned()))]
    #[case(429, GithubError::RateLimited(Duration::from_secs(60)))]
    #[case(500, GithubError::Lost("status 500".to_owned()))]
    fn each_status_maps_to_its_error(#[case] status: u16, #[case] expected: GithubError) {
        let status = StatusCode::from_u16(status).unwrap();
        let body = br#"{"message":"Nope"}"#;
        assert_eq!(github().error(status, &HeaderMap::new(), body, &token()), expected);
    }

    #[test]
    fn a_token_in_githubs_error_is_removed() {
        let body = br#"{"message":"bad header Bearer ghp_secret!"}"#;
        let error = github().error(StatusCode::BAD_REQUEST, &HeaderMap::new(), body, &token());
        assert_eq!(error, GithubError::Refused(400, "bad header Bearer [token]!".to_owned()));
    }
}
