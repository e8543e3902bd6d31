//! AWS through its official SDK, over the same connections and limits as every other call.
//!
//! Nothing is read, built or connected before something is asked of AWS: a PING needs none of it.

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

/// One try at a call. What is asked of AWS here takes a few milliseconds. After a freeze a connection may be
/// dead without a sign: a second try must fit into what is left of Discord's three seconds.
const TRY_WITHIN: Duration = Duration::from_secs(1);
/// All tries at a call.
pub(super) const CALL_WITHIN: Duration = Duration::from_secs(5);
const TRIES: u32 = 3;
/// At most this long before the second try, and twice as long before the third. The SDK's own second is
/// for programs that nobody waits for.
const BACKOFF: Duration = Duration::from_millis(100);

/// What the environment says of AWS: region, credentials, endpoints (`AWS_ENDPOINT_URL`).
pub struct Aws {
    transport: Arc<dyn Transport>,
    config: OnceCell<SdkConfig>,
}

impl Aws {
    /// AWS as the environment describes it.
    pub fn new(transport: Arc<dyn Transport>) -> Arc<Self> {
        Arc::new(Self { transport, config: OnceCell::new() })
    }

    /// AWS with a configuration of its own, made with [`loader`].
    pub fn of(config: SdkConfig, transport: Arc<dyn Transport>) -> Arc<Self> {
        Arc::new(Self { transport, config: OnceCell::new_with(Some(config)) })
    }

    /// What the SDK's clients are made of; read when it is first needed.
    pub async fn config(&self) -> &SdkConfig {
        self.config.get_or_init(|| loader(self.transport.clone()).load()).await
    }
}

/// Reads the SDK's configuration from the environment, with our connections and limits.
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

/// Sends the SDK's requests like our own.
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
            // What is asked of AWS here never streams, so the body is in memory.
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
