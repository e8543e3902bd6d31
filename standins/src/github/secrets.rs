//! The repository's secrets, which arrive sealed and are opened here.
//!
//! <https://docs.github.com/rest/actions/secrets>

use super::{
    Github,
    answers::stamp,
    dispatch::Refusal,
    routes::{Found, View, not_found},
    variables::{LARGEST, is_name, text},
};
use crate::server::Answer;
use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use dryoc::classic::crypto_box::{PublicKey, SecretKey, crypto_box_keypair, crypto_box_seal_open};
use dryoc::constants::CRYPTO_BOX_SEALBYTES;
use serde_json::{Value, json};

/// The repository's secrets and the key pair they are sealed for.
pub(super) struct Secrets {
    public: PublicKey,
    private: SecretKey,
    key_id: u64,
    all: Vec<Secret>,
}

struct Secret {
    name: String,
    value: String,
    created: DateTime<Utc>,
    updated: DateTime<Utc>,
}

impl Secrets {
    pub fn new() -> Self {
        let (public, private) = crypto_box_keypair();
        Self { public, private, key_id: 568_250_167_242_549_743, all: Vec::new() }
    }

    fn find(&self, name: &str) -> Option<usize> {
        self.all.iter().position(|known| known.name.eq_ignore_ascii_case(name))
    }

    fn open(&self, sealed: &str) -> Option<String> {
        let sealed = STANDARD.decode(sealed).ok()?;
        let mut message = vec![0; sealed.len().checked_sub(CRYPTO_BOX_SEALBYTES)?];
        crypto_box_seal_open(&mut message, &sealed, &self.public, &self.private).ok()?;
        String::from_utf8(message).ok()
    }
}

impl Github {
    /// A repository secret's value, as it came out of its sealed box.
    pub fn secret(&self, name: &str) -> Option<String> {
        let secrets = &self.shared.state().secrets;
        secrets.find(name).map(|index| secrets.all[index].value.clone())
    }

    /// Replaces the key pair: what is sealed for the one before is refused from now on.
    pub fn rotate_secrets_key(&self) {
        let secrets = &mut self.shared.state().secrets;
        (secrets.public, secrets.private) = crypto_box_keypair();
        secrets.key_id += 1;
    }
}

impl View<'_> {
    pub(super) fn secrets(&mut self, method: &str, rest: &[&str]) -> Found {
        match (method, rest) {
            ("GET", []) => {
                let all: Vec<&Secret> = self.state.secrets.all.iter().collect();
                Ok(self.list("secrets", all, usize::MAX, |secret| self.secret(secret)))
            }
            ("GET", ["public-key"]) => {
                let secrets = &self.state.secrets;
                let key = STANDARD.encode(secrets.public);
                Ok(self.json(&json!({"key_id": secrets.key_id.to_string(), "key": key})))
            }
            ("GET", [name]) => {
                let index = self.state.secrets.find(name).ok_or_else(not_found)?;
                Ok(self.json(&self.secret(&self.state.secrets.all[index])))
            }
            ("PUT", [name]) => self.put_secret(name),
            _ => Err(not_found()),
        }
    }

    fn secret(&self, secret: &Secret) -> Value {
        let skew = self.state.scenario.clock_skew;
        json!({
            "name": secret.name,
            "created_at": stamp(secret.created + skew),
            "updated_at": stamp(secret.updated + skew),
        })
    }

    fn put_secret(&mut self, name: &str) -> Found {
        let refuse = |why: &str| -> Refusal { (422, why.to_owned()) };
        let body = self.object()?;
        let sealed = text(&body, "encrypted_value")?;
        let sealed = sealed
            .ok_or_else(|| refuse("Invalid request.\n\n\"encrypted_value\" wasn't supplied."))?;
        let key_id = text(&body, "key_id")?
            .ok_or_else(|| refuse("Invalid request.\n\n\"key_id\" wasn't supplied."))?;
        if !is_name(name) {
            return Err(refuse(
                "Secret names can only contain alphanumeric characters ([a-z], [A-Z], [0-9]) or underscores (_). Spaces are not allowed. Must start with a letter ([a-z], [A-Z]) or underscores (_).",
            ));
        }
        let secrets = &mut self.state.secrets;
        if key_id != secrets.key_id.to_string() {
            return Err(refuse("Bad request - key_id is not the repository's public key"));
        }
        let value = secrets.open(&sealed);
        let value = value.ok_or_else(|| refuse("Bad request - Improperly encrypted secret"))?;
        if value.len() > LARGEST {
            return Err(refuse("Bad request - Secret is too large"));
        }
        let now = self.now;
        match secrets.find(name) {
            Some(index) => {
                let known = &mut secrets.all[index];
                known.value = value;
                known.updated = now;
                Ok(Answer::empty(204))
            }
            None => {
                let name = name.to_ascii_uppercase();
                secrets.all.push(Secret { name, value, created: now, updated: now });
                Ok(Answer::json(201, &json!({})))
            }
        }
    }
}
