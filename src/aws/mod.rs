//! AWS: its SDK, and the secrets stored there.

pub(crate) mod error;
pub(crate) mod parameters;
pub(crate) mod sdk;

pub use error::AwsError;
pub use parameters::Parameters;
pub use sdk::{Aws, loader};
