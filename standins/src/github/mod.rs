//! A stand-in for GitHub Actions.
//!
//! It takes workflow dispatches, moves the runs by a [`Timetable`] and answers as
//! <https://docs.github.com/rest/actions> says, with ETags, rate limits and pages. A [`Scenario`]
//! says how it behaves, a [`Fault`] what goes wrong.

mod answers;
mod app;
mod archive;
mod artifact;
mod artifacts;
mod auth;
mod dispatch;
mod fault;
mod history;
mod jobs;
mod listing;
mod permission;
mod presets;
mod refs;
mod routes;
mod run;
mod runs;
mod scenario;
mod secrets;
#[cfg(test)]
mod tests;
mod variables;
mod workflow;

pub use artifact::Artifact;
pub use fault::{Fault, On, What};
pub use permission::Permission;
pub use run::{NewRun, Phase, Run, Timetable};
pub use scenario::{Scenario, Title};
pub use workflow::{Input, Workflow};

use crate::{
    Clock, Gauge, Request,
    request::Recorder,
    server::{Answer, Outcome, Received, serve},
};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use serde_json::Value;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, OnceLock},
};

/// A dispatch that was accepted.
#[derive(Clone, Debug, Serialize)]
pub struct Dispatch {
    /// `owner/name`.
    pub repo: String,
    /// The workflow's file.
    pub workflow: String,
    /// The branch or tag.
    pub git_ref: String,
    /// The inputs as given.
    pub inputs: Value,
    /// When, by our clock.
    #[serde(serialize_with = "crate::clock::serialize")]
    pub at: DateTime<Utc>,
    /// The run it started.
    pub run_id: u64,
}

/// A running stand-in; cheap to clone.
#[derive(Clone)]
pub struct Github {
    shared: Arc<Shared>,
}

struct Shared {
    clock: Clock,
    gauge: Gauge,
    recorder: Recorder,
    api: OnceLock<String>,
    state: Mutex<State>,
}

/// What a stand-in remembers.
struct State {
    scenario: Scenario,
    runs: Vec<Run>,
    /// How many runs each workflow has.
    counts: HashMap<String, u64>,
    variables: Vec<variables::Variable>,
    secrets: secrets::Secrets,
    issued: Vec<app::Issued>,
    links: Vec<artifacts::Link>,
    dispatches: Vec<Dispatch>,
    requests: Vec<Request>,
    used: u64,
    /// When the rate limit's hour is over.
    window_ends: Option<DateTime<Utc>>,
}

impl State {
    fn new(scenario: Scenario) -> Self {
        Self {
            scenario,
            runs: Vec::new(),
            counts: HashMap::new(),
            variables: Vec::new(),
            secrets: secrets::Secrets::new(),
            issued: Vec::new(),
            links: Vec::new(),
            dispatches: Vec::new(),
            requests: Vec::new(),
            used: 0,
            window_ends: None,
        }
    }

    fn window(&mut self, now: DateTime<Utc>) -> DateTime<Utc> {
        match self.window_ends {
            Some(end) if now < end => end,
            _ => {
                self.used = 0;
                *self.window_ends.insert(now + TimeDelta::hours(1))
            }
        }
    }

    /// Adds a run, numbering it.
    fn add(&mut self, mut run: Run) -> u64 {
        let count = self.counts.entry(run.workflow.clone()).or_default();
        run.run_number = 41 + *count;
        *count += 1;
        run.id = 15_000_000_000 + 1_013 * (1 + self.runs.len() as u64);
        let id = run.id;
        self.runs.push(run);
        id
    }
}

impl Github {
    /// Starts on a port of 127.0.0.1 that is free.
    pub async fn start(clock: Clock, gauge: Gauge, scenario: Scenario) -> Self {
        Self::start_on(0, clock, gauge, scenario).await
    }

    /// Starts on this port of 127.0.0.1.
    pub async fn start_on(port: u16, clock: Clock, gauge: Gauge, scenario: Scenario) -> Self {
        let shared = Arc::new(Shared {
            clock,
            gauge,
            recorder: Recorder::from_env(),
            api: OnceLock::new(),
            state: Mutex::new(State::new(scenario)),
        });
        let serving = Arc::clone(&shared);
        let address = serve(port, move |received| {
            let shared = Arc::clone(&serving);
            async move { shared.handle(received).await }
        })
        .await;
        shared.api.get_or_init(|| format!("http://{address}"));
        let github = Self { shared };
        github.update(|_| {});
        github
    }

