//! Signs in as a GitHub App: signs a JWT and gets an installation token for it.
//!
//! The JWT is built here, from one header and three claims: the JWT crates add aws-lc or a second RSA library
//! beside ring.
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
use tokio::time::Instant;

use super::error::GithubError;
use crate::secrets::Secret;

/// GitHub's clock may be behind ours, so a JWT is issued this long in the past.
const BACKDATED: TimeDelta = TimeDelta::seconds(60);
/// Lifetime of a JWT. GitHub accepts at most ten minutes.
const VALID_FOR: TimeDelta = TimeDelta::minutes(9);
/// Renew an installation token this long before it expires. Longer than any wait for a run, so a token never
/// expires during one.
const RENEWED_BEFORE: TimeDelta = TimeDelta::minutes(16);
/// Use a token that could not be renewed until this long before it expires.
const USABLE_BEFORE: TimeDelta = TimeDelta::minutes(1);
/// An installation token counts as new for this long: GitHub's servers may not know it yet.
const NEW_FOR: TimeDelta = TimeDelta::seconds(20);

/// What a request is sent with.
#[derive(Debug, Clone)]
pub(super) struct Token {
    pub secret: Secret,
    /// When an installation token was issued, by GitHub's clock.
    pub issued_at: Option<DateTime<Utc>>,
}

impl Token {
    /// Whether it was issued a few seconds ago.
    pub(super) fn is_new(&self, now: DateTime<Utc>) -> bool {
        self.issued_at.is_some_and(|issued| (now - issued).abs() < NEW_FOR)
    }
}

/// An installation token.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct InstallationToken {
    /// The token. Its format is opaque.
    #[serde(deserialize_with = "secret")]
    pub token: Secret,
    /// One hour after it was issued.
    pub expires_at: DateTime<Utc>,
    /// When we got it, by GitHub's clock.
    #[serde(skip)]
    pub issued_at: Option<DateTime<Utc>>,
    /// Its permissions: `read`, `write` or `admin` by the permission's name.
    #[serde(default)]
    pub permissions: BTreeMap<String, String>,
}

impl InstallationToken {
    /// Whether it stays valid for a whole wait that starts now.
    pub(crate) fn is_fresh(&self, now: DateTime<Utc>) -> bool {
        now + RENEWED_BEFORE < self.expires_at
    }

    /// Whether a request that is sent now can still use it.
    pub(crate) fn is_valid(&self, now: DateTime<Utc>) -> bool {
        now + USABLE_BEFORE < self.expires_at
    }

    pub(super) fn token(&self) -> Token {
        Token { secret: self.token.clone(), issued_at: self.issued_at }
    }
}

/// What is kept of the sign-in as an app.
#[derive(Default)]
pub(super) struct SignedIn {
    pub token: Option<InstallationToken>,
    /// Whether there ever was one, so the app's settings are right.
    pub works: bool,
    /// The last sign-in that failed, and when.
    pub failed: Option<(Instant, GithubError)>,
}

fn secret<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
    String::deserialize(deserializer).map(Secret::new)
}

/// A JWT (RFC 7519, RS256) for the app with this id or client id. `None` if the private key is not usable.
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

/// Reads an RSA key as PKCS #1, which GitHub issues, or PKCS #8, to which people convert it.
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
    fn a_token_that_could_expire_during_a_wait_is_not_fresh() {
        let now = DateTime::from_timestamp(1_795_341_600, 0).unwrap();
        let token = |minutes| InstallationToken {
            token: Secret::new("t"),
            expires_at: now + TimeDelta::minutes(minutes),
            issued_at: None,
            permissions: BTreeMap::new(),
        };
        assert!(token(60).is_fresh(now));
        assert!(token(17).is_fresh(now));
        assert!(!token(16).is_fresh(now));
        assert!(!token(-1).is_fresh(now));
        assert!(token(16).is_valid(now) && token(2).is_valid(now) && !token(1).is_valid(now));
    }

    #[test]
    fn an_invalid_private_key_makes_no_jwt() {
        for key in ["", "secret", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"] {
            assert!(jwt("1", &Secret::new(key), DateTime::UNIX_EPOCH).is_none());
        }
    }
}
