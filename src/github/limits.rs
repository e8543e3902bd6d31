//! Rate limits: detects them and reads how long to wait.
//!
//! <https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#exceeding-the-rate-limit>

use std::time::Duration;

use chrono::{DateTime, Utc};
use http::{HeaderMap, StatusCode};

/// Wait if the answer names a rate limit but no time.
const DEFAULT_WAIT: Duration = Duration::from_secs(60);

/// Upper bound of a wait. A longer one in a header is wrong, and could overflow a time.
const MAX_WAIT: Duration = Duration::from_secs(24 * 60 * 60);

/// `Some(wait)` if this answer reports a rate limit. A 403 without the headers or words of a rate limit is a
/// missing permission. `page` is the `documentation_url`; `now` is used if the answer has no `Date` header.
pub(crate) fn rate_limited(
    status: StatusCode,
    headers: &HeaderMap,
    message: &str,
    page: &str,
    now: DateTime<Utc>,
) -> Option<Duration> {
    let said_so = status == StatusCode::TOO_MANY_REQUESTS
        || (status == StatusCode::FORBIDDEN
            && (headers.contains_key("retry-after")
                || number(headers, "x-ratelimit-remaining") == Some(0)
                || is_in_words(message, page)));
    said_so.then(|| wait(headers, date(headers).unwrap_or(now)).min(MAX_WAIT))
}

/// The words for it, also the older ones: secondary limits were "abuse detection". GitHub sends those without
/// headers, also Enterprise Server.
fn is_in_words(message: &str, page: &str) -> bool {
    let message = message.to_ascii_lowercase();
    ["rate limit", "abuse detection"].iter().any(|words| message.contains(words))
        || page.contains("rate-limits")
}

fn wait(headers: &HeaderMap, now: DateTime<Utc>) -> Duration {
    if let Some(wait) = text(headers, "retry-after").and_then(|text| retry_after(text, now)) {
        return wait.max(Duration::from_secs(1));
    }
    let exhausted = number(headers, "x-ratelimit-remaining").is_none_or(|left| left == 0);
    match number(headers, "x-ratelimit-reset") {
        Some(reset) if exhausted => {
            let now = u64::try_from(now.timestamp()).unwrap_or_default();
            // Add a second, because both times are truncated to whole seconds.
            Duration::from_secs(reset.saturating_sub(now).saturating_add(1))
        }
        _ => DEFAULT_WAIT,
    }
}

/// A number of seconds, or an HTTP date (RFC 9110, 10.2.3).
fn retry_after(text: &str, now: DateTime<Utc>) -> Option<Duration> {
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds.min(MAX_WAIT.as_secs_f64())).ok();
    }
    Some((http_date(text)? - now).to_std().unwrap_or_default())
}

/// GitHub's current time, from the `Date` header.
pub(crate) fn date(headers: &HeaderMap) -> Option<DateTime<Utc>> {
    http_date(text(headers, "date")?)
}

fn http_date(text: &str) -> Option<DateTime<Utc>> {
    httpdate::parse_http_date(text).ok().map(DateTime::from)
}

fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    text(headers, name)?.parse().ok()
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
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
    #[case::abuse(403, &[], "You have triggered an abuse detection mechanism. Please wait a few minutes before you try again.", Some(60))]
    #[case::abuse_with_budget(403, &[("x-ratelimit-remaining", "4000"), ("x-ratelimit-reset", RESET)], "You have triggered an abuse detection mechanism.", Some(60))]
    #[case::abuse_is_no_other_error(422, &[], "You have triggered an abuse detection mechanism.", None)]
    #[case::primary(403, &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", RESET)], "", Some(31))]
    #[case::primary_429(429, &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", RESET)], "", Some(31))]
    #[case::reset_is_past(403, &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "5")], "", Some(1))]
    #[case::zero(429, &[("retry-after", "0")], "", Some(1))]
    #[case::fraction(429, &[("retry-after", "2.5")], "", Some(2))]
    #[case::date(429, &[("retry-after", "Sun, 22 Nov 2026 10:00:40 GMT")], "", Some(40))]
    #[case::old_form_of_a_date(429, &[("retry-after", "Sunday, 22-Nov-26 10:00:40 GMT")], "", Some(40))]
    #[case::date_long_ago(429, &[("retry-after", "Thu, 01 Jan 1970 00:00:00 GMT")], "", Some(1))]
    #[case::date_far_away(429, &[("retry-after", "Fri, 31 Dec 9999 23:59:59 GMT")], "", Some(86_400))]
    #[case::reset_without_remaining(429, &[("x-ratelimit-reset", RESET)], "", Some(31))]
    #[case::endless(429, &[("retry-after", "9223372036854775807")], "", Some(86_400))]
    #[case::endless_reset(403, &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "18446744073709551615")], "", Some(86_400))]
    #[case::nonsense(429, &[("retry-after", "soon")], "", Some(60))]
    fn rate_limits_are_detected_with_their_wait(
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
        let whole = |wait: Duration| Duration::from_secs(wait.as_secs());
        let now = http_date(NOW).unwrap();
        assert_eq!(rate_limited(status, &headers, message, "", now).map(whole), expected);
        headers.remove("date");
        assert_eq!(
            rate_limited(status, &headers, message, "", now).map(whole),
            expected,
            "without a date"
        );
    }

    #[rstest]
    #[case::older("https://developer.github.com/v3/#abuse-rate-limits", true)]
    #[case::secondary(
        "https://docs.github.com/rest/overview/rate-limits-for-the-rest-api#about-secondary-rate-limits",
        true
    )]
    #[case::about_the_request_for_the_limit(
        "https://docs.github.com/rest/rate-limit/rate-limit#get-rate-limit-status",
        false
    )]
    #[case::other("https://docs.github.com/rest/actions/workflows", false)]
    fn a_limit_is_told_by_the_page_that_the_refusal_names(#[case] page: &str, #[case] is: bool) {
        let refused = rate_limited(
            StatusCode::FORBIDDEN,
            &HeaderMap::new(),
            "Please wait a few minutes.",
            page,
            DateTime::UNIX_EPOCH,
        );
        assert_eq!(refused.is_some(), is);
    }
}
