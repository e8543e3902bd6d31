//! What the application may do in the channel where a command was used. Each interaction says it, so a
//! command can warn before it promises what it may not do.
//!
//! <https://docs.discord.com/developers/topics/permissions>

use std::fmt;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

const ADMINISTRATOR: u64 = 1 << 3;
const VIEW_CHANNEL: u64 = 1 << 10;
const SEND_MESSAGES: u64 = 1 << 11;
const ATTACH_FILES: u64 = 1 << 15;
const READ_MESSAGE_HISTORY: u64 = 1 << 16;
const SEND_MESSAGES_IN_THREADS: u64 = 1 << 38;

/// A set of permissions. In JSON it is a text of digits, as Discord writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permissions(u64);

impl Permissions {
    /// What the bot needs to post, edit and reply. For a channel of which no interaction tells what it may do:
    /// Discord refuses what it may not.
    pub const ASSUMED: Self =
        Self(VIEW_CHANNEL | SEND_MESSAGES | SEND_MESSAGES_IN_THREADS | READ_MESSAGE_HISTORY);

    pub(super) const ADMINISTRATOR: u64 = ADMINISTRATOR;

    pub(super) fn of_bits(bits: u64) -> Self {
        Self(bits)
    }

    pub(super) fn bits(self) -> u64 {
        self.0
    }

    /// The names of what posting needs and is not there, as Discord's settings name it. `files`: whether files are
    /// posted, too.
    pub fn lacking(self, in_thread: bool, files: bool) -> Vec<&'static str> {
        let send = if in_thread {
            (SEND_MESSAGES_IN_THREADS, "Send Messages in Threads")
        } else {
            (SEND_MESSAGES, "Send Messages")
        };
        let needs = [
            (VIEW_CHANNEL, "View Channel"),
            send,
            (READ_MESSAGE_HISTORY, "Read Message History"),
            (ATTACH_FILES, "Attach Files"),
        ];
        let needs = needs.into_iter().filter(|(bit, _)| files || *bit != ATTACH_FILES);
        needs.filter(|(bit, _)| !self.has(*bit)).map(|(_, name)| name).collect()
    }

    /// Reads a text of digits, or a number. `None`: it is neither. Permissions beyond the 64th are dropped:
    /// none of them is asked for here.
    pub(super) fn read(value: &Value) -> Option<Self> {
        if let Some(bits) = value.as_u64() {
            return Some(Self(bits));
        }
        let digits = value.as_str()?;
        let bits: u128 =
            digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok())??;
        u64::try_from(bits & u128::from(u64::MAX)).ok().map(Self)
    }

    /// Whether the bot may post to the channel, with its own token.
    pub fn may_post(&self, in_thread: bool) -> bool {
        let send = if in_thread { SEND_MESSAGES_IN_THREADS } else { SEND_MESSAGES };
        self.has(VIEW_CHANNEL | send)
    }

    /// Whether the bot may read the channel's earlier messages, and reply to one. Without that permission
    /// Discord shows an empty list.
    pub fn may_read_history(&self) -> bool {
        self.has(VIEW_CHANNEL | READ_MESSAGE_HISTORY)
    }

    fn has(self, bits: u64) -> bool {
        self.0 & ADMINISTRATOR != 0 || self.0 & bits == bits
    }
}

impl fmt::Display for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Permissions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Permissions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        Self::read(&value).ok_or_else(|| D::Error::custom("permissions are a text of digits"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    #[rstest]
    #[case::text(json!("2048"), Some(2048))]
    #[case::number(json!(2048), Some(2048))]
    #[case::none_at_all(json!("0"), Some(0))]
    #[case::more_than_discord_has_today(json!("36893488147419105280"), Some(2048))]
    #[case::leading_zeros(json!("002048"), Some(2048))]
    #[case::empty(json!(""), None)]
    #[case::sign(json!("+2048"), None)]
    #[case::negative(json!(-1), None)]
    #[case::fraction(json!(2048.5), None)]
    #[case::word(json!("all"), None)]
    #[case::list(json!([2048]), None)]
    #[case::null(Value::Null, None)]
    #[case::endless(json!("9".repeat(100)), None)]
    fn digits_are_read_and_nothing_else(#[case] given: Value, #[case] bits: Option<u64>) {
        assert_eq!(Permissions::read(&given), bits.map(Permissions));
        assert_eq!(serde_json::from_value(given).ok(), bits.map(Permissions));
    }

    #[test]
    fn the_record_holds_a_text_of_digits() {
        let json = serde_json::to_value(Permissions(u64::MAX)).unwrap();
        assert_eq!(json, json!("18446744073709551615"));
        assert_eq!(serde_json::from_value::<Permissions>(json).unwrap(), Permissions(u64::MAX));
    }

    #[rstest]
    #[case::all(0x7fff_ffff_ffff & !ADMINISTRATOR, true, true, true)]
    #[case::administrator(ADMINISTRATOR, true, true, true)]
    #[case::post_only(VIEW_CHANNEL | SEND_MESSAGES, true, false, false)]
    #[case::thread_only(VIEW_CHANNEL | SEND_MESSAGES_IN_THREADS, false, true, false)]
    #[case::read_only(VIEW_CHANNEL | READ_MESSAGE_HISTORY, false, false, true)]
    #[case::unseen(!(VIEW_CHANNEL | ADMINISTRATOR), false, false, false)]
    #[case::nothing(0, false, false, false)]
    fn each_act_needs_its_permissions(
        #[case] bits: u64,
        #[case] post: bool,
        #[case] post_in_thread: bool,
        #[case] read: bool,
    ) {
        let may = Permissions(bits);
        assert_eq!(may.may_post(false), post);
        assert_eq!(may.may_post(true), post_in_thread);
        assert_eq!(may.may_read_history(), read);
    }
}
