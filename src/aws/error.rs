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
    /// Access is denied: the role lacks a permission.
    #[error("access is denied ({0})")]
    Forbidden(String),
    /// It cannot work as this machine is set up: not signed in, no region, a wrong clock. Says the cure.
    #[error("{0}")]
    NotSetUp(String),
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
            SdkError::ServiceError(answer) => Self::of_answer(answer.err()),
            SdkError::ResponseError(_) => Self::unreadable(),
            SdkError::TimeoutError(_) => Self::late(),
            error => Self::before_sending(innermost(error)),
        }
    }

    /// An error from before the request was sent. Adds the fix for the usual causes.
    fn before_sending(words: String) -> Self {
        let said = words.to_lowercase();
        if said.contains("region") {
            Self::NotSetUp(format!("there is no AWS region: set AWS_REGION ({words})"))
        } else if ["credential", "profile", "provider"].iter().any(|word| said.contains(word)) {
            Self::no_credentials(&words)
        } else if said.contains("dns") || said.contains("lookup address") {
            Self::unknown_host(&words)
        } else {
            Self::Failed(words)
        }
    }

    /// AWS answered with something else than its protocol has.
    pub(super) fn unreadable() -> Self {
        Self::Failed("AWS gave an answer that cannot be read".to_owned())
    }

    /// There was no answer within the limits.
    pub(super) fn late() -> Self {
        Self::Failed("AWS did not answer in time".to_owned())
    }

    /// There are no credentials.
    pub(super) fn no_credentials(why: &str) -> Self {
        Self::NotSetUp(format!(
            "there are no AWS credentials, not signed in to AWS: sign in (aws login, or aws sso login) or set \
             AWS_PROFILE ({why})"
        ))
    }

    /// There is no such host, as in a region that does not exist.
    fn unknown_host(why: &str) -> Self {
        Self::NotSetUp(format!(
            "the address of AWS is not known: check that AWS_REGION is a region, and the network ({why})"
        ))
    }

    /// A request that was not sent, or whose answer was lost.
    pub(super) fn of_connection(why: String) -> Self {
        let said = why.to_lowercase();
        if said.contains("dns") || said.contains("lookup address") {
            Self::unknown_host(&why)
        } else {
            Self::Failed(why)
        }
    }

    /// Classifies AWS's answer.
    pub fn of_answer(answer: &impl ProvideErrorMetadata) -> Self {
        let code = readable(answer.code());
        if is_of_time(answer) {
            return Self::NotSetUp(format!(
                "AWS refuses the signature for its time, also signed again: check the clock of this machine ({code})"
            ));
        }
        let message = answer.message().unwrap_or_default();
        match answer.code() {
            Some("ResourceNotFoundException" | "ParameterNotFound") => Self::NotFound,
            // CloudFormation's answer for a stack that is not there.
            Some("ValidationError") if message.contains("does not exist") => Self::NotFound,
            Some(code_of) if is_of_key(code_of) => Self::NotSetUp(format!(
                "AWS refuses the signature: check the credentials and the clock of this machine ({code})"
            )),
            Some(
                "UnrecognizedClientException"
                | "InvalidClientTokenId"
                | "ExpiredTokenException"
                | "ExpiredToken"
                | "MissingAuthenticationTokenException"
                | "MissingAuthenticationToken",
            ) => Self::NotSetUp(format!(
                "AWS does not accept the credentials, they are wrong or have expired: sign in again ({code})"
            )),
            Some("AccessDeniedException" | "AccessDenied" | "InvalidKeyId") => {
                Self::Forbidden(code)
            }
            _ if code.is_empty() => Self::Failed("no reason given".to_owned()),
            _ => Self::Failed(code),
        }
    }
}

/// Whether AWS refused the signature, so that signing again with the right time may help. AWS did nothing.
/// Credentials expire by the same clock.
pub(super) fn is_of_signature(answer: &impl ProvideErrorMetadata) -> bool {
    is_of_time(answer)
        || matches!(answer.code(), Some("ExpiredTokenException" | "ExpiredToken"))
        || answer.code().is_some_and(is_of_key)
}

/// The codes of a signature that does not fit, for the time or for the key.
fn is_of_key(code: &str) -> bool {
    matches!(code, "InvalidSignatureException" | "SignatureDoesNotMatch" | "AuthFailure")
}

/// Whether AWS refused the signature for its time. Only the message of some codes tells.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html>
fn is_of_time(answer: &impl ProvideErrorMetadata) -> bool {
    let message = answer.message().unwrap_or_default().to_lowercase();
    let said = [
        "signature expired",
        "not yet current",
        "request has expired",
        "too skewed",
        "current time is too large",
    ];
    matches!(answer.code(), Some("RequestTimeTooSkewed" | "RequestExpired" | "RequestInTheFuture"))
        || said.iter().any(|words| message.contains(words))
}

/// An error code. It comes from outside, and has only letters and digits, so only those are kept.
pub(crate) fn readable(code: Option<&str>) -> String {
    let code = code.unwrap_or_default().chars().filter(char::is_ascii_alphanumeric);
    code.take(64).collect()
}

/// The innermost cause, made safe to log and to show. The SDK's full error chain would include the whole
/// response.
pub(super) fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
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
    use super::*;
    use aws_smithy_types::error::ErrorMetadata;
    use rstest::rstest;

    fn answer(code: &str, message: &str) -> ErrorMetadata {
        ErrorMetadata::builder().code(code).message(message).build()
    }

    const EXPIRED: &str = "Signature expired: 20261122T115000Z is now earlier than 20261122T115500Z \
                           (20261122T120000Z - 5 min.)";
    const EARLY: &str =
        "Signature not yet current: 20261122T121000Z is still later than 20261122T120500Z";

    #[rstest]
    #[case("InvalidSignatureException", EXPIRED)]
    #[case("InvalidSignatureException", EARLY)]
    #[case("SignatureDoesNotMatch", EXPIRED)]
    #[case("AccessDeniedException", EXPIRED)]
    #[case("RequestTimeTooSkewed", "The difference is too large.")]
    #[case("RequestExpired", "Request has expired.")]
    #[case("RequestInTheFuture", "")]
    fn a_signature_refused_for_its_time_is_signed_again_and_told_as_that(
        #[case] code: &str,
        #[case] message: &str,
    ) {
        let answer = answer(code, message);
        assert!(is_of_signature(&answer));
        let told = AwsError::of_answer(&answer).to_string();
        assert!(told.contains("for its time") && told.contains(code), "{told}");
        assert!(!told.contains("2026"), "{told}");
    }

    #[rstest]
    #[case("InvalidSignatureException", "does not match", true, "refuses the signature: check")]
    #[case("SignatureDoesNotMatch", "", true, "refuses the signature: check")]
    #[case("ExpiredTokenException", "The security token is expired", true, "sign in again")]
    #[case("AccessDeniedException", "not authorized to perform", false, "access is denied")]
    #[case("UnrecognizedClientException", "", false, "does not accept the credentials")]
    #[case("ThrottlingException", "Rate exceeded", false, "ThrottlingException")]
    fn other_refusals_are_not_for_the_time(
        #[case] code: &str,
        #[case] message: &str,
        #[case] again: bool,
        #[case] words: &str,
    ) {
        let answer = answer(code, message);
        assert_eq!(is_of_signature(&answer), again);
        let told = AwsError::of_answer(&answer).to_string();
        assert!(told.contains(words) && !told.contains("for its time"), "{told}");
    }
}
