//! Discord as a destination: messages, and the client that delivers them.

pub mod application;
pub mod attachment;
pub mod bot;
pub mod channel;
pub mod client;
pub mod conversation;
pub mod message;

pub use attachment::Attachment;
pub use client::{Discord, DiscordError};
pub use conversation::Conversation;
pub use message::Message;
