//! Text shared by all messages: escaping, times, durations, and user errors.

pub(crate) mod duration;
pub(crate) mod escape;
pub(crate) mod mask;
pub(crate) mod natural;
pub(crate) mod ordinal;
pub(crate) mod time;
mod user_error;

pub(crate) use user_error::UserError;
