//! Errors of requests to GitHub.

use std::time::Duration;

use crate::secrets::Secret;

/// Why a request to GitHub failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GithubError {
    /// Sign-in is not possible, so nothing was sent.
    #[error("no way to sign in to GitHub: {0}")]
    NoSignIn(String),
    /// Not sent: GitHub has not seen the request.
    #[error("GitHub cannot be reached ({0})")]
    NotSent(String),
    /// GitHub may have acted on it: the answer is lost, a 5xx, or not readable.
    #[error("GitHub's answer was lost ({0})")]
    Lost(String),
    /// Rate limited: GitHub did not act on it. It may be retried after this time.
    #[error("GitHub's rate limit is used up for {} s", .0.as_secs())]
    RateLimited(Duration),
    /// 401: the token is wrong, expired or revoked. With GitHub's text.
    #[error("GitHub refuses the token (401: {0})")]
    Unauthorized(String),
    /// 403 without a rate limit: the token lacks a permission. With GitHub's text.
    #[error("GitHub forbids it (403: {0})")]
    Forbidden(String),
    /// 404: it does not exist, or this token cannot see it.
    #[error("GitHub does not know it (404)")]
    NotFound,
    /// A redirect: the repository was renamed or moved.
    #[error("GitHub says that it has moved (3xx)")]
    Moved,
    /// Any other 4xx, with GitHub's text.
    #[error("GitHub refuses it ({0}: {1})")]
    Refused(u16, String),
}

impl GithubError {
    /// Removes a secret that was sent from GitHub's text.
    pub fn without(self, secret: &Secret) -> Self {
        match self {
            Self::Forbidden(said) => Self::Forbidden(said.replace(secret.expose(), "[value]")),
            Self::Unauthorized(said) => {
                Self::Unauthorized(said.replace(secret.expose(), "[value]"))
            }
            // GitHub may quote any part of the request's content here, so drop the whole text.
            Self::Refused(status, _) => Self::Refused(status, String::new()),
            error => error,
        }
    }

    /// Whether the token just may not see it. A 403 with another reason (SAML, an IP allow list, a
    /// suspended app) has another cure, which [`explain`](super::explain) names.
    pub(crate) fn lacks_access(&self) -> bool {
        match self {
            Self::NotFound => true,
            Self::Forbidden(said) => said.is_empty() || said.starts_with("Resource not accessible"),
            _ => false,
        }
    }

    /// Whether a retry may succeed (a transient error).
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::NotSent(_) | Self::Lost(_))
    }
}
