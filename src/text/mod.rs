//! Wording shared by every message: escaping, times, durations, and the error that a user is shown.

pub mod duration;
pub mod escape;
pub mod time;
mod user_error;

pub use user_error::UserError;
