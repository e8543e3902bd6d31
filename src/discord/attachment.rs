//! A file that comes with a message, and the form in which Discord takes both.
//!
//! The form is written by hand: two parts of known bytes, while reqwest's is tied to its own client and streams.
//! <https://docs.discord.com/developers/reference#uploading-files>

use bytes::{BufMut, Bytes, BytesMut};
use serde_json::{Value, json};

/// Discord's limit of a description.
const DESCRIPTION_LIMIT: usize = 1024;

/// A picture with its alternative text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    name: &'static str,
    description: String,
    png: Bytes,
}

impl Attachment {
    /// A PNG. What follows the limit of its description is cut off.
    pub fn png(name: &'static str, description: &str, png: Bytes) -> Self {
        let mut room = DESCRIPTION_LIMIT;
        let fits = |c: &char| {
            room = room.saturating_sub(c.len_utf16());
            room > 0
        };
        Self { name, description: description.chars().take_while(fits).collect(), png }
    }

    /// The entry in a message's `attachments` that belongs to `files[0]`. On an edit it also says that
    /// no other file stays.
    pub fn listed(&self) -> Value {
        json!([{"id": "0", "filename": self.name, "description": self.description}])
    }

    /// `multipart/form-data` of a message and this file: the content type and the body.
    pub fn form(&self, message: &Value) -> (String, Bytes) {
        let message = message.to_string();
        let boundary = boundary(&[message.as_bytes(), &self.png]);
        let mut body = BytesMut::with_capacity(self.png.len() + message.len() + 512);
        let mut part = |head: &str, content: &[u8]| {
            body.put(format!("--{boundary}\r\n{head}\r\n\r\n").as_bytes());
            body.put(content);
            body.put(&b"\r\n"[..]);
        };
        part(
            "Content-Disposition: form-data; name=\"payload_json\"\r\nContent-Type: application/json",
            message.as_bytes(),
        );
        let name = self.name;
        part(
            &format!(
                "Content-Disposition: form-data; name=\"files[0]\"; filename=\"{name}\"\r\n\
                 Content-Type: image/png"
            ),
            &self.png,
        );
        body.put(format!("--{boundary}--\r\n").as_bytes());
        (format!("multipart/form-data; boundary={boundary}"), body.freeze())
    }
}

/// A boundary that is in none of the parts.
fn boundary(parts: &[&[u8]]) -> String {
    let is_in = |boundary: &str| {
        let boundary = boundary.as_bytes();
        parts.iter().any(|part| part.windows(boundary.len()).any(|window| window == boundary))
    };
    let mut boundary = "deckhand-form-data".to_owned();
    while is_in(&boundary) {
        boundary.push('x');
    }
    boundary
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn form(message: &Value, png: &'static [u8]) -> (String, Bytes) {
        Attachment::png("chart.png", "A chart", Bytes::from_static(png)).form(message)
    }

    #[test]
    fn message_and_file_are_parts_of_one_form() {
        let (content_type, body) = form(&json!({"content": "hi"}), b"\x89PNG\r\n\x1a\n");
        assert_eq!(content_type, "multipart/form-data; boundary=deckhand-form-data");
        let expected = b"--deckhand-form-data\r\n\
            Content-Disposition: form-data; name=\"payload_json\"\r\nContent-Type: application/json\r\n\r\n\
            {\"content\":\"hi\"}\r\n--deckhand-form-data\r\n\
            Content-Disposition: form-data; name=\"files[0]\"; filename=\"chart.png\"\r\n\
            Content-Type: image/png\r\n\r\n\x89PNG\r\n\x1a\n\r\n--deckhand-form-data--\r\n";
        assert_eq!(body.as_ref(), &expected[..]);
    }

    #[test]
    fn the_boundary_is_in_no_part() {
        let (content_type, _) =
            form(&json!({"content": "deckhand-form-data"}), b"deckhand-form-datax");
        assert!(content_type.ends_with("=deckhand-form-dataxx"), "{content_type}");
    }

    proptest! {
        #[test]
        fn a_description_is_within_its_limit(text in "[a-ü😀]{900,1100}") {
            let listed = Attachment::png("chart.png", &text, Bytes::new()).listed();
            let description = listed[0]["description"].as_str().unwrap();
            prop_assert!(description.encode_utf16().count() <= DESCRIPTION_LIMIT);
        }
    }
}
