//! Errors of requests to GitHub.

use std::time::Duration;

use crate::secrets::Secret;

/// The most characters of GitHub's text that are kept.
pub(super) const MAX_SAID: usize = 300;

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
    /// Removes GitHub's text if it may show a part of this URL, which was sent as a secret.
    pub fn without(self, url: &Secret) -> Self {
        let host = url.expose().rsplit("://").next().unwrap_or_default();
        let host = host.split(['/', '?', '#']).next().unwrap_or_default().to_lowercase();
        let shown = |said: String| {
            // The cut may have left a part of the host.
            let is_cut = said.chars().count() >= MAX_SAID;
            let hidden = is_cut || said.to_lowercase().contains(&host);
            if hidden { String::new() } else { said }
        };
        match self {
            Self::Unauthorized(said) => Self::Unauthorized(shown(said)),
            Self::Forbidden(said) => Self::Forbidden(shown(said)),
            Self::Refused(status, said) => Self::Refused(status, shown(said)),
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

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::in_full("bad value https://app.example.com/base".to_owned(), true)]
    #[case::without_its_path("APP.example.com is refused".to_owned(), true)]
    #[case::perhaps_cut_within("x".repeat(MAX_SAID), true)]
    #[case::a_reason("This installation has been suspended".to_owned(), false)]
    fn a_text_that_may_show_the_url_is_removed(#[case] said: String, #[case] removed: bool) {
        let url = Secret::new("https://app.example.com/base");
        let kinds: [fn(String) -> GithubError; 3] =
            [GithubError::Unauthorized, GithubError::Forbidden, |said| {
                GithubError::Refused(422, said)
            }];
        for error in kinds {
            let kept = if removed { String::new() } else { said.clone() };
            assert_eq!(error(said.clone()).without(&url), error(kept));
        }
    }
}
