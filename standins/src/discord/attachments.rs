//! Files that come with a message.
//!
//! <https://docs.discord.com/developers/reference#uploading-files>

use super::{limits::Refusal, people};
use crate::{
    multipart,
    server::{Answer, Received},
};
use bytes::Bytes;
use serde::Serialize;
use serde_json::{Value, json};

/// Discord's limit for one file, without a paid plan.
const LARGEST: usize = 10 << 20;
const MOST: usize = 10;

/// A file of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Attachment {
    /// Its id.
    pub id: String,
    /// The file's name.
    pub filename: String,
    /// Its alternative text.
    pub description: Option<String>,
    /// What the part of the form said that it is.
    pub content_type: Option<String>,
    /// Its size in bytes.
    pub size: usize,
    /// Where it is below the stand-in's origin, for a browser.
    pub path: String,
    /// The file itself.
    #[serde(skip)]
    pub bytes: Bytes,
}

impl Attachment {
    /// The attachment as the API shows it.
    pub(super) fn json(&self) -> Value {
        let url = format!("https://cdn.discordapp.com{}", self.path);
        let mut shown = json!({
            "id": self.id,
            "filename": self.filename,
            "size": self.size,
            "url": url,
            "proxy_url": url.replacen("cdn.discordapp.com", "media.discordapp.net", 1),
        });
        if let Some(description) = &self.description {
            shown["description"] = json!(description);
        }
        if let Some(content_type) = &self.content_type {
            shown["content_type"] = json!(content_type);
        }
        shown
    }

    /// The file, as Discord's store of files sends it.
    pub(super) fn download(&self) -> Answer {
        let content_type = self.content_type.as_deref().unwrap_or("application/octet-stream");
        let mut answer = Answer::empty(200).header("content-type", content_type);
        answer.body = self.bytes.clone();
        answer
    }
}

/// A file that a request brings.
#[derive(Clone, Debug)]
struct Upload {
    index: u64,
    filename: String,
    content_type: Option<String>,
    data: Bytes,
}

/// A request's body: what it says, and the files it brings.
#[derive(Clone, Debug, Default)]
pub(super) struct Payload {
    pub json: Value,
    uploads: Vec<Upload>,
}

impl Payload {
    /// A body without files.
    pub fn plain(json: &Value) -> Self {
        Self { json: json.clone(), uploads: Vec::new() }
    }

    /// Reads a body of JSON, or a form of `payload_json` and `files[n]`.
    pub fn read(request: &Received) -> Result<Self, Refusal> {
        let invalid = |_| Refusal::new(400, 50109, "The request body contains invalid JSON.");
        if request.body.is_empty() {
            return Ok(Self::default());
        }
        if !multipart::is_form(request) {
            let content_type = request.header("content-type").unwrap_or_default();
            if !content_type.starts_with("application/json") {
                let why = "Expected \"Content-Type\" header to be one of {'application/json', 'multipart/form-data'}.";
                return Err(Refusal::form("", "CONTENT_TYPE_INVALID", why));
            }
            let json = serde_json::from_slice(&request.body).map_err(invalid)?;
            return Ok(Self { json, uploads: Vec::new() });
        }
        let parts = multipart::parts(request)
            .map_err(|why| Refusal::form("", "MULTIPART_INVALID", &why))?;
        let mut payload = Self { json: json!({}), uploads: Vec::new() };
        for part in parts {
            if part.name == "payload_json" {
                payload.json = serde_json::from_slice(&part.data).map_err(invalid)?;
                continue;
            }
            let index = part.name.strip_prefix("files[").and_then(|rest| rest.strip_suffix(']'));
            let index = index.and_then(|index| index.parse().ok()).ok_or_else(|| {
                let why = "A part is either payload_json or files[n].";
                Refusal::form(&part.name, "MULTIPART_INVALID", why)
            })?;
            let filename = part.filename.filter(|name| !name.is_empty()).ok_or_else(|| {
                Refusal::form(&part.name, "BASE_TYPE_REQUIRED", "A file needs a filename.")
            })?;
            if part.data.len() > LARGEST {
                return Err(Refusal::new(413, 40005, "Request entity too large"));
            }
            let (content_type, data) = (part.content_type, part.data);
            payload.uploads.push(Upload { index, filename, content_type, data });
        }
        Ok(payload)
    }

    /// Whether files come with it.
    pub fn has_files(&self) -> bool {
        !self.uploads.is_empty()
    }

    /// The attachments that a message has after this request; `before` are those it had.
    pub fn attach(
        &self,
        before: &[Attachment],
        mut new_id: impl FnMut() -> String,
    ) -> Result<Vec<Attachment>, Refusal> {
        let mut all = Vec::new();
        let mut used = Vec::new();
        match &self.json["attachments"] {
            Value::Null => {
                all.extend_from_slice(before);
                all.extend(
                    self.uploads.iter().map(|upload| upload.attached(new_id(), &Value::Null)),
                );
                used.extend(self.uploads.iter().map(|upload| upload.index));
            }
            Value::Array(listed) => {
                for (at, item) in listed.iter().enumerate() {
                    let attached = self.listed(item, &format!("attachments.{at}"), before)?;
                    match attached {
                        Listed::New(upload) if !used.contains(&upload.index) => {
                            used.push(upload.index);
                            all.push(upload.attached(new_id(), item));
                        }
                        Listed::Kept(kept) => all.push(kept),
                        Listed::New(_) => {
                            let why = "Two attachments have the same id.";
                            return Err(Refusal::form("attachments", "DUPLICATE_ID", why));
                        }
                    }
                }
            }
            _ => {
                let why = "Only iterables may be used in a ListType.";
                return Err(Refusal::form("attachments", "LIST_TYPE_CONVERT", why));
            }
        }
        if let Some(lost) = self.uploads.iter().find(|upload| !used.contains(&upload.index)) {
            // Discord would drop it without a word.
            let why = format!("files[{}] is not among the attachments.", lost.index);
            return Err(Refusal::form("attachments", "ATTACHMENT_NOT_LISTED", &why));
        }
        if all.len() > MOST {
            let why = "Maximum number of attachments in a message reached (10)";
            return Err(Refusal::new(400, 30015, why));
        }
        Ok(all)
    }

