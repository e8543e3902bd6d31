//! What the runs of a day or a week amount to: `read` asks GitHub, the rest is pure.

pub(crate) mod chart;
pub(crate) mod delivery;
pub(crate) mod message;
pub(crate) mod period;
pub(crate) mod picture;
pub(crate) mod read;
pub(crate) mod sample;
pub(crate) mod settings;
pub(crate) mod tally;

pub use period::{Period, Window};
pub use read::{Digest, read};
pub use settings::Settings;
