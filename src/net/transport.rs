//! Outgoing HTTP: sends a request and reads the whole answer, with a timeout and a size limit.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use http::{Request, Response};

use super::elsewhere::{Body, Elsewhere, Keep};
use super::guarded::is_not_allowed;
use crate::clock::{Clock, SystemClock};
use futures_util::future::BoxFuture;

/// Timeout from the first byte sent to the last byte received.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(10);

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Size limit of an answer.
const MAX_ANSWER_BYTES: usize = 16 * 1024 * 1024;

/// Size limit of an answer of which only the end is kept.
const MAX_PASSED_BYTES: usize = 64 * 1024 * 1024;

/// Close a connection that was idle for longer. Lambda freezes the process between invocations. The server
/// may close the connection meanwhile, our timers do not run, and the next request on it would be lost. A
/// lost dispatch leaves the user in doubt for half a minute; a new handshake costs 50 ms.
const IDLE_LIMIT: TimeDelta = TimeDelta::seconds(15);

/// Why there is no answer. A request that was not sent can be sent again. One whose answer was lost may have
/// been acted on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// There was no connection, so the server has seen nothing.
    #[error("no connection: {0}")]
    NotSent(String),
    /// The request may have arrived, but no answer came in time.
    #[error("no answer: {0}")]
    Lost(String),
}

/// Sends HTTP requests. Injected, so that tests can observe or replace it.
pub trait Transport: Send + Sync {
    /// Sends one request and reads the whole answer. Redirects are returned, not followed.
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, CallError>>;
}

/// HTTPS (HTTP/1.1 and HTTP/2) with reqwest, rustls, ring and Mozilla's roots. The client is built on the
/// first request, so a PING does not pay for it.
pub struct Https {
    client: Mutex<Option<(reqwest::Client, DateTime<Utc>)>>,
    clock: Arc<dyn Clock>,
}

impl Default for Https {
    fn default() -> Self {
        Self::new(Arc::new(SystemClock))
    }
}

impl Https {
    /// `clock` tells how long connections were idle: the monotonic clock stands still while Lambda freezes the
    /// process.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { client: Mutex::default(), clock }
    }

    fn client(&self) -> Result<reqwest::Client, CallError> {
        let mut slot = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        if let Some((client, last_used)) = slot.as_mut()
            && (TimeDelta::zero()..IDLE_LIMIT).contains(&(now - *last_used))
        {
            *last_used = now;
            return Ok(client.clone());
        }
        let client = build()?;
        *slot = Some((client.clone(), now));
        Ok(client)
    }
}

/// A TLS configuration with ring and Mozilla's roots.
pub fn tls() -> Result<rustls::ClientConfig, rustls::Error> {
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let mut tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(tls)
}

fn build() -> Result<reqwest::Client, CallError> {
    configured()?.build().map_err(|error| not_set_up(&error))
}

/// A client for one request to a server that another server named. It shares no connections with the one that carries
/// our tokens.
fn build_guarded(elsewhere: &Elsewhere) -> Result<reqwest::Client, CallError> {
    // A proxy would resolve names itself, without the guard.
    let client = configured()?.no_proxy().dns_resolver(elsewhere.resolver());
    client.build().map_err(|error| not_set_up(&error))
}

fn configured() -> Result<reqwest::ClientBuilder, CallError> {
    let tls = tls().map_err(|error| not_set_up(&error))?;
    Ok(reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(CALL_TIMEOUT))
}

fn not_set_up(error: &dyn std::error::Error) -> CallError {
    CallError::NotSent(format!("TLS set-up: {error}"))
}

impl Transport for Https {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, CallError>> {
        Box::pin(async move {
            let mut request = request;
            let elsewhere = request.extensions_mut().remove::<Elsewhere>();
            let request: reqwest::Request = request
                .map(reqwest::Body::from)
                .try_into()
                .map_err(|error: reqwest::Error| CallError::NotSent(brief(error)))?;
            let client = match &elsewhere {
                None => self.client()?,
                Some(elsewhere) if elsewhere.allows(request.url()) => build_guarded(elsewhere)?,
                Some(_) => return Err(CallError::NotSent(NOT_ALLOWED.to_owned())),
            };
            let keep = elsewhere.map_or(Keep::All, |elsewhere| elsewhere.keep);
            let most = if keep == Keep::All { MAX_ANSWER_BYTES } else { MAX_PASSED_BYTES };
            let mut answer = client.execute(request).await.map_err(call_error)?;
            let mut body = Body::of(keep, most);
            if !keep.is_passed_over(answer.status(), answer.headers()) {
                while let Some(chunk) = answer.chunk().await.map_err(call_error)? {
                    let too_large = |_| CallError::Lost("the answer is too large".to_owned());
                    body.push(&chunk).map_err(too_large)?;
                }
            }
            let mut response = Response::new(body.finish());
            *response.status_mut() = answer.status();
            *response.headers_mut() = std::mem::take(answer.headers_mut());
            Ok(response)
        })
    }
}

const NOT_ALLOWED: &str = "it leads to a private, local or otherwise special address";

fn call_error(error: reqwest::Error) -> CallError {
    if is_not_allowed(&error) {
        CallError::NotSent(NOT_ALLOWED.to_owned())
    } else if error.is_connect() {
        CallError::NotSent(brief(error))
    } else {
        CallError::Lost(brief(error))
    }
}

/// The innermost cause, without the URL: Discord's URLs contain a token.
pub fn brief(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut cause: &dyn std::error::Error = &error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
