//! What an answer of Discord's means. Every call is classified here, and nowhere else.
//!
//! <https://docs.discord.com/developers/topics/opcodes-and-status-codes>

use std::time::Duration;

use http::{HeaderMap, StatusCode};
use serde_json::Value;

use crate::net::transport::CallError;

/// 404: the message was deleted. It does not come back.
pub(super) const UNKNOWN_MESSAGE: u64 = 10008;

/// 404: Discord does not know the interaction's token, or not yet: it may see a deferral a moment late.
pub(super) const UNKNOWN_WEBHOOK: u64 = 10015;

/// 404: Discord does not know the interaction. It came to its end, or was not answered in time.
const UNKNOWN_INTERACTION: u64 = 10062;

/// 401: the interaction's token is not valid, or not any more.
const INVALID_WEBHOOK_TOKEN: u64 = 50027;

/// 429: too many edits of messages that are older than an hour. Only the code tells it from a rate limit.
const OLD_EDITS: u64 = 30046;

/// What Discord says, with other statuses than 403 too, when it does not let the bot post here: no text
/// channel, a verification level, an archived thread, no right to reply, a locked thread, AutoMod.
const MAY_NOT: [u64; 6] = [50008, 50009, 50083, 160_002, 160_005, 200_000];

/// A reply needs the permission to read the history.
const REPLY_WITHOUT_HISTORY: u64 = 160_002;

/// 403: said by the proxy in front of Discord, in the form of Discord's own answers.
const BLOCKED_BY_PROXY: u64 = 40333;

/// 400: something in the request has not the form that it should. `errors` says where.
const INVALID_FORM: u64 = 50035;

/// The longest wait that a proxy may ask for: it does not know when Discord is well again.
const MOST_FOR_A_PROXY: Duration = Duration::from_secs(8);

/// Why a request to Discord failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DiscordError {
    /// No bot token, so nothing was sent.
    #[error("no way to sign in to Discord: {0}")]
    NoSignIn(String),
    /// Not sent: there was no connection.
    #[error("Discord cannot be reached ({0})")]
    NotSent(String),
    /// Discord may have acted on it: the answer was lost.
    #[error("Discord's answer was lost ({0})")]
    Lost(String),
    /// 429, with the wait that was asked for.
    #[error("Discord's rate limit, for {} ms", .0.as_millis())]
    RateLimited(Duration),
    /// Too many edits of messages that are older than an hour, with the wait that was asked for. It concerns
    /// the channel's old messages; others can be edited and posted.
    #[error("Discord's limit for edits of old messages, for {} ms", .0.as_millis())]
    EditLimit(Duration),
    /// 5xx. Discord may have acted on it.
    #[error("Discord has a fault (status {0})")]
    Fault(u16),
    /// A proxy in front of Discord refused the request. Discord has not seen it.
    #[error("a proxy in front of Discord refuses the request (status {0})")]
    Proxy(u16),
    /// The messages that Discord shows do not tell what was asked: it shows none, as without the permission to
    /// read the history, or there are too many.
    #[error("the channel's messages do not tell")]
    NotShown,
    /// 404, with Discord's error code.
    #[error("Discord does not know the message (404, code {0})")]
    NotFound(u64),
    /// 400, with Discord's error code: the message's components are not as Discord takes them here.
    #[error("Discord refuses the message's components (status 400, code {0})")]
    RefusedComponents(u64),
    /// Any other status. A retry would not help.
    #[error("Discord refuses the message (status {status}, code {code})")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// Discord's error code.
        code: u64,
    },
}

impl DiscordError {
    /// Whether Discord may have acted on the request. Such a request is repeated only if twice is the same
    /// as once: an edit, a deletion, a post with a nonce.
    pub fn may_be_taken(&self) -> bool {
        matches!(self, Self::Lost(_) | Self::Fault(_))
    }

    /// Whether the same request may succeed later, whatever it is for.
    pub fn passes(&self) -> bool {
        match self {
            Self::NotSent(_)
            | Self::Lost(_)
            | Self::RateLimited(_)
            | Self::EditLimit(_)
            | Self::Fault(_)
            | Self::Proxy(_) => true,
            Self::NoSignIn(_)
            | Self::NotShown
            | Self::NotFound(_)
            | Self::RefusedComponents(_)
            | Self::Refused { .. } => false,
        }
    }

    /// Whether this is Discord's own, considered answer: it is up, and said no, or not yet.
    pub fn is_discords_word(&self) -> bool {
        matches!(
            self,
            Self::RateLimited(_)
                | Self::EditLimit(_)
                | Self::NotFound(_)
                | Self::RefusedComponents(_)
                | Self::Refused { .. }
        )
    }

    /// Whether the message was deleted.
    pub fn is_gone(&self) -> bool {
        *self == Self::NotFound(UNKNOWN_MESSAGE)
    }

