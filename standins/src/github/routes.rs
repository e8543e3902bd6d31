//! The routes: which request gets which answer.

use super::{
    answers, artifacts,
    auth::Caller,
    dispatch,
    fault::{self, On, What},
    permission::{self, Need},
    redirect,
    state::State,
    view::View,
    wire::{Found, Refusal, digest_of, error_body, not_found},
    workflow::Workflow,
};
use crate::server::{Answer, Received};
use chrono::{DateTime, Utc};
use serde_json::json;

/// The kind of a request, which says which faults can hit it.
pub(super) fn kind(request: &Received) -> On {
    if artifacts::is_download(request) {
        return On::Download;
    }
    let segments = request.segments();
    let method = request.method.as_str();
    let rest = match segments.as_slice() {
        ["repos", _, _, "installation"] | ["app", ..] => return On::App,
        ["repos", _, _, rest @ ..] => rest,
        ["user"] if method == "GET" => return On::User,
        _ => return On::Other,
    };
    match (method, rest) {
        ("POST", ["actions", "workflows", _, "dispatches"]) => On::Dispatch,
        ("GET", ["actions", "workflows", _, "runs"] | ["actions", "runs"]) => On::RunList,
        ("GET", ["actions", "runs", _] | ["actions", "runs", _, "attempts", _]) => On::RunGet,
        ("GET", ["actions", "runs", _, "pending_deployments"]) => On::Pending,
        (
            "GET",
            ["actions", "runs", _, "concurrency_groups"] | ["actions", "concurrency_groups", ..],
        ) => On::Concurrency,
        ("GET", ["actions", "runs", .., "jobs"] | ["actions", "jobs", _]) => On::Jobs,
        ("GET", ["actions", "jobs", _, "logs"]) => On::Logs,
        ("GET", ["check-runs", _, "annotations"]) => On::Annotations,
        ("GET", ["actions", "runs", _, "approvals"]) => On::Reviews,
        ("GET", ["compare", _]) => On::Compare,
        ("POST", ["actions", "runs", _, "rerun" | "rerun-failed-jobs"]) => On::Rerun,
        ("POST", ["actions", "runs", _, "cancel" | "force-cancel"]) => On::Cancel,
        ("GET", ["actions", "runs", _, "artifacts"] | ["actions", "artifacts", ..]) => {
            On::Artifacts
        }
        ("GET", ["actions", "workflows", ..] | ["contents", ..]) => On::Workflows,
        ("GET", ["branches" | "tags"] | ["git", "matching-refs", ..]) => On::Refs,
        (_, ["actions", "variables", ..]) => On::Variables,
        (_, ["actions", "secrets", ..]) => On::Secrets,
        _ => On::Other,
    }
}

fn refuse(status: u16, message: &str) -> Answer {
    Answer::json(status, &error_body(status, message))
}

/// Answers a request that no fault hit.
pub(super) fn answer(
    state: &mut State,
    api: &str,
    now: DateTime<Utc>,
    window_ends: DateTime<Utc>,
    caller: Result<Caller, Refusal>,
    request: &Received,
) -> Answer {
    if request.header("user-agent").is_none_or(str::is_empty) {
        let message = "Request forbidden by administrative rules. Please make sure your request has a User-Agent header (https://docs.github.com/en/rest/overview/resources-in-the-rest-api#user-agent-required). Check https://developer.github.com for other possible causes.";
        return refuse(403, message);
    }
    let segments = request.segments();
    if let ("POST", ["app-manifests", code, "conversions"]) =
        (request.method.as_str(), segments.as_slice())
    {
        let mut view = View { state, api, now, window_ends, caller: Caller::App, request };
        return view.convert(code).unwrap_or_else(|(status, message)| refuse(status, &message));
    }
    let caller = match caller {
        Ok(caller) => caller,
        Err((status, message)) => return refuse(status, &message),
    };
    let version = request.header("x-github-api-version");
    if version.is_some_and(|version| !matches!(version, "2022-11-28" | dispatch::ALWAYS_DETAILS)) {
        return refuse(400, "The API version in X-GitHub-Api-Version is not supported.");
    }
    let limit = state.scenario.rate_limit;
    if state.used >= limit && request.path != "/rate_limit" {
        let reset_in = (window_ends - now).to_std().unwrap_or_default();
        let spent = What::RateLimited { reset_in };
        return fault::answer(&spent, now + state.scenario.clock_skew, limit)
            .expect("a rate limit is answered");
    }
    let need = permission::needed(request);
    let view = View { state, api, now, window_ends, caller, request };
    let answer = match view.route(need) {
        Ok(answer) if request.method == "GET" && answer.status == 200 => with_etag(request, answer),
        Ok(answer) => answer,
        Err((status, message)) => refuse(status, &message),
    };
    match need {
        Some(need) => answer.header(permission::HEADER, need.header()),
        None => answer,
    }
}

