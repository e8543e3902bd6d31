//! Discord as a destination: messages, and the client that delivers them.

pub mod application;
pub mod client;
pub mod conversation;
pub mod message;

pub use client::{Discord, DiscordError};
pub use conversation::Conversation;
pub use message::Message;
