//! AWS: its SDK, and the secrets that it keeps.

pub mod error;
pub mod parameters;
pub mod sdk;

pub use error::AwsError;
pub use parameters::Parameters;
pub use sdk::{Aws, loader};