    /// Whether Discord says that it does not know the interaction's token, or not any more. Right after a
    /// deferral that may pass: Discord may see the deferral a moment late.
    pub fn is_dead_interaction(&self) -> bool {
        matches!(
            self,
            Self::NotFound(UNKNOWN_WEBHOOK | UNKNOWN_INTERACTION)
                | Self::Refused { status: 401, code: INVALID_WEBHOOK_TOKEN }
        )
    }

    /// Whether Discord says that the bot may not do this in the channel. A retry helps only after somebody
    /// has changed that.
    pub fn may_not(&self) -> bool {
        matches!(self, Self::Refused { status, code } if *status == 403 || MAY_NOT.contains(code))
    }

    /// Whether the bot may not reply to a message here, because it may not read the history.
    pub fn refuses_replies(&self) -> bool {
        matches!(self, Self::Refused { code: REPLY_WITHOUT_HISTORY, .. })
    }

    /// Whether Discord refuses the request for good.
    pub(super) fn is_refusal(&self) -> bool {
        matches!(self, Self::Refused { .. } | Self::RefusedComponents(_))
    }

    /// Whether the same message may be taken as a text, or without its buttons. Asked only of a message with
    /// components: any 400 that does not blame something else counts.
    pub fn refuses_components(&self) -> bool {
        match self {
            Self::RefusedComponents(_) => true,
            Self::Refused { status, code } => {
                *status == 400 && *code != INVALID_FORM && !MAY_NOT.contains(code)
            }
            _ => false,
        }
    }

    /// Whether too many messages that are older than an hour were edited.
    pub fn is_edit_limit(&self) -> bool {
        matches!(self, Self::EditLimit(_))
    }
}

impl From<CallError> for DiscordError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::NotSent(why) => Self::NotSent(why),
            CallError::Lost(why) => Self::Lost(why),
        }
    }
}

