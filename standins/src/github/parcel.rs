//! A delivery: its headers, its signed body, and what is written down of it.

use super::hook::{self, Fate, Happening, Hook};
use crate::endpoint::Endpoint;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use std::time::Duration;

/// A delivery of a webhook, and what became of it.
#[derive(Clone, Debug, Serialize)]
pub struct Delivery {
    /// Its `X-GitHub-Delivery`, which is the same when it is sent again.
    pub id: String,
    /// The hook's id.
    pub hook: u64,
    /// What it tells.
    #[serde(flatten)]
    pub what: Happening,
    /// When it was sent, or would have been.
    #[serde(serialize_with = "crate::clock::serialize")]
    pub sent: DateTime<Utc>,
    /// Whether it was sent before.
    pub again: bool,
    /// Whether it was lost on the way.
    pub lost: bool,
    /// Whether its answer is still awaited.
    pub under_way: bool,
    /// The status of the answer.
    pub status: Option<u16>,
    /// Why there is none.
    pub why: Option<String>,
    /// From sending to the answer.
    #[serde(skip)]
    pub elapsed: Duration,
    /// All headers, names in lower case.
    #[serde(skip)]
    pub headers: Vec<(String, String)>,
    /// The exact bytes that were signed.
    #[serde(skip)]
    pub body: Bytes,
}

/// A delivery that is ready to be sent.
#[derive(Clone)]
pub(super) struct Parcel {
    pub delivery: Delivery,
    pub to: Endpoint,
    /// Where it is written down.
    pub index: usize,
}

impl Happening {
    pub(super) fn ping(repo: &str, at: DateTime<Utc>) -> Self {
        Self::other("ping", "", repo, at)
    }

    pub(super) fn other(event: &str, action: &str, repo: &str, at: DateTime<Utc>) -> Self {
        Self {
            event: event.to_owned(),
            action: action.to_owned(),
            repo: repo.to_owned(),
            run_id: 0,
            attempt: 0,
            job: None,
            at,
        }
    }
}

impl Parcel {
    pub fn new(
        id: u64,
        hook: &Hook,
        target: u64,
        what: Happening,
        payload: &Value,
        fates: &[Fate],
    ) -> Self {
        let (content_type, body) = if hook.form {
            let mut form = form_urlencoded::Serializer::new(String::new());
            form.append_pair("payload", &payload.to_string());
            ("application/x-www-form-urlencoded", form.finish())
        } else {
            ("application/json", payload.to_string())
        };
        let delivery = uuid::Uuid::new_v4().to_string();
        let kind = if hook.of_app { "integration" } else { "repository" };
        let mut headers: Vec<(String, String)> = [
            ("accept", "*/*"),
            ("user-agent", "GitHub-Hookshot/044aadd"),
            ("content-type", content_type),
            ("x-github-event", &what.event),
            ("x-github-delivery", &delivery),
            ("x-github-hook-id", &id.to_string()),
            ("x-github-hook-installation-target-id", &target.to_string()),
            ("x-github-hook-installation-target-type", kind),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        let wrong = fates.contains(&Fate::WrongSignature);
        let secret = hook.secret.as_ref().filter(|_| !fates.contains(&Fate::Unsigned));
        if let Some(secret) = secret {
            let secret = if wrong { format!("not {secret}") } else { secret.clone() };
            let sha1 = hook::sha1_signature(&secret, body.as_bytes());
            headers.push(("x-hub-signature".to_owned(), sha1));
            if !fates.contains(&Fate::Sha1Only) {
                let sha256 = hook::signature(&secret, body.as_bytes());
                headers.push(("x-hub-signature-256".to_owned(), sha256));
            }
        }
        let sent = what.at;
        let delivery = Delivery {
            id: delivery,
            hook: id,
            what,
            sent,
            again: false,
            lost: fates.contains(&Fate::Lost),
            under_way: false,
            status: None,
            why: None,
            elapsed: Duration::ZERO,
            headers,
            body: body.into(),
        };
        Self { delivery, to: hook.to.clone(), index: 0 }
    }
}
