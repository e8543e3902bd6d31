//! The routes of the repository's secrets.
//!
//! <https://docs.github.com/rest/actions/secrets>

use super::{
    sealed::Secret,
    variables::{LARGEST, is_name, text},
    view::View,
    wire::{Found, Refusal, not_found, stamp},
};
use crate::server::Answer;
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

impl View<'_> {
    pub(super) fn secrets(&mut self, method: &str, rest: &[&str]) -> Found {
        match (method, rest) {
            ("GET", []) => {
                let all: Vec<&Secret> = self.state.secrets.all.iter().collect();
                Ok(self.list("secrets", all, usize::MAX, |secret| self.secret(secret)))
            }
            ("GET", ["public-key"]) => {
                let secrets = &self.state.secrets;
                let key = STANDARD.encode(secrets.public_key());
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
