//! The JSON documents GitHub answers with, with every field its API description requires.

use super::{
    run::{Phase, Run},
    scenario::Scenario,
    wire::{digest, stamp},
    workflow::Workflow,
};
use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};
use std::{cell::OnceCell, time::Duration};

/// What a document's links and times are made from.
pub(crate) struct Site<'a> {
    pub scenario: &'a Scenario,
    /// The API's base URL.
    pub api: &'a str,
    /// `owner/name`.
    pub repo: &'a str,
    /// The end of every run in a page: the repository, twice. Written once, on first use.
    repositories: OnceCell<String>,
}

impl<'a> Site<'a> {
    pub fn new(scenario: &'a Scenario, api: &'a str, repo: &'a str) -> Self {
        Self { scenario, api, repo, repositories: OnceCell::new() }
    }
}

impl Site<'_> {
    /// An account.
    pub fn user(&self, login: &str, kind: &str) -> Value {
        let id = u64::from_str_radix(&digest(login)[..7], 16).expect("a hex digest");
        let url = format!("{}/users/{login}", self.api);
        let mut user = json!({
            "login": login,
            "id": id,
            "node_id": format!("U_{id}"),
            "avatar_url": format!("https://avatars.githubusercontent.com/u/{id}?v=4"),
            "gravatar_id": "",
            "url": url,
            "html_url": format!("{}/{login}", self.scenario.html_base),
            "following_url": format!("{url}/following{{/other_user}}"),
            "gists_url": format!("{url}/gists{{/gist_id}}"),
            "starred_url": format!("{url}/starred{{/owner}}{{/repo}}"),
            "organizations_url": format!("{url}/orgs"),
            "events_url": format!("{url}/events{{/privacy}}"),
            "type": kind,
            "site_admin": false,
        });
        for name in ["followers", "subscriptions", "repos", "received_events"] {
            user[format!("{name}_url")] = json!(format!("{url}/{name}"));
        }
        user
    }

    /// An account, which is a bot's if its name says so.
    pub fn account(&self, login: &str) -> Value {
        self.user(login, if login.ends_with("[bot]") { "Bot" } else { "User" })
    }

    /// The repository's id: made from its name.
    pub fn repository_id(&self) -> u64 {
        1 + u64::from_str_radix(&digest(self.repo)[..7], 16).expect("a hex digest")
    }

    /// A repository as it stands inside other documents.
    pub fn repository(&self) -> Value {
        let (owner, name) = self.repo.split_once('/').unwrap_or(("", self.repo));
        let url = format!("{}/repos/{}", self.api, self.repo);
        let id = self.repository_id();
        let mut repository = json!({
            "id": id,
            "node_id": format!("R_{id}"),
            "name": name,
            "full_name": self.repo,
            "private": true,
            "owner": self.user(owner, "Organization"),
            "html_url": format!("{}/{}", self.scenario.html_base, self.repo),
            "description": null,
            "fork": false,
            "url": url,
        });
        for (name, rest) in REPOSITORY_LINKS {
            repository[format!("{name}_url")] = json!(format!("{url}/{rest}"));
        }
        repository
    }

    /// A repository in full.
    pub fn full_repository(&self, now: DateTime<Utc>) -> Value {
        let mut repository = self.repository();
        let page = format!("{}/{}", self.scenario.html_base, self.repo);
        let more = json!({
            "clone_url": format!("{page}.git"),
            "git_url": format!("{}.git", page.replacen("https:", "git:", 1)),
            "ssh_url": format!("git@github.com:{}.git", self.repo),
            "svn_url": page,
            "mirror_url": null, "homepage": null, "language": "TypeScript", "license": null,
            "forks": 0, "forks_count": 0, "stargazers_count": 0, "watchers": 0,
            "watchers_count": 0, "open_issues": 0, "open_issues_count": 0, "size": 108,
            "network_count": 0, "subscribers_count": 1,
            "default_branch": "main",
            "has_issues": true, "has_projects": false, "has_wiki": false, "has_pages": false,
            "has_discussions": false, "has_downloads": true,
            "archived": false, "disabled": false, "visibility": "private", "topics": [],
            "permissions": {"admin": false, "push": true, "pull": true},
            "created_at": "2024-01-01T00:00:00Z",
            "updated_at": "2024-01-01T00:00:00Z",
            // Of the day, so that it does not change between two polls.
            "pushed_at": format!("{}T00:00:00Z", now.format("%Y-%m-%d")),
        });
        if let (Some(repository), Value::Object(more)) = (repository.as_object_mut(), more) {
            repository.extend(more);
        }
        repository
    }

    /// A workflow.
    pub fn workflow(&self, workflow: &Workflow) -> Value {
        let id = workflow.id();
        let page = format!("{}/{}", self.scenario.html_base, self.repo);
        json!({
            "id": id,
            "node_id": format!("W_{id}"),
            "name": workflow.name,
            "path": workflow.path(),
            "state": workflow.state,
            "created_at": "2024-01-01T00:00:00.000Z",
            "updated_at": "2024-01-01T00:00:00.000Z",
            "url": format!("{}/repos/{}/actions/workflows/{id}", self.api, self.repo),
            "html_url": format!("{page}/blob/main/.github/workflows/{}", workflow.file),
            "badge_url": format!("{page}/actions/workflows/{}/badge.svg", workflow.file),
        })
    }

    /// URL of a run's web page.
    pub fn run_page(&self, id: u64) -> String {
        let base = &self.scenario.html_base;
        format!("{base}/{}/actions/runs/{id}", self.repo)
    }

    /// URL of a run in the API.
    pub fn run_url(&self, id: u64) -> String {
        format!("{}/repos/{}/actions/runs/{id}", self.api, self.repo)
    }

    /// A time of a run, given from its attempt's start, by GitHub's clock.
    pub fn time(&self, run: &Run, since: Duration) -> String {
        stamp(run.started + since + self.scenario.clock_skew)
    }

    /// A run as JSON. Nearly all of it is the repository, so a page of 100 writes that once.
    pub fn run(&self, run: &Run, phase: &Phase) -> String {
        let repositories = self.repositories.get_or_init(|| {
            let repository = self.repository();
            format!(",\"repository\":{repository},\"head_repository\":{repository}}}")
        });
        let mut text = self.run_alone(run, phase).to_string();
        text.pop();
        text.push_str(repositories);
        text
    }

    /// A run without its repository.
    pub(super) fn run_alone(&self, run: &Run, phase: &Phase) -> Value {
        let url = self.run_url(run.id);
        let created = stamp(run.created + self.scenario.clock_skew);
        let ended = phase.status == "completed";
        let touched = if ended { run.timetable.touched } else { Duration::ZERO };
        let sha = &run.sha;
        let workflow_id = self.scenario.workflow(&run.workflow).map_or(1, Workflow::id);
        let suite = run.id + 17_000_000_000;
        let person = json!({"name": "Ada", "email": "ada@example.com"});
        let before = run.attempt - 1;
        let previous = (before > 0).then(|| format!("{url}/attempts/{before}"));
        json!({
            "id": run.id,
            "name": run.name,
            "node_id": format!("WFR_{}", run.id),
            "check_suite_id": suite,
            "check_suite_node_id": format!("CS_{suite}"),
            "head_branch": run.branch,
            "head_sha": sha,
            "path": format!(".github/workflows/{}", run.workflow),
            "run_number": run.run_number,
            "run_attempt": run.attempt,
            "event": run.event,
            "display_title": run.display_title,
            "status": phase.status,
            "conclusion": phase.conclusion,
            "workflow_id": workflow_id,
            "url": url,
            "html_url": self.run_page(run.id),
            "pull_requests": [],
            "created_at": created,
            "updated_at": self.time(run, phase.since + touched),
            "run_started_at": self.time(run, Duration::ZERO),
            "actor": self.account(&run.actor),
            "triggering_actor": self.account(&run.triggered_by),
            "jobs_url": format!("{url}/jobs"),
            "logs_url": format!("{url}/logs"),
            "check_suite_url": format!("{}/repos/{}/check-suites/{suite}", self.api, self.repo),
            "artifacts_url": format!("{url}/artifacts"),
            "cancel_url": format!("{url}/cancel"),
            "rerun_url": format!("{url}/rerun"),
            "previous_attempt_url": previous,
            "workflow_url": format!("{}/repos/{}/actions/workflows/{workflow_id}", self.api, self.repo),
            "head_commit": {
                "id": sha,
                "tree_id": digest(sha),
                "message": COMMIT_MESSAGE,
                "timestamp": stamp(run.committed + self.scenario.clock_skew),
                "author": person,
                "committer": person,
            },
        })
    }
}

