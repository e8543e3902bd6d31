//! Faults: errors that a test injects into the stand-in for GitHub.

use super::wire::error_body;
use crate::server::Answer;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use std::time::Duration;

/// Which requests a fault hits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    /// A workflow dispatch.
    Dispatch,
    /// A run by its id.
    RunGet,
    /// A list of runs.
    RunList,
    /// A run's jobs.
    Jobs,
    /// The way to a job's log.
    Logs,
    /// The annotations of a job.
    Annotations,
    /// How reviewers have decided about a run.
    Reviews,
    /// What lies between two commits.
    Compare,
    /// A re-run of a run.
    Rerun,
    /// The cancel of a run.
    Cancel,
    /// What a waiting run waits for.
    Pending,
    /// The concurrency groups of a run, or one of them.
    Concurrency,
    /// A run's artifacts, one of them, or the way to its archive.
    Artifacts,
    /// An archive or a log itself, at the link that was given.
    Download,
    /// The repository's variables.
    Variables,
    /// The repository's secrets and their public key.
    Secrets,
    /// Branches and tags.
    Refs,
    /// Workflows and their files.
    Workflows,
    /// The App, its installation and its tokens.
    App,
    /// The token's own account.
    User,
    /// A request to a route that no other value names.
    Other,
    /// Every request.
    Any,
}

/// What a fault does.
#[derive(Clone, Debug)]
pub enum What {
    /// The request is not processed; this is the answer.
    Status {
        /// The status code.
        code: u16,
        /// Headers besides the usual ones.
        headers: Vec<(String, String)>,
        /// The JSON body.
        body: Value,
    },
    /// The primary rate limit is used up.
    RateLimited {
        /// Time until it resets.
        reset_in: Duration,
    },
    /// The connection is dropped without an answer; the request is not processed.
    Reset,
    /// The request is processed, but its answer is lost.
    AnswerLost {
        /// Answered instead; none: the connection is dropped.
        status: Option<u16>,
    },
    /// The request is processed at once and answered late.
    Delay(Duration),
    /// Answered 200 with a body that is not JSON; the request is not processed.
    Garbage,
    /// The request is processed; half of its answer's body arrives.
    Truncated,
}

/// An error to inject. If several match a request, the first one hits it.
#[derive(Clone, Debug)]
pub struct Fault {
    /// Which requests it hits.
    pub on: On,
    /// How many of them pass before it starts.
    pub skip: usize,
    /// How many it hits; `None`: all.
    pub times: Option<usize>,
    /// How long it hits, from its first hit on; `None`: no matter how long.
    pub lasts: Option<Duration>,
    /// When it hit first.
    pub began: Option<DateTime<Utc>>,
    /// What it does.
    pub what: What,
}

impl Fault {
    /// Hits the next such request, once.
    pub fn new(on: On, what: What) -> Self {
        Self { on, skip: 0, times: Some(1), lasts: None, began: None, what }
    }

    /// Hits requests of this kind instead.
    pub fn on(mut self, on: On) -> Self {
        self.on = on;
        self
    }

    /// Lets this many requests pass first.
    pub fn skip(mut self, skip: usize) -> Self {
        self.skip = skip;
        self
    }

    /// Hits this many requests.
    pub fn times(mut self, times: usize) -> Self {
        self.times = Some(times);
        self
    }

    /// Hits every request from then on.
    pub fn always(mut self) -> Self {
        self.times = None;
        self
    }

    /// Hits every request for this long, from the first one on.
    pub fn lasting(mut self, time: Duration) -> Self {
        self.lasts = Some(time);
        self.always()
    }

    /// Answers the next request with a status and GitHub's shape of an error.
    pub fn status(code: u16, message: &str) -> Self {
        Self::answer(code, Vec::new(), message)
    }

    /// The primary rate limit is used up: 403 with `x-ratelimit-remaining: 0`.
    pub fn rate_limited_primary(reset_in: Duration) -> Self {
        Self::new(On::Any, What::RateLimited { reset_in })
    }

    /// A secondary rate limit: 403 with `Retry-After`.
    pub fn secondary(retry_after: Duration) -> Self {
        let message = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.";
        Self::answer(403, retry_after_header(retry_after), message)
    }

    /// A secondary limit in the older words, without a header that says so.
    pub fn abuse() -> Self {
        let message = "You have triggered an abuse detection mechanism. Please wait a few minutes before you try again.";
        Self::status(403, message)
    }

