//! Sets the bot up, from nothing to a working installation, for `deckhand setup`.
//!
//! No file remembers how far it came; only what was deployed to AWS is noted. Each step looks at Discord, at GitHub and at the files, and does what is missing: so
//! the same command goes on after Ctrl-C or an error, and does nothing twice. `way` holds the order of the steps. What
//! they ask goes through [`Person`]; what they write is in `home`.

mod address;
mod agent_toml;
mod agents;
mod agents_file;
mod app;
mod clients;
mod deploy;
mod deployed;
mod discord;
mod endpoint;
mod files;
mod flags;
mod form;
mod github;
mod given;
mod home;
mod inputs;
mod on_aws;
mod package;
mod person;
mod pick;
mod remove;
mod sam;
mod service;
mod stopped;
pub mod terminal;
mod unreached;
mod way;
mod webhook;
mod work;
mod workflows;

pub use flags::{Flags, Service, Target};
pub use person::{NoAnswer, Person, Question};
pub use remove::remove;
pub use stopped::Stopped;
pub use way::{Ended, setup};
pub use work::Registries;
