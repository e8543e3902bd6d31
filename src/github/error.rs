//! Errors of requests to GitHub.

use std::time::Duration;

use chrono::{DateTime, Utc};
use http::{HeaderMap, StatusCode};
use serde_json::Value;

use super::cause::Cause;
use super::limits;
use crate::secrets::Secret;

/// The most characters of GitHub's text that are kept.
pub(super) const MAX_SAID: usize = 300;

/// How GitHub begins its text where a token or an app lacks a permission.
const NO_PERMISSION: &str = "Resource not accessible";

/// Why a request to GitHub failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GithubError {
    /// Sign-in is not possible, so nothing was sent.
    #[error("no way to sign in to GitHub: {0}")]
    NoSignIn(String),
    /// The same, and it may pass by itself: the store of the secret does not answer.
    #[error("no way to sign in to GitHub now: {0}")]
    NoSignInNow(String),
    /// Signing in as the app failed with this error. The request itself was not sent.
    #[error("signing in to GitHub as the app failed: {0}")]
    SignIn(Box<GithubError>),
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
    /// Classifies an answer that is no success. GitHub's text may end up in a message or a log, so the token
    /// is removed from it.
    pub(super) fn of_answer(
        status: StatusCode,
        headers: &HeaderMap,
        body: &[u8],
        token: &Secret,
        now: DateTime<Utc>,
    ) -> Self {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let text = |field| body.get(field).and_then(Value::as_str).unwrap_or_default();
        let (said, page) = (text("message"), text("documentation_url"));
        if let Some(wait) = limits::rate_limited(status, headers, said, page, now) {
            return Self::RateLimited(wait);
        }
        let said = said.replace(token.expose(), "[token]");
        let mut said: String = said.chars().take(MAX_SAID).collect();
        // <https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api#resource-not-accessible>
        let accepted =
            headers.get("x-accepted-github-permissions").and_then(|value| value.to_str().ok());
        if let Some(accepted) =
            accepted.filter(|_| status == StatusCode::FORBIDDEN && said.starts_with(NO_PERMISSION))
        {
            let accepted: String = accepted.chars().take(MAX_SAID).collect();
            said = format!("{} (it accepts {accepted})", said.trim_end_matches('.'));
        }
        match status.as_u16() {
            300..400 => Self::Moved,
            401 => Self::Unauthorized(said),
            403 => Self::Forbidden(said),
            404 => Self::NotFound,
            408 => Self::Lost("status 408".to_owned()),
            other @ 400..500 => Self::Refused(other, said),
            other => Self::Lost(format!("status {other}")),
        }
    }

    /// An error of the sign-in that comes before a request. A rate limit and a missing credential mean the
    /// same for both.
    pub(super) fn of_sign_in(error: Self) -> Self {
        match error {
            Self::NoSignIn(_) | Self::NoSignInNow(_) | Self::SignIn(_) | Self::RateLimited(_) => {
                error
            }
            error => Self::SignIn(Box::new(error)),
        }
    }

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
            Self::Forbidden(said) => said.is_empty() || said.starts_with(NO_PERMISSION),
            _ => false,
        }
    }

    /// Whether a retry may succeed (a transient error).
    pub fn is_passing(&self) -> bool {
        match self {
            Self::NotSent(_) | Self::NoSignInNow(_) | Self::Lost(_) => true,
            Self::SignIn(error) => error.is_passing(),
            _ => false,
        }
    }

    /// Whether GitHub has surely not seen the request, and a retry may succeed.
    pub(crate) fn is_unsent(&self) -> bool {
        match self {
            Self::NotSent(_) | Self::NoSignInNow(_) => true,
            Self::SignIn(error) => error.is_passing(),
            _ => false,
        }
    }

    /// As the error of a request for which this one had to be answered first, and which thus was not sent.
    pub(crate) fn before_it_was_sent(self) -> Self {
        match self {
            Self::Lost(why) => Self::NotSent(why),
            error => error,
        }
    }

    /// Whether it is a refusal that GitHub also gives for some seconds to a request that is right: not all of
    /// its servers know a new token, run or permission at once. A 403 that names its cause is none.
    pub(crate) fn is_doubtful(&self) -> bool {
        match self {
            Self::Unauthorized(_) | Self::NotFound => true,
            Self::Forbidden(said) => Cause::of(said).is_none(),
            Self::SignIn(error) => error.is_doubtful(),
            _ => false,
        }
    }

    /// Whether GitHub refused the app's JWT for its time.
    pub(super) fn is_about_time(&self) -> bool {
        let Self::Unauthorized(said) = self else { return false };
        let said = said.to_lowercase();
        ["issued at", "expiration time", "'iat'", "'exp'"].iter().any(|words| said.contains(words))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn of_answer(status: u16, body: &[u8]) -> GithubError {
        let status = StatusCode::from_u16(status).unwrap();
        let token = Secret::new("ghp_secret");
        GithubError::of_answer(status, &HeaderMap::new(), body, &token, DateTime::UNIX_EPOCH)
    }

    #[rstest]
    #[case(301, GithubError::Moved)]
    #[case(401, GithubError::Unauthorized("Nope".to_owned()))]
    #[case(403, GithubError::Forbidden("Nope".to_owned()))]
    #[case(404, GithubError::NotFound)]
    #[case(408, GithubError::Lost("status 408".to_owned()))]
    #[case(422, GithubError::Refused(422, "Nope".to_owned()))]
    #[case(429, GithubError::RateLimited(Duration::from_secs(60)))]
    #[case(500, GithubError::Lost("status 500".to_owned()))]
    fn each_status_maps_to_its_error(#[case] status: u16, #[case] expected: GithubError) {
        assert_eq!(of_answer(status, br#"{"message":"Nope"}"#), expected);
    }

    #[test]
    fn a_token_in_githubs_error_is_removed() {
        let error = of_answer(400, br#"{"message":"bad header Bearer ghp_secret!"}"#);
        assert_eq!(error, GithubError::Refused(400, "bad header Bearer [token]!".to_owned()));
    }

    #[rstest]
    #[case::lost(GithubError::Lost("status 502".to_owned()), true, false)]
    #[case::not_sent(GithubError::NotSent("dns".to_owned()), true, true)]
    #[case::lost_sign_in(GithubError::of_sign_in(GithubError::Lost("x".to_owned())), true, true)]
    #[case::refused_sign_in(GithubError::of_sign_in(GithubError::NotFound), false, false)]
    #[case::no_key(GithubError::of_sign_in(GithubError::NoSignIn("x".to_owned())), false, false)]
    #[case::no_key_now(GithubError::of_sign_in(GithubError::NoSignInNow("x".to_owned())), true, true)]
    #[case::limit(GithubError::of_sign_in(GithubError::RateLimited(Duration::ZERO)), false, false)]
    fn a_failed_sign_in_is_no_lost_request(
        #[case] error: GithubError,
        #[case] passing: bool,
        #[case] unsent: bool,
    ) {
        assert_eq!((error.is_passing(), error.is_unsent()), (passing, unsent));
        assert!(!error.lacks_access(), "that is about the request's own answer");
    }

    #[rstest]
    #[case::not_found(GithubError::NotFound, true)]
    #[case::token(GithubError::Unauthorized("Bad credentials".to_owned()), true)]
    #[case::permission(GithubError::Forbidden("Resource not accessible by integration".to_owned()), true)]
    #[case::unexplained(GithubError::Forbidden(String::new()), true)]
    #[case::sign_in(GithubError::of_sign_in(GithubError::NotFound), true)]
    #[case::saml(GithubError::Forbidden("Resource protected by organization SAML enforcement".to_owned()), false)]
    #[case::archived(GithubError::Forbidden("Repository was archived so is read-only.".to_owned()), false)]
    #[case::wrong_request(GithubError::Refused(422, "No ref found for: x".to_owned()), false)]
    #[case::moved(GithubError::Moved, false)]
    fn a_refusal_that_names_its_cause_is_not_doubtful(
        #[case] error: GithubError,
        #[case] doubtful: bool,
    ) {
        assert_eq!(error.is_doubtful(), doubtful);
    }

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
