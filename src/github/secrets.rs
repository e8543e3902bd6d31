//! Repository secrets. They are encrypted so that only GitHub can decrypt them.
//!
//! <https://docs.github.com/en/rest/actions/secrets>

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use dryoc::classic::crypto_box::{PublicKey, crypto_box_seal};
use dryoc::constants::CRYPTO_BOX_SEALBYTES;
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;

use super::client::Github;
use super::error::GithubError;
use super::repository::Repository;
use crate::secrets::Secret;

/// The public key that encrypts a repository's secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealingKey {
    id: String,
    key: PublicKey,
}

/// An encrypted value, with the id of the key that encrypted it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    key_id: String,
    base64: String,
}

/// The public key is not valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the repository's public key is not usable")]
pub struct UnusableKey;

impl SealingKey {
    /// Encrypts a value with libsodium's `crypto_box_seal`.
    pub fn seal(&self, value: &Secret) -> Result<Sealed, UnusableKey> {
        let message = value.expose().as_bytes();
        let mut sealed = vec![0; message.len() + CRYPTO_BOX_SEALBYTES];
        crypto_box_seal(&mut sealed, message, &self.key).map_err(|_| UnusableKey)?;
        Ok(Sealed { key_id: self.id.clone(), base64: STANDARD.encode(sealed) })
    }
}

#[derive(Deserialize)]
struct Key {
    key_id: String,
    key: String,
}

impl Key {
    fn read(self) -> Result<SealingKey, UnusableKey> {
        let key = STANDARD.decode(&self.key).map_err(|_| UnusableKey)?;
        Ok(SealingKey { id: self.key_id, key: key.try_into().map_err(|_| UnusableKey)? })
    }
}

impl From<UnusableKey> for GithubError {
    /// An answer that does not have the documented shape counts as lost.
    fn from(why: UnusableKey) -> Self {
        Self::Lost(why.to_string())
    }
}

impl Github {
    /// The public key of this repository.
    pub async fn sealing_key(&self, repository: &Repository) -> Result<SealingKey, GithubError> {
        let path = format!("/repos/{repository}/actions/secrets/public-key");
        let answer = self.get(&path, None).await?;
        Ok(answer.json::<Key>()?.read()?)
    }

    /// Creates or updates a secret. `true`: it was created.
    pub async fn put_secret(
        &self,
        repository: &Repository,
        name: &str,
        value: &Sealed,
    ) -> Result<bool, GithubError> {
        let path = format!("/repos/{repository}/actions/secrets/{name}");
        let body = json!({"encrypted_value": value.base64, "key_id": value.key_id});
        let answer = self.put(&path, &body).await?;
        Ok(answer.status == StatusCode::CREATED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dryoc::classic::crypto_box::{crypto_box_keypair, crypto_box_seal_open};
    use rstest::rstest;

    fn key(base64: &str) -> Result<SealingKey, UnusableKey> {
        Key { key_id: "7".to_owned(), key: base64.to_owned() }.read()
    }

    #[test]
    fn only_the_private_key_decrypts_a_sealed_value() {
        let (public, private) = crypto_box_keypair();
        let value = Secret::new("https://api.example.com");
        let key = key(&STANDARD.encode(public)).unwrap();
        let sealed = key.seal(&value).unwrap();
        assert_eq!(sealed.key_id, "7");
        assert_ne!(sealed, key.seal(&value).unwrap(), "equal values look different");
        let bytes = STANDARD.decode(&sealed.base64).unwrap();
        let mut opened = vec![0; bytes.len() - CRYPTO_BOX_SEALBYTES];
        crypto_box_seal_open(&mut opened, &bytes, &public, &private).unwrap();
        assert_eq!(opened, value.expose().as_bytes());
        let (_, other) = crypto_box_keypair();
        assert!(crypto_box_seal_open(&mut opened, &bytes, &public, &other).is_err());
    }

    #[rstest]
    #[case::empty("")]
    #[case::not_base64("no key at all")]
    #[case::too_short("AAAA")]
    #[case::too_long(&"A".repeat(48))]
    fn an_invalid_key_is_refused(#[case] text: &str) {
        assert_eq!(key(text), Err(UnusableKey));
    }

    #[test]
    fn the_all_zero_key_is_refused() {
        let zero = key(&STANDARD.encode([0; 32])).unwrap();
        assert_eq!(zero.seal(&Secret::new("x")), Err(UnusableKey));
    }
}
