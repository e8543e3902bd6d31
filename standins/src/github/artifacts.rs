//! The artifacts of completed runs, and the short-lived links to their archives.
//!
//! <https://docs.github.com/rest/actions/artifacts>

use super::{
    artifact::Artifact,
    run::{Phase, Run},
    scenario::Ranges,
    state::Link,
    view::View,
    wire::{Found, digest, not_found, stamp},
};
use crate::server::{Answer, Received};
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

/// How long a link to an archive lives.
const LINK_LIVES: TimeDelta = TimeDelta::minutes(1);
/// How long an artifact is kept.
const KEPT: TimeDelta = TimeDelta::days(90);
const ZIP: &str = "application/zip";
/// Where archives are downloaded from: another service, with rules of its own.
const STORE: &str = "_blob";

/// Whether a request is for the store of archives and logs rather than the API.
pub(super) fn is_download(request: &Received) -> bool {
    request.segments().first() == Some(&STORE)
}

/// The blob store's answer. It checks the link only, and refuses GitHub's credentials.
pub(super) fn download(
    links: &[Link],
    ranges: Ranges,
    now: DateTime<Utc>,
    request: &Received,
) -> Answer {
    let refuse = |status: u16, code: &str, why: &str| {
        let mut answer = Answer::empty(status).header("content-type", "application/xml");
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>{code}</Code><Message>{why}</Message></Error>"
        );
        answer.body = body.into();
        answer
    };
    if request.method != "GET" {
        return refuse(405, "UnsupportedHttpVerb", "The resource doesn't support this verb.");
    }
    if request.header("authorization").is_some() {
        let why = "Authentication information is not given in the correct format.";
        return refuse(400, "InvalidAuthenticationInfo", why);
    }
    let key = request.segments().get(1).copied().unwrap_or_default().to_owned();
    match links.iter().find(|link| link.key == key) {
        Some(link) if now < link.ends => {
            let mut answer = Answer::empty(200).header("content-type", link.content_type);
            if link.content_type == ZIP {
                let named = "attachment; filename=\"artifact.zip\"";
                answer = answer.header("content-disposition", named);
            }
            let range = request.header("range").and_then(|range| range.strip_prefix("bytes="));
            let whole = link.content.len();
            let from =
                range.filter(|_| ranges != Ranges::Ignored).map(|range| from(range, ranges, whole));
            match from {
                Some(None) if ranges == Ranges::Refused => {
                    return refuse(416, "InvalidRange", "The range specified is invalid.");
                }
                Some(Some(from)) => {
                    answer.status = 206;
                    let last = whole.saturating_sub(1);
                    let range = format!("bytes {from}-{last}/{whole}");
                    answer = answer.header("content-range", range);
                    answer.body = link.content.slice(from..);
                }
                _ => answer.body = link.content.clone(),
            }
            answer
        }
        Some(_) => refuse(403, "AuthenticationFailed", "Signed expiry time must be after now."),
        None => refuse(404, "BlobNotFound", "The specified blob does not exist."),
    }
}

/// Where a range begins, if it is one that is known. Only ranges up to the end are.
fn from(range: &str, ranges: Ranges, whole: usize) -> Option<usize> {
    let (from, to) = range.split_once('-')?;
    match (from, ranges) {
        (_, Ranges::Ignored | Ranges::Refused) => None,
        ("", Ranges::FromEnd) => Some(whole.saturating_sub(to.parse().ok()?)),
        ("", Ranges::FromStart) => None,
        (from, _) => from.parse().ok().filter(|from| *from < whole && to.is_empty()),
    }
}

impl View<'_> {
    /// The artifacts that a run left, each with its id.
    fn left_by(&self, run: &Run, phase: &Phase) -> Vec<(u64, Artifact)> {
        let none =
            phase.status != "completed" || phase.conclusion.as_deref() == Some("startup_failure");
        let workflow = self.state.scenario.workflow(&run.workflow).filter(|_| !none);
        let all = workflow.map_or(&[][..], |workflow| &workflow.artifacts);
        // A run's id ends in three digits of its own; see `State::add`.
        let first = run.id * 100;
        all.iter().enumerate().map(|(index, one)| (first + index as u64, one.clone())).collect()
    }

    /// A run's list of artifacts.
    pub(super) fn artifacts(&self, repo: &str, id: &str) -> Found {
        let (run, phase) = self.run(repo, id)?;
        let lag = self.state.scenario.artifacts_lag;
        let mut all = match run.phase(self.now - lag) {
            Some(seen) if seen == phase => self.left_by(&run, &phase),
            _ => Vec::new(),
        };
        if let Some(name) = self.request.query("name") {
            all.retain(|(_, artifact)| artifact.name == name);
        }
        let write = |(id, one): &(u64, Artifact)| self.artifact(repo, &run, &phase, *id, one);
        Ok(self.list("artifacts", all, usize::MAX, write))
    }

    /// One artifact, or its archive.
    pub(super) fn one_artifact(&mut self, repo: &str, id: &str, rest: &[&str]) -> Found {
        let run_id = id.parse::<u64>().map_err(|_| not_found())? / 100;
        let (run, phase) = self.run(repo, &run_id.to_string())?;
        let all = self.left_by(&run, &phase).into_iter();
        let found = all.into_iter().find(|(known, _)| known.to_string() == id);
        let (id, artifact) = found.ok_or_else(not_found)?;
        match rest {
            [] => Ok(self.json(&self.artifact(repo, &run, &phase, id, &artifact))),
            ["zip"] if artifact.expired => Err((410, "Artifact has expired".to_owned())),
            ["zip"] => Ok(self.link(ZIP, artifact.zip)),
            _ => Err(not_found()),
        }
    }

    /// The way to a download: a link that lives for a minute and needs no credentials.
    pub(super) fn link(&mut self, content_type: &'static str, content: Bytes) -> Answer {
        let key = uuid::Uuid::new_v4().simple().to_string();
        let base = self.state.scenario.storage.as_deref().unwrap_or(self.api);
        let location = format!("{base}/{STORE}/{key}?se=60&sig=standin");
        let ends = self.now + LINK_LIVES;
        self.state.links.push(Link { key, content, content_type, ends });
        Answer::empty(302).header("location", location)
    }

    fn artifact(
        &self,
        repo: &str,
        run: &Run,
        phase: &Phase,
        id: u64,
        artifact: &Artifact,
    ) -> Value {
        let site = self.site(repo);
        let made = run.started + phase.since + self.state.scenario.clock_skew;
        let url = format!("{}/repos/{repo}/actions/artifacts/{id}", self.api);
        let repository_id = site.repository_id();
        // Not the real SHA-256: nobody here checks it, and it would need one more library.
        let digest = format!("sha256:{}{}", digest(&artifact.name), &digest(&url)[..24]);
        json!({
            "id": id,
            "node_id": format!("MDg6QXJ0aWZhY3Q{id}"),
            "name": artifact.name,
            "size_in_bytes": artifact.zip.len(),
            "url": url,
            "archive_download_url": format!("{url}/zip"),
            "expired": artifact.expired,
            "created_at": stamp(made),
            "updated_at": stamp(made),
            "expires_at": stamp(if artifact.expired { made } else { made + KEPT }),
            "digest": digest,
            "workflow_run": {
                "id": run.id,
                "repository_id": repository_id,
                "head_repository_id": repository_id,
                "head_branch": run.branch,
                "head_sha": run.sha,
            },
        })
    }
}
