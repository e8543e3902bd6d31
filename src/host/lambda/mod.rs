//! Deckhand as a Lambda function: the only code that knows Lambda.
//!
//! `event` reads what invokes the function, `drain` holds back the next invocation until the work of
//! this one is done, `runtime` puts them together.

pub mod drain;
pub mod event;
pub mod runtime;
