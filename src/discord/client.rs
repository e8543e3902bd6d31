//! Sends and edits messages with an interaction token.
//!
//! <https://docs.discord.com/developers/interactions/receiving-and-responding#followup-messages>

use std::sync::Arc;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, Method, Request, StatusCode};
use serde_json::Value;

use super::message::Message;
use crate::clock::Clock;
use crate::discord::settings::Settings;
use crate::net::transport::{CallError, Transport};
use crate::secrets::Secret;
use crate::secrets::{Credential, SecretStore};

/// Discord requires this format. <https://docs.discord.com/developers/reference#user-agent>
pub(super) const AGENT: &str =
    concat!("DiscordBot (", env!("CARGO_PKG_REPOSITORY"), ", ", env!("CARGO_PKG_VERSION"), ")");

/// Retry after a 429 only if Discord asks for at most this wait.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(60);

/// A request's content type and body.
pub(super) type Body = (String, Bytes);

/// Why a request to Discord failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DiscordError {
    /// No bot token, so nothing was sent.
    #[error("no way to sign in to Discord: {0}")]
    NoSignIn(String),
    /// Not sent: there was no connection.
    #[error("Discord cannot be reached ({0})")]
    NotSent(String),
    /// Discord may have acted on it: the answer was lost.
    #[error("Discord's answer was lost ({0})")]
    Lost(String),
    /// 429, with the wait that Discord asks for.
    #[error("Discord's rate limit, for {} ms", .0.as_millis())]
    RateLimited(Duration),
    /// 5xx.
    #[error("Discord has a fault (status {0})")]
    Fault(u16),
    /// 404. After a deferred answer the message may not exist yet for a moment.
    #[error("Discord does not know the message (404)")]
    NotFound,
    /// Any other status. A retry would not help.
    #[error("Discord refuses the message (status {status}, code {code})")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// Discord's error code.
        code: u64,
    },
}

/// The Discord client.
pub struct Discord {
    pub(super) transport: Arc<dyn Transport>,
    pub(super) settings: Settings,
    /// The bot token, if it is set.
    pub(super) bot: Option<Credential>,
}

impl Discord {
    /// A client for these settings.
    pub fn new(
        settings: Settings,
        transport: Arc<dyn Transport>,
        secrets: Arc<dyn SecretStore>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let bot = settings.bot_token.clone().map(|token| Credential::new(token, secrets, clock));
        Self { transport, settings, bot }
    }

    /// Edits the original response. This also replaces the "thinking…" of a deferred answer.
    pub async fn edit_original(
        &self,
        token: &Secret,
        message: &Message,
    ) -> Result<(), DiscordError> {
        let body = Some(message.encoded(&message.to_edit()));
        self.deliver(Method::PATCH, token, "/messages/@original", body).await
    }

    /// Deletes the original response.
    pub async fn delete_original(&self, token: &Secret) -> Result<(), DiscordError> {
        self.deliver(Method::DELETE, token, "/messages/@original", None).await
    }

    /// Posts a follow-up message.
    pub async fn follow_up(&self, token: &Secret, message: &Message) -> Result<(), DiscordError> {
        let body = Some(message.encoded(&message.to_create()));
        self.deliver(Method::POST, token, "", body).await
    }

    /// Sends a request with retries. A 404 is retried too, because the message may not exist yet. A follow-up
    /// whose answer was lost is not retried, because it could be posted twice.
    async fn deliver(
        &self,
        method: Method,
        token: &Secret,
        path: &str,
        body: Option<Body>,
    ) -> Result<(), DiscordError> {
        let repeatable = method != Method::POST;
        let also = |error: &DiscordError| match error {
            DiscordError::NotFound => true,
            DiscordError::Fault(_) => true,
            DiscordError::Lost(_) => repeatable,
            _ => false,
        };
        patiently(|| self.once(&method, token, path, body.as_ref()), also).await
    }

