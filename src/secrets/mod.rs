//! Secrets: values that are never shown, and their sources.

pub(crate) mod credential;
mod keeper;
pub(crate) mod mistake;
mod parameter;
pub(crate) mod secret;
pub(crate) mod setting;

pub use credential::{
    Credential, NoParameters, NoSecret, SecretSource, SecretStore, Stored, Unreadable,
};
pub use keeper::SecretKeeper;
pub use parameter::Parameter;
pub use secret::Secret;
pub use setting::SecretSetting;
