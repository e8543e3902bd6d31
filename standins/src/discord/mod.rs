//! A stand-in for Discord, which is also the user's Discord client.
//!
//! [`Discord::interaction`] turns what a user types into a signed interaction,
//! [`Discord::deliver`] sends it and takes the callback, and the HTTP side takes edits, follow-ups
//! and registrations by Discord's rules. [`Discord::conversation`] is what the user saw.

mod application;
mod attachments;
mod channel;
mod choices;
mod clicks;
mod commands;
mod components;
mod conversation;
mod deliver;
mod fault;
mod guild;
mod interaction;
mod limits;
mod message;
mod modal;
mod nonces;
mod people;
mod permissions;
mod places;
mod read_marks;
mod refusal;
mod routes;
mod snowflake;
mod standin;
mod state;
mod suggest;
#[cfg(test)]
mod tests;
mod typing;
mod unread;
mod verify;

pub use crate::endpoint::{Endpoint, Handler};
pub use attachments::Attachment;
pub use components::{Button, Components};
pub use deliver::Answer;
pub use fault::{Fault, On, What};
pub use interaction::Interaction;
pub use message::{Event, EventKind, Message};
pub use people::{
    APPLICATION_ID, CHANNEL_ID, GUILD_ID, OTHER_GUILD_ID, OTHER_ROLE_ID, ROLE_ID, User,
};
pub use permissions::Permissions;
pub use standin::Discord;
pub use typing::Chosen;
