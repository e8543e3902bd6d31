//! A message that is within Discord's limits by construction and pings only whom it names.
//!
//! <https://docs.discord.com/developers/resources/message>

use bytes::Bytes;
use serde_json::{Value, json};

use super::attachment::Attachment;

/// The most characters a message's content may have. Counted in UTF-16 units, the stricter of the
/// two readings of Discord's documentation.
const CONTENT_LIMIT: usize = 2000;

/// Room kept for the line that says how many lines were left out.
const LEFT_OUT_ROOM: usize = 32;

/// A line that is too long for any message is cut, but not to less than this.
const LEAST_CUT: usize = 200;

/// The flag of a message that only the caller sees.
const EPHEMERAL: u64 = 1 << 6;

/// A message's content, the file that comes with it, who is notified of it and who sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    content: String,
    pings: Vec<u64>,
    ephemeral: bool,
    attachment: Option<Attachment>,
}

impl Message {
    /// A message for the channel. Text from outside must have gone through
    /// [`escape`](crate::text::escape). What does not fit is left out by whole lines, and the last
    /// line then says how many; only a line that is too long for any message is cut.
    pub fn public(content: &str) -> Self {
        Self { content: fitted(content), pings: Vec::new(), ephemeral: false, attachment: None }
    }

    /// The same, for the caller's eyes only.
    pub fn private(content: &str) -> Self {
        Self { ephemeral: true, ..Self::public(content) }
    }

    /// Lets the mention of this user in the content notify them. Nobody else is ever notified.
    pub fn pinging(mut self, user_id: u64) -> Self {
        self.pings.push(user_id);
        self
    }

    /// The same message, for the caller's eyes only.
    pub fn privately(self) -> Self {
        Self { ephemeral: true, ..self }
    }

    /// Adds a file. A message with one is never the HTTP answer itself; see [`crate::bot::follow_up`].
    pub fn with(mut self, attachment: Attachment) -> Self {
        self.attachment = Some(attachment);
        self
    }

    /// Whether a file comes with it.
    pub fn has_attachment(&self) -> bool {
        self.attachment.is_some()
    }

    /// The message without its file, for when Discord does not take it.
    pub fn without_attachment(&self) -> Self {
        Self { attachment: None, ..self.clone() }
    }

    /// The content type and the body of a request: `json` made of this message, and its file.
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

    /// The body that creates this message: an interaction response's `data` or a follow-up.
    pub fn to_create(&self) -> Value {
        let mut body = self.to_edit();
        if let (true, Some(object)) = (self.ephemeral, body.as_object_mut()) {
            object.insert("flags".to_owned(), json!(EPHEMERAL));
        }
        body
    }

    /// The body that turns an existing message into this one; an edit cannot change who sees it.
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

/// The `data` of a deferred answer: nothing but who sees it.
pub(crate) fn deferred_data(ephemeral: bool) -> Value {
    if ephemeral { json!({"flags": EPHEMERAL}) } else { json!({}) }
}

/// Whether a content is sent as it is.
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
        // Only a line that no message could hold is cut; cutting may break its Markdown.
        let hopeless = length(line) > CONTENT_LIMIT - LEFT_OUT_ROOM && room >= LEAST_CUT;
        if left_out > 0 || !(fits || hopeless) {
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
    fn only_creation_can_make_a_message_private() {
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
    fn a_line_that_is_too_long_is_cut() {
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
