//! The one form in which branches and tags are named: without `refs/heads/` or `refs/tags/`, as GitHub shows
//! them in a run's `head_branch`.

/// The short name: `main` of `refs/heads/main`, `v1` of `refs/tags/v1`. Anything else is returned as it is.
pub(crate) fn short(name: &str) -> &str {
    let of = |kind| name.strip_prefix(kind).filter(|rest| !rest.is_empty());
    of("refs/heads/").or_else(|| of("refs/tags/")).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("refs/heads/main", "main")]
    #[case("refs/tags/v1.0", "v1.0")]
    #[case("refs/heads/feature/ä#b", "feature/ä#b")]
    #[case("refs/heads/release/*", "release/*")]
    #[case::only_once("refs/heads/refs/heads/x", "refs/heads/x")]
    #[case("refs/heads/", "refs/heads/")]
    #[case("refs/pull/1/head", "refs/pull/1/head")]
    #[case("heads/main", "heads/main")]
    #[case("main", "main")]
    #[case("", "")]
    fn a_ref_has_one_name(#[case] name: &str, #[case] expected: &str) {
        assert_eq!(short(name), expected);
    }
}
