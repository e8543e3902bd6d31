//! What changed between two commits, as it is kept.

use super::annotation::tidy;
use super::kept::{Changes, Commit, Standing};
use crate::github::compare::Comparison;
use crate::text::escape::clipped;

/// The most commits that are named.
const MOST: usize = 5;

/// The most characters of a title, and of an author's name.
const TITLE: usize = 100;
const NAME: usize = 40;

/// The most of a URL.
const URL: usize = 300;

/// What GitHub's comparison with the commit `base` says.
pub(super) fn read(base: &str, compared: Comparison) -> Changes {
    let ahead = compared.total_commits.or(compared.ahead_by);
    let behind = compared.behind_by.unwrap_or_default();
    let standing = match (compared.status.as_deref(), ahead) {
        (Some("identical"), _) => Standing::Same,
        (Some("behind"), _) => Standing::Behind { commits: behind },
        (Some("diverged"), Some(commits)) => Standing::Diverged { commits, lacks: behind },
        (Some("ahead"), Some(commits)) => Standing::Ahead { commits },
        _ => Standing::Unknown,
    };
    let newest = compared.commits.into_iter().rev().take(MOST).map(|commit| Commit {
        sha: short(&tidy(&commit.sha)),
        title: clipped(&tidy(commit.message.lines().next().unwrap_or_default()), TITLE),
        author: commit
            .author
            .map(|author| clipped(&tidy(&author), NAME))
            .filter(|name| !name.is_empty()),
    });
    Changes {
        standing,
        base: base.to_owned(),
        newest: newest.collect(),
        url: compared.html_url.filter(|url| url.len() <= URL),
    }
}

/// A comparison that GitHub does not make, or that needs none.
pub(super) fn without(base: &str, standing: Standing) -> Changes {
    Changes { standing, base: base.to_owned(), newest: Vec::new(), url: None }
}

/// The first digits of a hash.
pub(super) fn short(sha: &str) -> String {
    sha.chars().take(7).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    #[rstest]
    #[case("ahead", 3, 0, Standing::Ahead { commits: 3 })]
    #[case("behind", 0, 2, Standing::Behind { commits: 2 })]
    #[case("diverged", 3, 2, Standing::Diverged { commits: 3, lacks: 2 })]
    #[case("identical", 0, 0, Standing::Same)]
    #[case("sideways", 3, 2, Standing::Unknown)]
    fn each_status_is_a_standing(
        #[case] status: &str,
        #[case] ahead: u64,
        #[case] behind: u64,
        #[case] expected: Standing,
    ) {
        let compared = json!({"status": status, "total_commits": ahead, "behind_by": behind});
        let compared = serde_json::from_value(compared).unwrap();
        assert_eq!(read("abc", compared).standing, expected);
    }

    #[test]
    fn the_newest_commits_are_kept_in_short() {
        let commit = |n: u32, message: &str| {
            json!({"sha": format!("{n}123456789"), "commit": {"message": message, "author": {"name": "Ada"}},
                   "author": {"login": "ada"}})
        };
        let long = format!("{}\nbody", "é".repeat(10_000));
        let mut commits: Vec<_> = (0..7).map(|n| commit(n, "Title\n\nBody")).collect();
        commits.push(commit(9, &long));
        let compared = json!({"status": "ahead", "total_commits": 8, "commits": commits, "html_url": "x".repeat(301)});
        let changes = read("abc", serde_json::from_value(compared).unwrap());
        let found: Vec<_> = changes
            .newest
            .iter()
            .map(|one| (one.sha.as_str(), one.title.chars().count()))
            .collect();
        let expected =
            [("9123456", 100), ("6123456", 5), ("5123456", 5), ("4123456", 5), ("3123456", 5)];
        assert_eq!((found, changes.url), (expected.to_vec(), None));
        assert_eq!(changes.newest[0].author.as_deref(), Some("ada"));
    }
}
