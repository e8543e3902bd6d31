//! Discord: what comes from it (signature, interaction), what goes back (reply, message, registration), and
//! the client that delivers what comes later.

pub mod application;
pub mod attachment;
pub mod bot;
pub mod channel;
pub mod client;
pub mod conversation;
pub mod interaction;
pub mod interaction_id;
pub mod message;
pub mod registration;
pub mod reply;
pub mod settings;
pub mod signature;

pub use attachment::Attachment;
pub use client::{Discord, DiscordError};
pub use conversation::{Conversation, FinalReply};
pub use interaction_id::{CorrelationId, InteractionId};
pub use message::Message;
pub use settings::Settings;