    /// The API's base URL, `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        self.shared.api().to_owned()
    }

    /// Changes the scenario, faults included, while running.
    pub fn update(&self, change: impl FnOnce(&mut Scenario)) {
        let history = {
            let scenario = &mut self.shared.state().scenario;
            change(scenario);
            std::mem::take(&mut scenario.history)
        };
        self.add_runs(history);
    }

    /// Adds a fault behind those there are.
    pub fn fault(&self, fault: Fault) {
        self.shared.state().scenario.faults.push(fault);
    }

    /// Every request received, oldest first.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.state().requests.clone()
    }

    /// Every dispatch accepted, oldest first.
    pub fn dispatches(&self) -> Vec<Dispatch> {
        self.shared.state().dispatches.clone()
    }

    /// Every run, oldest first, also those that cannot be seen yet.
    pub fn runs(&self) -> Vec<Run> {
        self.shared.state().runs.clone()
    }
}

impl Shared {
    fn api(&self) -> &str {
        self.api.get().map_or("", String::as_str)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    async fn handle(&self, received: Received) -> Outcome {
        let (outcome, what) = self.take(&received);
        if let Some(What::Delay(delay)) = what {
            let _stall = self.gauge.stall();
            tokio::time::sleep(delay).await;
        }
        outcome
    }

    /// Processes a request, or lets a fault befall it, and remembers both.
    fn take(&self, received: &Received) -> (Outcome, Option<What>) {
        let now = self.clock.now();
        let mut state = self.state();
        let window_ends = state.window(now);
        let caller = auth::caller(&state, now, received);
        let downloads = artifacts::is_download(received);
        let mut request = Request::new(now, received);
        request.authorized = caller.is_ok();
        let what = fault::take(&mut state.scenario.faults, routes::kind(received));
        let github_now = now + state.scenario.clock_skew;
        let limit = state.scenario.rate_limit;
        let spoilt = what.as_ref().and_then(|what| fault::answer(what, github_now, limit));
        let reset = matches!(what, Some(What::Reset));
        let processed = spoilt.is_none() && !reset;
        let answer = match spoilt {
            Some(answer) => permission::explain(answer, received),
            None if reset => Answer::empty(0),
            None if downloads => artifacts::download(&state.links, now, received),
            None => routes::answer(&mut state, self.api(), now, window_ends, caller, received),
        };
        let free = downloads || reset || received.path == "/rate_limit";
        request.counted = answer.status != 304 && !free;
        if request.counted {
            state.used += 1;
        }
        // The store of archives is none of the API's operations.
        if processed && !downloads {
            self.recorder.request("github", &request, answer.status);
        }
        let github_reset = (window_ends + state.scenario.clock_skew).timestamp();
        let usual = if downloads {
            vec![("server".to_owned(), "Windows-Azure-Blob/1.0".to_owned())]
        } else {
            usual_headers(github_now, limit, state.used, github_reset)
        };
        let finish = |mut answer: Answer| {
            answer.headers.splice(..0, usual);
            answer
        };
        let outcome = match what {
            Some(What::Reset | What::AnswerLost { status: None }) => Outcome::Drop,
            Some(What::AnswerLost { status: Some(status) }) => {
                let body = answers::error_body(status, "Server Error");
                Outcome::Answer(finish(Answer::json(status, &body)))
            }
            Some(What::Truncated) => Outcome::Truncated(finish(answer)),
            _ => Outcome::Answer(finish(answer)),
        };
        request.status = match &outcome {
            Outcome::Answer(answer) | Outcome::Truncated(answer) | Outcome::Endless(answer) => {
                answer.status
            }
            Outcome::Drop => 0,
        };
        state.requests.push(request);
        (outcome, what)
    }
}

fn usual_headers(now: DateTime<Utc>, limit: u64, used: u64, reset: i64) -> Vec<(String, String)> {
    let date = now.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    [
        ("date", date),
        ("server", "github.com".into()),
        ("x-github-media-type", "github.v3; format=json".into()),
        ("x-ratelimit-limit", limit.to_string()),
        ("x-ratelimit-remaining", limit.saturating_sub(used).to_string()),
        ("x-ratelimit-used", used.to_string()),
        ("x-ratelimit-reset", reset.to_string()),
        ("x-ratelimit-resource", "core".into()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}
