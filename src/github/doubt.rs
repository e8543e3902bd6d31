//! When a refusal is believed: by the time it lasts, not at first sight.
//!
//! GitHub answers from many servers, and they do not learn everything at once. For some seconds one may refuse a
//! new installation token, or not know what another one has just shown. So a 401, 403 or 404 is doubted, and the
//! request repeated, if the token is new or if GitHub showed the same thing a moment ago. On a refusal GitHub did
//! nothing, so a write can be repeated too. Whatever was never seen is believed at once: most likely it is wrong.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use chrono::{DateTime, TimeDelta, Utc};
use http::Method;
use tokio::time::{Instant, sleep};

use super::app::Token;
use super::error::GithubError;
use crate::secrets::Secret;

/// A refused read is believed after this long. A mistyped id on a cold start takes as long.
pub(super) const READ: Duration = Duration::from_secs(6);
/// A refused write is believed after this long: a deploy that is not dispatched must be typed again.
const WRITE: Duration = Duration::from_secs(15);
/// How long ago a moment ago is.
const SEEN_FOR: TimeDelta = TimeDelta::minutes(5);
/// The most things that are remembered. Each takes about a hundred bytes.
const REMEMBERED: usize = 500;

/// What GitHub showed a moment ago, by GitHub's clock.
#[derive(Default)]
pub(super) struct Seen(Mutex<Things>);

#[derive(Default)]
struct Things {
    /// By path, and requests by method and path.
    at: HashMap<String, DateTime<Utc>>,
    token: Option<(Secret, DateTime<Utc>)>,
}

impl Seen {
    /// Notes that GitHub answered this request.
    pub(super) fn note(&self, method: &Method, path: &str, token: &Token, now: DateTime<Utc>) {
        let path = without_query(path);
        let mut things = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        things.token = Some((token.secret.clone(), now));
        if things.at.len() >= REMEMBERED {
            things.at.retain(|_, at| is_recent(*at, now));
        }
        if things.at.len() >= REMEMBERED {
            things.at.clear();
        }
        things.at.insert(request(method, path), now);
        for part in [repository(path), thing(method, path)].into_iter().flatten() {
            things.at.insert(part.to_owned(), now);
        }
    }

    /// How long to repeat a request that was refused with this error, counted from its first refusal.
    pub(super) fn patience(
        &self,
        error: &GithubError,
        (method, path): (&Method, &str),
        token: &Token,
        now: DateTime<Utc>,
    ) -> Duration {
        let path = without_query(path);
        let things = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = |name: &str| things.at.get(name).is_some_and(|at| is_recent(*at, now));
        // A new token that GitHub took for this repository is known by now.
        let is_new = || {
            let since = repository(path).and_then(|repository| things.at.get(repository));
            token.is_new(now) && since.is_none_or(|at| Some(*at) < token.issued_at)
        };
        let doubted = match error {
            GithubError::Unauthorized(_) => {
                let mut accepted = things.token.iter();
                token.is_new(now)
                    || accepted.any(|(known, at)| *known == token.secret && is_recent(*at, now))
            }
            // Who may read a thing may still lack the permission to write it.
            GithubError::Forbidden(_) => {
                error.is_doubtful() && (is_new() || seen(&request(method, path)))
            }
            GithubError::NotFound => is_new() || thing(method, path).is_some_and(seen),
            _ => false,
        };
        // No mistyped id is answered 401, so nobody waits for that one in vain.
        let refused_token = matches!(error, GithubError::Unauthorized(_)) && token.is_new(now);
        if !doubted {
            Duration::ZERO
        } else if refused_token || *method != Method::GET {
            WRITE
        } else {
            READ
        }
    }
}

fn is_recent(at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    (now - at).abs() < SEEN_FOR
}

/// The path alone.
pub(super) fn without_query(path: &str) -> &str {
    path.split_once('?').map_or(path, |(path, _)| path)
}

