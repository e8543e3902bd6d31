//! Verifies that a request comes from Discord and is recent.
//!
//! <https://docs.discord.com/developers/interactions/overview#validating-security-request-headers>

use bytes::Bytes;
use chrono::{DateTime, Utc};
use ed25519_dalek::{Signature, VerifyingKey};
use http::HeaderMap;

/// The largest difference between the signed timestamp and the time now, in seconds, in either direction. It
/// limits replays.
const FRESHNESS_SECONDS: u64 = 5 * 60;

/// A request body with a valid signature. Only [`verify`] makes one.
#[derive(Debug)]
pub(crate) struct Verified(Bytes);

impl Verified {
    /// The exact bytes that were signed.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Why a request is not from Discord. All answer 401; only the log shows which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotDiscord {
    /// A signature header is missing, repeated or malformed.
    #[error("the signature headers are missing or malformed")]
    Headers,
    /// The timestamp is more than five minutes from now.
    #[error("the signed timestamp is too far from now")]
    Stale,
    /// The signature does not match these bytes, this timestamp and this key.
    #[error("the signature does not verify")]
    Signature,
}

/// Checks `X-Signature-Ed25519` (64 bytes in hex) over `X-Signature-Timestamp ++ body`. `now` is when the
/// request was received, by the best clock that there is.
pub(crate) fn verify(
    headers: &HeaderMap,
    body: Bytes,
    key: &VerifyingKey,
    now: DateTime<Utc>,
) -> Result<Verified, NotDiscord> {
    let timestamp = single(headers, "x-signature-timestamp")?;
    let signature = single(headers, "x-signature-ed25519")?;
    if timestamp.is_empty() || !timestamp.bytes().all(|b| b.is_ascii_digit()) {
        return Err(NotDiscord::Headers);
    }
    let signed_at: i64 = timestamp.parse().map_err(|_| NotDiscord::Headers)?;
    let mut bytes = [0; Signature::BYTE_SIZE];
    hex::decode_to_slice(signature, &mut bytes).map_err(|_| NotDiscord::Headers)?;
    if now.timestamp().abs_diff(signed_at) > FRESHNESS_SECONDS {
        return Err(NotDiscord::Stale);
    }
    let message = [timestamp.as_bytes(), &body].concat();
    key.verify_strict(&message, &Signature::from_bytes(&bytes))
        .map_err(|_| NotDiscord::Signature)?;
    Ok(Verified(body))
}

fn single<'a>(headers: &'a HeaderMap, name: &str) -> Result<&'a str, NotDiscord> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().map_err(|_| NotDiscord::Headers),
        _ => Err(NotDiscord::Headers),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ed25519_dalek::{Signer, SigningKey};
    use rstest::rstest;

    const NOW: i64 = 1_800_000_000;
    const BODY: &[u8] = br#"{"type":1}"#;

    fn key() -> SigningKey {
        SigningKey::from_bytes(&[7; 32])
    }

    fn headers(timestamp: &str, signed: &str, body: &[u8]) -> HeaderMap {
        let signature = key().sign(&[signed.as_bytes(), body].concat());
        let mut headers = HeaderMap::new();
        headers.insert("X-Signature-Timestamp", timestamp.parse().unwrap());
        let signature = hex::encode(signature.to_bytes());
        headers.insert("x-signature-ed25519", signature.parse().unwrap());
        headers
    }

    fn check(headers: &HeaderMap, body: &'static [u8]) -> Result<(), NotDiscord> {
        let now = DateTime::from_timestamp(NOW, 0).unwrap();
        let body = Bytes::from_static(body);
        verify(headers, body, &key().verifying_key(), now).map(|_| ())
    }

    #[rstest]
    #[case::now(0, Ok(()))]
    #[case::edge_of_the_past(-300, Ok(()))]
    #[case::edge_of_the_future(300, Ok(()))]
    #[case::too_old(-301, Err(NotDiscord::Stale))]
    #[case::too_new(301, Err(NotDiscord::Stale))]
    #[case::year_2001(1_000_000_000 - NOW, Err(NotDiscord::Stale))]
    fn a_timestamp_is_valid_for_five_minutes(
        #[case] offset: i64,
        #[case] expected: Result<(), NotDiscord>,
    ) {
        let timestamp = (NOW + offset).to_string();
        assert_eq!(check(&headers(&timestamp, &timestamp, BODY), BODY), expected);
    }

    #[rstest]
    #[case::empty("")]
    #[case::signed_number("-1800000000")]
    #[case::plus("+1800000000")]
    #[case::words("now")]
    #[case::overflow("99999999999999999999999")]
    fn a_malformed_timestamp_is_refused(#[case] timestamp: &str) {
        let headers = headers(timestamp, timestamp, BODY);
        assert_eq!(check(&headers, BODY), Err(NotDiscord::Headers));
    }

    #[rstest]
    #[case::other_body(br#"{"type":2}"#)]
    #[case::white_space(br#"{"type": 1}"#)]
    #[case::nothing(b"")]
    fn a_changed_body_does_not_verify(#[case] body: &'static [u8]) {
        let timestamp = NOW.to_string();
        let headers = headers(&timestamp, &timestamp, BODY);
        assert_eq!(check(&headers, body), Err(NotDiscord::Signature));
    }

    #[test]
    fn a_changed_timestamp_does_not_verify() {
        let headers = headers(&NOW.to_string(), &(NOW - 1).to_string(), BODY);
        assert_eq!(check(&headers, BODY), Err(NotDiscord::Signature));
    }

    #[rstest]
    #[case::short("ab")]
    #[case::not_hex(&"zz".repeat(64))]
    #[case::long(&"ab".repeat(65))]
    fn a_malformed_signature_is_refused(#[case] signature: &str) {
        let timestamp = NOW.to_string();
        let mut headers = headers(&timestamp, &timestamp, BODY);
        headers.insert("x-signature-ed25519", signature.parse().unwrap());
        assert_eq!(check(&headers, BODY), Err(NotDiscord::Headers));
    }

    #[rstest]
    #[case("x-signature-ed25519")]
    #[case("x-signature-timestamp")]
    fn a_missing_or_repeated_header_is_refused(#[case] name: &'static str) {
        let timestamp = NOW.to_string();
        let mut missing = headers(&timestamp, &timestamp, BODY);
        missing.remove(name);
        assert_eq!(check(&missing, BODY), Err(NotDiscord::Headers));
        let mut repeated = headers(&timestamp, &timestamp, BODY);
        let value = repeated.get(name).cloned().unwrap();
        repeated.append(name, value);
        assert_eq!(check(&repeated, BODY), Err(NotDiscord::Headers));
    }
}
