//! What a stand-in received: kept for assertions, and written out for the check against the specs.

use crate::{multipart, server::Received};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    fs::{File, OpenOptions},
    io::Write,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

/// One request as a stand-in received it.
#[derive(Clone, Debug, Serialize)]
pub struct Request {
    /// When it arrived.
    #[serde(serialize_with = "crate::clock::serialize")]
    pub at: DateTime<Utc>,
    /// `GET`, `POST`, …
    pub method: String,
    /// The path without its query; an interaction's token reads `{token}`.
    pub path: String,
    /// The query, decoded.
    pub query: BTreeMap<String, String>,
    /// Header names in lower case; without `authorization`.
    pub headers: BTreeMap<String, String>,
    /// Whether the `authorization` header was the right one.
    pub authorized: bool,
    /// The body as JSON, as a string if it was not JSON, null if empty; of a form its `payload_json`.
    pub body: Value,
    /// The status answered; 0 if the connection was dropped instead.
    pub status: u16,
    /// Whether it counted against the rate limit (a 304 does not).
    pub counted: bool,
    /// How long a fault held its answer back.
    #[serde(skip)]
    pub held: Duration,
}

impl Request {
    pub(crate) fn new(at: DateTime<Utc>, received: &Received) -> Self {
        let headers = received
            .headers
            .iter()
            .filter(|(name, _)| *name != http::header::AUTHORIZATION)
            .map(|(name, value)| {
                let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
                (name.as_str().to_owned(), value)
            })
            .collect();
        Self {
            at,
            method: received.method.clone(),
            path: received.path.clone(),
            query: received.query.iter().cloned().collect(),
            headers,
            authorized: false,
            body: body_value(&payload(received)),
            status: 0,
            counted: true,
            held: Duration::ZERO,
        }
    }

    /// Whether it was sent to change something.
    pub fn is_write(&self) -> bool {
        !matches!(self.method.as_str(), "GET" | "HEAD" | "OPTIONS")
    }

    /// Method, path and status on one line.
    pub(crate) fn line(&self) -> String {
        format!("{} {}, answered {}", self.method, self.path, self.status)
    }
}

/// What a request says: its body, or the part of a form that says what the files are for.
fn payload(received: &Received) -> Bytes {
    if !multipart::is_form(received) {
        return received.body.clone();
    }
    let parts = multipart::parts(received).unwrap_or_default();
    let payload = parts.into_iter().find(|part| part.name == "payload_json");
    payload.map(|part| part.data).unwrap_or_default()
}

fn body_value(body: &Bytes) -> Value {
    if body.is_empty() {
        return Value::Null;
    }
    serde_json::from_slice(body)
        .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(body).into_owned()))
}

/// Appends what was received to a file of its own in the folder `STANDINS_RECORD` names.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recorder(Option<Arc<Mutex<File>>>);

impl Recorder {
    pub(crate) fn from_env() -> Self {
        match std::env::var_os("STANDINS_RECORD") {
            Some(folder) if !folder.is_empty() => Self::in_folder(Path::new(&folder)),
            _ => Self(None),
        }
    }

    fn in_folder(folder: &Path) -> Self {
        std::fs::create_dir_all(folder).expect("STANDINS_RECORD names a folder that can be made");
        let path = folder.join(format!("{}.jsonl", uuid::Uuid::new_v4()));
        let file = OpenOptions::new().create(true).append(true).open(path);
        Self(Some(Arc::new(Mutex::new(file.expect("a file in STANDINS_RECORD can be opened")))))
    }

    /// Writes a request that was processed, with the status it was processed to.
    pub(crate) fn request(&self, to: &str, request: &Request, status: u16) {
        let headers: BTreeMap<_, _> = request
            .headers
            .iter()
            .filter(|(name, _)| {
                matches!(
                    name.as_str(),
                    "accept" | "content-type" | "user-agent" | "x-github-api-version"
                )
            })
            .collect();
        self.write(&json!({
            "to": to,
            "method": request.method,
            "path": request.path,
            "query": request.query,
            "headers": headers,
            "body": request.body,
            "status": status,
        }));
    }

    /// Writes what a bot answered to an interaction.
    pub(crate) fn callback(&self, interaction_type: u64, body: &Value, accepted: bool) {
        self.write(&json!({
            "to": "discord-callback",
            "interaction_type": interaction_type,
            "body": body,
            "accepted": accepted,
        }));
    }

    /// Writes what was delivered to a hook.
    pub(crate) fn delivery(&self, event: &str, headers: &[(String, String)], body: &Bytes) {
        let headers: BTreeMap<_, _> = headers
            .iter()
            .filter(|(name, _)| !name.starts_with("x-hub-"))
            .map(|(name, value)| (name, value))
            .collect();
        let form = form_urlencoded::parse(body).find(|(name, _)| name == "payload");
        let form = form.map(|(_, payload)| Bytes::from(payload.into_owned()));
        self.write(&json!({
            "to": "github-webhook",
            "event": event,
            "headers": headers,
            "body": body_value(&form.unwrap_or_else(|| body.clone())),
        }));
    }

    fn write(&self, line: &Value) {
        if let Some(file) = &self.0 {
            // One write a line: a reader never sees half of one.
            let line = format!("{line}\n");
            file.lock().unwrap().write_all(line.as_bytes()).unwrap();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_one_line_of_json_without_credentials() {
        let folder = crate::Scratch::new().unwrap();
        let recorder = Recorder::in_folder(folder.path());
        let mut headers = http::HeaderMap::new();
        headers.insert("authorization", "Bearer secret".parse().unwrap());
        headers.insert("accept", "application/json".parse().unwrap());
        let received = Received {
            method: "GET".into(),
            path: "/user".into(),
            query: vec![("a".into(), "b".into())],
            headers,
            body: Bytes::new(),
        };
        let request = Request::new(Utc::now(), &received);
        recorder.request("github", &request, 200);
        let file = std::fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap();
        let text = std::fs::read_to_string(file.path()).unwrap();
        assert!(!text.contains("secret"));
        let line: Value = serde_json::from_str(text.trim_end()).unwrap();
        assert_eq!(line["headers"], json!({"accept": "application/json"}));
        assert_eq!(line["query"], json!({"a": "b"}));
    }
}
