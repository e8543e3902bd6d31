//! A GitHub App instead of a token: signs in with a JWT and works with an installation's token.
//!
//! The JWT is made by hand: one header and three claims; the JWT crates bring aws-lc or a second RSA beside ring.
//! <https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app>

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use serde::Deserialize;
use serde_json::json;

use crate::secrets::Secret;

/// GitHub's clock and ours may disagree, so a JWT is dated back by this much.
const BACKDATED: TimeDelta = TimeDelta::seconds(60);
/// GitHub takes at most ten minutes.
const VALID_FOR: TimeDelta = TimeDelta::minutes(9);
/// A token is renewed this long before it ends: longer than any wait that begins with it.
const RENEWED_BEFORE: TimeDelta = TimeDelta::minutes(16);

/// An installation's token.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct InstallationToken {
    /// The token; its form is GitHub's business.
    #[serde(deserialize_with = "secret")]
    pub token: Secret,
    /// An hour after it was given.
    pub expires_at: DateTime<Utc>,
    /// What it may do: `read`, `write` or `admin` by the permission's name.
    #[serde(default)]
    pub permissions: BTreeMap<String, String>,
}

impl InstallationToken {
    /// Whether it is good for the whole of a wait that begins now.
    pub(crate) fn is_fresh(&self, now: DateTime<Utc>) -> bool {
        now + RENEWED_BEFORE < self.expires_at
    }
}

fn secret<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
    String::deserialize(deserializer).map(Secret::new)
}

/// Signs the app with this id (or client id) in: a JWT (RFC 7519, RS256) that GitHub takes for the next
/// minutes. `None` when the private key cannot be used.
pub(crate) fn jwt(app_id: &str, private_key: &Secret, now: DateTime<Utc>) -> Option<Secret> {
    let key = key_pair(private_key.expose())?;
    let claims = json!({
        "iat": (now - BACKDATED).timestamp(),
        "exp": (now + VALID_FOR).timestamp(),
        "iss": app_id,
    });
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256","typ":"JWT"}"#);
    let signed = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims.to_string()));
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature).ok()?;
    Some(Secret::new(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))))
}

/// GitHub gives keys as PKCS #1; people convert them to PKCS #8.
fn key_pair(pem: &str) -> Option<RsaKeyPair> {
    match PrivateKeyDer::from_pem_slice(pem.as_bytes()).ok()? {
        PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()).ok(),
        PrivateKeyDer::Pkcs8(der) => RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_renewed_before_a_wait_could_outlive_it() {
        let now = DateTime::from_timestamp(1_795_341_600, 0).unwrap();
        let token = |minutes| InstallationToken {
            token: Secret::new("t"),
            expires_at: now + TimeDelta::minutes(minutes),
            permissions: BTreeMap::new(),
        };
        assert!(token(60).is_fresh(now));
        assert!(token(17).is_fresh(now));
        assert!(!token(16).is_fresh(now));
        assert!(!token(-1).is_fresh(now));
    }

    #[test]
    fn a_key_that_is_none_signs_nothing() {
        for key in ["", "secret", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"] {
            assert!(jwt("1", &Secret::new(key), DateTime::UNIX_EPOCH).is_none());
        }
    }
}
