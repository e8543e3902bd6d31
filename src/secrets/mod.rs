//! Secrets: values that are never shown, and their sources.

pub(crate) mod credential;
pub(crate) mod mistake;
mod parameter;
pub(crate) mod secret;
pub(crate) mod setting;

pub use credential::{
    Credential, NoParameters, NoSecret, SecretSource, SecretStore, Stored, Unreadable,
};
pub use parameter::Parameter;
pub use secret::Secret;
pub use setting::SecretSetting;
