//! AWS: its SDK, and the secrets stored there.

mod call;
pub(crate) mod config;
mod endpoint;
pub(crate) mod environment;
pub(crate) mod error;
mod keeper;
pub(crate) mod parameters;
pub(crate) mod sdk;
pub(crate) mod stack;

pub use config::Aws;
pub use error::AwsError;
pub use parameters::Parameters;
pub use sdk::loader;
pub(crate) use sdk::signed;
