//! Secrets: values that are never shown, and where they come from.

pub mod credential;
pub mod secret;
pub mod setting;

pub use credential::{
    Credential, NoParameters, NoSecret, Parameter, SecretSource, SecretStore, Unreadable,
};
pub use secret::Secret;
pub use setting::SecretSetting;
