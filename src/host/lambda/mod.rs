//! Deckhand as a Lambda function: the only code that knows Lambda.
//!
//! `event` classifies the events, `http_event` reads and answers HTTP requests, `drain` delays the next
//! invocation until the work of this one is done, and `runtime` combines them.

pub(crate) mod drain;
pub(crate) mod event;
pub(crate) mod http_event;
pub mod runtime;
