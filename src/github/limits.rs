//! Rate limits: which answers say so, and how long they ask to wait.
//!
//! <https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#exceeding-the-rate-limit>

use std::time::Duration;

use chrono::{DateTime, Utc};
use http::{HeaderMap, StatusCode};

/// Asked of a client that was told of a limit but not until when.
const DEFAULT_WAIT: Duration = Duration::from_secs(60);

/// `Some(wait)` if this answer means that a rate limit was hit. A 403 alone does not: without the
/// headers or the words of a limit it is a lack of permission.
pub fn rate_limited(status: StatusCode, headers: &HeaderMap, message: &str) -> Option<Duration> {
    let said_so = status == StatusCode::TOO_MANY_REQUESTS
        || (status == StatusCode::FORBIDDEN
            && (headers.contains_key("retry-after")
                || number(headers, "x-ratelimit-remaining") == Some(0)
                || message.to_ascii_lowercase().contains("rate limit")));
    said_so.then(|| wait(headers))
}

fn wait(headers: &HeaderMap) -> Duration {
    if let Some(seconds) = number(headers, "retry-after") {
        return Duration::from_secs(seconds.max(1));
    }
    let exhausted = number(headers, "x-ratelimit-remaining") == Some(0);
    match (number(headers, "x-ratelimit-reset"), date(headers)) {
        (Some(reset), Some(now)) if exhausted => {
            let now = u64::try_from(now.timestamp()).unwrap_or_default();
            // One second more, because both times are cut to whole seconds.
            Duration::from_secs(reset.saturating_sub(now) + 1)
        }
        _ => DEFAULT_WAIT,
    }
}

/// GitHub's own clock, from an answer's `Date`.
pub fn date(headers: &HeaderMap) -> Option<DateTime<Utc>> {
    let text = headers.get(http::header::DATE)?.to_str().ok()?;
    DateTime::parse_from_rfc2822(text).ok().map(|date| date.to_utc())
}

fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue};
    use rstest::rstest;

    const NOW: &str = "Sun, 22 Nov 2026 10:00:00 GMT";
    const RESET: &str = "1795341630"; // 30 s later

    #[rstest]
    #[case::permission(403, &[], "Resource not accessible by integration", None)]
    #[case::permission_with_budget(403, &[("x-ratelimit-remaining", "4999")], "no", None)]
    #[case::other_error(500, &[("retry-after", "9")], "rate limit", None)]
    #[case::too_many(429, &[("retry-after", "7")], "", Some(7))]
    #[case::too_many_without_a_time(429, &[], "", Some(60))]
    #[case::secondary(403, &[("retry-after", "30")], "", Some(30))]
    #[case::secondary_by_words(403, &[], "You have exceeded a secondary rate limit", Some(60))]
    #[case::primary(403, &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", RESET)], "", Some(31))]
    #[case::primary_429(429, &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", RESET)], "", Some(31))]
    #[case::reset_is_past(403, &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "5")], "", Some(1))]
    #[case::zero(429, &[("retry-after", "0")], "", Some(1))]
    #[case::nonsense(429, &[("retry-after", "soon")], "", Some(60))]
    fn the_answer_says_how_long(
        #[case] status: u16,
        #[case] given: &[(&'static str, &'static str)],
        #[case] message: &str,
        #[case] seconds: Option<u64>,
    ) {
        let mut headers = HeaderMap::new();
        headers.insert("date", HeaderValue::from_static(NOW));
        for (name, value) in given {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        let status = StatusCode::from_u16(status).unwrap();
        let expected = seconds.map(Duration::from_secs);
        assert_eq!(rate_limited(status, &headers, message), expected);
    }
}
