//! The hosts of the bot: AWS Lambda, or an HTTP server.

pub mod environment;
pub mod health;
pub mod http;
mod keep_alive;
#[cfg(feature = "aws")]
pub mod lambda;
pub mod listen;
pub mod serve;
pub mod startup;
