//! What came of a request that GitHub did not answer with success.

use std::time::Duration;

use crate::secrets::Secret;

/// What came of a request that was not answered with success.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GithubError {
    /// We cannot sign in, so nothing was asked.
    #[error("no way to sign in to GitHub: {0}")]
    NoSignIn(String),
    /// GitHub has not seen it.
    #[error("GitHub cannot be reached ({0})")]
    NotSent(String),
    /// GitHub may have done it: the answer is lost, a 5xx, or unreadable.
    #[error("GitHub's answer was lost ({0})")]
    Lost(String),
    /// A rate limit; GitHub has not done it. After this long it may be asked again.
    #[error("GitHub's rate limit is used up for {} s", .0.as_secs())]
    RateLimited(Duration),
    /// 401: the token is wrong, expired or revoked. With GitHub's words.
    #[error("GitHub refuses the token (401: {0})")]
    Unauthorized(String),
    /// 403 that is no rate limit: the token lacks a permission.
    #[error("GitHub forbids it (403: {0})")]
    Forbidden(String),
    /// 404: not there, or not visible to this token.
    #[error("GitHub does not know it (404)")]
    NotFound,
    /// A redirect: the repository was renamed or moved.
    #[error("GitHub says that it has moved (3xx)")]
    Moved,
    /// Any other 4xx, with GitHub's words.
    #[error("GitHub refuses it ({0}: {1})")]
    Refused(u16, String),
}

impl GithubError {
    /// The same without what GitHub may have repeated of the secret that was sent.
    pub fn without(self, secret: &Secret) -> Self {
        match self {
            Self::Forbidden(said) => Self::Forbidden(said.replace(secret.expose(), "[value]")),
            Self::Unauthorized(said) => {
                Self::Unauthorized(said.replace(secret.expose(), "[value]"))
            }
            // A refusal of the request's content may repeat a part of it in any form.
            Self::Refused(status, _) => Self::Refused(status, String::new()),
            error => error,
        }
    }

    /// Whether the same request may succeed a moment later.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::NotSent(_) | Self::Lost(_))
    }
}