/// Tags an answer, or says that it is the one the client has.
fn with_etag(request: &Received, answer: Answer) -> Answer {
    if request.path == "/rate_limit" {
        return answer;
    }
    let digest = digest_of(&answer.body);
    let known = request.header("if-none-match").is_some_and(|tags| {
        // If-None-Match compares weakly.
        let same = |tag: &str| tag.trim().trim_start_matches("W/") == format!("\"{digest}\"");
        tags.trim() == "*" || tags.split(',').any(same)
    });
    let answer = if known { Answer::empty(304) } else { answer };
    answer
        .header("etag", format!("W/\"{digest}\""))
        .header("cache-control", "private, max-age=60, s-maxage=60")
}

impl View<'_> {
    fn route(mut self, need: Option<Need>) -> Found {
        let segments = self.request.segments();
        let (method, path) = (self.request.method.as_str(), segments.as_slice());
        let for_app = matches!(path, ["app", ..] | ["repos", _, _, "installation"]);
        match (for_app, self.caller) {
            (true, Caller::App) => return self.as_app(method, path),
            (true, _) => return Err((401, "A JSON web token could not be decoded".to_owned())),
            (false, Caller::App) => return Err((401, "Bad credentials".to_owned())),
            (false, _) => {}
        }
        match (method, path, self.caller) {
            ("GET", ["user"], Caller::Account) => return Ok(self.user()),
            ("GET", ["user", "repos"], Caller::Account) => {
                let all = self.state.scenario.repositories();
                return Ok(self.array(all, |repo| self.site(repo).full_repository(self.now)));
            }
            ("GET", ["installation", "repositories"], Caller::Installation(_)) => {
                let all = self.state.scenario.repositories();
                let write = |repo: &String| self.site(repo).full_repository(self.now);
                return Ok(self.list("repositories", all, usize::MAX, write));
            }
            ("GET", ["user"], caller) => return Err((403, caller.forbidden().to_owned())),
            ("GET", ["rate_limit"], _) => return Ok(self.rate_limit()),
            _ => {}
        }
        let ["repos", owner, name, rest @ ..] = path else {
            return Err(not_found());
        };
        let repo = format!("{owner}/{name}");
        if let Some(answer) = redirect::redirect(&self.state.scenario, self.api, self.request) {
            return Ok(answer);
        }
        let only = self.state.scenario.repo.as_ref();
        if only.is_some_and(|only| !only.eq_ignore_ascii_case(&repo)) {
            return Err(not_found());
        }
        if need.is_some_and(|need| !need.is_met(&self.caller.granted(self.state))) {
            return Err((403, self.caller.forbidden().to_owned()));
        }
        match (method, rest) {
            ("GET", []) => Ok(self.json(&self.site(&repo).full_repository(self.now))),
            ("GET", ["deployments"]) => self.deployments(&repo),
            ("GET", ["deployments", id, "statuses"]) => self.deployment_statuses(&repo, id),
            ("GET", ["branches"]) => self.branches(&repo),
            ("GET", ["tags"]) => self.tags(&repo),
            ("GET", ["git", "matching-refs", prefix @ ..]) => self.matching_refs(&repo, prefix),
            ("GET", ["contents", path @ ..]) => self.contents(&repo, path),
            ("GET", ["check-runs", id, "annotations"]) => self.annotations(&repo, id),
            ("GET", ["compare", both]) => self.compare(&repo, both),
            (method, ["hooks", rest @ ..]) => self.hooks(&repo, method, rest),
            (method, ["actions", rest @ ..]) => self.actions(&repo, method, rest),
            _ => Err(not_found()),
        }
    }

    fn actions(&mut self, repo: &str, method: &str, rest: &[&str]) -> Found {
        match (method, rest) {
            ("GET", ["workflows"]) => Ok(self.workflows(repo)),
            ("GET", ["workflows", file]) => {
                let workflow = self.workflow(file)?;
                Ok(self.json(&self.site(repo).workflow(&workflow)))
            }
            ("POST", ["workflows", file, "dispatches"]) => {
                let workflow = self.workflow(file)?;
                self.dispatch(repo, &workflow)
            }
            ("GET", ["workflows", file, "runs"]) => {
                let workflow = self.workflow(file)?;
                self.runs(repo, Some(&workflow.file))
            }
            ("GET", ["runs"]) => self.runs(repo, None),
            ("GET", ["runs", id]) => {
                let (run, phase) = self.run(repo, id)?;
                Ok(self.written(self.site(repo).run(&run, &phase)))
            }
            ("GET", ["runs", id, "jobs"]) => {
                let (run, _) = self.run(repo, id)?;
                let is_all = self.request.query("filter") == Some("all")
                    && self.state.scenario.lists_all_attempts;
                let latest = (!is_all).then_some(run.attempt);
                Ok(self.jobs(repo, &run, latest))
            }
            ("GET", ["runs", id, "attempts", attempt, "jobs"]) => {
                let (run, _) = self.run(repo, id)?;
                let attempt = attempt.parse().ok().filter(|attempt| *attempt <= run.attempt);
                Ok(self.jobs(repo, &run, Some(attempt.ok_or_else(not_found)?)))
            }
            ("GET", ["runs", id, "attempts", number]) => {
                let (run, phase) = self.attempt(repo, id, number)?;
                Ok(self.written(self.site(repo).run(&run, &phase)))
            }
            ("POST", ["runs", id, "rerun"]) => self.rerun(repo, id, false),
            ("POST", ["runs", id, "rerun-failed-jobs"]) => self.rerun(repo, id, true),
            ("POST", ["runs", id, "cancel"]) => self.cancel(repo, id, false),
            ("POST", ["runs", id, "force-cancel"]) => self.cancel(repo, id, true),
            ("GET", ["jobs", id]) => self.one_job(repo, id),
            ("GET", ["jobs", id, "logs"]) => self.job_log(repo, id),
            ("GET", ["runs", id, "pending_deployments"]) => self.pending_deployments(repo, id),
            ("GET", ["runs", id, "approvals"]) => self.approvals(repo, id),
            ("GET", ["runs", id, "concurrency_groups"]) => self.groups_of_run(repo, id),
            // The name may hold slashes.
            ("GET", ["concurrency_groups", name @ ..]) => self.group(repo, &name.join("/")),
            ("GET", ["runs", id, "artifacts"]) => self.artifacts(repo, id),
            ("GET", ["artifacts", id, rest @ ..]) => self.one_artifact(repo, id, rest),
            (method, ["variables", rest @ ..]) => self.variables(method, rest),
            (method, ["secrets", rest @ ..]) => self.secrets(method, rest),
            _ => Err(not_found()),
        }
    }

    fn workflow(&self, file: &str) -> Result<Workflow, Refusal> {
        let found = self.state.scenario.workflow(file).cloned();
        found.ok_or_else(not_found)
    }

    fn workflows(&self, repo: &str) -> Answer {
        let site = self.site(repo);
        let scenario = &self.state.scenario;
        let has_some = !scenario.without_workflows.iter().any(|known| known == repo);
        let all = scenario.workflows.iter().filter(|_| has_some).collect();
        self.list("workflows", all, usize::MAX, |known| site.workflow(known))
    }
    fn user(&self) -> Answer {
        let account = &self.state.scenario.account;
        let mut user = self.site("").user(account, "User");
        user["name"] = json!(account);
        user["created_at"] = json!("2024-01-01T00:00:00Z");
        user["updated_at"] = json!("2024-01-01T00:00:00Z");
        self.json(&user)
    }

    fn rate_limit(&self) -> Answer {
        let reset = self.window_ends + self.state.scenario.clock_skew;
        let limit = self.state.scenario.rate_limit;
        let mut body = answers::rate_limit(limit, self.state.used, reset.timestamp());
        if self.request.header("x-github-api-version") == Some(dispatch::ALWAYS_DETAILS)
            && let Some(body) = body.as_object_mut()
        {
            // Left out since that version.
            body.remove("rate");
        }
        self.json(&body)
    }
}
