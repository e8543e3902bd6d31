//! The GitHub App's key, and the JWT that it signs in with.
//!
//! <https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app>

use super::wire::Refusal;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use ring::{rsa, signature};
use serde_json::Value;
use std::sync::OnceLock;

/// The private key of the App, made for these tests. It guards nothing.
pub(super) const KEY: &str = include_str!("app_key_for_tests_only.pem");
/// The App's id.
pub(super) const APP_ID: u64 = 1_190_001;
/// The App's client id, which may stand in a JWT instead of its id.
pub(super) const CLIENT_ID: &str = "Iv23liStandinDeckhand";
/// The id of the App's one installation.
pub(super) const INSTALLATION_ID: u64 = 41_190_002;
/// How far ahead a JWT may end.
const LONGEST: i64 = 600;

fn key() -> &'static signature::RsaKeyPair {
    static PARSED: OnceLock<signature::RsaKeyPair> = OnceLock::new();
    PARSED.get_or_init(|| {
        let text: String = KEY.lines().filter(|line| !line.starts_with("-----")).collect();
        let der = base64::engine::general_purpose::STANDARD.decode(text).expect("base64");
        signature::RsaKeyPair::from_der(&der).expect("a 2048-bit RSA key")
    })
}

/// Signs as the App does; for the stand-in's own tests.
#[cfg(test)]
pub(super) fn sign(claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed =
        format!("{}.{}", part(&serde_json::json!({"alg": "RS256", "typ": "JWT"})), part(claims));
    let mut signature = vec![0; key().public().modulus_len()];
    let random = ring::rand::SystemRandom::new();
    let padding = &signature::RSA_PKCS1_SHA256;
    key().sign(padding, &random, signed.as_bytes(), &mut signature).expect("it can be signed");
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// Checks a JWT of the App. `now` is GitHub's time.
pub(super) fn verify(jwt: &str, now: DateTime<Utc>) -> Result<(), Refusal> {
    let refuse = |why: &str| (401, why.to_owned());
    let claims =
        signed_claims(jwt).ok_or_else(|| refuse("A JSON web token could not be decoded"))?;
    let now = now.timestamp();
    match claims["iat"].as_i64() {
        Some(iat) if iat <= now => {}
        _ => {
            return Err(refuse(
                "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued",
            ));
        }
    }
    match claims["exp"].as_i64() {
        Some(exp) if exp > now + LONGEST => {
            return Err(refuse("'Expiration time' claim ('exp') is too far in the future"));
        }
        Some(exp) if exp > now => {}
        _ => {
            return Err(refuse(
                "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires",
            ));
        }
    }
    let issuer = match &claims["iss"] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    if issuer != CLIENT_ID && issuer != APP_ID.to_string() {
        return Err((404, "Integration not found".to_owned()));
    }
    Ok(())
}

/// The claims of a JWT that the App's key signed with RS256.
fn signed_claims(jwt: &str) -> Option<Value> {
    let (signed, signature) = jwt.rsplit_once('.')?;
    let (header, claims) = signed.split_once('.')?;
    let json = |part: &str| -> Option<Value> {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
    };
    if json(header)?["alg"] != "RS256" {
        return None;
    }
    let public: rsa::PublicKeyComponents<Vec<u8>> = key().public().into();
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    let kind = &signature::RSA_PKCS1_2048_8192_SHA256;
    public.verify(kind, signed.as_bytes(), &signature).ok()?;
    json(claims).filter(Value::is_object)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_jwt_is_taken_or_refused_as_github_does() {
        let now = Utc::now();
        let at = |seconds: i64| now.timestamp() + seconds;
        let good = json!({"iat": at(-60), "exp": at(540), "iss": CLIENT_ID});
        let with = |field: &str, value: Value| {
            let mut claims = good.clone();
            claims[field] = value;
            sign(&claims)
        };
        assert_eq!(verify(&sign(&good), now), Ok(()));
        assert_eq!(verify(&with("iss", json!(APP_ID)), now), Ok(()));
        assert_eq!(verify(&with("iss", json!(APP_ID.to_string())), now), Ok(()));
        for (jwt, status, part) in [
            (with("iat", json!(at(5))), 401, "'iat'"),
            (with("iat", json!("now")), 401, "'iat'"),
            (with("exp", json!(at(601))), 401, "too far in the future"),
            (with("exp", json!(at(0))), 401, "'exp'"),
            (with("iss", json!("Iv1.other")), 404, "Integration not found"),
            (sign(&good).replacen("eyJ", "eyK", 1), 401, "could not be decoded"),
            ("x.y.z".to_owned(), 401, "could not be decoded"),
        ] {
            let refusal = verify(&jwt, now).unwrap_err();
            assert!(refusal.0 == status && refusal.1.contains(part), "{refusal:?}");
        }
    }
}
