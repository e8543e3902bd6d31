//! Wording shared by every message: escaping and durations.

pub mod duration;
pub mod escape;
