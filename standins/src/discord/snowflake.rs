//! Discord's ids, which hold their time of creation.

use chrono::{DateTime, Utc};

/// 2015-01-01 in Unix milliseconds.
const EPOCH: i64 = 1_420_070_400_000;

/// Makes ids, each greater than the one before it of the same millisecond.
#[derive(Debug, Default)]
pub(super) struct Snowflakes {
    made: u64,
}

impl Snowflakes {
    pub fn next(&mut self, now: DateTime<Utc>) -> String {
        self.made += 1;
        let since = u64::try_from(now.timestamp_millis() - EPOCH).unwrap_or_default();
        (since << 22 | self.made & 0x3f_ffff).to_string()
    }
}

/// When an id was made.
pub(super) fn created(id: &str) -> Option<DateTime<Utc>> {
    let since = i64::try_from(id.parse::<u64>().ok()? >> 22).ok()?;
    DateTime::from_timestamp_millis(since + EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_holds_its_time() {
        let now = DateTime::from_timestamp_millis(1_800_000_000_123).unwrap();
        let mut ids = Snowflakes::default();
        let (first, second) = (ids.next(now), ids.next(now));
        assert_eq!(created(&first), Some(now));
        assert!(first < second);
        // From Discord's documentation.
        let documented = created("175928847299117063").unwrap();
        assert_eq!(documented.timestamp_millis(), 1_462_015_105_796);
    }
}
