//! AWS through its official SDK, over the same connections and limits as every other call.
//!
//! Nothing is read, built or connected before something is asked of AWS: a PING needs none of it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, SdkConfig};
use aws_sdk_ssm::types::ParameterType;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::{ConnectorError, SdkError};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use bytes::Bytes;
use tokio::sync::OnceCell;

use crate::BoxFuture;
use crate::credential::Vault;
use crate::outbound::{CallError, Transport};
use crate::secret::Secret;

/// One try at a call. What is asked of AWS here takes a few milliseconds.
const TRY_WITHIN: Duration = Duration::from_millis(1_500);
/// All tries at a call.
const CALL_WITHIN: Duration = Duration::from_secs(5);
const TRIES: u32 = 3;

/// What the environment says of AWS: region, credentials, endpoints (`AWS_ENDPOINT_URL`).
pub struct Aws {
    transport: Arc<dyn Transport>,
    config: OnceCell<SdkConfig>,
}

/// Why AWS did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AwsError {
    /// It says that what is named is not there.
    #[error("does not exist")]
    NotFound,
    /// Our role may not do that, or we have no credentials.
    #[error("access is denied ({0})")]
    Forbidden(String),
    /// Anything else, with the SDK's words.
    #[error("{0}")]
    Failed(String),
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
    aws_config::defaults(BehaviorVersion::v2026_01_12())
        .http_client(http_client_fn(move |_, _| connector.clone()))
        .timeout_config(limits)
        .retry_config(RetryConfig::standard().with_max_attempts(TRIES))
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

/// SSM's parameters.
pub struct Parameters(pub Arc<Aws>);

impl Vault for Parameters {
    fn read<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Secret, AwsError>> {
        Box::pin(async move {
            let client = aws_sdk_ssm::Client::new(self.0.config().await);
            let answer = client.get_parameter().name(name).with_decryption(true).send().await;
            let answer = answer.map_err(|error| AwsError::of(&error))?;
            let parameter = answer.parameter.ok_or(AwsError::NotFound)?;
            if parameter.r#type != Some(ParameterType::SecureString) {
                tracing::warn!(
                    name,
                    "this parameter is no SecureString: whoever may list it can read it"
                );
            }
            parameter.value.map(Secret::new).ok_or(AwsError::NotFound)
        })
    }
}

impl AwsError {
    /// What the SDK's error means. Neither what was sent nor what was read is in it.
    pub fn of<E, R>(error: &SdkError<E, R>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
        R: fmt::Debug + 'static,
    {
        match error.code() {
            None => Self::Failed(innermost(error)),
            code => Self::of_code(code),
        }
    }

    /// What one of AWS's error codes means.
    pub fn of_code(code: Option<&str>) -> Self {
        match code {
            Some("ResourceNotFoundException" | "ParameterNotFound") => Self::NotFound,
            Some(
                code @ ("AccessDeniedException"
                | "UnrecognizedClientException"
                | "ExpiredTokenException"
                | "InvalidSignatureException"
                | "MissingAuthenticationTokenException"),
            ) => Self::Forbidden(code.to_owned()),
            code => Self::Failed(code.unwrap_or("no reason given").to_owned()),
        }
    }
}

/// The cause at the bottom, in characters that mean nothing anywhere. The SDK's own chain of words ends in
/// the whole response.
fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    let harmless =
        |c: char| if c.is_ascii_alphanumeric() || " .,:()/-".contains(c) { c } else { ' ' };
    cause.to_string().chars().take(200).map(harmless).collect()
}
