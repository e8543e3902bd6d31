//! A signed call, for a service of which too little is asked for its SDK crate. Retries
//! and errors are those of the calls through the SDK.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html>

use std::time::Duration;

use aws_sdk_dynamodb::config::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_types::error::metadata::ErrorMetadata;
use backon::{BackoffBuilder, ExponentialBuilder};
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use http::header::{DATE, USER_AGENT};
use http::{Request, Response, Uri};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::{sleep, timeout};

use super::config::Aws;
use super::environment::credentials;
use super::error::{AwsError, innermost, is_of_signature, readable};
use super::sdk::{BACKOFF, TRIES, TRY_WITHIN};

/// Timeout of all tries together. The first is given up soon, as the connection may be dead; each lasts twice as long as
/// the one before, so that an AWS that is slow is waited for. GitHub waits ten seconds for the answer to a webhook, which may
/// need a secret.
/// <https://docs.github.com/en/webhooks/using-webhooks/handling-webhook-deliveries>
pub(super) const WITHIN: Duration = Duration::from_secs(8);

const AGENT: &str = concat!("deckhand/", env!("CARGO_PKG_VERSION"));

/// Error codes after which the SDK tries again, whatever the status: throttling, and what passes by itself.
const PASSING: &[&str] = &[
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottled",
    "RequestThrottledException",
    "TooManyRequestsException",
    "RequestLimitExceeded",
    "BandwidthLimitExceeded",
    "LimitExceededException",
    "SlowDown",
    "PriorRequestNotComplete",
    "RequestTimeout",
    "RequestTimeoutException",
];

/// A call.
pub(super) struct Call {
    pub(super) endpoint: Uri,
    /// The service, as signatures name it.
    pub(super) service: &'static str,
    pub(super) protocol: Protocol,
    pub(super) body: Bytes,
}

/// How the service is asked.
#[derive(Debug, Clone, Copy)]
pub(super) enum Protocol {
    /// By a POST of JSON. The operation is named by `X-Amz-Target`.
    Json(&'static str),
    /// By a POST of a form, which names the operation. It answers XML.
    Query,
    /// By a GET. It answers JSON.
    Rest,
}

/// A failed try, and what follows on it.
struct Failed {
    error: AwsError,
    then: Then,
}

enum Then {
    GiveUp,
    TryAgain,
    /// AWS refused the signature. Its clock is so far ahead of ours.
    SignAgain(TimeDelta),
}

impl From<AwsError> for Failed {
    fn from(error: AwsError) -> Self {
        Self { error, then: Then::GiveUp }
    }
}

impl Call {
    /// Makes the call, and reads AWS's answer, which is JSON.
    pub(super) async fn send<T: DeserializeOwned>(&self, aws: &Aws) -> Result<T, AwsError> {
        self.read(aws, |body| serde_json::from_slice(body).ok()).await
    }

    /// Makes the call, and reads AWS's answer. `None` is no answer of AWS's.
    pub(super) async fn read<T>(
        &self,
        aws: &Aws,
        read: impl Fn(&[u8]) -> Option<T>,
    ) -> Result<T, AwsError> {
        timeout(WITHIN, self.tries(aws, read)).await.unwrap_or_else(|_| Err(AwsError::late()))
    }

    async fn tries<T>(&self, aws: &Aws, read: impl Fn(&[u8]) -> Option<T>) -> Result<T, AwsError> {
        // Jitter at most doubles a pause.
        let pauses = ExponentialBuilder::new().with_min_delay(BACKOFF / 2).with_jitter();
        let mut pauses = pauses.with_max_times(TRIES.saturating_sub(1) as usize).build();
        let (mut ahead, mut signed_again, mut within) = (TimeDelta::zero(), false, TRY_WITHIN);
        loop {
            let Failed { error, then } = match self.once(aws, ahead, within, &read).await {
                Ok(answer) => return Ok(answer),
                Err(failed) => failed,
            };
            let pause = match then {
                Then::SignAgain(by) if !signed_again => {
                    (ahead, signed_again) = (by, true);
                    continue;
                }
                Then::TryAgain => {
                    within *= 2;
                    pauses.next()
                }
                _ => None,
            };
            match pause {
                Some(pause) => sleep(pause).await,
                None => return Err(error),
            }
        }
    }

