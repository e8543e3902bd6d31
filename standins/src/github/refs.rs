//! Branches and tags.
//!
//! <https://docs.github.com/rest/branches/branches> · <https://docs.github.com/rest/git/refs>

use super::{
    view::View,
    wire::{Found, branch_sha, digest, not_found},
};
use crate::server::Answer;
use serde_json::{Value, json};

impl View<'_> {
    pub(super) fn branches(&self, repo: &str) -> Found {
        let branches = self.state.scenario.branches();
        let write = |name: &&str| {
            json!({
                "name": name,
                "commit": self.commit(repo, &branch_sha(name)),
                "protected": *name == "main",
            })
        };
        Ok(self.array(branches, write))
    }

    pub(super) fn tags(&self, repo: &str) -> Found {
        // GitHub lists tags newest name first.
        let tags = self.state.scenario.tag_names().into_iter().rev().collect();
        let url = format!("{}/repos/{repo}", self.api);
        let write = |name: &&str| {
            json!({
                "name": name,
                "commit": self.commit(repo, &branch_sha(name)),
                "zipball_url": format!("{url}/zipball/refs/tags/{name}"),
                "tarball_url": format!("{url}/tarball/refs/tags/{name}"),
                "node_id": format!("REF_{}", digest(name)),
            })
        };
        Ok(self.array(tags, write))
    }

    fn commit(&self, repo: &str, sha: &str) -> Value {
        json!({"sha": sha, "url": format!("{}/repos/{repo}/commits/{sha}", self.api)})
    }

    /// All refs whose names begin so; `heads` and `tags` are the first part of the prefix.
    pub(super) fn matching_refs(&self, repo: &str, prefix: &[&str]) -> Found {
        let prefix = prefix.join("/");
        let scenario = &self.state.scenario;
        let heads = scenario.branches().into_iter().map(|name| format!("heads/{name}"));
        let tags = scenario.tag_names().into_iter().map(|name| format!("tags/{name}"));
        let matching = heads.chain(tags).filter(|name| name.starts_with(&prefix));
        let url = format!("{}/repos/{repo}/git", self.api);
        let write = |name: String| {
            let bare = name.split_once('/').map_or(name.as_str(), |(_, bare)| bare);
            let sha = branch_sha(bare);
            json!({
                "ref": format!("refs/{name}"),
                "node_id": format!("REF_{}", digest(&name)),
                "url": format!("{url}/refs/{name}"),
                "object": {"type": "commit", "sha": sha, "url": format!("{url}/commits/{sha}")},
            })
        };
        Ok(self.json(&matching.map(write).collect()))
    }

    /// A workflow's file; other files there are none.
    pub(super) fn contents(&self, repo: &str, path: &[&str]) -> Found {
        use base64::{Engine, engine::general_purpose::STANDARD};
        let git_ref = self.request.query("ref").unwrap_or("main");
        if !self.state.scenario.has_ref(git_ref) {
            return Err((404, format!("No commit found for the ref {git_ref}")));
        }
        let path = path.join("/");
        let all = &self.state.scenario.workflows;
        let workflow = all.iter().find(|workflow| workflow.path() == path).ok_or_else(not_found)?;
        let text = workflow.yaml(self.state.scenario.title);
        let accept = self.request.header("accept").unwrap_or_default();
        if [
            "application/vnd.github.raw+json",
            "application/vnd.github.raw",
            "application/vnd.github.v3.raw",
        ]
        .iter()
        .any(|raw| accept.contains(raw))
        {
            let mut answer = Answer::empty(200)
                .header("content-type", "application/vnd.github.raw+json; charset=utf-8");
            answer.body = text.into();
            return Ok(answer);
        }
        let sha = digest(&text);
        let encoded = STANDARD.encode(&text);
        // Lines of 60 characters, each ended, as GitHub breaks them.
        let lines = encoded.as_bytes().chunks(60);
        let content: String =
            lines.map(|line| format!("{}\n", String::from_utf8_lossy(line))).collect();
        let url = format!("{}/repos/{repo}/contents/{path}?ref={git_ref}", self.api);
        let git_url = format!("{}/repos/{repo}/git/blobs/{sha}", self.api);
        let page = format!("{}/{repo}/blob/{git_ref}/{path}", self.state.scenario.html_base);
        Ok(self.json(&json!({
            "type": "file",
            "encoding": "base64",
            "size": text.len(),
            "name": workflow.file,
            "path": path,
            "content": content,
            "sha": sha,
            "url": url,
            "git_url": git_url,
            "html_url": page,
            "download_url": format!("https://raw.githubusercontent.com/{repo}/{git_ref}/{path}"),
            "_links": {"self": url, "git": git_url, "html": page},
        })))
    }
}
