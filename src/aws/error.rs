//! Errors of calls to AWS.

use std::fmt;

use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

/// Why a call to AWS failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AwsError {
    /// The resource does not exist.
    #[error("does not exist")]
    NotFound,
    /// Access is denied: the role lacks a permission, or there are no valid credentials.
    #[error("access is denied ({0})")]
    Forbidden(String),
    /// Any other error, in the SDK's words.
    #[error("{0}")]
    Failed(String),
}

impl AwsError {
    /// Classifies an SDK error. The result holds no part of the request or of the response body.
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
            error => Self::before_sending(innermost(error)),
        }
    }

    /// An error from before the request was sent. Adds the fix for the usual causes.
    fn before_sending(words: String) -> Self {
        let said = words.to_lowercase();
        Self::Failed(if said.contains("region") {
            format!("no region, set AWS_REGION: {words}")
        } else if ["credential", "profile", "provider"].iter().any(|word| said.contains(word)) {
            format!("no AWS credentials: {words}")
        } else {
            words
        })
    }

    /// Classifies an AWS error code.
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
            // This text comes from outside. An error code has only letters and digits, so keep only those.
            code => {
                let code = code.unwrap_or_default().chars().filter(char::is_ascii_alphanumeric);
                let code: String = code.take(64).collect();
                Self::Failed(if code.is_empty() { "no reason given".to_owned() } else { code })
            }
        }
    }
}

/// The innermost cause, made safe to log and to show. The SDK's full error chain would include the whole
/// response.
fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    let harmless =
        |c: char| if c.is_ascii_alphanumeric() || " .,:()/-".contains(c) { c } else { ' ' };
    cause.to_string().chars().take(200).map(harmless).collect()
}
