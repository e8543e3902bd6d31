//! AWS through its official SDK, with the same HTTP transport and limits as every other call.
//!
//! Everything is lazy: the configuration is read on the first call to AWS. So a PING never pays for it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, SdkConfig};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use tokio::sync::OnceCell;

use crate::net::transport::{CallError, Transport};

/// Timeout of one try. AWS answers these calls in a few milliseconds. After Lambda froze the process, a
/// connection may be dead without notice, so a second try must fit into Discord's three seconds.
const TRY_WITHIN: Duration = Duration::from_secs(1);
/// Timeout of all tries together.
pub(super) const CALL_WITHIN: Duration = Duration::from_secs(5);
const TRIES: u32 = 3;
/// Upper bound of the back-off before the second try; it doubles before the third. The SDK's default of 1 s
/// is too slow: a user waits for the answer.
const BACKOFF: Duration = Duration::from_millis(100);

/// AWS as configured by the environment: region, credentials, endpoints (`AWS_ENDPOINT_URL`).
pub struct Aws {
    transport: Arc<dyn Transport>,
    config: OnceCell<SdkConfig>,
}

impl Aws {
    /// Configured from the environment, on first use.
    pub fn new(transport: Arc<dyn Transport>) -> Arc<Self> {
        Arc::new(Self { transport, config: OnceCell::new() })
    }

    /// With an explicit configuration, made with [`loader`].
    pub fn of(config: SdkConfig, transport: Arc<dyn Transport>) -> Arc<Self> {
        Arc::new(Self { transport, config: OnceCell::new_with(Some(config)) })
    }

    /// The configuration for the SDK's clients. Loaded on the first call.
    pub async fn config(&self) -> &SdkConfig {
        self.config.get_or_init(|| loader(self.transport.clone()).load()).await
    }
}

/// A loader for the SDK's configuration that uses our transport, timeouts and retries.
pub fn loader(transport: Arc<dyn Transport>) -> ConfigLoader {
    let connector = SharedHttpConnector::new(Connector(transport));
    let limits = TimeoutConfig::builder()
        .operation_attempt_timeout(TRY_WITHIN)
        .operation_timeout(CALL_WITHIN)
        .build();
    let retries = RetryConfig::standard().with_max_attempts(TRIES).with_initial_backoff(BACKOFF);
    aws_config::defaults(BehaviorVersion::v2026_01_12())
        .http_client(http_client_fn(move |_, _| connector.clone()))
        .timeout_config(limits)
        .retry_config(retries)
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
