//! The repository's secrets, which arrive in sealed boxes and are opened here.
//!
//! <https://docs.github.com/rest/guides/encrypting-secrets-for-the-rest-api>

use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use dryoc::classic::crypto_box::{PublicKey, SecretKey, crypto_box_keypair, crypto_box_seal_open};
use dryoc::constants::CRYPTO_BOX_SEALBYTES;

/// The repository's secrets and the key pair they are sealed for.
pub(super) struct Secrets {
    public: PublicKey,
    private: SecretKey,
    pub key_id: u64,
    pub all: Vec<Secret>,
}

pub(super) struct Secret {
    pub name: String,
    pub value: String,
    pub created: DateTime<Utc>,
    pub updated: DateTime<Utc>,
}

impl Secrets {
    pub fn new() -> Self {
        let (public, private) = crypto_box_keypair();
        Self { public, private, key_id: 568_250_167_242_549_743, all: Vec::new() }
    }

    pub fn find(&self, name: &str) -> Option<usize> {
        self.all.iter().position(|known| known.name.eq_ignore_ascii_case(name))
    }

    /// The public key that values are sealed for.
    pub fn public_key(&self) -> &[u8] {
        &self.public
    }

    /// Replaces the key pair: values sealed for the old one are refused from now on.
    pub fn rotate_key(&mut self) {
        (self.public, self.private) = crypto_box_keypair();
        self.key_id += 1;
    }

    /// Opens a sealed box.
    pub fn open(&self, sealed: &str) -> Option<String> {
        let sealed = STANDARD.decode(sealed).ok()?;
        let mut message = vec![0; sealed.len().checked_sub(CRYPTO_BOX_SEALBYTES)?];
        crypto_box_seal_open(&mut message, &sealed, &self.public, &self.private).ok()?;
        String::from_utf8(message).ok()
    }
}
