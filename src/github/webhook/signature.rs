//! The signature of a delivery: HMAC-SHA256 over the raw bytes of its body, in `X-Hub-Signature-256`.
//!
//! <https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries>

use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http::HeaderMap;
use sha2::Sha256;

use crate::secrets::Secret;

const HEADER: &str = "x-hub-signature-256";
/// What GitHub sends besides for old receivers, by SHA-1. It proves nothing.
const OLD_HEADER: &str = "x-hub-signature";

/// Why a delivery is not GitHub's. All answer 401; only the log shows which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotSigned {
    /// There is no signature: a hook without a secret, or not a hook.
    #[error("there is no X-Hub-Signature-256")]
    Missing,
    /// There is only the signature that is not accepted.
    #[error("there is only X-Hub-Signature, which is by SHA-1")]
    Sha1Only,
    /// The header is repeated, or not `sha256=` and 64 hex digits.
    #[error("X-Hub-Signature-256 is malformed")]
    Malformed,
    /// The signature does not match these bytes and our secret.
    #[error("the signature does not verify")]
    Wrong,
}

/// A body with a valid signature. Only [`Signature::verify`] makes one.
#[derive(Debug)]
pub(crate) struct Verified(Bytes);

impl Verified {
    /// The exact bytes that were signed.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// A signature that was sent, not checked yet.
pub(super) struct Signature([u8; 32]);

impl Signature {
    /// Reads the header.
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, NotSigned> {
        let mut values = headers.get_all(HEADER).iter();
        let value = match (values.next(), values.next()) {
            (Some(value), None) => value.to_str().map_err(|_| NotSigned::Malformed)?,
            (Some(_), Some(_)) => return Err(NotSigned::Malformed),
            (None, _) if headers.contains_key(OLD_HEADER) => return Err(NotSigned::Sha1Only),
            (None, _) => return Err(NotSigned::Missing),
        };
        let digits = value.strip_prefix("sha256=").ok_or(NotSigned::Malformed)?;
        let mut bytes = [0; 32];
        hex::decode_to_slice(digits, &mut bytes).map_err(|_| NotSigned::Malformed)?;
        Ok(Self(bytes))
    }

    /// Checks it in constant time.
    pub(super) fn verify(&self, body: &Bytes, secret: &Secret) -> Option<Verified> {
        // A key of any length will do.
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()).ok()?;
        mac.update(body);
        mac.verify_slice(&self.0).ok()?;
        Some(Verified(body.clone()))
    }
}

/// For tests of what is done with a body.
#[cfg(test)]
pub(super) fn verified(body: &[u8]) -> Verified {
    Verified(Bytes::copy_from_slice(body))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    /// The example in GitHub's documentation.
    const SECRET: &str = "It's a Secret to Everybody";
    const BODY: &[u8] = b"Hello, World!";
    const SIGNATURE: &str =
        "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";

    fn headers(given: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in given {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    fn verifies(signature: &str, body: &'static [u8], secret: &str) -> bool {
        let signature = Signature::of(&headers(&[(HEADER, signature)])).ok().unwrap();
        signature.verify(&Bytes::from_static(body), &Secret::new(secret)).is_some()
    }

    #[rstest]
    #[case::documented(SIGNATURE, BODY, SECRET, true)]
    #[case::upper_case(&SIGNATURE.to_uppercase().replace("SHA", "sha"), BODY, SECRET, true)]
    #[case::another_secret(SIGNATURE, BODY, "It's a secret to everybody", false)]
    #[case::another_body(SIGNATURE, b"Hello, World", SECRET, false)]
    #[case::no_body(SIGNATURE, b"", SECRET, false)]
    #[case::one_digit_off(&SIGNATURE.replace("e17", "e18"), BODY, SECRET, false)]
    #[case::nothing_but_zeros(&format!("sha256={}", "0".repeat(64)), BODY, SECRET, false)]
    fn a_signature_is_of_these_bytes_and_this_secret(
        #[case] signature: &str,
        #[case] body: &'static [u8],
        #[case] secret: &str,
        #[case] expected: bool,
    ) {
        assert_eq!(verifies(signature, body, secret), expected);
    }

    #[rstest]
    #[case::none(&[], NotSigned::Missing)]
    #[case::sha1_only(&[(OLD_HEADER, "sha1=00")], NotSigned::Sha1Only)]
    #[case::no_algorithm(&[(HEADER, &SIGNATURE[7..])], NotSigned::Malformed)]
    #[case::another_algorithm(&[(HEADER, "sha1=757107ea0eb2509fc211221cce984b8a37570b6d")], NotSigned::Malformed)]
    #[case::short(&[(HEADER, "sha256=757107ea")], NotSigned::Malformed)]
    #[case::long(&[(HEADER, &format!("{SIGNATURE}00")[..])], NotSigned::Malformed)]
    #[case::no_hex(&[(HEADER, &SIGNATURE.replace('7', "g")[..])], NotSigned::Malformed)]
    #[case::empty(&[(HEADER, "")], NotSigned::Malformed)]
    #[case::twice(&[(HEADER, SIGNATURE), (HEADER, SIGNATURE)], NotSigned::Malformed)]
    #[case::not_text(&[(HEADER, "sha256=ß")], NotSigned::Malformed)]
    fn other_headers_are_refused(
        #[case] given: &[(&'static str, &str)],
        #[case] expected: NotSigned,
    ) {
        assert_eq!(Signature::of(&headers(given)).err(), Some(expected));
    }
}
