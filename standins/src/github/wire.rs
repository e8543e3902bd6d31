//! What GitHub's answers are made of: hashes, times and errors.

use crate::server::Answer;
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};
use std::hash::{DefaultHasher, Hash, Hasher as _};

/// An error: its status and its message.
pub(super) type Refusal = (u16, String);

/// An answer, or an error.
pub(super) type Found = Result<Answer, Refusal>;

pub(super) fn not_found() -> Refusal {
    (404, "Not Found".to_owned())
}

/// 40 hexadecimal digits that are the same for the same text.
pub(super) fn digest(text: &str) -> String {
    digest_of(text.as_bytes())
}

/// 40 hexadecimal digits that are the same for the same bytes, which are read once.
pub(super) fn digest_of(bytes: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    let all = hasher.finish();
    let part = |seed: u8| {
        let mut hasher = DefaultHasher::new();
        (seed, all).hash(&mut hasher);
        format!("{:016x}", hasher.finish())
    };
    let mut digits = part(0) + &part(1) + &part(2);
    digits.truncate(40);
    digits
}

/// The commit at the head of a branch, or at a tag.
pub(super) fn branch_sha(name: &str) -> String {
    digest(name)
}

/// The body of an error.
pub(super) fn error_body(status: u16, message: &str) -> Value {
    json!({
        "message": message,
        "documentation_url": "https://docs.github.com/rest",
        "status": status.to_string(),
    })
}

/// A time as GitHub writes it: whole seconds.
pub(super) fn stamp(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}
