//! Webhooks: where GitHub tells what becomes of runs, and how that goes wrong.
//!
//! <https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries>

use crate::endpoint::Endpoint;
use chrono::{DateTime, Utc};
use ring::hmac;
use serde::Serialize;
use std::{sync::Arc, time::Duration};

/// A webhook of a repository, or of the App.
#[derive(Clone)]
pub struct Hook {
    /// Where it is delivered: to a URL or, in this process, to `/github/webhook`.
    pub to: Endpoint,
    /// What deliveries are signed with; none: they are not signed.
    pub secret: Option<String>,
    /// The repository (`owner/name`) whose runs it is about.
    pub repo: String,
    /// The events that it is about; a ping always comes.
    pub events: Vec<String>,
    /// Whether bodies are forms (`payload=…`) rather than JSON.
    pub form: bool,
    /// Whether it is the App's: deliveries name the installation.
    pub of_app: bool,
    /// How long a delivery takes from what happened, when nothing goes wrong.
    pub latency: Duration,
    /// Whether a dispatch is answered only after the delivery that tells of its run was.
    pub before_answer: bool,
    /// What goes wrong; all that hit a delivery, hit it together.
    pub mishaps: Vec<Mishap>,
}

impl Hook {
    /// A hook for JSON, told of runs and jobs 100 ms after they changed.
    pub fn new(to: Endpoint, repo: &str, secret: &str) -> Self {
        Self {
            to,
            secret: Some(secret.to_owned()),
            repo: repo.to_owned(),
            events: ["workflow_run", "workflow_job"].map(String::from).into(),
            form: false,
            of_app: false,
            latency: Duration::from_millis(100),
            before_answer: false,
            mishaps: Vec::new(),
        }
    }

    /// Adds something that goes wrong.
    pub fn mishap(mut self, mishap: Mishap) -> Self {
        self.mishaps.push(mishap);
        self
    }
}

/// What a delivery tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Happening {
    /// `workflow_run`, `workflow_job`, `ping`, …
    pub event: String,
    /// `requested`, `queued`, `waiting`, `in_progress`, `completed`; empty: the event has none.
    pub action: String,
    /// The repository that the payload names.
    pub repo: String,
    /// The run; 0: none.
    pub run_id: u64,
    /// Its attempt; 0: none.
    pub attempt: u64,
    /// The job's name, for a job.
    pub job: Option<String>,
    /// When it happened, by our clock.
    #[serde(serialize_with = "crate::clock::serialize")]
    pub at: DateTime<Utc>,
}

impl Happening {
    /// Whether it is this action of this event.
    pub fn is(&self, event: &str, action: &str) -> bool {
        self.event == event && self.action == action
    }
}

/// What becomes of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It comes this much later.
    Late(Duration),
    /// It never comes.
    Lost,
    /// It comes once more this long after the first time, with the same `X-GitHub-Delivery`.
    Twice(Duration),
    /// It comes right after the next one about the same run, if there is one.
    OutOfOrder,
    /// Its signatures are of another secret.
    WrongSignature,
    /// It has only `X-Hub-Signature`, with SHA-1.
    Sha1Only,
    /// It has no signature.
    Unsigned,
    /// It tells the same of another repository.
    OfRepository(String),
}

type Which = dyn Fn(&Happening) -> bool + Send + Sync;

/// Something that goes wrong with deliveries.
#[derive(Clone)]
pub struct Mishap {
    fate: Fate,
    which: Option<Arc<Which>>,
    skip: usize,
    each: usize,
    times: Option<usize>,
    seen: usize,
}

impl Mishap {
    /// Hits every delivery.
    pub fn new(fate: Fate) -> Self {
        Self { fate, which: None, skip: 0, each: 1, times: None, seen: 0 }
    }

    /// Hits those of an event and an action only.
    pub fn of(self, event: &'static str, action: &'static str) -> Self {
        self.when(move |what| what.is(event, action))
    }

    /// Hits those only of which this holds.
    pub fn when(mut self, which: impl Fn(&Happening) -> bool + Send + Sync + 'static) -> Self {
        self.which = Some(Arc::new(which));
        self
    }

    /// Lets this many of them pass first.
    pub fn skip(mut self, skip: usize) -> Self {
        self.skip = skip;
        self
    }

    /// Hits each n-th of them.
    pub fn each(mut self, each: usize) -> Self {
        self.each = each.max(1);
        self
    }

    /// Hits at most this many.
    pub fn times(mut self, times: usize) -> Self {
        self.times = Some(times);
        self
    }

    /// What becomes of this delivery, if this hits it. Counts it.
    pub(super) fn hits(&mut self, what: &Happening) -> Option<Fate> {
        if self.which.as_ref().is_some_and(|which| !which(what)) {
            return None;
        }
        self.seen += 1;
        let counted = self.seen.saturating_sub(self.skip);
        if counted == 0 || !counted.is_multiple_of(self.each) || self.times == Some(0) {
            return None;
        }
        self.times = self.times.map(|times| times - 1);
        Some(self.fate.clone())
    }
}

/// The value of `X-Hub-Signature-256` for a raw body.
pub fn signature(secret: &str, body: &[u8]) -> String {
    format!("sha256={}", mac(hmac::HMAC_SHA256, secret, body))
}

/// The value of `X-Hub-Signature`, which GitHub still sends.
pub(super) fn sha1_signature(secret: &str, body: &[u8]) -> String {
    format!("sha1={}", mac(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret, body))
}

fn mac(algorithm: hmac::Algorithm, secret: &str, body: &[u8]) -> String {
    hex::encode(hmac::sign(&hmac::Key::new(algorithm, secret.as_bytes()), body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_the_one_of_github_s_documentation() {
        assert_eq!(
            signature("It's a Secret to Everybody", b"Hello, World!"),
            "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
        );
    }

    #[test]
    fn a_mishap_counts_those_that_it_is_about() {
        let what = |action: &str| Happening {
            event: "workflow_run".into(),
            action: action.into(),
            repo: "o/r".into(),
            run_id: 1,
            attempt: 1,
            job: None,
            at: DateTime::UNIX_EPOCH,
        };
        let hits = |mut mishap: Mishap| -> Vec<bool> {
            (0..8).map(|_| mishap.hits(&what("completed")).is_some()).collect()
        };
        let lost = || Mishap::new(Fate::Lost);
        assert_eq!(hits(lost()), [true; 8]);
        let third = [false, false, true, false, false, true, false, false];
        assert_eq!(hits(lost().each(3)), third);
        let later = [false, true, true, false, false, false, false, false];
        assert_eq!(hits(lost().skip(1).times(2)), later);
        assert_eq!(hits(lost().of("workflow_run", "requested")), [false; 8]);
        assert_eq!(hits(lost().when(|what| what.run_id == 1).each(8)).last(), Some(&true));
    }
}