    /// 429 with `Retry-After`.
    pub fn too_many(retry_after: Duration) -> Self {
        let message = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.";
        Self::answer(429, retry_after_header(retry_after), message)
    }

    /// 403: the token lacks a permission.
    pub fn forbidden() -> Self {
        Self::status(403, "Resource not accessible by personal access token")
    }

    /// 502.
    pub fn bad_gateway() -> Self {
        Self::status(502, "Server Error")
    }

    fn answer(code: u16, headers: Vec<(String, String)>, message: &str) -> Self {
        let body = error_body(code, message);
        Self::new(On::Any, What::Status { code, headers, body })
    }
}

fn retry_after_header(wait: Duration) -> Vec<(String, String)> {
    vec![("retry-after".into(), wait.as_secs().to_string())]
}

/// The fault that hits a request of this kind, if any. Counts it down.
pub(crate) fn take(faults: &mut Vec<Fault>, kind: On, now: DateTime<Utc>) -> Option<What> {
    let mut due = None;
    for (index, fault) in faults.iter_mut().enumerate() {
        if fault.on != On::Any && fault.on != kind {
            continue;
        }
        if fault.skip > 0 {
            fault.skip -= 1;
            continue;
        }
        let began = *fault.began.get_or_insert(now);
        if fault.lasts.is_some_and(|lasts| now >= began + lasts) {
            continue;
        }
        due = Some(index);
        break;
    }
    let index = due?;
    let what = faults[index].what.clone();
    if let Some(times) = &mut faults[index].times {
        *times = times.saturating_sub(1);
        if *times == 0 {
            faults.remove(index);
        }
    }
    Some(what)
}

/// The answer of a fault that keeps the request from being processed, save for [`What::Reset`].
pub(crate) fn answer(what: &What, now: DateTime<Utc>, limit: u64) -> Option<Answer> {
    match what {
        What::Status { code, headers, body } => {
            let mut answer = Answer::json(*code, body);
            answer.headers.extend(headers.iter().cloned());
            Some(answer)
        }
        What::RateLimited { reset_in } => {
            let message = "API rate limit exceeded for user ID 41898282. If you reach out to GitHub Support for help, please include the request ID.";
            let body = json!({
                "message": message,
                "documentation_url": "https://docs.github.com/rest/overview/rate-limits-for-the-rest-api",
                "status": "403",
            });
            // Rounded up, so that waiting until the reset is long enough.
            let reset = (now + *reset_in).timestamp_millis().div_euclid(1000) + 1;
            Some(
                Answer::json(403, &body)
                    .header("x-ratelimit-limit", limit)
                    .header("x-ratelimit-remaining", 0)
                    .header("x-ratelimit-used", limit)
                    .header("x-ratelimit-reset", reset),
            )
        }
        What::Garbage => {
            let mut answer = Answer::empty(200).header("content-type", "text/html");
            answer.body = "<html><body>Hello, this is a captive portal.</body>".into();
            Some(answer)
        }
        What::Reset | What::AnswerLost { .. } | What::Delay(_) | What::Truncated => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_skips_then_befalls_so_many_and_is_gone() {
        let mut faults = vec![Fault::bad_gateway().on(On::RunGet).skip(1).times(2)];
        let now = Utc::now();
        assert!(take(&mut faults, On::Dispatch, now).is_none());
        let hits: Vec<bool> =
            (0..5).map(|_| take(&mut faults, On::RunGet, now).is_some()).collect();
        assert_eq!(hits, [false, true, true, false, false]);
        assert!(faults.is_empty());
    }

    #[test]
    fn a_fault_without_end_stays() {
        let mut faults = vec![Fault::forbidden().always()];
        assert!((0..100).all(|_| take(&mut faults, On::Other, Utc::now()).is_some()));
    }

    #[test]
    fn a_fault_lasts_from_its_first_hit_on() {
        let mut faults = vec![Fault::forbidden().skip(1).lasting(Duration::from_secs(3))];
        let began = Utc::now();
        let mut hits = |seconds| {
            let now = began + chrono::TimeDelta::seconds(seconds);
            take(&mut faults, On::RunGet, now).is_some()
        };
        assert_eq!([0, 100, 102, 103, 104].map(&mut hits), [false, true, true, false, false]);
    }
}
