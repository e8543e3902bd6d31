//! What lies between two of them.
//!
//! <https://docs.github.com/rest/commits/commits#compare-two-commits>

use super::{
    commit::Commit,
    listing::Page,
    view::View,
    wire::{Found, Refusal, not_found},
};
use serde_json::{Value, json};

impl View<'_> {
    /// How a commit stands to another one.
    pub(super) fn compare(&self, repo: &str, both: &str) -> Found {
        let (base, head) = both.split_once("...").ok_or_else(not_found)?;
        let (base_line, head_line) = (self.ancestry(base)?, self.ancestry(head)?);
        let common = base_line.iter().find(|one| head_line.contains(one));
        let none = || (404, format!("No common ancestor between {base} and {head}."));
        let common = *common.ok_or_else(none)?;
        let until = |line: &[&Commit]| -> Vec<Commit> {
            line.iter().take_while(|one| **one != common).map(|one| (*one).clone()).collect()
        };
        let (mut ahead, behind) = (until(&head_line), until(&base_line));
        ahead.reverse();
        let status = match (ahead.is_empty(), behind.is_empty()) {
            (true, true) => "identical",
            (true, false) => "behind",
            (false, true) => "ahead",
            (false, false) => "diverged",
        };
        let total = ahead.len();
        let site = self.site(repo);
        let written = |commit: &Commit| {
            let Commit { sha, message, author, .. } = commit;
            let person = json!({"name": author, "email": format!("{author}@example.com"), "date": "2026-11-22T09:00:00Z"});
            json!({
                "sha": sha,
                "url": format!("{}/repos/{repo}/commits/{sha}", self.api),
                "html_url": format!("https://github.com/{repo}/commit/{sha}"),
                "commit": {"message": message, "author": person, "committer": person, "comment_count": 0},
                "author": site.user(author, "User"),
                "committer": site.user(author, "User"),
                "parents": commit.parent.iter().map(|sha| json!({"sha": sha})).collect::<Vec<_>>(),
            })
        };
        let commits: Vec<Value> = Page::read(self.request).of(ahead).iter().map(written).collect();
        let page = &self.state.scenario.html_base;
        Ok(self.json(&json!({
            "url": format!("{}/repos/{repo}/compare/{both}", self.api),
            "html_url": format!("{page}/{repo}/compare/{both}"),
            "permalink_url": format!("{page}/{repo}/compare/{both}"),
            "diff_url": format!("{page}/{repo}/compare/{both}.diff"),
            "patch_url": format!("{page}/{repo}/compare/{both}.patch"),
            "base_commit": written(base_line[0]),
            "merge_base_commit": written(common),
            "status": status,
            "ahead_by": total,
            "behind_by": behind.len(),
            "total_commits": total,
            "commits": commits,
            "files": [],
        })))
    }

    /// A commit and all before it, the latest first.
    fn ancestry(&self, sha: &str) -> Result<Vec<&Commit>, Refusal> {
        let find = |sha: &str| self.state.scenario.commits.iter().find(|one| one.sha == sha);
        let first = find(sha).ok_or_else(not_found)?;
        let line = std::iter::successors(Some(first), |one| find(one.parent.as_deref()?));
        Ok(line.take(self.state.scenario.commits.len()).collect())
    }
}
