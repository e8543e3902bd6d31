//! Why a run failed: what GitHub says, the last lines of the log, and what changed since the last success.

mod annotation;
mod changes;
mod excerpt;
mod kept;
mod lines;
pub(super) mod read;
mod rejection;

pub use kept::{Cause, Changes, Commit, Rejected, Standing};
