//! Discord: parses and verifies incoming requests, builds replies and registrations, and delivers later
//! messages through a client.

mod answer;
pub(crate) mod application;
pub(crate) mod attachment;
pub(crate) mod bot;
pub(crate) mod channel;
pub(crate) mod client;
pub(crate) mod components;
pub(crate) mod conversation;
mod fit;
pub(crate) mod guild;
pub(crate) mod interaction;
pub(crate) mod interaction_id;
pub mod limits;
pub(crate) mod message;
mod original;
pub(crate) mod own_messages;
pub(crate) mod permissions;
pub mod registration;
pub(crate) mod reply;
pub(crate) mod retry;
pub(crate) mod settings;
pub(crate) mod signature;
mod token;

pub use answer::DiscordError;
pub use application::NotOverwritten;
pub use attachment::Attachment;
pub use client::Discord;
pub use components::{Block, Button, Card, Does, Style};
pub use conversation::{Conversation, FinalReply};
pub use interaction_id::{CorrelationId, InteractionId};
pub use message::Message;
pub use own_messages::{Answer, Posted, Told, outcome_nonce};
pub use permissions::Permissions;
pub use settings::Settings;
pub use token::InteractionToken;
