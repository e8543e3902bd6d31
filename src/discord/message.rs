//! A message that always fits Discord's limits and pings only the users it names.
//!
//! <https://docs.discord.com/developers/resources/message>

use bytes::Bytes;
use serde_json::{Value, json};

use super::attachment::Attachment;

/// Limit for a message's content, in UTF-16 units: the stricter reading of Discord's documentation.
const CONTENT_LIMIT: usize = 2000;

/// Space reserved for the line that says how many lines were left out.
const LEFT_OUT_ROOM: usize = 32;

/// A line that is too long for any message is truncated, but not below this length.
const LEAST_CUT: usize = 200;

/// The flag of an ephemeral message, which only the caller sees.
const EPHEMERAL: u64 = 1 << 6;

/// A message: its content, its attachment, whom it pings, and who sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    content: String,
    pings: Vec<u64>,
    ephemeral: bool,
    attachment: Option<Attachment>,
}

impl Message {
    /// A message for the whole channel. Text from outside must be escaped first, with
    /// `text::escape`. If the content is too long, whole lines are left out and the last
    /// line says how many. Only a line that is too long for any message is truncated.
    pub fn public(content: &str) -> Self {
        Self { content: fitted(content), pings: Vec::new(), ephemeral: false, attachment: None }
    }

    /// The same, but ephemeral.
    pub fn private(content: &str) -> Self {
        Self { ephemeral: true, ..Self::public(content) }
    }

    /// Lets a mention of this user in the content ping them. Nobody else is pinged.
    pub fn pinging(mut self, user_id: u64) -> Self {
        self.pings.push(user_id);
        self
    }

    /// Whether it notifies somebody when it is posted.
    pub fn pings(&self) -> bool {
        !self.pings.is_empty()
    }

    /// The same message, but ephemeral.
    pub fn privately(self) -> Self {
        Self { ephemeral: true, ..self }
    }

    /// Attaches a file. Such a message is never the HTTP answer itself; see `bot::follow_up`.
    pub fn with(mut self, attachment: Attachment) -> Self {
        self.attachment = Some(attachment);
        self
    }

    /// Whether a file is attached.
    pub fn has_attachment(&self) -> bool {
        self.attachment.is_some()
    }

    /// The message without its file, for when Discord refuses the file.
    pub fn without_attachment(&self) -> Self {
        Self { attachment: None, ..self.clone() }
    }

    /// The content type and body of a request with `json`, which was made of this message, and the file.
    pub(super) fn encoded(&self, json: &Value) -> (String, Bytes) {
        match &self.attachment {
            Some(attachment) => attachment.form(json),
            None => ("application/json".to_owned(), json.to_string().into()),
        }
    }

    /// Whether only the caller sees it.
    pub fn is_ephemeral(&self) -> bool {
        self.ephemeral
    }

    /// The text.
    pub fn content(&self) -> &str {
        &self.content
    }

    /// The JSON that creates this message, as an interaction response's `data` or as a follow-up.
    pub fn to_create(&self) -> Value {
        let mut body = self.to_edit();
        if let (true, Some(object)) = (self.ephemeral, body.as_object_mut()) {
            object.insert("flags".to_owned(), json!(EPHEMERAL));
        }
        body
    }

    /// The JSON that turns an existing message into this one. An edit cannot change who sees it.
    pub fn to_edit(&self) -> Value {
        let users: Vec<String> = self.pings.iter().map(u64::to_string).collect();
        let mut body = json!({
            "content": self.content,
            "allowed_mentions": {"parse": [], "users": users},
        });
        if let (Some(attachment), Some(object)) = (&self.attachment, body.as_object_mut()) {
            object.insert("attachments".to_owned(), attachment.listed());
        }
        body
    }
}

/// The `data` of a deferred answer. It sets only who sees it.
pub(crate) fn deferred_data(ephemeral: bool) -> Value {
    if ephemeral { json!({"flags": EPHEMERAL}) } else { json!({}) }
}

/// Whether a content is short enough to be sent unchanged.
pub(crate) fn fits(content: &str) -> bool {
    length(content) <= CONTENT_LIMIT
}

fn fitted(content: &str) -> String {
    if fits(content) {
        return content.to_owned();
    }
    let mut out = String::new();
    let mut left_out = 0;
    for line in content.split('\n') {
        let room = (CONTENT_LIMIT - LEFT_OUT_ROOM).saturating_sub(length(&out) + 1);
        let fits = length(line) <= room;
        // Truncate only a line that no message could hold, because that may break its Markdown.
        let fits_no_message = length(line) > CONTENT_LIMIT - LEFT_OUT_ROOM && room >= LEAST_CUT;
        if left_out > 0 || !(fits || fits_no_message) {
            left_out += 1;
            continue;
        }
        out.push_str(&cut(line, room));
        out.push('\n');
    }
    match left_out {
        0 => out.trim_end().to_owned(),
        1 => out + "… and 1 more line",
        more => out + &format!("… and {more} more lines"),
    }
}

fn cut(line: &str, room: usize) -> String {
    if length(line) <= room {
        return line.to_owned();
    }
    let mut left = room.saturating_sub(1);
    let fits = |c: &char| match left.checked_sub(c.len_utf16()) {
        Some(less) => {
            left = less;
            true
        }
        None => false,
    };
    line.chars().take_while(fits).chain(['…']).collect()
}

fn length(text: &str) -> usize {
    text.encode_utf16().count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn nobody_is_pinged_unless_named() {
        let message = Message::public("hi @everyone <@7>");
        let nobody = json!({"parse": [], "users": []});
        assert_eq!(message.to_create()["allowed_mentions"], nobody);
        assert_eq!(message.to_edit()["allowed_mentions"], nobody);
        let ada = json!({"parse": [], "users": ["7"]});
        assert_eq!(message.pinging(7).to_create()["allowed_mentions"], ada);
    }

    #[test]
    fn only_a_new_message_can_be_ephemeral() {
        let message = Message::private("x");
        assert_eq!(message.to_create()["flags"], json!(64));
        assert_eq!(message.to_edit().get("flags"), None);
        assert_eq!(Message::public("x").to_create().get("flags"), None);
    }

    #[test]
    fn a_long_list_loses_whole_lines_and_says_how_many() {
        let list: Vec<String> =
            (0..100).map(|n| format!("line {n:03} {}", "x".repeat(40))).collect();
        let message = Message::public(&list.join("\n"));
        let last = message.content().lines().last().unwrap_or_default();
        let kept = message.content().lines().count() - 1;
        assert_eq!(last, format!("… and {} more lines", 100 - kept));
        assert!(kept > 30, "{kept}");
    }

    #[test]
    fn a_line_that_is_too_long_is_truncated() {
        let message = Message::public(&format!("refused: {}\nid", "x".repeat(3000)));
        let lines: Vec<_> = message.content().lines().collect();
        assert!(lines[0].starts_with("refused: xxx") && lines[0].ends_with("x…"));
        assert_eq!(lines[1], "… and 1 more line");
    }

    proptest! {
        #[test]
        fn every_text_fits(text in r"(([ -~]{0,300}|.{0,150}|😀{0,150})\n?){0,30}") {
            let message = Message::public(&text);
            prop_assert!(message.content().encode_utf16().count() <= CONTENT_LIMIT);
        }
    }
}