/// The message of every commit here.
pub(crate) const COMMIT_MESSAGE: &str = "Make the header sticky";

/// The answer to `GET /rate_limit`.
pub(crate) fn rate_limit(limit: u64, used: u64, reset: i64) -> Value {
    let one = |limit: u64, used: u64, resource: &str| {
        json!({
            "limit": limit, "used": used, "remaining": limit.saturating_sub(used),
            "reset": reset, "resource": resource,
        })
    };
    let mut resources = Map::new();
    resources.insert("core".into(), one(limit, used, "core"));
    resources.insert("search".into(), one(30, 0, "search"));
    resources.insert("graphql".into(), one(5000, 0, "graphql"));
    json!({"resources": resources, "rate": one(limit, used, "core")})
}

const REPOSITORY_LINKS: &[(&str, &str)] = &[
    ("archive", "{archive_format}{/ref}"),
    ("assignees", "assignees{/user}"),
    ("blobs", "git/blobs{/sha}"),
    ("branches", "branches{/branch}"),
    ("collaborators", "collaborators{/collaborator}"),
    ("comments", "comments{/number}"),
    ("commits", "commits{/sha}"),
    ("compare", "compare/{base}...{head}"),
    ("contents", "contents/{+path}"),
    ("contributors", "contributors"),
    ("deployments", "deployments"),
    ("downloads", "downloads"),
    ("events", "events"),
    ("forks", "forks"),
    ("git_commits", "git/commits{/sha}"),
    ("git_refs", "git/refs{/sha}"),
    ("git_tags", "git/tags{/sha}"),
    ("hooks", "hooks"),
    ("issue_comment", "issues/comments{/number}"),
    ("issue_events", "issues/events{/number}"),
    ("issues", "issues{/number}"),
    ("keys", "keys{/key_id}"),
    ("labels", "labels{/name}"),
    ("languages", "languages"),
    ("merges", "merges"),
    ("milestones", "milestones{/number}"),
    ("notifications", "notifications{?since,all,participating}"),
    ("pulls", "pulls{/number}"),
    ("releases", "releases{/id}"),
    ("stargazers", "stargazers"),
    ("statuses", "statuses/{sha}"),
    ("subscribers", "subscribers"),
    ("subscription", "subscription"),
    ("tags", "tags"),
    ("teams", "teams"),
    ("trees", "git/trees{/sha}"),
];
