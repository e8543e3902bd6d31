//! The digest of the runs of a day or a week. `read` asks GitHub and `recorded` the store; the other modules do
//! no I/O.

pub(crate) mod carried;
pub(crate) mod chart;
pub(crate) mod delivery;
pub(crate) mod deploys;
pub(crate) mod lines;
pub(crate) mod measures;
pub(crate) mod message;
pub(crate) mod period;
pub(crate) mod picture;
pub(crate) mod read;
pub(crate) mod recorded;
pub(crate) mod row;
pub(crate) mod sample;
pub(crate) mod settings;
pub(crate) mod tally;
pub(crate) mod zone;

pub use carried::Carried;
pub use period::{LONGEST, Period, Window};
pub use read::{Digest, Query, read};
pub use settings::Settings;
pub use zone::Zone;
