//! The digest of the runs of a day or a week. `read` asks GitHub; the other modules do no I/O.

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
