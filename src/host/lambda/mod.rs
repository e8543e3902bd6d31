//! Deckhand as a Lambda function: the only code that knows Lambda.
//!
//! `event` tells apart what invokes the function, `http_event` reads and answers HTTP requests, `drain` holds back
//! the next invocation until the work of this one is done, `runtime` puts them together.

pub(crate) mod drain;
pub(crate) mod event;
pub(crate) mod http_event;
pub mod runtime;
