//! Where an interaction comes in: from raw HTTP to a decision, and back to an HTTP answer.
//!
//! `http` routes, `verify` proves, `interaction` parses, `authorize` decides, `budget` counts the
//! three seconds, `reply` is what goes back.

pub mod authorize;
pub mod budget;
pub mod http;
pub mod interaction;
pub mod reply;
pub mod verify;
