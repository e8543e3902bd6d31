//! Keeps secrets where a function reads them, for whoever sets it up.

use futures_util::future::BoxFuture;

use super::secret::Secret;

/// Writes and deletes parameters. An error says what is wrong and what to do.
pub trait SecretKeeper: Send + Sync {
    /// The decrypted value; `None`: there is no such parameter.
    fn find<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Secret>, String>>;

    /// Creates or replaces a parameter, encrypted.
    fn keep<'a>(&'a self, name: &'a str, secret: &'a Secret) -> BoxFuture<'a, Result<(), String>>;

    /// Deletes a parameter. It is no error if there is none.
    fn forget<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), String>>;
}
