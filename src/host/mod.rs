//! The hosts of the bot: AWS Lambda, or an HTTP server.

pub mod http;
#[cfg(feature = "aws")]
pub mod lambda;
pub mod serve;
pub mod startup;
