//! The GitHub App: its JWT, its one installation and the tokens issued for that.
//!
//! <https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app>

use super::{
    Github,
    answers::{digest, stamp},
    dispatch::Refusal,
    permission::{self, Granted, Level},
    routes::{Found, View, not_found},
};
use crate::server::Answer;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use ring::{rsa, signature};
use serde_json::{Map, Value, json};
use std::sync::OnceLock;

/// The private key of the App, made for these tests. It guards nothing.
const KEY: &str = include_str!("app_key_for_tests_only.pem");
const APP_ID: u64 = 1_190_001;
const CLIENT_ID: &str = "Iv23liStandinDeckhand";
const INSTALLATION_ID: u64 = 41_190_002;
const SLUG: &str = "deckhand";
/// The login that an installation's runs are by.
pub(super) const BOT: &str = "deckhand[bot]";
/// How long an installation's token lives.
const TOKEN_LIVES: TimeDelta = TimeDelta::hours(1);
/// How far ahead a JWT may end.
const LONGEST: i64 = 600;

/// An installation's token.
pub(super) struct Issued {
    pub token: String,
    pub ends: DateTime<Utc>,
    pub granted: Granted,
}

impl Github {
    /// The App's private key as GitHub gives it out: PKCS #1 in PEM. It is for tests only.
    pub fn app_private_key_pem(&self) -> &'static str {
        KEY
    }

    /// The App's id.
    pub fn app_id(&self) -> u64 {
        APP_ID
    }

    /// The App's client id, which may stand in a JWT instead of its id.
    pub fn app_client_id(&self) -> &'static str {
        CLIENT_ID
    }

    /// The id of its one installation.
    pub fn installation_id(&self) -> u64 {
        INSTALLATION_ID
    }

    /// How many installation tokens were issued.
    pub fn tokens_issued(&self) -> usize {
        self.shared.state().issued.len()
    }

    /// Every installation token issued, oldest first, also those that ended.
    pub fn installation_tokens(&self) -> Vec<String> {
        self.shared.state().issued.iter().map(|issued| issued.token.clone()).collect()
    }
}

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
    let signed = format!("{}.{}", part(&json!({"alg": "RS256", "typ": "JWT"})), part(claims));
    let mut signature = vec![0; key().public().modulus_len()];
    let random = ring::rand::SystemRandom::new();
    let padding = &signature::RSA_PKCS1_SHA256;
    key().sign(padding, &random, signed.as_bytes(), &mut signature).expect("it can be signed");
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// Checks a JWT of the App's by GitHub's clock.
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

fn words(granted: &Granted) -> Value {
    let given = granted.iter().filter(|(_, level)| **level > Level::None);
    given
        .map(|(name, level)| ((*name).to_owned(), json!(level.word())))
        .collect::<Map<_, _>>()
        .into()
}

impl View<'_> {
    /// Answers a request that only the App itself may make, with its JWT.
    pub(super) fn as_app(&mut self, method: &str, path: &[&str]) -> Found {
        let installed = self.state.scenario.installed;
        match (method, path) {
            ("GET", ["app"]) => Ok(self.json(&self.app())),
            ("GET", ["app", "installations", id]) if installed && is_ours(id) => {
                Ok(self.json(&self.installation()))
            }
            ("GET", ["repos", _, _, "installation"]) if installed => {
                Ok(self.json(&self.installation()))
            }
            ("POST", ["app", "installations", id, "access_tokens"]) if installed && is_ours(id) => {
                self.issue()
            }
            _ => Err(not_found()),
        }
    }

    fn app(&self) -> Value {
        json!({
            "id": APP_ID,
            "slug": SLUG,
            "client_id": CLIENT_ID,
            "node_id": format!("A_{APP_ID}"),
            "owner": self.site("").user(self.owner(), "Organization"),
            "name": "Deckhand",
            "description": "",
            "external_url": "https://example.com",
            "html_url": format!("{}/apps/{SLUG}", self.state.scenario.html_base),
            "created_at": "2024-01-01T00:00:00Z",
            "updated_at": "2024-01-01T00:00:00Z",
            "permissions": words(&permission::granted(&self.state.scenario.denied)),
            "events": ["workflow_run"],
            "installations_count": u8::from(self.state.scenario.installed),
        })
    }

    fn owner(&self) -> &str {
        let repo = self.state.scenario.repo.as_deref();
        repo.and_then(|repo| repo.split_once('/')).map_or("octo-org", |(owner, _)| owner)
    }

    fn installation(&self) -> Value {
        let account = self.site("").user(self.owner(), "Organization");
        let page = &self.state.scenario.html_base;
        json!({
            "id": INSTALLATION_ID,
            "target_id": account["id"],
            "target_type": "Organization",
            "html_url": format!(
                "{page}/organizations/{}/settings/installations/{INSTALLATION_ID}",
                self.owner()
            ),
            "account": account,
            "repository_selection": "selected",
            "access_tokens_url":
                format!("{}/app/installations/{INSTALLATION_ID}/access_tokens", self.api),
            "repositories_url": format!("{}/installation/repositories", self.api),
            "app_id": APP_ID,
            "app_slug": SLUG,
            "client_id": CLIENT_ID,
            "permissions": words(&permission::granted(&self.state.scenario.denied)),
            "events": ["workflow_run"],
            "created_at": "2024-01-01T00:00:00Z",
            "updated_at": "2024-01-01T00:00:00Z",
            "single_file_name": null,
            "suspended_by": null,
            "suspended_at": null,
        })
    }

    fn issue(&mut self) -> Found {
        let body: Value = match self.request.body.as_ref() {
            [] => json!({}),
            body => serde_json::from_slice(body)
                .map_err(|_| (400, "Problems parsing JSON".to_owned()))?,
        };
        let mut granted = permission::granted(&self.state.scenario.denied);
        if let Some(asked) = body["permissions"].as_object() {
            let more = || {
                (422, "The permissions requested are not granted to this installation.".to_owned())
            };
            let mut narrowed = Granted::new();
            for (name, level) in asked {
                let level = level.as_str().and_then(Level::named).ok_or_else(more)?;
                let given = granted.iter().find(|(given, most)| *given == name && **most >= level);
                narrowed.insert(given.ok_or_else(more)?.0, level);
            }
            // Whoever may do anything may see that the repository is there.
            narrowed.insert("metadata", granted["metadata"]);
            granted = narrowed;
        }
        let number = self.state.issued.len();
        // Opaque, and as long as GitHub's are now.
        let seed = uuid::Uuid::new_v4();
        let long: String = (0..13).map(|part| digest(&format!("{seed}{number}{part}"))).collect();
        let token = format!("ghs_{long}");
        let ends = self.now + TOKEN_LIVES;
        let body = json!({
            "token": token,
            "expires_at": stamp(ends + self.state.scenario.clock_skew),
            "permissions": words(&granted),
            "repository_selection": "selected",
        });
        self.state.issued.push(Issued { token, ends, granted });
        Ok(Answer::json(201, &body))
    }
}

fn is_ours(id: &str) -> bool {
    id == INSTALLATION_ID.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

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
