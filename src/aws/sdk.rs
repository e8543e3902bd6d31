//! AWS through its official SDK, with the same HTTP transport and limits as every other call, and our clock.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader};
use aws_smithy_async::time::TimeSource;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::{ConnectorError, SdkError};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use bytes::Bytes;

use super::error::is_of_signature;
use crate::clock::Clock;
use crate::net::transport::{CallError, Transport};

/// Timeout of one try. AWS answers these calls in a few milliseconds. After Lambda froze the process, a
/// connection may be dead without notice, so a second try must fit into Discord's three seconds.
pub(super) const TRY_WITHIN: Duration = Duration::from_secs(1);
/// Timeout of all tries together.
const CALL_WITHIN: Duration = Duration::from_secs(5);
pub(super) const TRIES: u32 = 3;
/// Upper bound of the back-off before the second try; it doubles before the third. The SDK's default of 1 s
/// is too slow: a user waits for the answer.
pub(super) const BACKOFF: Duration = Duration::from_millis(100);

/// Makes a call. If AWS refuses its signature, perhaps for its time, it is signed and sent once more. The SDK
/// corrects its clock by AWS's `Date`, but tries again only if the two still differ: not if our clock was put
/// right while the request was on its way, as after Lambda's freeze.
pub(crate) async fn signed<T, E, R, F>(call: impl Fn() -> F) -> Result<T, SdkError<E, R>>
where
    F: Future<Output = Result<T, SdkError<E, R>>>,
    E: ProvideErrorMetadata,
{
    match call().await {
        Err(SdkError::ServiceError(refused)) if is_of_signature(refused.err()) => {
            tracing::warn!(code = refused.err().code(), "AWS refused a signature: signed again");
            call().await
        }
        done => done,
    }
}

/// A loader for the SDK's configuration that uses our transport, timeouts and retries.
pub fn loader(transport: Arc<dyn Transport>) -> ConfigLoader {
    let limits = TimeoutConfig::builder()
        .operation_attempt_timeout(TRY_WITHIN)
        .operation_timeout(CALL_WITHIN)
        .build();
    let retries = RetryConfig::standard().with_max_attempts(TRIES).with_initial_backoff(BACKOFF);
    aws_config::defaults(BehaviorVersion::v2026_01_12())
        .http_client(http_client(transport))
        .timeout_config(limits)
        .retry_config(retries)
}

/// An HTTP client for the SDK.
pub(super) fn http_client(transport: Arc<dyn Transport>) -> SharedHttpClient {
    let connector = SharedHttpConnector::new(Connector(transport));
    http_client_fn(move |_, _| connector.clone())
}

/// Our [`Clock`] for the SDK: signatures, and the expiry of credentials.
pub(super) struct Time(pub(super) Arc<dyn Clock>);

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Time")
    }
}

impl TimeSource for Time {
    fn now(&self) -> SystemTime {
        self.0.now().into()
    }
}

/// Sends the SDK's requests through our [`Transport`].
struct Connector(Arc<dyn Transport>);

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connector")
    }
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let transport = self.0.clone();
        HttpConnectorFuture::new(async move {
            let unusable = |error| ConnectorError::user(Box::new(error));
            let request = request.try_into_http1x().map_err(unusable)?;
            // No call to AWS streams its request body, so the whole body is in memory.
            let request =
                request.map(|body| Bytes::copy_from_slice(body.bytes().unwrap_or_default()));
            let response = transport.send(request).await.map_err(|error| match error {
                CallError::NotSent(_) => ConnectorError::io(error.into()),
                CallError::Lost(_) => ConnectorError::timeout(error.into()),
            })?;
            HttpResponse::try_from(response.map(SdkBody::from)).map_err(unusable)
        })
    }
}
