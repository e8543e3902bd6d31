//! Where the bot runs: on Lambda, or as an HTTP server.

pub mod http;
#[cfg(feature = "aws")]
pub mod lambda;
pub mod serve;
pub mod startup;