    fn listed(&self, item: &Value, at: &str, before: &[Attachment]) -> Result<Listed<'_>, Refusal> {
        let id = match &item["id"] {
            Value::String(id) => id.clone(),
            Value::Number(id) => id.to_string(),
            _ => {
                let why = "This field is required";
                return Err(Refusal::form(&format!("{at}.id"), "BASE_TYPE_REQUIRED", why));
            }
        };
        let description = item["description"].as_str().unwrap_or_default();
        if description.chars().count() > 1024 {
            let why = "Must be 1024 or fewer in length.";
            return Err(Refusal::form(&format!("{at}.description"), "BASE_TYPE_MAX_LENGTH", why));
        }
        if let Some(kept) = before.iter().find(|known| known.id == id) {
            let mut kept = kept.clone();
            if item.get("description").is_some() {
                kept.description = item["description"].as_str().map(str::to_owned);
            }
            return Ok(Listed::Kept(kept));
        }
        let mut uploads = self.uploads.iter();
        let upload = uploads.find(|upload| upload.index.to_string() == id).ok_or_else(|| {
            let why = format!("There is neither a files[{id}] nor an attachment of that id.");
            Refusal::form(&format!("{at}.id"), "ATTACHMENT_NOT_FOUND", &why)
        })?;
        Ok(Listed::New(upload))
    }
}

enum Listed<'a> {
    New(&'a Upload),
    Kept(Attachment),
}

impl Upload {
    fn attached(&self, id: String, item: &Value) -> Attachment {
        let text = |field: &str| item[field].as_str().map(str::to_owned);
        let filename = text("filename").unwrap_or_else(|| self.filename.clone());
        Attachment {
            path: format!("/attachments/{}/{id}/{filename}", people::CHANNEL_ID),
            id,
            filename,
            description: text("description"),
            content_type: self.content_type.clone(),
            size: self.data.len(),
            bytes: self.data.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(json: Value, files: &[(&str, usize)]) -> Result<Payload, Refusal> {
        let mut body = format!(
            "--b\r\ncontent-disposition: form-data; name=\"payload_json\"\r\n\r\n{json}\r\n"
        );
        for (name, size) in files {
            let head = "content-disposition: form-data; name";
            body += &format!("--b\r\n{head}=\"{name}\"; filename=\"c.png\"\r\n");
            body += &format!("content-type: image/png\r\n\r\n{}\r\n", "x".repeat(*size));
        }
        body += "--b--\r\n";
        let mut headers = http::HeaderMap::new();
        headers.insert("content-type", "multipart/form-data; boundary=b".parse().unwrap());
        Payload::read(&Received {
            method: "POST".into(),
            path: "/".into(),
            query: Vec::new(),
            headers,
            body: body.into(),
        })
    }

    fn attach(json: Value, files: &[(&str, usize)]) -> Result<Vec<Attachment>, Refusal> {
        let mut id = 100;
        form(json, files)?.attach(&[], || {
            id += 1;
            id.to_string()
        })
    }

    #[test]
    fn files_and_their_descriptions_belong_together() {
        let listed =
            json!({"attachments": [{"id": 0, "description": "A chart", "filename": "d.png"}]});
        let all = attach(listed, &[("files[0]", 3)]).unwrap();
        assert_eq!((all[0].filename.as_str(), all[0].size), ("d.png", 3));
        assert_eq!(all[0].description.as_deref(), Some("A chart"));
        assert_eq!(all[0].bytes.as_ref(), b"xxx");
        assert_eq!(attach(json!({}), &[("files[0]", 1), ("files[1]", 1)]).unwrap().len(), 2);
    }

    #[test]
    fn what_does_not_belong_together_is_refused() {
        let many: Vec<(String, usize)> = (0..11).map(|n| (format!("files[{n}]"), 1)).collect();
        let many: Vec<(&str, usize)> =
            many.iter().map(|(name, size)| (name.as_str(), *size)).collect();
        let one = json!({"attachments": [{"id": "0"}]});
        let two = json!({"attachments": [{"id": "0"}, {"id": "0"}]});
        let long = json!({"attachments": [{"id": "0", "description": "x".repeat(1025)}]});
        for (json, files, code) in [
            (one.clone(), &[("files[1]", 1)][..], 50035),
            (one.clone(), &[], 50035),
            (two, &[("files[0]", 1)], 50035),
            (one, &[("files[0]", 1), ("files[1]", 1)], 50035),
            (long, &[("files[0]", 1)], 50035),
            (json!({"attachments": [{}]}), &[("files[0]", 1)], 50035),
            (json!({}), &[("file", 1)], 50035),
            (json!({}), &many, 30015),
            (json!({}), &[("files[0]", LARGEST + 1)], 40005),
        ] {
            assert_eq!(attach(json.clone(), files).unwrap_err().code, code, "{json}");
        }
    }
}
