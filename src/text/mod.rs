//! Wording shared by every message: escaping, times, durations, and the error that a user is shown.

pub(crate) mod duration;
pub(crate) mod escape;
pub(crate) mod time;
mod user_error;

pub(crate) use user_error::UserError;