fn request(method: &Method, path: &str) -> String {
    format!("{method} {path}")
}

/// `/repos/OWNER/NAME`.
fn repository(path: &str) -> Option<&str> {
    path.strip_prefix("/repos/")?;
    let end = path.match_indices('/').nth(3).map_or(path.len(), |(at, _)| at);
    path.get(..end)
}

/// The path of what must exist for this request to find anything: a run, a workflow, a variable, …, or the
/// repository.
fn thing<'a>(method: &Method, path: &'a str) -> Option<&'a str> {
    let repository = repository(path)?;
    let (mut found, mut is_named) = (repository, false);
    let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
    let mut begin = repository.len();
    for end in ends.filter(|end| *end > repository.len()) {
        if is_named && !(*method == Method::PUT && end == path.len()) {
            found = path.get(..end)?;
        }
        is_named = matches!(
            path.get(begin..end)?.trim_start_matches('/'),
            "runs" | "attempts" | "workflows" | "artifacts" | "variables" | "secrets"
        );
        begin = end;
    }
    Some(found)
}

/// The pauses between the tries of one request, by the time since its first failure.
#[derive(Default)]
pub(super) struct Doubt(Option<(Instant, ExponentialBackoff)>);

impl Doubt {
    /// Pauses before the next try. `false`: the first failure was that long ago.
    pub(super) async fn lasts(&mut self, patience: Duration) -> bool {
        let (since, pauses) = self.0.get_or_insert_with(|| (Instant::now(), pauses()));
        let left = patience.saturating_sub(since.elapsed());
        if left.is_zero() {
            return false;
        }
        sleep(pauses.next().map_or(left, |pause| pause.min(left))).await;
        true
    }
}

