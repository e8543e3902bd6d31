//! Why AWS did not do what was asked.

use std::fmt;

use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

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
