//! A file attached to a message, and the multipart form that uploads both.
//!
//! The form is built here, because it is only two parts of known bytes. reqwest's form needs reqwest's own
//! client and streams.
//! <https://docs.discord.com/developers/reference#uploading-files>

use bytes::{BufMut, Bytes, BytesMut};
use serde_json::{Value, json};

/// Discord's limit for a description, in characters.
const DESCRIPTION_LIMIT: usize = 1024;

/// An image with its alternative text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    name: &'static str,
    description: String,
    png: Bytes,
}

impl Attachment {
    /// A PNG. A description above the limit is truncated.
    pub fn png(name: &'static str, description: &str, png: Bytes) -> Self {
        let mut room = DESCRIPTION_LIMIT;
        let fits = |c: &char| {
            room = room.saturating_sub(c.len_utf16());
            room > 0
        };
        Self { name, description: description.chars().take_while(fits).collect(), png }
    }

    /// The message's `attachments` entry for `files[0]`. In an edit it also removes all other files.
    pub fn listed(&self) -> Value {
        json!([{"id": "0", "filename": self.name, "description": self.description}])
    }

    /// The content type and the body (`multipart/form-data`) of a message with this file.
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

/// A boundary that occurs in none of the parts.
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
    fn the_form_holds_the_message_and_the_file() {
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
    fn the_boundary_occurs_in_no_part() {
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
