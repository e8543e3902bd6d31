//! Deckhand as a Lambda function: the only code that knows Lambda.
//!
//! `event` classifies the events, `http_event` reads and answers HTTP requests, `invocation` knows how long
//! the work may take, `drain` delays the next invocation until it is done, `shutdown` winds it up at SIGTERM,
//! and `runtime` combines them.

pub(crate) mod drain;
pub(crate) mod event;
pub(crate) mod http_event;
pub(crate) mod invocation;
pub mod runtime;
pub mod shutdown;