fn pauses() -> ExponentialBackoff {
    ExponentialBuilder::new()
        .with_min_delay(Duration::from_millis(500))
        .with_max_delay(Duration::from_secs(2))
        .without_max_times()
        .with_jitter()
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    fn token(issued: Option<i64>) -> Token {
        Token { secret: Secret::new("t"), issued_at: issued.map(at) }
    }

    const RUN: &str = "/repos/o/r/actions/runs/5";
    const WORKFLOW: &str = "/repos/o/r/actions/workflows/x.yml";
    const DISPATCHES: &str = "/repos/o/r/actions/workflows/x.yml/dispatches";

    /// How many seconds a refusal at second 1000 is doubted after this was seen.
    fn doubted(
        seen: &[(i64, Method, &str)],
        error: GithubError,
        (method, path): (Method, &str),
        token: &Token,
    ) -> u64 {
        let known = Seen::default();
        for (when, method, path) in seen {
            known.note(method, path, token, at(*when));
        }
        known.patience(&error, (&method, path), token, at(1000)).as_secs()
    }

    fn forbidden(said: &str) -> GithubError {
        GithubError::Forbidden(said.to_owned())
    }

    #[rstest]
    #[case::never_seen(&[], RUN, 0)]
    #[case::the_same(&[(995, Method::GET, RUN)], RUN, 6)]
    #[case::long_ago(&[(600, Method::GET, RUN)], RUN, 0)]
    #[case::a_part_of_it(&[(995, Method::GET, RUN)], "/repos/o/r/actions/runs/5/jobs?page=2", 6)]
    #[case::by_a_part_of_it(&[(995, Method::GET, "/repos/o/r/actions/runs/5/jobs")], RUN, 6)]
    #[case::another_id(&[(995, Method::GET, RUN)], "/repos/o/r/actions/runs/6", 0)]
    #[case::a_list(&[(995, Method::GET, RUN)], "/repos/o/r/actions/runs?page=1", 6)]
    #[case::another_repository(&[(995, Method::GET, RUN)], "/repos/o/s/actions/runs", 0)]
    #[case::other_pages(&[(995, Method::GET, "/repos/o/r/actions/workflows/x.yml/runs?page=1")], "/repos/o/r/actions/workflows/x.yml/runs?page=2", 6)]
    fn what_was_seen_a_moment_ago_is_not_gone_at_once(
        #[case] seen: &[(i64, Method, &str)],
        #[case] path: &str,
        #[case] seconds: u64,
    ) {
        let of = doubted(seen, GithubError::NotFound, (Method::GET, path), &token(None));
        assert_eq!(of, seconds);
    }

    #[rstest]
    #[case::known_workflow(GithubError::NotFound, Method::POST, DISPATCHES, 15)]
    #[case::other_workflow(
        GithubError::NotFound,
        Method::POST,
        "/repos/o/r/actions/workflows/y.yml/dispatches",
        0
    )]
    #[case::new_secret(GithubError::NotFound, Method::PUT, "/repos/o/r/actions/secrets/X", 15)]
    #[case::new_variable(GithubError::NotFound, Method::POST, "/repos/o/r/actions/variables", 15)]
    #[case::never_allowed(
        forbidden("Resource not accessible by integration"),
        Method::POST,
        DISPATCHES,
        0
    )]
    #[case::allowed(forbidden("Resource not accessible by integration"), Method::GET, WORKFLOW, 6)]
    #[case::named_cause(
        forbidden("Resource protected by organization SAML enforcement."),
        Method::GET,
        WORKFLOW,
        0
    )]
    #[case::accepted_token(GithubError::Unauthorized("Bad credentials".to_owned()), Method::POST, DISPATCHES, 15)]
    #[case::no_refusal(GithubError::Refused(422, "no".to_owned()), Method::GET, WORKFLOW, 0)]
    #[case::lost(GithubError::Lost("x".to_owned()), Method::POST, DISPATCHES, 0)]
    fn a_permission_is_known_by_the_same_request(
        #[case] error: GithubError,
        #[case] method: Method,
        #[case] path: &str,
        #[case] seconds: u64,
    ) {
        let seen = [(995, Method::GET, WORKFLOW)];
        assert_eq!(doubted(&seen, error, (method, path), &token(None)), seconds);
    }

    #[rstest]
    #[case::never_seen(GithubError::NotFound, 998, &[], 6)]
    #[case::permission(forbidden("Resource not accessible by integration"), 998, &[], 6)]
    #[case::credentials(GithubError::Unauthorized("Bad credentials".to_owned()), 998, &[], 15)]
    #[case::suspended(forbidden("This installation has been suspended"), 998, &[], 0)]
    #[case::older(GithubError::NotFound, 900, &[], 0)]
    #[case::older_credentials(GithubError::Unauthorized(String::new()), 900, &[], 0)]
    #[case::accepted_there(GithubError::NotFound, 998, &[(999, Method::GET, WORKFLOW)], 0)]
    #[case::accepted_before_it_was_issued(GithubError::NotFound, 998, &[(990, Method::GET, WORKFLOW)], 6)]
    fn a_new_installation_token_is_given_time(
        #[case] error: GithubError,
        #[case] issued: i64,
        #[case] seen: &[(i64, Method, &str)],
        #[case] seconds: u64,
    ) {
        assert_eq!(doubted(seen, error, (Method::GET, RUN), &token(Some(issued))), seconds);
    }

    #[test]
    fn the_memory_is_bounded() {
        let seen = Seen::default();
        for id in 0..5000 {
            let path = format!("{RUN}{id}");
            seen.note(&Method::GET, &path, &token(None), at(id));
        }
        assert!(seen.0.lock().unwrap().at.len() <= REMEMBERED + 3);
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_is_doubted_by_time_and_not_by_count() {
        let (mut doubt, began, mut tries) = (Doubt::default(), Instant::now(), 0);
        while doubt.lasts(READ).await {
            tries += 1;
        }
        assert_eq!(began.elapsed(), READ);
        assert!((3..=12).contains(&tries), "{tries}");
        assert!(!Doubt::default().lasts(Duration::ZERO).await);
    }
}
