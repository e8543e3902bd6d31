//! Names of jobs and steps, short enough to be stored.

use crate::github::jobs::Job;
use crate::text::escape;
use crate::text::mask::masked_title;

/// The most characters of a name that are kept.
pub(super) const NAME: usize = 100;

/// A job's name.
pub(super) fn name(job: &Job) -> String {
    kept(&job.name, "a job without a name")
}

/// A name that is short enough to be stored, without secrets: a matrix puts values into names.
pub(super) fn kept(name: &str, other: &str) -> String {
    let clipped = escape::clipped(&masked_title(name), NAME);
    if clipped.trim().is_empty() { other.to_owned() } else { clipped }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("build (API_KEY=abc)", "build (API_KEY=***")]
    #[case("build", "build")]
    #[case(" \u{200b}", "other")]
    fn a_name_is_kept_without_secrets(#[case] name: &str, #[case] expected: &str) {
        assert_eq!(kept(name, "other"), expected);
    }
}
