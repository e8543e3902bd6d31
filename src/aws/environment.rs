//! Finds the region and the credentials, as the SDK's default does: environment, profile, container, and the
//! metadata service of EC2 (IMDS). Where that service is not, its silence takes the SDK many seconds. Here it
//! has less than one, and none on Lambda. So what is missing is said in time for an answer.
//! <https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html>

use std::sync::Arc;
use std::time::Duration;

use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::environment::region::EnvironmentVariableRegionProvider;
use aws_config::imds;
use aws_config::imds::region::ImdsRegionProvider;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::ProfileFileRegionProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::{Region, SdkConfig};
use aws_sdk_dynamodb::config::{Credentials, ProvideCredentials, SharedCredentialsProvider};
use bytes::Bytes;
use futures_util::future::{BoxFuture, ready};
use http::{Request, Response};
use tokio::time::timeout;

use super::error::{AwsError, innermost};
use super::sdk::{Time, http_client, loader};
use crate::clock::Clock;
use crate::net::transport::{CallError, Transport};

/// Timeout of IMDS. Where it is, it answers in a few milliseconds. Less than the timeout of a call's try, so
/// that a call's error says that there are no credentials.
const IMDS_WITHIN: Duration = Duration::from_millis(800);

/// Timeout of all that may have credentials.
const CREDENTIALS_WITHIN: Duration = Duration::from_millis(1_500);

/// Says that there is no IMDS on Lambda.
struct NoMetadata;

impl Transport for NoMetadata {
    fn send(&self, _: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, CallError>> {
        Box::pin(ready(Err(CallError::NotSent("on Lambda there is no IMDS".to_owned()))))
    }
}

/// The configuration by the environment. `asked`: the region, in place of the environment's.
pub(super) async fn load(
    asked: Option<Region>,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
) -> Result<SdkConfig, AwsError> {
    let is_lambda = std::env::var_os("AWS_LAMBDA_RUNTIME_API").is_some();
    let metadata = if is_lambda { Arc::new(NoMetadata) } else { transport.clone() };
    let provider = ProviderConfig::without_region().with_time_source(Time(clock.clone()));
    let metadata = imds_client(&provider, metadata);
    let region = match asked {
        Some(region) => region,
        None => region(&provider, metadata.clone()).await?,
    };
    let provider = provider.with_http_client(http_client(transport.clone()));
    let provider = DefaultCredentialsChain::builder()
        .configure(provider)
        .region(region.clone())
        .imds_client(metadata)
        .build()
        .await;
    let provider = SharedCredentialsProvider::new(provider);
    // They are read again when they are needed.
    credentials(&provider).await?;
    let loader = loader(transport).region(region).credentials_provider(provider);
    Ok(loader.time_source(Time(clock)).load().await)
}

fn imds_client(provider: &ProviderConfig, transport: Arc<dyn Transport>) -> imds::Client {
    imds::Client::builder()
        .configure(&provider.clone().with_http_client(http_client(transport)))
        .max_attempts(2)
        .operation_timeout(IMDS_WITHIN)
        .operation_attempt_timeout(IMDS_WITHIN)
        .build()
}

async fn region(provider: &ProviderConfig, metadata: imds::Client) -> Result<Region, AwsError> {
    let chain = RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new())
        .or_else(ProfileFileRegionProvider::builder().configure(provider).build())
        .or_else(ImdsRegionProvider::builder().configure(provider).imds_client(metadata).build());
    let region = timeout(IMDS_WITHIN, chain.region()).await.ok().flatten();
    region
        .filter(|region| !region.as_ref().trim().is_empty())
        .ok_or_else(|| AwsError::NotSetUp("there is no AWS region: set AWS_REGION".to_owned()))
}

/// The credentials, or why there are none.
pub(super) async fn credentials(
    provider: &impl ProvideCredentials,
) -> Result<Credentials, AwsError> {
    let why = match timeout(CREDENTIALS_WITHIN, provider.provide_credentials()).await {
        Ok(Ok(credentials)) => return Ok(credentials),
        Ok(Err(error)) => innermost(&error),
        Err(_) => "nothing answered in time".to_owned(),
    };
    Err(AwsError::no_credentials(&why))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use tokio::time::Instant;

    use super::*;

    /// Where IMDS is not: nobody answers.
    struct Silent;

    impl Transport for Silent {
        fn send(&self, _: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, CallError>> {
            Box::pin(std::future::pending())
        }
    }

    /// An EC2 instance in this region, without a role.
    struct Instance(&'static str);

    impl Transport for Instance {
        fn send(
            &self,
            request: Request<Bytes>,
        ) -> BoxFuture<'_, Result<Response<Bytes>, CallError>> {
            let (status, body) = match request.uri().path() {
                "/latest/api/token" => (200, "token"),
                "/latest/meta-data/placement/region" => (200, self.0),
                _ => (404, ""),
            };
            let answer =
                Response::builder().status(status).body(Bytes::from_static(body.as_bytes()));
            let mut answer = answer.unwrap();
            answer.headers_mut().insert("x-aws-ec2-metadata-token-ttl-seconds", 600.into());
            Box::pin(ready(Ok(answer)))
        }
    }

    /// The region by IMDS alone: the machine that runs this test may have one.
    async fn region_by(transport: Arc<dyn Transport>) -> Option<Region> {
        let provider = ProviderConfig::without_region();
        let client = imds_client(&provider, transport);
        ImdsRegionProvider::builder()
            .configure(&provider)
            .imds_client(client)
            .build()
            .region()
            .await
    }

    #[rstest]
    #[case::silent(Arc::new(Silent), None)]
    #[case::lambda(Arc::new(NoMetadata), None)]
    #[case::ec2(Arc::new(Instance("eu-central-1")), Some("eu-central-1"))]
    #[tokio::test(start_paused = true)]
    async fn a_region_is_found_or_missed_within_a_second(
        #[case] transport: Arc<dyn Transport>,
        #[case] expected: Option<&str>,
    ) {
        let began = Instant::now();
        let region = region_by(transport).await;
        assert_eq!(region.as_ref().map(Region::as_ref), expected);
        assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    }

    #[rstest]
    #[case::silent(Arc::new(Silent))]
    #[case::lambda(Arc::new(NoMetadata))]
    #[case::ec2_without_a_role(Arc::new(Instance("eu-central-1")))]
    #[tokio::test(start_paused = true)]
    async fn missing_credentials_are_said_within_two_seconds(
        #[case] transport: Arc<dyn Transport>,
    ) {
        let provider = ProviderConfig::without_region();
        let client = imds_client(&provider, transport);
        let began = Instant::now();
        let provider = imds::credentials::ImdsCredentialsProvider::builder().configure(&provider);
        let error = credentials(&provider.imds_client(client).build()).await.unwrap_err();
        assert!(error.to_string().starts_with("there are no AWS credentials"), "{error}");
        assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn credentials_that_are_there_pass() {
        let there = Credentials::new("key", "secret", None, None, "test");
        assert_eq!(credentials(&there).await, Ok(there));
    }
}
