//! Reads secrets from the SSM Parameter Store.
//!
//! <https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameter.html>

use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde::Deserialize;
use serde_json::json;

use super::call::{Call, Protocol};
use super::config::Aws;
use super::endpoint;
use super::error::AwsError;
use crate::secrets::{Secret, SecretStore, Stored, Unreadable};

/// The SSM Parameter Store.
pub struct Parameters(pub Arc<Aws>);

impl SecretStore for Parameters {
    fn read<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Stored, Unreadable>> {
        Box::pin(async move {
            let endpoint = endpoint::SSM.of(self.0.config().await?)?;
            let body = json!({"Name": name, "WithDecryption": true}).to_string().into();
            let (service, protocol) = ("ssm", Protocol::Json("AmazonSSM.GetParameter"));
            let answer: Answer = Call { endpoint, service, protocol, body }.send(&self.0).await?;
            let parameter = answer.parameter.ok_or(AwsError::NotFound)?;
            let in_the_clear = parameter.kind.as_deref() != Some("SecureString");
            if in_the_clear {
                tracing::warn!(
                    name,
                    "this parameter is no SecureString: whoever may list it can read it"
                );
            }
            let secret = parameter.value.map(Secret::new).ok_or(AwsError::NotFound)?;
            Ok(Stored { secret, in_the_clear })
        })
    }

