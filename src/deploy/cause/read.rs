//! Reads why a run failed. Each part has a limit of time of its own, so that what can be read is kept when another part
//! fails.

use std::time::Duration;

use bytes::Bytes;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep, timeout_at};

use super::excerpt::{Excerpt, excerpt};
use super::kept::{Cause, Changes, Rejected, Standing};
use super::{annotation, changes, rejection};
use crate::deploy::failure::{Failed, is_failed};
use crate::deploy::past::Success;
use crate::github::job_log::JobLog;
use crate::github::{Github, GithubError, Repository, Run};

/// How long all of it takes at most.
const WITHIN: Duration = Duration::from_secs(25);

/// How long a log that GitHub does not have is asked for.
const LATE: Duration = Duration::from_secs(15);

/// The shortest pause between two such requests.
const PAUSE: Duration = Duration::from_secs(1);

/// The most bytes that a cause takes in the store.
const MOST_BYTES: usize = 3_800;

/// What is to be found out.
pub(in crate::deploy) struct Question<'a> {
    pub github: &'a Github,
    pub repository: &'a Repository,
    pub run: &'a Run,
    /// The full hash of the commit that it deploys, as far as is known.
    pub commit: Option<&'a str>,
    /// The job that failed, if one is known.
    pub failed: Option<&'a Failed>,
    /// The last success of the same agent and environment.
    pub last_success: Option<&'a Success>,
    /// How long to wait before a log is asked for again.
    pub pause: Duration,
}

/// Reads it. `None`: there is nothing to tell.
pub(in crate::deploy) async fn read(question: &Question<'_>) -> Option<Cause> {
    let Question { run, failed, .. } = *question;
    if failed.is_none() && !is_failed(run) && run.conclusion.as_deref() != Some("cancelled") {
        return None;
    }
    let until = Instant::now() + WITHIN;
    let mut cause = Cause::default();
    // Whoever rejects a deployment lets its job fail before its first step.
    if failed.is_none_or(|failed| failed.at.step.is_none()) {
        match rejected(question.github, question.repository, run, until).await {
            Ok(rejected) => cause.rejected = rejected,
            Err(error) => lacks(&mut cause, error.as_ref(), "Actions: read"),
        }
        if cause.rejected.is_some() {
            return Some(cause);
        }
    }
    if failed.is_none() && !is_failed(run) {
        // It was cancelled, and nothing in it had failed.
        return None;
    }
    let annotations = async {
        match failed.and_then(|failed| failed.job_id) {
            Some(job_id) => {
                let annotations = question.github.annotations(question.repository, job_id);
                within(until, annotations, "the annotations").await.map(Some)
            }
            None => Ok(None),
        }
    };
    let (log, annotations, changes) =
        tokio::join!(log(question, until), annotations, compare(question, until));
    match log {
        Ok(Read::Excerpt(Excerpt { lines, errors })) => (cause.log, cause.errors) = (lines, errors),
        Ok(Read::Nothing) => {}
        Ok(Read::Late) => cause.log_is_late = true,
        Err(error) => lacks(&mut cause, error.as_ref(), "Actions: read"),
    }
    match annotations {
        Ok(annotations) => cause.annotation = annotation::said(&annotations.unwrap_or_default()),
        Err(error) => lacks(&mut cause, error.as_ref(), "Checks: read"),
    }
    match changes {
        Ok(changes) => cause.changes = changes,
        Err(error) => lacks(&mut cause, error.as_ref(), "Contents: read"),
    }
    bound(&mut cause);
    (cause != Cause::default()).then_some(cause)
}

/// Who rejected its deployment.
pub(in crate::deploy) async fn rejected(
    github: &Github,
    repository: &Repository,
    run: &Run,
    until: Instant,
) -> Result<Option<Rejected>, Option<GithubError>> {
    let reviews = github.reviews(repository, run.id);
    let reviews = within(until, reviews, "the reviews").await?;
    Ok(rejection::find(&reviews, run.attempt()))
}

/// What came of a look at the log.
enum Read {
    Excerpt(Excerpt),
    Nothing,
    Late,
}

async fn log(question: &Question<'_>, until: Instant) -> Result<Read, Option<GithubError>> {
    let Question { github, repository, failed: Some(failed), pause, .. } = *question else {
        return Ok(Read::Nothing);
    };
    let Some(job_id) = failed.job_id else { return Ok(Read::Nothing) };
    let late = (Instant::now() + LATE).min(until);
    loop {
        let log = github.job_log(repository, job_id);
        let error = match within(until, log, "the log").await {
            Ok(JobLog::Found(log)) => {
                return Ok(read_log(log, failed, until).await);
            }
            Ok(JobLog::NotThere) => None,
            Err(Some(error)) if error.is_passing() => Some(error),
            Err(error) => return Err(error),
        };
        let again = Instant::now() + pause.max(PAUSE);
        if again > late {
            return if error.is_some() { Err(error) } else { Ok(Read::Late) };
        }
        sleep(pause.max(PAUSE)).await;
    }
}