    /// One try, signed with our time and what AWS's clock is ahead of it.
    async fn once<T>(
        &self,
        aws: &Aws,
        ahead: TimeDelta,
        within: Duration,
        read: impl Fn(&[u8]) -> Option<T>,
    ) -> Result<T, Failed> {
        let config = aws.config().await?;
        let provider = config.credentials_provider();
        let provider = provider.ok_or_else(|| AwsError::no_credentials("none are set"))?;
        let credentials = credentials(&provider).await?;
        let region = config.region().map_or("", AsRef::as_ref);
        let request = self.signed(region, credentials, aws.clock.now() + ahead)?;
        let again = |error| Failed { error, then: Then::TryAgain };
        let answer = timeout(within, aws.transport.send(request)).await;
        let answer = answer
            .map_err(|_| again(AwsError::late()))?
            .map_err(|error| again(AwsError::of_connection(innermost(&error))))?;
        if !answer.status().is_success() {
            return Err(refusal(&answer, aws.clock.now()));
        }
        read(answer.body()).ok_or_else(|| again(AwsError::unreadable()))
    }

    /// The request, signed for this time.
    fn signed(
        &self,
        region: &str,
        credentials: Credentials,
        at: DateTime<Utc>,
    ) -> Result<Request<Bytes>, AwsError> {
        const TYPE: &str = "content-type";
        let (method, headers) = match self.protocol {
            Protocol::Json(target) => {
                ("POST", vec![(TYPE, "application/x-amz-json-1.1"), ("x-amz-target", target)])
            }
            Protocol::Query => ("POST", vec![(TYPE, "application/x-www-form-urlencoded")]),
            Protocol::Rest => ("GET", Vec::new()),
        };
        let mut request =
            Request::builder().method(method).uri(&self.endpoint).header(USER_AGENT, AGENT);
        for (name, value) in headers.iter().copied() {
            request = request.header(name, value);
        }
        let mut request = request.body(self.body.clone()).map_err(|error| unsigned(&error))?;
        let identity = credentials.into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(region)
            .name(self.service)
            .time(at.into())
            .settings(SigningSettings::default())
            .build()
            .map_err(|error| unsigned(&error))?;
        let (url, body) = (self.endpoint.to_string(), SignableBody::Bytes(&self.body));
        let signature = SignableRequest::new(method, &url, headers.into_iter(), body)
            .and_then(|request| sign(request, &params.into()))
            .map_err(|error| unsigned(&error))?;
        signature.into_parts().0.apply_to_request_http1x(&mut request);
        Ok(request)
    }
}

fn unsigned(error: &(dyn std::error::Error + 'static)) -> AwsError {
    AwsError::Failed(format!("the request cannot be signed: {}", innermost(error)))
}

/// What AWS's answer of an error means.
/// <https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html#operation-error-serialization>
fn refusal(answer: &Response<Bytes>, now: DateTime<Utc>) -> Failed {
    let header = |name: &str| answer.headers().get(name)?.to_str().ok();
    let body: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
    let xml = String::from_utf8_lossy(answer.body());
    let said = |names: [&str; 2]| names.iter().find_map(|name| body.get(name)?.as_str());
    let code = header("x-amzn-errortype").or_else(|| said(["__type", "code"])).map(bare);
    let code = code.or_else(|| element(&xml, "Code"));
    let message = said(["message", "Message"]).or_else(|| element(&xml, "Message"));
    let message = message.unwrap_or_default();
    let said = ErrorMetadata::builder().code(code.unwrap_or_default()).message(message).build();
    let error = AwsError::of_answer(&said);
    let then = if is_of_signature(&said) {
        tracing::warn!(code = readable(code), "AWS refused a signature");
        let date = header(DATE.as_str()).and_then(|date| httpdate::parse_http_date(date).ok());
        Then::SignAgain(date.map_or(TimeDelta::zero(), |date| DateTime::<Utc>::from(date) - now))
    } else if matches!(answer.status().as_u16(), 500 | 502..=504)
        || code.is_some_and(|code| PASSING.contains(&code))
    {
        Then::TryAgain
    } else {
        Then::GiveUp
    };
    Failed { error, then }
}

/// The text of the first element of this name in an answer of XML. Enough for names and codes, in which nothing is
/// escaped.
pub(super) fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    rest.split_once(&format!("</{name}>")).map(|(text, _)| text)
}

/// An error's code without the namespace before it and the address after it.
fn bare(code: &str) -> &str {
    let code = code.split_once(':').map_or(code, |(code, _)| code);
    code.split_once('#').map_or(code, |(_, code)| code)
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::VecDeque;
    use std::sync::{Arc, Mutex};

    use aws_sdk_dynamodb::config::SharedCredentialsProvider;
    use futures_util::future::{BoxFuture, ready};
    use rstest::rstest;

    use super::*;
    use crate::aws::sdk::loader;
    use crate::net::transport::{CallError, Transport};

    /// AWS in `us-east-1`, behind this transport.
    pub(in crate::aws) async fn aws_behind(transport: Arc<dyn Transport>) -> Arc<Aws> {
        let credentials = Credentials::new("key", "secret", None, None, "test");
        let config = loader(transport.clone())
            .region(aws_config::Region::from_static("us-east-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .load()
            .await;
        Aws::of(config, transport)
    }

    fn call(endpoint: &'static str) -> Call {
        let body = r#"{"Name":"/deckhand/github-token","WithDecryption":true}"#.into();
        let endpoint = Uri::from_static(endpoint);
        let protocol = Protocol::Json("AmazonSSM.GetParameter");
        Call { endpoint, service: "ssm", protocol, body }
    }

    /// The signatures were made by `SigV4Auth` of botocore 1.43.11.
    #[rstest]
    #[case::long_lived(
        "us-east-1",
        "https://ssm.us-east-1.amazonaws.com/",
        None,
        "content-type;host;x-amz-date;x-amz-target",
        "f2a2fb33a39c92074ce88d9a9d70d5c4ad3b3a2340caf414b89e1fd424b391b9"
    )]
    // As Lambda's credentials are.
    #[case::with_a_session_token(
        "eu-central-1",
        "https://ssm.eu-central-1.amazonaws.com/",
        Some("FwoGZXIvYXdzEJr//////////wEaDM+token/with=signs+"),
        "content-type;host;x-amz-date;x-amz-security-token;x-amz-target",
        "588acbf198fa08e063764ea6d3d33b3c498a70f8775f866eabada75dc9def44a"
    )]
    #[case::to_an_endpoint_with_a_port_and_a_path(
        "eu-west-1",
        "http://localhost:4566/a/ssm/",
        None,
        "content-type;host;x-amz-date;x-amz-target",
        "2c338419cef1bca60b53c9d5971e43448c84685f831e0d8c163e1a0ecdbe8bae"
    )]
    fn a_request_is_signed_as_botocore_signs_it(
        #[case] region: &str,
        #[case] endpoint: &'static str,
        #[case] token: Option<&str>,
        #[case] headers: &str,
        #[case] signature: &str,
    ) {
        let key = ("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
        let credentials =
            Credentials::new(key.0, key.1, token.map(str::to_owned), None, "from AWS's examples");
        let at = "2026-11-26T08:09:10Z".parse().unwrap();
        let request = call(endpoint).signed(region, credentials, at).unwrap();
        let header = |name| request.headers().get(name).map(|value| value.to_str().unwrap());
        assert_eq!(
            (request.method().as_str(), request.uri().to_string().as_str()),
            ("POST", endpoint)
        );
        assert_eq!(header("content-type"), Some("application/x-amz-json-1.1"));
        assert_eq!(header("x-amz-target"), Some("AmazonSSM.GetParameter"));
        assert_eq!(header("x-amz-date"), Some("20261126T080910Z"));
        assert_eq!(header("x-amz-security-token"), token);
        let scope = format!("{}/20261126/{region}/ssm/aws4_request", key.0);
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders={headers}, Signature={signature}"
        );
        assert_eq!(header("authorization"), Some(authorization.as_str()));
        let hidden =
            request.headers().get("x-amz-security-token").map(|value| value.is_sensitive());
        assert_eq!(hidden, token.map(|_| true));
    }

    /// What a test needs to know of [`Then`].
    fn word(then: &Then) -> &'static str {
        match then {
            Then::GiveUp => "give up",
            Then::TryAgain => "try again",
            Then::SignAgain(_) => "sign again",
        }
    }

    #[rstest]
    #[case(400, "", r#"{"__type":"ParameterNotFound"}"#, AwsError::NotFound, "give up")]
    #[case(
        400,
        "",
        r#"{"__type":"com.amazonaws.ssm#ParameterNotFound","message":null}"#,
        AwsError::NotFound,
        "give up"
    )]
    #[case(400, "ParameterNotFound", "", AwsError::NotFound, "give up")]
    #[case(
        400,
        "ParameterNotFound:http://internal.amazon.com/coral#a/",
        "{}",
        AwsError::NotFound,
        "give up"
    )]
    #[case(400, "com.amazonaws.ssm#InvalidKeyId:x", r#"{"__type":"Other"}"#, AwsError::Forbidden("InvalidKeyId".to_owned()), "give up")]
    #[case(400, "", r#"{"code":"AccessDeniedException","message":"a","Message":"b"}"#, AwsError::Forbidden("AccessDeniedException".to_owned()), "give up")]
    #[case(400, "", r#"{"__type":"ThrottlingException","Message":"Rate exceeded"}"#, AwsError::Failed("ThrottlingException".to_owned()), "try again")]
    #[case(429, "", r#"{"__type":"a#TooManyRequestsException"}"#, AwsError::Failed("TooManyRequestsException".to_owned()), "try again")]
    #[case(500, "", r#"{"__type":"InternalServerError"}"#, AwsError::Failed("InternalServerError".to_owned()), "try again")]
    #[case(503, "", "<html>", AwsError::Failed("no reason given".to_owned()), "try again")]
    #[case(501, "", "[1]", AwsError::Failed("no reason given".to_owned()), "give up")]
    #[case(302, "", "", AwsError::Failed("no reason given".to_owned()), "give up")]
    #[case(400, "", r#"{"__type":7}"#, AwsError::Failed("no reason given".to_owned()), "give up")]
    fn an_error_is_read_in_each_of_its_forms(
        #[case] status: u16,
        #[case] header: &str,
        #[case] body: &'static str,
        #[case] error: AwsError,
        #[case] then: &str,
    ) {
        let mut answer = Response::builder().status(status);
        if !header.is_empty() {
            answer = answer.header("x-amzn-errortype", header);
        }
        let failed = refusal(&answer.body(Bytes::from(body)).unwrap(), Utc::now());
        assert_eq!((failed.error, word(&failed.then)), (error, then));
    }

    #[rstest]
    #[case(Some("Thu, 26 Nov 2026 08:19:10 GMT"), 600)]
    #[case(Some("Thu, 26 Nov 2026 07:59:10 GMT"), -600)]
    // Our own time may be right by now.
    #[case(Some("soon"), 0)]
    #[case(None, 0)]
    fn a_refused_signature_is_made_again_by_awss_time(
        #[case] date: Option<&str>,
        #[case] ahead: i64,
    ) {
        let mut answer = Response::builder().status(403);
        if let Some(date) = date {
            answer = answer.header("date", date);
        }
        let answer = answer.body(r#"{"__type":"InvalidSignatureException"}"#.into()).unwrap();
        let failed = refusal(&answer, "2026-11-26T08:09:10Z".parse().unwrap());
        assert!(matches!(failed.then, Then::SignAgain(by) if by == TimeDelta::seconds(ahead)));
    }

    /// Gives these answers, one after the other.
    struct Says(Mutex<VecDeque<(u16, &'static str)>>);

    impl Transport for Says {
        fn send(&self, _: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, CallError>> {
            let (status, body) = self.0.lock().unwrap().pop_front().unwrap();
            let answer = Response::builder().status(status).body(Bytes::from(body)).unwrap();
            Box::pin(ready(Ok(answer)))
        }
    }

    const FINE: (u16, &str) = (200, "7");
    const THROTTLED: (u16, &str) = (400, r#"{"__type":"ThrottlingException"}"#);
    const EXPIRED: (u16, &str) = (400, r#"{"__type":"RequestExpired"}"#);
    const DENIED: (u16, &str) = (400, r#"{"__type":"AccessDeniedException"}"#);

    #[rstest]
    #[case::twice(&[THROTTLED, THROTTLED, FINE], Ok(7), 0)]
    #[case::three_times(&[THROTTLED, THROTTLED, THROTTLED, FINE], Err("ThrottlingException"), 1)]
    #[case::another_error(&[THROTTLED, DENIED, FINE], Err("access is denied (AccessDeniedException)"), 1)]
    #[case::no_json(&[(200, "<html>"), FINE], Ok(7), 0)]
    #[case::never_json(&[(200, ""); 3], Err("AWS gave an answer that cannot be read"), 0)]
    // Signing again takes none of the tries.
    #[case::expired_too(&[THROTTLED, EXPIRED, THROTTLED, FINE], Ok(7), 0)]
    #[tokio::test(start_paused = true)]
    async fn what_passes_is_tried_three_times(
        #[case] answers: &[(u16, &'static str)],
        #[case] expected: Result<u32, &str>,
        #[case] left: usize,
    ) {
        let says = Arc::new(Says(Mutex::new(answers.to_vec().into())));
        let aws = aws_behind(says.clone()).await;
        let answer = call("https://ssm.us-east-1.amazonaws.com/").send::<u32>(&aws).await;
        let answer = answer.map_err(|error| error.to_string());
        assert_eq!(answer, expected.map_err(str::to_owned));
        assert_eq!(says.0.lock().unwrap().len(), left);
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_sent_without_credentials() {
        let says = Arc::new(Says(Mutex::default()));
        let region = aws_config::Region::from_static("us-east-1");
        let config = aws_config::SdkConfig::builder().region(region).build();
        let aws = Aws::of(config, says);
        let answer = call("https://ssm.us-east-1.amazonaws.com/").send::<u32>(&aws).await;
        assert_eq!(answer, Err(AwsError::no_credentials("none are set")));
    }
}