    fn region(&self) -> Option<String> {
        self.0.region()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    parameter: Option<Parameter>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Parameter {
    #[serde(rename = "Type")]
    kind: Option<String>,
    value: Option<String>,
}

impl From<AwsError> for Unreadable {
    fn from(error: AwsError) -> Self {
        Self::Failed(match error {
            AwsError::NotFound => return Self::Missing,
            AwsError::Forbidden(code) => format!(
                "may not be read: allow ssm:GetParameter on it, and kms:Decrypt with its key if that is \
                 not aws/ssm ({code})"
            ),
            AwsError::NotSetUp(what) => format!("cannot be read: {what}"),
            AwsError::Failed(what) => return Self::Now(format!("cannot be read now ({what})")),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;

    use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
    use http::{Request, Response};
    use rstest::rstest;
    use tokio::time::Instant;

    use super::*;
    use crate::aws::call::WITHIN;
    use crate::aws::call::tests::aws_behind;
    use crate::net::transport::{CallError, Transport};
    use bytes::Bytes;

    const FOUND: &str = r#"{"Parameter":{"Type":"SecureString","Value":"secret"}}"#;

    /// What happens to a request.
    #[derive(Clone, Copy)]
    enum Fate {
        NeverAnswered,
        Lost,
        Refused,
        /// Each answer takes this long, also later ones.
        Slow(Duration),
    }

    /// Fails the first `left` requests as `fate` says, then answers.
    struct FailsFirst {
        fate: Fate,
        left: AtomicU32,
    }

    impl Transport for FailsFirst {
        fn send(&self, _: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, CallError>> {
            let well = (self.left)
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1))
                .is_err();
            Box::pin(async move {
                if let Fate::Slow(by) = self.fate {
                    tokio::time::sleep(by).await;
                }
                match self.fate {
                    _ if well => Ok(Response::new(Bytes::from_static(FOUND.as_bytes()))),
                    Fate::NeverAnswered => std::future::pending().await,
                    Fate::Lost => Err(CallError::Lost("reset".to_owned())),
                    Fate::Refused => Err(CallError::NotSent("refused".to_owned())),
                    Fate::Slow(_) => Ok(Response::new(Bytes::from_static(FOUND.as_bytes()))),
                }
            })
        }
    }

    /// Reads a parameter while the first `times` tries fail as `fate` says. Returns the result and the time
    /// it took.
    async fn read_with(fate: Fate, times: u32) -> (Result<Secret, Unreadable>, Duration) {
        let transport = Arc::new(FailsFirst { fate, left: times.into() });
        let began = Instant::now();
        (read_by(transport).await, began.elapsed())
    }

    async fn read_by(transport: Arc<dyn Transport>) -> Result<Secret, Unreadable> {
        let read = Parameters(aws_behind(transport).await).read("/deckhand/github-token").await;
        read.map(|stored| stored.secret)
    }

    /// Gives this answer, and keeps what it was asked.
    struct Says(&'static str, Mutex<Vec<Request<Bytes>>>);

    impl Transport for Says {
        fn send(
            &self,
            request: Request<Bytes>,
        ) -> BoxFuture<'_, Result<Response<Bytes>, CallError>> {
            self.1.lock().unwrap().push(request);
            Box::pin(std::future::ready(Ok(Response::new(self.0.into()))))
        }
    }

    #[rstest]
    #[case(FOUND, Ok("secret"))]
    #[case(r#"{"Parameter":{"Type":"String","Value":"\"","Version":2}}"#, Ok("\""))]
    #[case(r#"{"Parameter":{"Type":"SecureString","Value":null}}"#, Err("does not exist"))]
    #[case("{}", Err("does not exist"))]
    #[tokio::test(start_paused = true)]
    async fn one_request_asks_for_the_value_decrypted(
        #[case] body: &'static str,
        #[case] expected: Result<&str, &str>,
    ) {
        let says = Arc::new(Says(body, Mutex::default()));
        match (read_by(says.clone()).await, expected) {
            (Ok(secret), Ok(expected)) => assert_eq!(secret.expose(), expected),
            (Err(why), Err(expected)) => assert!(why.to_string().contains(expected), "{why}"),
            (read, _) => panic!("{read:?}"),
        }
        let asked = says.1.lock().unwrap();
        let [asked] = asked.as_slice() else { panic!("{asked:?}") };
        assert_eq!(asked.uri(), "https://ssm.us-east-1.amazonaws.com/");
        assert_eq!(asked.headers()["x-amz-target"], "AmazonSSM.GetParameter");
        let body: serde_json::Value = serde_json::from_slice(asked.body()).unwrap();
        assert_eq!(body, json!({"Name": "/deckhand/github-token", "WithDecryption": true}));
    }

    #[rstest]
    #[case::a_dead_connection(Fate::NeverAnswered, 1, 1_200)]
    #[case::a_lost_answer(Fate::Lost, 1, 200)]
    #[case::two_lost_answers(Fate::Lost, 2, 400)]
    #[case::no_connection_twice(Fate::Refused, 2, 400)]
    #[tokio::test(start_paused = true)]
    async fn transient_faults_are_retried_well_within_three_seconds(
        #[case] fate: Fate,
        #[case] times: u32,
        #[case] within_ms: u64,
    ) {
        let (answer, elapsed) = read_with(fate, times).await;
        assert_eq!(answer.as_ref().map(Secret::expose), Ok("secret"));
        assert!(elapsed <= Duration::from_millis(within_ms), "{elapsed:?}");
    }

    #[rstest]
    #[case(900, 1_000)]
    #[case(1_900, 3_200)]
    #[case(3_900, 7_500)]
    #[tokio::test(start_paused = true)]
    async fn a_slow_answer_is_waited_for(#[case] slow_ms: u64, #[case] within_ms: u64) {
        let (answer, elapsed) = read_with(Fate::Slow(Duration::from_millis(slow_ms)), 0).await;
        assert_eq!(answer.as_ref().map(Secret::expose), Ok("secret"));
        assert!(elapsed <= Duration::from_millis(within_ms), "{elapsed:?}");
    }

    /// Refuses the first `refusals` requests for their time; AWS's clock differs from ours by `ahead`. Keeps
    /// the times by which requests were signed.
    struct Clocked {
        ahead: TimeDelta,
        code: &'static str,
        refusals: usize,
        signed: Mutex<Vec<DateTime<Utc>>>,
    }

    impl Transport for Clocked {
        fn send(
            &self,
            request: Request<Bytes>,
        ) -> BoxFuture<'_, Result<Response<Bytes>, CallError>> {
            let time = request.headers()["x-amz-date"].to_str().unwrap();
            let time = NaiveDateTime::parse_from_str(time, "%Y%m%dT%H%M%SZ").unwrap().and_utc();
            let mut signed = self.signed.lock().unwrap();
            signed.push(time);
            let (status, body) = if signed.len() <= self.refusals {
                let code = self.code;
                (
                    400,
                    format!(
                        r#"{{"__type":"{code}","message":"Signature expired: is now earlier"}}"#
                    ),
                )
            } else {
                (200, FOUND.to_owned())
            };
            let date = httpdate::fmt_http_date((Utc::now() + self.ahead).into());
            let answer = Response::builder().status(status).header("date", date).body(body.into());
            Box::pin(std::future::ready(Ok(answer.unwrap())))
        }
    }

    #[rstest]
    #[case::our_clock_is_behind(10, 1)]
    #[case::our_clock_is_ahead(-10, 1)]
    // It was put right while the request was on its way.
    #[case::our_clock_is_right_again(0, 1)]
    #[case::our_clock_is_nearly_right(3, 1)]
    #[case::it_stays_wrong(0, 99)]
    #[tokio::test(start_paused = true)]
    async fn a_signature_refused_for_its_time_is_made_again_with_the_right_time(
        #[case] ahead: i64,
        #[case] refusals: usize,
        #[values("InvalidSignatureException", "RequestTimeTooSkewed", "RequestExpired")]
        code: &'static str,
    ) {
        let ahead = TimeDelta::minutes(ahead);
        let transport = Arc::new(Clocked { ahead, code, refusals, signed: Mutex::default() });
        let answer = read_by(transport.clone()).await;
        let signed = transport.signed.lock().unwrap();
        assert_eq!(signed.len(), 2);
        let off = *signed.last().unwrap() - (Utc::now() + ahead);
        assert!(off.abs() < TimeDelta::seconds(10), "{off}");
        match answer {
            Ok(secret) => assert_eq!((secret.expose(), refusals), ("secret", 1)),
            Err(why) => {
                let why = why.to_string();
                assert!(refusals > 1 && why.contains("check the clock of this machine"), "{why}");
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_read_that_gets_no_answer_times_out() {
        let (answer, elapsed) = read_with(Fate::NeverAnswered, u32::MAX).await;
        assert!(
            matches!(answer, Err(Unreadable::Now(ref why)) if why.starts_with("cannot be read now")),
            "{answer:?}"
        );
        assert!(elapsed <= WITHIN, "{elapsed:?}");
    }

    #[rstest]
    #[case(AwsError::NotFound, "does not exist")]
    #[case(AwsError::NotSetUp("sign in".to_owned()), "cannot be read: sign in")]
    #[case(AwsError::Forbidden("AccessDeniedException".to_owned()), "allow ssm:GetParameter")]
    #[case(AwsError::Failed("no connection".to_owned()), "cannot be read now (no connection)")]
    fn each_error_says_how_to_fix_it(#[case] error: AwsError, #[case] said: &str) {
        let why = Unreadable::from(error).to_string();
        assert!(why.contains(said), "{why}");
    }
}