/// What is shown of a log. It is read apart from everything else: it may be long.
async fn read_log(log: Bytes, failed: &Failed, until: Instant) -> Read {
    let (from, to) = (failed.from, failed.to);
    let reading = spawn_blocking(move || excerpt(&log, from, to));
    match timeout_at(until, reading).await {
        Ok(Ok(found)) => Read::Excerpt(found),
        _ => {
            tracing::warn!("a log was not read: it takes too long, or reading it failed");
            Read::Nothing
        }
    }
}

/// What changed since the last success.
async fn compare(
    question: &Question<'_>,
    until: Instant,
) -> Result<Option<Changes>, Option<GithubError>> {
    let base = question.last_success.and_then(|success| success.sha.as_deref());
    let (Some(base), Some(head)) = (base, question.commit) else {
        return Ok(None);
    };
    // They become parts of a path.
    if !is_hash(base) || !is_hash(head) {
        return Ok(None);
    }
    if base == head {
        return Ok(Some(changes::without(base, Standing::Same)));
    }
    let compared = question.github.compare(question.repository, base, head);
    match within(until, compared, "the comparison").await {
        Ok(compared) => Ok(Some(changes::read(base, compared))),
        Err(Some(GithubError::NotFound)) => Ok(Some(changes::without(base, Standing::Unknown))),
        Err(error) => Err(error),
    }
}

fn is_hash(sha: &str) -> bool {
    (7..=64).contains(&sha.len()) && sha.chars().all(|c| c.is_ascii_hexdigit())
}

/// The answer to a request, if it comes in time. `None`: it did not.
async fn within<T>(
    until: Instant,
    request: impl Future<Output = Result<T, GithubError>>,
    what: &str,
) -> Result<T, Option<GithubError>> {
    let answer = timeout_at(until, request).await;
    let answer = answer.map_err(|_| None).and_then(|answer| answer.map_err(Some));
    if let Err(error) = &answer {
        let why =
            error.as_ref().map_or_else(|| "it takes too long".to_owned(), ToString::to_string);
        tracing::debug!(why, what, "why a run failed is not told in full");
    }
    answer
}

/// Notes a permission, if it is for want of it that GitHub refused: only if GitHub says so.
fn lacks(cause: &mut Cause, error: Option<&GithubError>, permission: &str) {
    let Some(GithubError::Forbidden(said)) = error else { return };
    let is_known = cause.missing.iter().any(|known| known == permission);
    if said.starts_with("Resource not accessible") && !is_known {
        cause.missing.push(permission.to_owned());
    }
}

/// Leaves out what would make the record too large: the oldest commits, then the oldest lines that are no errors.
fn bound(cause: &mut Cause) {
    let is_large =
        |cause: &Cause| serde_json::to_vec(cause).is_ok_and(|written| written.len() > MOST_BYTES);
    while is_large(cause) {
        let has_dropped = match &mut cause.changes {
            Some(changes) => changes.newest.pop().is_some(),
            None => false,
        };
        if !has_dropped && !drop_line(&mut cause.log, &mut cause.errors) {
            return;
        }
    }
}

/// Drops the oldest line that is no error, else the last error. False: there is none left.
pub(in crate::deploy) fn drop_line(log: &mut Vec<String>, errors: &mut usize) -> bool {
    if *errors < log.len() {
        log.remove(*errors);
        return true;
    }
    *errors = errors.saturating_sub(1);
    log.pop().is_some()
}

#[cfg(test)]
mod tests {
    use super::super::kept::Commit;
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case::said(GithubError::Forbidden("Resource not accessible by integration".to_owned()), &["Checks: read"])]
    #[case::another_reason(GithubError::Forbidden("Resource protected by organization SAML enforcement".to_owned()), &[])]
    #[case::not_said(GithubError::NotFound, &[])]
    #[case::passing(GithubError::Lost("status 502".to_owned()), &[])]
    fn a_permission_is_missing_only_if_github_says_so(
        #[case] error: GithubError,
        #[case] expected: &[&str],
    ) {
        let mut cause = Cause::default();
        lacks(&mut cause, Some(&error), "Checks: read");
        lacks(&mut cause, Some(&error), "Checks: read");
        assert_eq!(cause.missing, expected);
    }

    #[test]
    fn the_oldest_line_goes_first_and_errors_last() {
        let mut log: Vec<String> = ["e1", "e2", "a", "b"].map(str::to_owned).to_vec();
        let mut errors = 2;
        let mut left = Vec::new();
        while drop_line(&mut log, &mut errors) {
            left.push(log.join(" "));
        }
        assert_eq!(left, ["e1 e2 b", "e1 e2", "e1", ""]);
    }

    proptest! {
        #[test]
        fn a_cause_is_small(
            lines in proptest::collection::vec(r#"["\\\PC]{0,160}"#, 0..10),
            titles in proptest::collection::vec(r"\PC{0,100}", 0..5),
            annotation in r"\PC{0,300}",
        ) {
            let newest = titles.into_iter().map(|title| Commit { sha: "1234567".to_owned(), title, author: None });
            let mut cause = Cause {
                annotation: Some(annotation),
                errors: lines.len().min(3),
                log: lines,
                changes: Some(Changes { newest: newest.collect(), ..changes::without("abc", Standing::Same) }),
                ..Cause::default()
            };
            bound(&mut cause);
            prop_assert!(serde_json::to_vec(&cause).unwrap().len() < 4_000);
            prop_assert!(cause.errors <= cause.log.len());
        }
    }
}
