//! Which request gets which answer.

use super::{
    On, Run, Scenario, State, Timetable, Title, What,
    answers::{self, COMMIT_MESSAGE, Site, error_body},
    dispatch, fault,
    listing::{Filter, Page},
    run::Phase,
    scenario::Workflow,
};
use crate::server::{Answer, Received};
use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

/// Which faults can befall a request.
pub(super) fn kind(request: &Received) -> On {
    match (request.method.as_str(), request.segments().as_slice()) {
        ("POST", ["repos", _, _, "actions", "workflows", _, "dispatches"]) => On::Dispatch,
        ("GET", ["repos", _, _, "actions", "workflows", _, "runs"]) => On::RunList,
        ("GET", ["repos", _, _, "actions", "runs"]) => On::RunList,
        ("GET", ["repos", _, _, "actions", "runs", _]) => On::RunGet,
        ("GET", ["repos", _, _, "actions", "runs", _, "jobs"]) => On::Jobs,
        ("GET", ["user"]) => On::User,
        _ => On::Other,
    }
}

/// Whether the request carries the right token.
pub(super) fn authorized(scenario: &Scenario, request: &Received) -> bool {
    let token = request
        .header("authorization")
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    token.is_some_and(|(_, token)| token == scenario.token)
}

/// Answers a request that no fault befell.
pub(super) fn answer(
    state: &mut State,
    api: &str,
    now: DateTime<Utc>,
    window_ends: DateTime<Utc>,
    request: &Received,
) -> Answer {
    let refuse = |status: u16, message: &str| Answer::json(status, &error_body(status, message));
    if request.header("user-agent").is_none_or(str::is_empty) {
        let message = "Request forbidden by administrative rules. Please make sure your request has a User-Agent header (https://docs.github.com/en/rest/overview/resources-in-the-rest-api#user-agent-required). Check https://developer.github.com for other possible causes.";
        return refuse(403, message);
    }
    if !authorized(&state.scenario, request) {
        return refuse(401, "Bad credentials");
    }
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
    let view = View { state, api, now, window_ends, request };
    match view.route() {
        Ok(answer) if request.method == "GET" && answer.status == 200 => with_etag(request, answer),
        Ok(answer) => answer,
        Err((status, message)) => refuse(status, &message),
    }
}

/// Tags an answer, or says that it is the one the client has.
fn with_etag(request: &Received, answer: Answer) -> Answer {
    if request.path == "/rate_limit" {
        return answer;
    }
    let digest = answers::digest(&String::from_utf8_lossy(&answer.body));
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

type Found = Result<Answer, dispatch::Refusal>;

fn not_found() -> dispatch::Refusal {
    (404, "Not Found".to_owned())
}

/// One request, and what it is answered from.
struct View<'a> {
    state: &'a mut State,
    api: &'a str,
    now: DateTime<Utc>,
    window_ends: DateTime<Utc>,
    request: &'a Received,
}

