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
pub use crate::credential::AwsError;
use crate::credential::Vault;
use crate::outbound::{CallError, Transport};
use crate::secret::Secret;

/// One try at a call. What is asked of AWS here takes a few milliseconds. After a freeze a connection may be
/// dead without a sign: a second try must fit into what is left of Discord's three seconds.
const TRY_WITHIN: Duration = Duration::from_secs(1);
/// All tries at a call.
const CALL_WITHIN: Duration = Duration::from_secs(5);
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
        match error {
            SdkError::ServiceError(_) => Self::of_code(error.code()),
            SdkError::ResponseError(_) => {
                Self::Failed("AWS gave an answer that cannot be read".to_owned())
            }
            SdkError::TimeoutError(_) => Self::Failed("AWS did not answer in time".to_owned()),
            error => Self::before_it_was_asked(innermost(error)),
        }
    }

    /// What the SDK could not send, and why as far as that is one of the usual reasons.
    fn before_it_was_asked(words: String) -> Self {
        let said = words.to_lowercase();
        Self::Failed(if said.contains("region") {
            format!("no region, set AWS_REGION: {words}")
        } else if ["credential", "profile", "provider"].iter().any(|word| said.contains(word)) {
            format!("no AWS credentials: {words}")
        } else {
            words
        })
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
                | "MissingAuthenticationTokenException"
                | "InvalidKeyId"),
            ) => Self::Forbidden(code.to_owned()),
            // The words of others: letters and digits are all that an error code is made of.
            code => {
                let code = code.unwrap_or_default().chars().filter(char::is_ascii_alphanumeric);
                let code: String = code.take(64).collect();
                Self::Failed(if code.is_empty() { "no reason given".to_owned() } else { code })
            }
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use aws_sdk_ssm::config::{Credentials, SharedCredentialsProvider};
    use http::{Request, Response};
    use rstest::rstest;
    use tokio::time::Instant;

    use super::*;

    const FOUND: &str = r#"{"Parameter":{"Type":"SecureString","Value":"secret"}}"#;

    /// What becomes of a request.
    #[derive(Clone, Copy)]
    enum Fate {
        NeverAnswered,
        Lost,
        Refused,
    }

    /// Answers after so many requests to which something else happens.
    struct Line {
        fate: Fate,
        left: AtomicU32,
    }

    impl Transport for Line {
        fn send(&self, _: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, CallError>> {
            let well = (self.left)
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1))
                .is_err();
            Box::pin(async move {
                match self.fate {
                    _ if well => Ok(Response::new(Bytes::from_static(FOUND.as_bytes()))),
                    Fate::NeverAnswered => std::future::pending().await,
                    Fate::Lost => Err(CallError::Lost("reset".to_owned())),
                    Fate::Refused => Err(CallError::NotSent("refused".to_owned())),
                }
            })
        }
    }

    /// What comes of a call whose first tries go so, and after how long.
    async fn asked(fate: Fate, times: u32) -> (Result<Secret, AwsError>, Duration) {
        let transport = Arc::new(Line { fate, left: times.into() });
        let credentials = Credentials::new("key", "secret", None, None, "test");
        let config = loader(transport.clone())
            .region(aws_config::Region::from_static("us-east-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .load()
            .await;
        let aws = Aws::of(config, transport);
        let began = Instant::now();
        let answer = Parameters(aws).read("/deckhand/github-token").await;
        (answer, began.elapsed())
    }

    #[rstest]
    #[case::a_dead_connection(Fate::NeverAnswered, 1, 1_200)]
    #[case::a_lost_answer(Fate::Lost, 1, 200)]
    #[case::two_lost_answers(Fate::Lost, 2, 400)]
    #[case::no_connection_twice(Fate::Refused, 2, 400)]
    #[tokio::test(start_paused = true)]
    async fn trouble_that_passes_costs_little_of_the_three_seconds(
        #[case] fate: Fate,
        #[case] times: u32,
        #[case] within_ms: u64,
    ) {
        let (answer, elapsed) = asked(fate, times).await;
        assert_eq!(answer.as_ref().map(Secret::expose), Ok("secret"));
        assert!(elapsed <= Duration::from_millis(within_ms), "{elapsed:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_never_answers_is_given_up() {
        let (answer, elapsed) = asked(Fate::NeverAnswered, u32::MAX).await;
        assert!(matches!(answer, Err(AwsError::Failed(_))), "{answer:?}");
        assert!(elapsed <= CALL_WITHIN, "{elapsed:?}");
    }
}
