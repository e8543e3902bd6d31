//! What the runs of a day or a week amount to: `read` asks GitHub, the rest is pure.

pub mod chart;
pub mod delivery;
pub mod message;
pub mod period;
pub mod picture;
pub mod read;
pub mod sample;
pub mod settings;
pub mod tally;

pub use period::{Period, Window};
pub use read::{Digest, read};
pub use settings::Settings;
