//! Secrets: values that are never shown, and their sources.

pub(crate) mod credential;
pub(crate) mod secret;
pub(crate) mod setting;

pub use credential::{
    Credential, NoParameters, NoSecret, Parameter, SecretSource, SecretStore, Unreadable,
};
pub use secret::Secret;
pub use setting::SecretSetting;
