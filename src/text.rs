//! Wording shared by every message: escaping, times, durations, and what a run's state looks like.

pub mod duration;
pub mod escape;
pub mod run;
pub mod time;