    async fn once(
        &self,
        method: &Method,
        token: &Secret,
        path: &str,
        body: Option<&Body>,
    ) -> Result<(), DiscordError> {
        let Settings { api_base, application_id, .. } = &self.settings;
        let token = token.expose();
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{api_base}/webhooks/{application_id}/{token}{path}"))
            .header(USER_AGENT, AGENT);
        if let Some((content_type, _)) = body {
            request = request.header(CONTENT_TYPE, content_type);
        }
        let body = body.map(|(_, body)| body.clone()).unwrap_or_default();
        let request =
            request.body(body).map_err(|error| DiscordError::NotSent(error.to_string()))?;
        let response = self.transport.send(request).await.map_err(|error| match error {
            CallError::NotSent(why) => DiscordError::NotSent(why),
            CallError::Lost(why) => DiscordError::Lost(why),
        })?;
        outcome(response.status(), response.headers(), response.body())
    }
}

/// The only retry of requests to Discord: up to 6 times with a back-off of 0.25 s to 4 s, or after the wait
/// that a 429 asks for. It retries if there was no connection, if rate limited, and for the errors that
/// `also` accepts.
pub(super) async fn patiently<T, F>(
    call: impl FnMut() -> F,
    also: impl Fn(&DiscordError) -> bool,
) -> Result<T, DiscordError>
where
    F: Future<Output = Result<T, DiscordError>>,
{
    let pace = ExponentialBuilder::new()
        .with_min_delay(Duration::from_millis(250))
        .with_max_delay(Duration::from_secs(4))
        .with_max_times(6)
        .with_jitter();
    call.retry(pace)
        .when(|error| match error {
            DiscordError::NotSent(_) => true,
            DiscordError::RateLimited(wait) => *wait <= MAX_RETRY_AFTER,
            other => also(other),
        })
        .adjust(|error, pause| match error {
            DiscordError::RateLimited(wait) => pause.map(|_| *wait),
            _ => pause,
        })
        .await
}

/// Classifies an answer.
pub(super) fn outcome(
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<(), DiscordError> {
    if status.is_success() {
        return Ok(());
    }
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    match status.as_u16() {
        404 => Err(DiscordError::NotFound),
        429 => Err(DiscordError::RateLimited(retry_after(headers, &body))),
        status @ 500.. => Err(DiscordError::Fault(status)),
        status => {
            let code = body.get("code").and_then(Value::as_u64).unwrap_or_default();
            Err(DiscordError::Refused { status, code })
        }
    }
}

/// The body has seconds with a fraction; the header has whole seconds.
/// <https://docs.discord.com/developers/topics/rate-limits>
fn retry_after(headers: &HeaderMap, body: &Value) -> Duration {
    let header = || headers.get("retry-after")?.to_str().ok()?.parse().ok();
    let seconds = body.get("retry_after").and_then(Value::as_f64).or_else(header);
    seconds.and_then(|s| Duration::try_from_secs_f64(s).ok()).unwrap_or(Duration::from_secs(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::body(br#"{"retry_after": 0.25}"#, None, 250)]
    #[case::header(b"<html>", Some("3"), 3_000)]
    #[case::body_first(br#"{"retry_after": 1.5}"#, Some("2"), 1_500)]
    #[case::nothing(b"", None, 1_000)]
    #[case::nonsense(br#"{"retry_after": -5}"#, None, 1_000)]
    #[case::endless(br#"{"retry_after": 1e300}"#, None, 1_000)]
    fn a_429_says_how_long(#[case] body: &[u8], #[case] header: Option<&str>, #[case] ms: u64) {
        let mut headers = HeaderMap::new();
        if let Some(value) = header {
            headers.insert("retry-after", value.parse().unwrap());
        }
        let limited = Err(DiscordError::RateLimited(Duration::from_millis(ms)));
        assert_eq!(outcome(StatusCode::TOO_MANY_REQUESTS, &headers, body), limited);
    }

    #[rstest]
    #[case(200, Ok(()))]
    #[case(204, Ok(()))]
    #[case(404, Err(DiscordError::NotFound))]
    #[case(503, Err(DiscordError::Fault(503)))]
    #[case(401, Err(DiscordError::Refused { status: 401, code: 50027 }))]
    fn each_status_maps_to_its_error(
        #[case] status: u16,
        #[case] expected: Result<(), DiscordError>,
    ) {
        let status = StatusCode::from_u16(status).unwrap();
        assert_eq!(outcome(status, &HeaderMap::new(), br#"{"code": 50027}"#), expected);
    }
}