/// Whether a 429 concerns all requests with the same sign-in.
pub(super) fn is_global(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> bool {
    let said = || serde_json::from_slice::<Value>(body).ok()?.get("global")?.as_bool();
    status == StatusCode::TOO_MANY_REQUESTS
        && (headers.contains_key("x-ratelimit-global") || said() == Some(true))
}

/// Classifies an answer.
pub(super) fn outcome(
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<(), DiscordError> {
    let json: Option<Value> = serde_json::from_slice(body).ok();
    if status.is_success() {
        // A page instead of JSON is not Discord's.
        return if body.is_empty() || json.is_some() {
            Ok(())
        } else {
            Err(DiscordError::Lost(format!("status {status}, but no JSON")))
        };
    }
    let json = json.unwrap_or_default();
    // All errors of Discord's have a code; only that of a rate limit may be missing.
    let code = json.get("code").and_then(Value::as_u64).filter(|code| *code != BLOCKED_BY_PROXY);
    Err(match (status.as_u16(), code) {
        (..500, Some(OLD_EDITS)) => DiscordError::EditLimit(retry_after(headers, &json)),
        (429, _) => DiscordError::RateLimited(retry_after(headers, &json)),
        (status @ 500.., _) => DiscordError::Fault(status),
        (404, Some(code)) => DiscordError::NotFound(code),
        (400, Some(code @ INVALID_FORM)) if blames_components(&json) => {
            DiscordError::RefusedComponents(code)
        }
        (status, Some(code)) => DiscordError::Refused { status, code },
        // Too large, whoever says so: it will be too large again.
        (status @ 413, None) => DiscordError::Refused { status, code: 0 },
        (status, None) => DiscordError::Proxy(status),
    })
}

/// Whether a form is refused because of the message's components, or without a word about why.
/// <https://docs.discord.com/developers/reference#error-messages>
fn blames_components(body: &Value) -> bool {
    const OF_COMPONENTS: [&str; 4] = ["components", "flags", "content", "embeds"];
    let errors = body.get("errors").and_then(Value::as_object);
    // The answer to an interaction has them one level deeper.
    let errors =
        errors.map(|errors| errors.get("data").and_then(Value::as_object).unwrap_or(errors));
    errors.is_none_or(|errors| OF_COMPONENTS.iter().any(|field| errors.contains_key(*field)))
}

/// Seconds, as a number with a fraction in Discord's body, as text in the header.
/// <https://docs.discord.com/developers/topics/rate-limits>
fn retry_after(headers: &HeaderMap, body: &Value) -> Duration {
    let wait = |seconds| Duration::try_from_secs_f64(seconds).ok();
    let header = || wait(headers.get("retry-after")?.to_str().ok()?.trim().parse().ok()?);
    match body.get("retry_after").and_then(Value::as_f64).and_then(wait) {
        Some(wait) => wait,
        None if body.is_object() => header().unwrap_or(Duration::from_secs(1)),
        None => header().unwrap_or(Duration::from_secs(1)).min(MOST_FOR_A_PROXY),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn of(status: u16, header: Option<&str>, body: &[u8]) -> Result<(), DiscordError> {
        let mut headers = HeaderMap::new();
        if let Some(value) = header {
            headers.insert("retry-after", value.parse().unwrap());
        }
        outcome(StatusCode::from_u16(status).unwrap(), &headers, body)
    }

    #[rstest]
    #[case::body(br#"{"retry_after": 0.25}"#, None, 250)]
    #[case::body_first(br#"{"retry_after": 1.5}"#, Some("2"), 1_500)]
    #[case::zero(br#"{"retry_after": 0}"#, Some("0"), 0)]
    #[case::discords_header(br#"{"message": "", "code": 20028}"#, Some("64.57"), 64_570)]
    #[case::nothing(b"", None, 1_000)]
    #[case::negative(br#"{"retry_after": -5}"#, None, 1_000)]
    #[case::negative_but_a_header(br#"{"retry_after": -5}"#, Some("3"), 3_000)]
    #[case::endless(br#"{"retry_after": 1e300}"#, None, 1_000)]
    #[case::proxy(b"<html>", Some("3"), 3_000)]
    #[case::proxy_with_a_fraction(b"<html>", Some("0.5"), 500)]
    #[case::proxy_of_long_waits(b"<html>", Some("3600"), 8_000)]
    #[case::proxy_with_a_date(b"<html>", Some("Thu, 26 Nov 2026 10:00:00 GMT"), 1_000)]
    fn a_429_says_how_long(#[case] body: &[u8], #[case] header: Option<&str>, #[case] ms: u64) {
        let limited = Err(DiscordError::RateLimited(Duration::from_millis(ms)));
        assert_eq!(of(429, header, body), limited);
    }

    const HTML: &[u8] = b"<!DOCTYPE html><title>Access denied</title>";

    #[rstest]
    #[case::json(200, br#"{"id": "1"}"#, Ok(()))]
    #[case::nothing(204, b"", Ok(()))]
    #[case::page(200, HTML, Err(DiscordError::Lost("status 200 OK, but no JSON".to_owned())))]
    #[case::token(401, br#"{"code": 50027}"#, Err(DiscordError::Refused { status: 401, code: 50027 }))]
    #[case::forbidden(403, br#"{"code": 50013}"#, Err(DiscordError::Refused { status: 403, code: 50013 }))]
    #[case::forbidden_page(403, HTML, Err(DiscordError::Proxy(403)))]
    #[case::empty(403, b"", Err(DiscordError::Proxy(403)))]
    #[case::blocked(
        403,
        br#"{"message": "internal network error", "code": 40333}"#,
        Err(DiscordError::Proxy(403))
    )]
    #[case::gateways_json(403, br#"{"message": "Forbidden"}"#, Err(DiscordError::Proxy(403)))]
    #[case::old_edits(
        429,
        br#"{"code": 30046, "retry_after": 2.5}"#,
        Err(DiscordError::EditLimit(Duration::from_millis(2_500)))
    )]
    #[case::old_edits_without_a_wait(
        400,
        br#"{"code": 30046}"#,
        Err(DiscordError::EditLimit(Duration::from_secs(1)))
    )]
    #[case::redirect(302, b"", Err(DiscordError::Proxy(302)))]
    #[case::gone(404, br#"{"code": 10008}"#, Err(DiscordError::NotFound(10008)))]
    #[case::unknown_webhook(404, br#"{"code": 10015}"#, Err(DiscordError::NotFound(10015)))]
    #[case::missing_page(404, HTML, Err(DiscordError::Proxy(404)))]
    #[case::too_large(413, HTML, Err(DiscordError::Refused { status: 413, code: 0 }))]
    #[case::too_large_json(413, br#"{"code": 40005}"#, Err(DiscordError::Refused { status: 413, code: 40005 }))]
    #[case::fault(503, br#"{"code": 0}"#, Err(DiscordError::Fault(503)))]
    #[case::proxy_fault(521, HTML, Err(DiscordError::Fault(521)))]
    fn each_answer_maps_to_its_error(
        #[case] status: u16,
        #[case] body: &[u8],
        #[case] expected: Result<(), DiscordError>,
    ) {
        assert_eq!(of(status, None, body), expected);
    }

    #[rstest]
    #[case(DiscordError::NotSent(String::new()), true, false, false)]
    #[case(DiscordError::Lost(String::new()), true, true, false)]
    #[case(DiscordError::Fault(502), true, true, false)]
    #[case(DiscordError::Proxy(403), true, false, false)]
    #[case(DiscordError::RateLimited(Duration::ZERO), true, false, true)]
    #[case(DiscordError::EditLimit(Duration::ZERO), true, false, true)]
    #[case(DiscordError::NotShown, false, false, false)]
    #[case(DiscordError::NotFound(10008), false, false, true)]
    #[case(DiscordError::Refused { status: 403, code: 50013 }, false, false, true)]
    #[case(DiscordError::NoSignIn(String::new()), false, false, false)]
    fn each_error_is_read_in_one_way(
        #[case] error: DiscordError,
        #[case] passes: bool,
        #[case] may_be_taken: bool,
        #[case] discords_word: bool,
    ) {
        assert_eq!(error.passes(), passes);
        assert_eq!(error.may_be_taken(), may_be_taken);
        assert_eq!(error.is_discords_word(), discords_word);
    }

    #[rstest]
    #[case::expired(401, br#"{"code": 50027}"#, true, false, false)]
    #[case::unknown_webhook(404, br#"{"code": 10015}"#, true, false, false)]
    #[case::unknown_interaction(404, br#"{"code": 10062}"#, true, false, false)]
    #[case::bot_token_refused(401, br#"{"code": 0}"#, false, false, false)]
    #[case::message_gone(404, br#"{"code": 10008}"#, false, false, false)]
    #[case::not_seen(403, br#"{"code": 50001}"#, false, true, false)]
    #[case::not_permitted(403, br#"{"code": 50013}"#, false, true, false)]
    #[case::not_ours(403, br#"{"code": 50005}"#, false, true, false)]
    #[case::archived_thread(400, br#"{"code": 50083}"#, false, true, false)]
    #[case::locked_thread(400, br#"{"code": 160005}"#, false, true, false)]
    #[case::no_reply(400, br#"{"code": 160002}"#, false, true, false)]
    #[case::too_long(400, br#"{"code": 50035}"#, false, false, false)]
    #[case::proxy(403, HTML, false, false, false)]
    #[case::blocked(403, br#"{"code": 40333}"#, false, false, false)]
    #[case::fault(500, br#"{"code": 50013}"#, false, false, false)]
    #[case::old_edits(429, br#"{"code": 30046}"#, false, false, true)]
    #[case::rate_limit(429, br#"{"retry_after": 1}"#, false, false, false)]
    fn what_a_refusal_says_of_the_interaction_and_the_channel(
        #[case] status: u16,
        #[case] body: &[u8],
        #[case] dead: bool,
        #[case] may_not: bool,
        #[case] edit_limit: bool,
    ) {
        let error = of(status, None, body).unwrap_err();
        assert_eq!(error.is_dead_interaction(), dead);
        assert_eq!(error.may_not(), may_not);
        assert_eq!(error.is_edit_limit(), edit_limit);
    }

    #[rstest]
    #[case::components(400, br#"{"code": 50035, "errors": {"components": {"0": {}}}}"#, true)]
    #[case::flag(400, br#"{"code": 50035, "errors": {"flags": {"_errors": []}}}"#, true)]
    #[case::in_an_answer(400, br#"{"code": 50035, "errors": {"data": {"components": {}}}}"#, true)]
    #[case::no_word_about_why(400, br#"{"code": 50035, "message": "Invalid Form Body"}"#, true)]
    #[case::empty_for_it(400, br#"{"code": 50006}"#, true)]
    #[case::reply(400, br#"{"code": 50035, "errors": {"message_reference": {}}}"#, false)]
    #[case::mentions(400, br#"{"code": 50035, "errors": {"allowed_mentions": {}}}"#, false)]
    #[case::archived_thread(400, br#"{"code": 50083}"#, false)]
    #[case::not_permitted(403, br#"{"code": 50013}"#, false)]
    #[case::gone(404, br#"{"code": 10008}"#, false)]
    #[case::fault(500, br#"{"code": 50035}"#, false)]
    #[case::proxy(400, HTML, false)]
    fn a_refusal_of_components_is_recognised(
        #[case] status: u16,
        #[case] body: &[u8],
        #[case] expected: bool,
    ) {
        let error = of(status, None, body).unwrap_err();
        assert_eq!(error.refuses_components(), expected, "{error}");
    }

    #[rstest]
    #[case(429, None, br#"{"global": true, "retry_after": 1}"#, true)]
    #[case(429, Some("x-ratelimit-global"), b"<html>", true)]
    #[case(429, None, br#"{"global": false, "retry_after": 1}"#, false)]
    #[case(200, None, br#"{"global": true}"#, false)]
    fn a_global_limit_is_recognised(
        #[case] status: u16,
        #[case] header: Option<&'static str>,
        #[case] body: &[u8],
        #[case] expected: bool,
    ) {
        let mut headers = HeaderMap::new();
        if let Some(name) = header {
            headers.insert(name, "true".parse().unwrap());
        }
        assert_eq!(is_global(StatusCode::from_u16(status).unwrap(), &headers, body), expected);
    }
}