impl View<'_> {
    fn route(mut self) -> Found {
        let segments = self.request.segments();
        let (method, path) = (self.request.method.as_str(), segments.as_slice());
        match (method, path) {
            ("GET", ["user"]) => return Ok(self.user()),
            ("GET", ["rate_limit"]) => return Ok(self.rate_limit()),
            _ => {}
        }
        let ["repos", owner, name, rest @ ..] = path else {
            return Err(not_found());
        };
        let repo = format!("{owner}/{name}");
        let only = self.state.scenario.repo.as_ref();
        if only.is_some_and(|only| !only.eq_ignore_ascii_case(&repo)) {
            return Err(not_found());
        }
        match (method, rest) {
            ("GET", []) => Ok(self.json(&self.site(&repo).full_repository(self.now))),
            ("GET", ["actions", "workflows"]) => Ok(self.workflows(&repo)),
            ("GET", ["actions", "workflows", file]) => {
                let workflow = self.workflow(file)?;
                Ok(self.json(&self.site(&repo).workflow(&workflow)))
            }
            ("POST", ["actions", "workflows", file, "dispatches"]) => {
                let workflow = self.workflow(file)?;
                self.dispatch(&repo, &workflow)
            }
            ("GET", ["actions", "workflows", file, "runs"]) => {
                let workflow = self.workflow(file)?;
                self.runs(&repo, Some(&workflow.file))
            }
            ("GET", ["actions", "runs"]) => self.runs(&repo, None),
            ("GET", ["actions", "runs", id]) => {
                let (run, phase) = self.run(&repo, id)?;
                Ok(self.json(&self.site(&repo).run(&run, &phase)))
            }
            ("GET", ["actions", "runs", id, "jobs"]) => {
                let (run, _) = self.run(&repo, id)?;
                Ok(self.jobs(&repo, &run))
            }
            _ => Err(not_found()),
        }
    }

    fn site<'s>(&'s self, repo: &'s str) -> Site<'s> {
        Site { scenario: &self.state.scenario, api: self.api, repo }
    }

    fn json(&self, body: &Value) -> Answer {
        Answer::json(200, body)
    }

    fn workflow(&self, file: &str) -> Result<Workflow, dispatch::Refusal> {
        let found = self.state.scenario.workflow(file).cloned();
        found.ok_or_else(not_found)
    }

    fn run(&self, repo: &str, id: &str) -> Result<(Run, Phase), dispatch::Refusal> {
        let mut runs = self.state.runs.iter();
        let run = runs.find(|run| run.id.to_string() == id && is_of(run, repo));
        run.and_then(|run| Some((run.clone(), run.phase(self.now)?))).ok_or_else(not_found)
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
        let body = answers::rate_limit(limit, self.state.used, reset.timestamp());
        self.json(&body)
    }

    /// A page of a list under its name, with `total_count`; only the page's items are written.
    fn list<T>(
        &self,
        name: &str,
        mut items: Vec<T>,
        reachable: usize,
        write: impl Fn(&T) -> Value,
    ) -> Answer {
        let page = Page::read(self.request);
        let total = items.len();
        items.truncate(reachable);
        let link = page.link(self.request, self.api, items.len());
        let written: Vec<Value> = page.of(items).iter().map(write).collect();
        let mut body = Map::new();
        body.insert("total_count".into(), json!(total));
        body.insert(name.into(), Value::Array(written));
        let answer = self.json(&Value::Object(body));
        match link {
            Some(link) => answer.header("link", link),
            None => answer,
        }
    }

    fn workflows(&self, repo: &str) -> Answer {
        let site = self.site(repo);
        let all = self.state.scenario.workflows.iter().collect();
        self.list("workflows", all, usize::MAX, |known| site.workflow(known))
    }

    fn runs(&self, repo: &str, workflow: Option<&str>) -> Found {
        let filter = Filter::read(self.request).map_err(|why| (422, why))?;
        let skew = self.state.scenario.clock_skew;
        let mut found: Vec<(&Run, Phase)> = self
            .state
            .runs
            .iter()
            .filter(|run| is_of(run, repo) && workflow.is_none_or(|file| run.workflow == file))
            .filter_map(|run| Some((run, run.phase(self.now)?)))
            .filter(|(run, phase)| {
                // As GitHub shows it: whole seconds of its own clock.
                let seconds = (run.created + skew).timestamp();
                let created = DateTime::from_timestamp(seconds, 0).unwrap_or_default();
                filter.takes(run, phase, created)
            })
            .collect();
        found.sort_by_key(|(run, _)| std::cmp::Reverse((run.created, run.id)));
        let site = self.site(repo);
        let reachable = filter.reachable(found.len());
        let write = |(run, phase): &(&Run, Phase)| site.run(run, phase);
        Ok(self.list("workflow_runs", found, reachable, write))
    }

    fn jobs(&self, repo: &str, run: &Run) -> Answer {
        let seen = self.now - self.state.scenario.jobs_lag;
        let jobs = match run.phase(seen) {
            Some(phase) => self.site(repo).jobs(run, &phase, seen),
            None => Vec::new(),
        };
        self.list("jobs", jobs, usize::MAX, Value::clone)
    }

    fn dispatch(&mut self, repo: &str, workflow: &Workflow) -> Found {
        let version = self.request.header("x-github-api-version");
        let scenario = &self.state.scenario;
        let accepted = dispatch::check(scenario, workflow, version, &self.request.body)?;
        let timetable = scenario.timetable.clone();
        let twins = scenario.twins;
        let account = scenario.account.clone();
        let twin_actor = scenario.twin_actor.clone().unwrap_or(account.clone());

        let ours = self.new_run(repo, workflow, &accepted.git_ref, &accepted.inputs);
        let twin = Run {
            timetable: other_ending(&timetable),
            actor: twin_actor,
            foreign: true,
            ..ours.clone()
        };
        let run_id = self.state.add(Run { timetable, actor: account, ..ours });
        for _ in 0..twins {
            let mut inputs = accepted.inputs.clone();
            let other = uuid::Uuid::new_v4().to_string();
            inputs.insert("correlation_id".into(), json!(other));
            inputs.insert("requester".into(), json!("somebody-else"));
            let titled = self.new_run(repo, workflow, &accepted.git_ref, &inputs);
            self.state.add(Run {
                name: titled.name,
                display_title: titled.display_title,
                ..twin.clone()
            });
        }
        self.state.dispatches.push(super::Dispatch {
            repo: repo.to_owned(),
            workflow: workflow.file.clone(),
            git_ref: accepted.git_ref,
            inputs: Value::Object(accepted.inputs),
            at: self.now,
            run_id,
        });
        if !accepted.details {
            return Ok(Answer::empty(204));
        }
        let site = self.site(repo);
        Ok(self.json(&json!({
            "workflow_run_id": run_id,
            "run_url": site.run_url(run_id),
            "html_url": site.run_page(run_id),
        })))
    }

    fn new_run(
        &self,
        repo: &str,
        workflow: &Workflow,
        git_ref: &str,
        inputs: &Map<String, Value>,
    ) -> Run {
        let plain = workflow.name.clone();
        let title = workflow.title_of_run(inputs).unwrap_or(plain.clone());
        let (name, display_title) = match self.state.scenario.title {
            Title::DisplayTitle => (plain, title),
            Title::NameOnly => (title, COMMIT_MESSAGE.to_owned()),
            Title::Neither => (plain.clone(), plain),
        };
        Run {
            id: 0,
            run_number: 0,
            repo: Some(repo.to_owned()),
            workflow: workflow.file.clone(),
            name,
            display_title,
            branch: git_ref.to_owned(),
            event: "workflow_dispatch".to_owned(),
            actor: String::new(),
            created: self.now,
            timetable: Timetable::default(),
            foreign: false,
        }
    }
}

fn is_of(run: &Run, repo: &str) -> bool {
    let of = run.repo.as_deref();
    of.is_none_or(|of| of.eq_ignore_ascii_case(repo))
}

/// A timetable that ends in another way, so that a mix-up shows.
fn other_ending(ours: &Timetable) -> Timetable {
    let ends_well = ours.path.is_empty() && ours.conclusion == "success";
    Timetable {
        conclusion: if ends_well { "failure" } else { "success" }.to_owned(),
        path: Vec::new(),
        ..ours.clone()
    }
}
