//! The log of a job.
//!
//! <https://docs.github.com/en/rest/actions/workflow-jobs#download-job-logs-for-a-workflow-run>

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_RANGE};
use http::{Response, StatusCode};

use super::client::{Ask, Github};
use super::elsewhere::{Way, refused};
use super::error::GithubError;
use super::repository::Repository;
use crate::net::elsewhere::Keep;

/// How much of a log is read, from its end. A step that failed is mostly one of the last, but what cleans up after it
/// may write a lot.
const READ: usize = 4 * 1024 * 1024;

/// What GitHub has of a job's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum JobLog {
    /// The log, or its end: whole lines, at most 4 MiB.
    Found(Bytes),
    /// It is not there yet, or never will be: jobs that were cancelled or skipped have none.
    NotThere,
}

impl Github {
    /// The end of a job's log.
    pub(crate) async fn job_log(
        &self,
        repository: &Repository,
        job_id: u64,
    ) -> Result<JobLog, GithubError> {
        let path = format!("/repos/{repository}/actions/jobs/{job_id}/logs");
        match self.way(&Ask::elsewhere(&path, true)).await {
            Ok(Way::Sent(log)) => {
                let cut = log.len().saturating_sub(READ);
                Ok(JobLog::Found(whole_lines(log.slice(cut..), cut > 0)))
            }
            Ok(Way::Link(link)) => self.end_of_log(&link).await.map(JobLog::Found),
            Err(GithubError::NotFound) => Ok(JobLog::NotThere),
            Err(error) => Err(error),
        }
    }

    /// Not every storage knows ranges that are counted from the end (`bytes=-N`): Azure's does not, which GitHub uses. It
    /// then announces the length, and is asked again if that is long. What knows no ranges at all is read through.
    async fn end_of_log(&self, link: &str) -> Result<Bytes, GithubError> {
        let from_end = format!("bytes=-{READ}");
        let response = self.follow(link, Some(from_end), Keep::EndUnlessLong(READ)).await?;
        let length = length(&response);
        match (response.status(), length) {
            (StatusCode::PARTIAL_CONTENT, _) => return Ok(end(response)),
            (StatusCode::OK, Some(length)) if length > READ => {
                let from = format!("bytes={}-", length - READ);
                let response = self.follow(link, Some(from), Keep::End(READ)).await?;
                if response.status().is_success() {
                    return Ok(end(response));
                }
            }
            (status, _) if status.is_success() => return Ok(end(response)),
            // A range that it does not understand, or of an empty file.
            (StatusCode::BAD_REQUEST | StatusCode::RANGE_NOT_SATISFIABLE, _) => {}
            (status, _) => return Err(refused(status)),
        }
        let response = self.follow(link, None, Keep::End(READ)).await?;
        if response.status().is_success() {
            Ok(end(response))
        } else {
            Err(refused(response.status()))
        }
    }
}

fn length(response: &Response<Bytes>) -> Option<usize> {
    response.headers().get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// The lines of an answer, without the first if it is a part of one.
fn end(response: Response<Bytes>) -> Bytes {
    let is_cut = if response.status() == StatusCode::PARTIAL_CONTENT {
        let range = response.headers().get(CONTENT_RANGE).and_then(|range| range.to_str().ok());
        !range.is_some_and(|range| range.trim().starts_with("bytes 0-"))
    } else {
        // Less than announced was kept.
        length(&response)
            .map_or(response.body().len() >= READ, |length| length > response.body().len())
    };
    whole_lines(response.into_body(), is_cut)
}

/// One endless line stays.
fn whole_lines(log: Bytes, is_cut: bool) -> Bytes {
    let first = log.iter().position(|byte| *byte == b'\n').filter(|_| is_cut);
    first.map_or(log.clone(), |at| log.slice(at + 1..))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn answer(status: u16, headers: &[(&str, &str)], body: &'static str) -> Response<Bytes> {
        let mut answer = Response::builder().status(status);
        for (name, value) in headers {
            answer = answer.header(*name, *value);
        }
        answer.body(Bytes::from(body)).unwrap()
    }

    #[rstest]
    #[case::a_part(206, &[("content-range", "bytes 5-9/10")], "b\ncd\n", "cd\n")]
    #[case::a_part_that_is_all(206, &[("content-range", "bytes 0-4/5")], "b\ncd\n", "b\ncd\n")]
    #[case::a_part_that_does_not_tell(206, &[], "b\ncd\n", "cd\n")]
    #[case::one_endless_line(206, &[("content-range", "bytes 5-9/10")], "bbbbb", "bbbbb")]
    #[case::all(200, &[("content-length", "5")], "b\ncd\n", "b\ncd\n")]
    #[case::all_without_a_length(200, &[], "b\ncd\n", "b\ncd\n")]
    #[case::the_end_of_a_long_one(200, &[("content-length", "50")], "b\ncd\n", "cd\n")]
    fn a_log_begins_with_a_whole_line(
        #[case] status: u16,
        #[case] headers: &[(&str, &str)],
        #[case] body: &'static str,
        #[case] expected: &'static str,
    ) {
        assert_eq!(end(answer(status, headers, body)), expected);
    }
}
